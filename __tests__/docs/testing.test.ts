import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';

const rows = [
  ...readFileSync('docs/TESTING.md', 'utf8').matchAll(
    /^\| (?<defence>.+?) \| `(?<place>[^`]+)` \| `(?<file>[^`]+)`: (?<title>.+?) \|$/gm,
  ),
].map(({ groups }) => groups as { defence: string; place: string; file: string; title: string });

describe('docs/TESTING.md', () => {
  test('has a row for each of many defences', () => {
    expect(rows.length).toBeGreaterThan(60);
    expect(new Set(rows.map(({ defence }) => defence)).size).toBe(rows.length);
  });

  test.each(rows)('$defence: place and test exist', ({ place, file, title }) => {
    expect(existsSync(place)).toBe(true);
    expect(readFileSync(`__tests__/${file}`, 'utf8').replaceAll("\\'", "'")).toContain(title);
  });
});
