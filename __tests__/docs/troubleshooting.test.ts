import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { exitCodes } from '../../src/core/verdict.ts';

const text = readFileSync('docs/TROUBLESHOOTING.md', 'utf8');
const sections = text.split(/^## /m).slice(1);

test('docs/TROUBLESHOOTING.md has one heading per reason code, with its exit code', () => {
  const documented = sections.map((section) => {
    const [, code, exit] = /^(\S+)\n\nExit (\d+)\./.exec(section) ?? [];
    return [code, Number(exit)];
  });
  expect(documented).toEqual(Object.entries(exitCodes));
});
