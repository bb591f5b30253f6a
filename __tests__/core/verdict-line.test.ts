import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { exitCodes, type ReasonCode } from '../../src/core/verdict.ts';
import { verdictLine } from '../../src/core/verdict-line.ts';

const codes = Object.keys(exitCodes) as ReasonCode[];
const page = readFileSync('docs/TROUBLESHOOTING.md', 'utf8');

describe.each(codes)('%s', (code) => {
  test('ends with the name of its heading, which is there', () => {
    const line = verdictLine({ reason_code: code, message: 'Something happened.' });
    expect(line).toBe(`${code}: Something happened. See docs/TROUBLESHOOTING.md#${code}.`);
    expect(page).toMatch(new RegExp(`^## ${code}$`, 'm'));
  });

  test('ends a list of problems with a line of its own', () => {
    const line = verdictLine({ reason_code: code, message: 'Wrong:\nservice: is "latest"' });
    expect(line.split('\n').at(-1)).toBe(`See docs/TROUBLESHOOTING.md#${code}.`);
  });
});

test('no front end shows a verdict in another way', () => {
  const files = ['action', 'cli', 'entry', 'gate'].flatMap((room) =>
    readdirSync(join('src', room)).map((name) => join('src', room, name)),
  );
  const others = files.filter((path) =>
    /(?:error|info|warning|say|print|report)\((?!verdictLine)[^;]*(?:verdict|refusal|failure)\.message/.test(
      readFileSync(path, 'utf8'),
    ),
  );
  expect(others).toEqual([]);
});
