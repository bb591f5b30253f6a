/** Writes `docs/FAULTS.md` from the table that the acceptance tests drive the bundles through. */
import { readFileSync, writeFileSync } from 'node:fs';
import { interruptRows } from '../__tests__/acceptance/matrix/interrupt-rows.ts';
import {
  cells,
  endingOf,
  groups,
  phases,
  type Ending,
  type Phase,
  type Row,
} from '../__tests__/acceptance/matrix/table.ts';
import { exitCodes } from '../src/core/verdict.ts';

const path = 'docs/FAULTS.md';
const marks = /(<!-- faults: [^\n]* -->\n)([\s\S]*?)(\n?<!-- \/faults -->)/;
/** The request step's own read stands in the column of the verify step's, which it follows. */
const columns = phases.filter((phase) => phase !== 'confirm');

/** The part of `docs/FAULTS.md` between its marks, as the table has it. */
export function renderFaults(): string {
  return [
    '',
    `${cells.length} cells, each driven through the built bundles.`,
    ...groups.flatMap(({ title, rows }) => ['', `### ${title}`, '', ...tableOf(rows)]),
    '',
    '### Interruptions',
    '',
    '| when | the service | exit | the request | the one use |',
    '| --- | --- | --- | --- | --- |',
    ...interruptRows.map(
      ({ when, service, withdrawn, use }) =>
        `| ${when} | ${service} | ${exitCodes.interrupted} | ${withdrawnWords[withdrawn]} | ${use} |`,
    ),
    '',
  ].join('\n');
}

const withdrawnWords = {
  'by the step': 'withdrawn by the step',
  'nothing to withdraw': '–',
  'unknown: it expires': 'perhaps made: it expires',
} as const;

function tableOf(rows: readonly Row[]): readonly string[] {
  // A column that says nothing in a whole group is left out.
  const used = columns.filter((phase) =>
    rows.some((row) => endingOf(row, phase) !== undefined || splits(row, phase)),
  );
  return [
    `| fault | ${used.join(' | ')} |`,
    `| --- |${' --- |'.repeat(used.length)}`,
    ...rows.map(
      (row) => `| ${cell(row.fault)} | ${used.map((phase) => words(row, phase)).join(' | ')} |`,
    ),
  ];
}

const splits = (row: Row, phase: Phase): boolean =>
  phase === 'fetch' && (row.endings.confirm ?? row.endings.fetch) !== row.endings.fetch;

function words(row: Row, phase: Phase): string {
  const ending = spell(endingOf(row, phase));
  return splits(row, phase)
    ? `${ending}; in the request step ${spell(endingOf(row, 'confirm'))}`
    : ending;
}

function spell(ending: Ending | undefined): string {
  if (ending === undefined) return '–';
  if (ending === 'goes on') return 'goes on';
  if (ending === 'again') return 'again, 30';
  if (ending === 'thrice') return 'again three times, 32';
  return `\`${ending}\` ${exitCodes[ending]}`;
}

/** Text in a cell of a Markdown table, with what can't be seen written out. */
function cell(text: string): string {
  return text
    .replaceAll('|', '\\|')
    .replaceAll('<', '&lt;')
    .replace(/[^\x20-\x7e]/gu, (sign) => `\\u{${sign.codePointAt(0)!.toString(16)}}`);
}

/** What `docs/FAULTS.md` holds between its marks. */
export function readFaults(): string {
  const found = marks.exec(readFileSync(path, 'utf8'));
  if (!found) throw new Error(`${path} has no faults marks.`);
  return found[2] ?? '';
}

if (import.meta.main) {
  const page = readFileSync(path, 'utf8');
  writeFileSync(
    path,
    page.replace(marks, (_, open: string, _old, close: string) => open + renderFaults() + close),
  );
}
