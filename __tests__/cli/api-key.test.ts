import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { readApiKey } from '../../src/cli/api-key.ts';
import { commands } from '../../src/cli/commands.ts';
import { Fault } from '../../src/core/fault.ts';
import { runBundle } from '../action/runner.ts';
import { builtBundles } from '../support/bundles.ts';

const folder = mkdtempSync(join(tmpdir(), 'deploy-warrant-key-'));
afterAll(() => rmSync(folder, { recursive: true }));

const secret = 'dw_0123456789abcdef_abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG';
function keyFile(content: string | Buffer, mode = 0o600): string {
  const path = join(folder, 'key');
  rmSync(path, { force: true });
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}
const read = (path: string, env: Readonly<Record<string, string>> = {}) =>
  readApiKey({ flags: new Map([['api-key-file', [path]]]), env, cwd: folder });

test.each([
  ['one line', secret],
  ['one line with its end', `${secret}\n`],
  ['one line of Windows', `${secret}\r\n`],
])('a key file holds %s', async (_name, content) => {
  expect(await read(keyFile(content))).toBe(secret);
  expect(await read('key')).toBe(secret);
});

test('a key file that only its owner may read, and not write, is fine', async () => {
  expect(await read(keyFile(secret, 0o400))).toBe(secret);
});

describe('a key file is refused', () => {
  test.each([0o640, 0o604, 0o620, 0o602, 0o644, 0o666, 0o610])(
    'that others may reach, mode %i',
    async (mode) => {
      await expect(read(keyFile(secret, mode))).rejects.toMatchObject({
        code: 'configuration',
        message: expect.stringContaining(`mode ${mode.toString(8)}`),
      });
    },
  );

  test.each([
    ['that is empty', ''],
    ['that holds a line end only', '\n'],
    ['that holds two lines', `${secret}\n${secret}\n`],
    ['that holds a blank', `${secret} x`],
    ['that holds a header', `X-Api-Key: ${secret}`],
    ['that holds control characters', `${secret}\u0000`],
    ['that is too large', 'a'.repeat(5000)],
  ])('%s', async (_name, content) => {
    const refusal: unknown = await read(keyFile(content)).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(Fault);
    expect((refusal as Fault).message).not.toContain(secret);
  });

  test('that is not there, that is a folder, and beside the variable', async () => {
    await expect(read('missing')).rejects.toBeInstanceOf(Fault);
    await expect(read('.')).rejects.toBeInstanceOf(Fault);
    const both = read(keyFile(secret), { DEPLOY_WARRANT_API_KEY: 'other' });
    await expect(both).rejects.toThrow('Give one of them');
  });
});

test('every command that calls the service takes it', async () => {
  const taking = Object.entries(commands).filter(([, { flags }]) => 'api-url' in flags);
  expect(taking.map(([name]) => name).sort()).toEqual(
    ['invite', 'key', 'policy', 'repository', 'request', 'revoke', 'run', 'verify'].sort(),
  );
  const open = keyFile(secret, 0o644);
  const bundle = join(await builtBundles(), 'cli.js');
  const needed: Readonly<Record<string, readonly string[]>> = {
    key: ['--repositories', '*', '--services', '*', '--environments', '*'],
    policy: ['--environment', 'production'],
    repository: ['list'],
    revoke: ['--key', 'a'],
    run: ['--policy', '{}', '--', process.execPath],
  };
  for (const [name] of taking) {
    const flags = ['--api-url', 'http://localhost:9/api', '--api-key-file', open];
    const { exitCode, stdout, stderr } = await runBundle(bundle, {
      args: [name, ...flags, ...(needed[name] ?? [])],
    });
    expect([name, exitCode, stdout]).toEqual([name, 40, '']);
    expect(stderr).toContain('mode 644');
    expect(stderr).not.toContain(secret);
  }
}, 60_000);
