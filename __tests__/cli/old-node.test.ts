import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { expect, test } from '@jest/globals';
import { runBundle } from '../action/runner.ts';
import { builtBundles } from '../support/bundles.ts';

/** A Node before 24 on this machine; npm puts a newer one in front of it. */
const oldNode = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/local/bin']
  .map((folder) => join(folder, 'node'))
  .find((path) => {
    if (!existsSync(path)) return false;
    const version = execFileSync(path, ['--version'], { encoding: 'utf8' });
    return Number(/^v(\d+)/.exec(version)?.[1]) < 24;
  });

const testHere = oldNode === undefined ? test.skip : test;

// Skipped where no older Node is installed.
testHere('an old Node gets one sentence and 40, whatever the command', async () => {
  const bundle = join(await builtBundles(), 'cli.js');
  for (const args of [
    ['verify'],
    ['serve'],
    ['run', '--', 'true'],
    ['audit', '.'],
    ['--help'],
    [],
  ]) {
    const { exitCode, stdout, stderr } = await runBundle(bundle, { args, node: oldNode! });
    expect({ exitCode, stdout }).toEqual({ exitCode: 40, stdout: '' });
    expect(stderr).toMatch(
      /^deploy-warrant needs Node 24 or newer, and this is Node \d+\.\d+\.\d+\.\n$/,
    );
  }
});
