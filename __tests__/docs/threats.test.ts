import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';

/** Threats without a defence of ours, and why, stand in the text above the table. */
const withoutRow = new Set([25, 26]);

const rows = [
  ...readFileSync('docs/TESTING.md', 'utf8').matchAll(/^\| (\d+) \| (.+?) \| (`.+) \|$/gm),
].map(([, number, threat = '', tests = '']) => ({ number: Number(number), threat, tests }));

describe('the threats of docs/TESTING.md', () => {
  test('are all there, once', () => {
    const all = Array.from({ length: 42 }, (_, at) => at + 1).filter((n) => !withoutRow.has(n));
    expect(rows.map(({ number }) => number)).toEqual(all);
  });

  test.each(rows)('$number, $threat: has tests that exist', ({ tests }) => {
    const named = [...tests.matchAll(/`([a-z-]+\/[^`]+\.ts)`: (.+?)(?=; `|$)/g)];
    expect(named.length).toBeGreaterThan(0);
    for (const [, file = '', title = ''] of named) {
      expect(existsSync(`__tests__/${file}`)).toBe(true);
      expect(readFileSync(`__tests__/${file}`, 'utf8').replaceAll("\\'", "'")).toContain(title);
    }
  });
});
