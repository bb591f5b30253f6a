import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, test } from '@jest/globals';
import { meetsAim, quantile, showNumber, type Figure } from '../../scripts/bench/figures.ts';
import { parseBenchOptions, partNames, tiny } from '../../scripts/bench/options.ts';
import { measure } from '../../scripts/bench/parts.ts';
import { renderReport, withReport } from '../../scripts/bench/report.ts';
import { builtBundles } from '../support/bundles.ts';

const conditions = {
  date: new Date('2026-11-22T10:00:00Z'),
  loads: [0.5, 1.25],
  bundles: 'dist',
} as const;

const figure = (overrides: Partial<Figure> = {}): Figure => ({
  what: 'A thing',
  value: 12,
  unit: 'ms',
  beside: { what: 'another', value: 24 },
  ...overrides,
});

/** The rows of a table as cells. */
const rowsOf = (report: string): string[][] =>
  report
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) => line.slice(2, -2).split(' | '));

test('every part runs against the built executables, and each figure has a value and a row', async () => {
  const begun: string[] = [];
  const bundles = await builtBundles();
  const figures = await measure({ bundles, sizes: tiny, parts: partNames }, (line) =>
    begun.push(line),
  );
  expect(begun).toEqual(partNames.map((part) => `${part} …`));
  expect(new Set(figures.map(({ aim }) => aim?.below))).toEqual(
    new Set([60, 600, 2, 100, undefined]),
  );
  for (const { what, value, beside } of figures) {
    expect({ what, value }).toEqual({ what, value: expect.any(Number) });
    // Memory may shrink when little is asked, and a waiter may hear of a decision before the person.
    if (!/^(Memory|Wake-up, from the person)/.test(what)) expect(value).toBeGreaterThan(0);
    // The processor time for so few files may be less than the clock's tick.
    if (beside !== undefined && !what.includes('processor time')) {
      expect({ what, isMore: beside.value > 0 }).toEqual({ what, isMore: true });
    }
  }
  const [header, rule, ...rows] = rowsOf(renderReport(figures, conditions));
  expect(header).toEqual(['what', 'figure', 'beside', 'ratio', 'aim', 'met']);
  expect(rule).toHaveLength(6);
  expect(rows).toHaveLength(figures.length);
  for (const row of rows) expect(row).toHaveLength(6);
}, 120_000);

test('an aim is missed at its bound, and one about a difference leaves out what stands beside', () => {
  expect(meetsAim(figure())).toBeUndefined();
  expect(meetsAim(figure({ aim: { below: 12 } }))).toBe(false);
  expect(meetsAim(figure({ aim: { below: 12.1 } }))).toBe(true);
  const difference = { value: 90, beside: { what: 'nothing', value: 40 } };
  expect(meetsAim(figure({ ...difference, aim: { of: 'difference', below: 60 } }))).toBe(true);
  expect(meetsAim(figure({ ...difference, aim: { of: 'difference', below: 50 } }))).toBe(false);
});

test('an aim about a ratio is about what stands beside', () => {
  const ratio = (value: number) => figure({ value, aim: { of: 'ratio', below: 2 } });
  expect([47, 48].map((value) => meetsAim(ratio(value)))).toEqual([true, false]);
  expect(
    rowsOf(renderReport([ratio(47)], conditions))
      .at(-1)
      ?.slice(4),
  ).toEqual(['below 2×', 'yes']);
});

test('a missed aim stands out in the table, with the conditions above it', () => {
  const report = renderReport(
    [figure({ aim: { below: 5 } }), figure({ value: 36, aim: { of: 'difference', below: 60 } })],
    conditions,
  );
  expect(report).toMatch(/^2026-11-22 10:00 UTC, .*load average 0\.5 before and 1\.3 after\.\n/);
  expect(rowsOf(report).slice(2)).toEqual([
    ['A thing', '12 ms', 'another: 24 ms', '0.5×', 'below 5 ms', '**no**'],
    ['A thing', '36 ms', 'another: 24 ms', '1.5×', 'less than 60 ms more (it is 12)', 'yes'],
  ]);
});

test('quantiles are values that were measured, and nothing measured is an error', () => {
  const values = [5, 1, 4, 2, 3];
  expect([0, 0.5, 0.99, 1].map((share) => quantile(values, share))).toEqual([1, 3, 5, 5]);
  expect(() => quantile([], 0.5)).toThrow('Nothing was measured');
});

test('numbers keep three digits', () => {
  expect([0.012345, 1.005, 45.67, 1234.5].map(showNumber)).toEqual([
    '0.0123',
    '1',
    '45.7',
    '1,235',
  ]);
});

test("only what stands between the document's marks is replaced", () => {
  const document = '# A\n\n<!-- bench: x -->\nold\n<!-- /bench -->\n\nwords\n';
  expect(withReport(document, 'new $& row\n')).toBe(
    '# A\n\n<!-- bench: x -->\nnew $& row\n\n<!-- /bench -->\n\nwords\n',
  );
  expect(() => withReport('# A\n', 'new')).toThrow('no marks');
});

test('a run of some parts, or a quick one, leaves the document alone; unknown words are refused', () => {
  const own = resolve('/repository');
  const parsed = (...args: string[]) => {
    const options = parseBenchOptions(args, own);
    if (options === 'help') throw new Error('help');
    return options;
  };
  expect(parsed()).toMatchObject({
    bundles: resolve(own, 'dist'),
    parts: partNames,
    document: resolve(own, 'docs/BENCHMARKS.md'),
  });
  expect(parsed('--quick').document).toBeUndefined();
  expect(parsed('--only', 'start')).toMatchObject({ parts: ['start'], document: undefined });
  expect(() => parsed('--only', 'start,everything')).toThrow('no part "everything"');
  expect(() => parsed('--fast')).toThrow('--fast');
  expect(parseBenchOptions(['--help'], own)).toBe('help');
});

test('without built executables it says what to do, and fails', () => {
  const run = () =>
    execFileSync(process.execPath, ['scripts/bench.ts', '--dist', '__tests__/bench'], {
      stdio: 'pipe',
    });
  expect(run).toThrow('npm run build');
});
