import { globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { groups } from '../../scripts/mutants/groups.ts';
import { explained, scoreOf, survivorsOf, type Report } from '../../scripts/mutants/report.ts';

const sources = `const one = 1;
const two = \`2\`;
`;
const mutant = (status: string, line: number, start: number, end: number, replacement: string) => ({
  mutatorName: 'Any',
  replacement,
  status,
  location: { start: { line, column: start }, end: { line, column: end } },
});
const report: Report['files'] = {
  'src/core/a.ts': {
    source: sources,
    mutants: [
      mutant('Killed', 1, 13, 14, '2'),
      mutant('Timeout', 1, 13, 14, '3'),
      mutant('Survived', 1, 13, 14, '4'),
      mutant('NoCoverage', 2, 13, 16, ''),
      mutant('RuntimeError', 2, 13, 16, '0'),
    ],
  },
};

test('a change that no test noticed, or reached, counts against the score; one that breaks loading does not count', () => {
  expect(scoreOf(report)).toBe('50.00 % of 4 changes noticed, 2 not; 1 could not be tried');
});

test('what was not noticed is named by file, code and changed code, as the pages explain it', () => {
  const survivors = survivorsOf(report);
  expect(survivors).toEqual([
    { line: 1, key: 'src/core/a.ts `1` → `4`' },
    { line: 2, key: 'src/core/a.ts `` `2` `` → (nothing)' },
  ]);
  const page = [
    '# A page',
    '## `src/core/a.ts`',
    '- `1` → `4`: nobody reads it.',
    '- `` `2` `` → (nothing): nor this.',
    '- `3` → `4`:',
  ].join('\n');
  expect([...explained(page)]).toEqual(survivors.map(({ key }) => key));
});

test('each source of core and gate is in one group', () => {
  const grouped = Object.values(groups).flatMap((group) =>
    globSync(group.sources.map((source) => `src/${source}.ts`)),
  );
  expect(grouped.toSorted()).toEqual(globSync('src/{core,gate}/**/*.ts').toSorted());
});

describe.each(Object.entries(groups))('%s', (group, { sources: ofGroup }) => {
  const read = () => readFileSync(`docs/mutants/${group}.md`, 'utf8');

  test('explains each change in the form that can be held against a report', () => {
    const items = read()
      .split('\n')
      .filter((line) => line.startsWith('- '));
    expect(items.filter((item) => explained(item).size === 0)).toEqual([]);
  });

  test('speaks of code that is there', () => {
    for (const key of explained(read())) {
      const [file = '', code = ''] = /^(\S+) (?:``? ?)(.+?)(?: ?``?) → /.exec(key)?.slice(1) ?? [];
      expect(ofGroup.map((source) => `src/${source}.ts`)).toContain(file);
      const text = readFileSync(file, 'utf8').replaceAll(/\s+/g, ' ');
      for (const part of code.split(' … ')) expect(text).toContain(part);
    }
  });
});
