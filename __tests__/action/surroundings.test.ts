/**
 * What only the machine can do: outputs on a file system that is read-only, that is not ours to write or that is full, and a
 * network that is not there. Made by the kernel, in namespaces of their own, for the built bundles.
 */
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { exitCodes } from '../../src/core/verdict.ts';
import type { Job } from '../acceptance/job.ts';
import { fastClock } from '../support/preloads.ts';
import { commandsIn, startActionWorld, type ActionWorld } from './runner.ts';

const namespaces = ['unshare', '-m', '-n'];
const withoutOverride = ['setpriv', '--bounding-set=-dac_override,-dac_read_search'];
const isPossible =
  process.platform === 'linux' &&
  spawnSync(namespaces[0]!, [...namespaces.slice(1), 'true']).status === 0 &&
  spawnSync(withoutOverride[0]!, [...withoutOverride.slice(1), 'true']).status === 0;
// As root on Linux, as in our CI. Elsewhere the kernel lends nobody namespaces, and file modes stop nobody or everybody.
const describeHere = isPossible ? describe : describe.skip;
if (!isPossible) process.stderr.write('Skipped: no namespaces for this user (unshare, setpriv)\n');

/** Runs the rest of its arguments where the folder is read-only. */
const readOnly = (folder: string) => [
  ...['unshare', '-m', 'sh', '-c'],
  `mount --bind "${folder}" "${folder}" && mount -o remount,bind,ro "${folder}" && exec "$@"`,
  'sh',
];

let world: ActionWorld;
beforeAll(async () => {
  world = await startActionWorld();
}, 120_000);
afterAll(() => world.close());

interface Result {
  readonly exitCode: number | null;
  readonly stdout: string;
}

function run(
  job: Job,
  o: {
    readonly step?: 'request' | 'verify';
    readonly by: readonly string[];
    readonly inputs: Readonly<Record<string, string>>;
    readonly env: Readonly<Record<string, string>>;
  },
): Promise<Result> {
  const { step = 'request', by, inputs, env } = o;
  const command = [...by, process.execPath, join(world.bundles, `${step}.js`)];
  const child = spawn(command[0]!, command.slice(1), {
    cwd: job.workspace,
    env: job.variables(step, inputs, env),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  return new Promise((resolve) => child.once('close', (exitCode) => resolve({ exitCode, stdout })));
}

const errorsIn = ({ stdout }: Result) =>
  commandsIn(stdout)
    .filter(({ name }) => name === 'error')
    .map(({ data }) => data)
    .join('\n');

/** A folder in which the outputs are to be written, and their file. */
function place(job: Job): { readonly folder: string; readonly env: Record<string, string> } {
  const folder = join(job.temp, 'elsewhere');
  mkdirSync(folder);
  const path = join(folder, 'output');
  writeFileSync(path, '');
  return { folder, env: { GITHUB_OUTPUT: path } };
}

describeHere('outputs that can not be written', () => {
  test.each(['request', 'verify'] as const)(
    'EROFS: a read-only file system ends %s before anything is asked',
    async (step) => {
      const job = world.job();
      const { folder, env } = place(job);
      const inputs = { ...world.access, ...idOf(step) };
      const result = await run(job, { step, by: readOnly(folder), inputs, env });
      expect([result.exitCode, errorsIn(result)]).toEqual([
        exitCodes.internal,
        expect.stringContaining('EROFS'),
      ]);
      expect(result.stdout).not.toContain('/approve/');
    },
    120_000,
  );

  test.each(['request', 'verify'] as const)(
    'EACCES: a file of somebody else ends %s before anything is asked',
    async (step) => {
      const job = world.job();
      const { env } = place(job);
      chmodSync(env.GITHUB_OUTPUT!, 0o444);
      const inputs = { ...world.access, ...idOf(step) };
      const result = await run(job, { step, by: withoutOverride, inputs, env });
      expect([result.exitCode, errorsIn(result)]).toEqual([
        exitCodes.internal,
        expect.stringContaining('EACCES'),
      ]);
      expect(result.stdout).not.toContain('/approve/');
    },
    120_000,
  );
});

const idOf = (step: 'request' | 'verify'): Readonly<Record<string, string>> =>
  step === 'verify' ? { 'approval-id': '11111111-1111-4111-8111-111111111111' } : {};

describeHere('a machine without a network', () => {
  const speed = 20;
  /** Of the first call, that for the last deploy. */
  const phaseMs = 60_000;
  test.each([
    ['ENETUNREACH', 'http://127.0.0.1:9/api'],
    ['EAI_AGAIN', 'https://approve.example.com/api'],
  ])(
    '%s is tried again until the phase is over, then 30',
    async (code, url) => {
      const job = world.job();
      const { env } = place(job);
      const begun = Date.now();
      const result = await run(job, {
        by: ['unshare', '-n'],
        inputs: { ...world.access, 'api-url': url },
        env: { ...env, ...fastClock(speed) },
      });
      expect([result.exitCode, errorsIn(result)]).toEqual([
        exitCodes.service_unreachable,
        expect.stringContaining(`the connection failed: ${code}. `),
      ]);
      expect(Date.now() - begun).toBeGreaterThan(phaseMs / speed);
    },
    120_000,
  );
});
