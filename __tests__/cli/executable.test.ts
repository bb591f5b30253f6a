import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { requireExecutable } from '../../src/cli/executable.ts';
import { Fault } from '../../src/core/fault.ts';

/** Whoever is asked for a command that can't be started has approved for nothing: both have to look in the same places. */
const folder = mkdtempSync(join(tmpdir(), 'deploy-warrant-executable-'));
const [cwd, bin] = [join(folder, 'checkout'), join(folder, 'bin')];
for (const path of [cwd, bin, join(bin, 'folder')]) mkdirSync(path);
writeFileSync(join(cwd, 'here'), '#!/bin/sh\n', { mode: 0o755 });
writeFileSync(join(bin, 'there'), '#!/bin/sh\n', { mode: 0o755 });
writeFileSync(join(bin, 'text'), '#!/bin/sh\n', { mode: 0o644 });
afterAll(() => rmSync(folder, { recursive: true }));

type Row = readonly [name: string, command: string, env: Readonly<Record<string, string>>];

const isStarted = (command: string, env: Row[2]): boolean => {
  // Its types want a PATH to be inherited; this one is all that there is.
  const { error } = spawnSync(command, [], { cwd, env: { ...env } });
  return error === undefined;
};

describe('a command is found, and started', () => {
  test.each<Row>([
    ['in a folder of PATH', 'there', { PATH: `/nowhere:${bin}` }],
    ['by its path', './here', {}],
    ['by its path from the root', join(bin, 'there'), { PATH: '' }],
    ['in the folder that is worked in, where PATH names that by nothing', 'here', { PATH: '' }],
  ])('%s', async (_name, command, env) => {
    await expect(requireExecutable(command, { env, cwd })).resolves.toBeUndefined();
    expect(isStarted(command, env)).toBe(true);
  });
});

describe('a command is not found, and would not be started', () => {
  test.each<Row>([
    ['that is in no folder of PATH', 'here', { PATH: bin }],
    ['in the folder that is worked in, without a PATH', 'here', {}],
    ['that nobody may execute', 'text', { PATH: bin }],
    ['that is a folder', 'folder', { PATH: bin }],
  ])('%s', async (_name, command, env) => {
    const refusal: unknown = await requireExecutable(command, { env, cwd }).catch(
      (error: unknown) => error,
    );
    expect(refusal).toBeInstanceOf(Fault);
    expect(refusal).toMatchObject({
      code: 'configuration',
      message: expect.stringContaining('Nobody was asked.'),
    });
    expect(isStarted(command, env)).toBe(false);
  });
});
