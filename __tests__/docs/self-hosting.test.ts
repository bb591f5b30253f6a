import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { Fault } from '../../src/core/fault.ts';
import { parseServiceConfig } from '../../src/service/config.ts';

test('docs/SELF-HOSTING.md lists every flag of the service', () => {
  const documented = [
    ...readFileSync('docs/SELF-HOSTING.md', 'utf8').matchAll(/^\| `(--[a-z-]+)` \|/gm),
  ].map(([, flag]) => flag);

  let known: string[] = [];
  try {
    parseServiceConfig({ args: ['--unknown'], env: {} });
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    known = error.message.match(/--[a-z-]+/g)?.filter((flag) => flag !== '--unknown') ?? [];
  }
  expect(known.length).toBeGreaterThan(3);
  expect(documented.sort()).toEqual(known.sort());
});
