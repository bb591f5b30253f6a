import { arch, cpus, platform, release, totalmem } from 'node:os';
import { meetsAim, showNumber, showValue, type Figure } from './figures.ts';

export interface Conditions {
  readonly date: Date;
  /** The load average of one minute, before and after. */
  readonly loads: readonly [number, number];
  readonly bundles: string;
}

/** The table, and under which conditions it came about. */
export function renderReport(figures: readonly Figure[], conditions: Conditions): string {
  return [describe(conditions), '', ...renderTable(figures), ''].join('\n');
}

function renderTable(figures: readonly Figure[]): readonly string[] {
  return [
    '| what | figure | beside | ratio | aim | met |',
    '| --- | ---: | --- | ---: | --- | --- |',
    ...figures.map(
      (figure) =>
        `| ${[...cellsOf(figure)].map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`,
    ),
  ];
}

function* cellsOf(figure: Figure): Iterable<string> {
  const { what, value, unit, spread, beside } = figure;
  yield what;
  yield showValue(value, unit) + (spread === undefined ? '' : ` (${spread})`);
  yield beside === undefined ? '' : `${beside.what}: ${showValue(beside.value, unit)}`;
  yield beside === undefined ? '' : showValue(value / beside.value, 'times');
  yield aimText(figure);
  const met = meetsAim(figure);
  yield met === undefined ? '' : met ? 'yes' : '**no**';
}

function describe({ date, loads, bundles }: Conditions): string {
  const [cpu] = cpus();
  const [before, after] = loads.map((load) => load.toFixed(1));
  return `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC, ${cpus().length} cores (${cpu?.model.trim() ?? arch()}), ${Math.round(totalmem() / 2 ** 30)} GB, ${platform()} ${release().split('.').slice(0, 2).join('.')}, Node ${process.versions.node}; executables: ${bundles}; load average ${before} before and ${after} after.`;
}

const marks = /(<!-- bench: [^\n]* -->\n)([\s\S]*?)(\n?<!-- \/bench -->)/;

/** The document with the table between its marks replaced. @throws Error where it has no marks */
export function withReport(document: string, report: string): string {
  if (!marks.test(document)) throw new Error('The document has no marks for the table.');
  return document.replace(marks, (_, open: string, _old, close: string) => open + report + close);
}

function aimText({ value, unit, beside, aim }: Figure): string {
  switch (aim?.of) {
    case 'difference':
      return `less than ${showValue(aim.below, unit)} more (it is ${showNumber(value - (beside?.value ?? 0))})`;
    case 'ratio':
      return `below ${showNumber(aim.below)}×`;
    case undefined:
      return aim === undefined ? '' : `below ${showValue(aim.below, unit)}`;
  }
}
