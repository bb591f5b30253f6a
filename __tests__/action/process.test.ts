import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { exitCodes } from '../../src/core/verdict.ts';
import { silence, startFaultyServer, type FaultyServer } from '../support/faulty-server.ts';
import type { RunningStep } from '../acceptance/job.ts';
import { commandsIn, readFileCommands, startActionWorld, type ActionWorld } from './runner.ts';

let world: ActionWorld;
let server: FaultyServer;

beforeAll(async () => {
  world = await startActionWorld();
  server = await startFaultyServer();
}, 120_000);
afterAll(async () => {
  await world.close();
  await server.close();
});

/** A step whose process loads this code before the bundle, in front of a service that never answers. */
function startWith(step: 'request' | 'verify', code: string): RunningStep {
  server.script(silence);
  const job = world.job();
  const preload = join(job.temp, 'preload.cjs');
  writeFileSync(preload, code);
  const id = { 'approval-id': '11111111-1111-4111-8111-111111111111' };
  return job.start(
    step,
    { ...world.access, 'api-url': server.apiUrl, ...(step === 'verify' ? id : {}) },
    { NODE_OPTIONS: `--require=${preload}` },
  );
}

describe.each(['request', 'verify'] as const)('the process of %s', (step) => {
  test('fails when a promise never settles and nothing is left to wait for', async () => {
    const never = `require('node:fs').promises.open = () => new Promise(() => {});`;
    const { exitCode, outputs, signal } = await startWith(step, never).result;
    expect(signal).toBeNull();
    expect(exitCode).not.toBe(0);
    expect(outputs).toEqual({});
  });

  test('fails when something ends it without an exit code of its own', async () => {
    const { exitCode } = await startWith(step, `setTimeout(() => process.exit(), 300);`).result;
    expect(exitCode).toBe(1);
  });

  test.each([
    ['a rejection that nobody handles', `Promise.reject(new Error('\\n::set-output name=x::y'))`],
    ['an exception that nobody catches', `throw new Error('\\n::set-output name=x::y')`],
    ['a thrown value that is no error', `throw undefined`],
  ])('ends with 70 on %s', async (_name, fault) => {
    const late = `setTimeout(() => { ${fault} }, 1500);`;
    const { exitCode, stdout } = await startWith(step, late).result;
    expect(exitCode).toBe(exitCodes.internal);
    const names = commandsIn(stdout).map(({ name }) => name);
    expect(names).toContain('error');
    expect(names).not.toContain('set-output');
  });

  test('keeps its exit code when nobody reads its log', async () => {
    const output = join(world.job().temp, 'output');
    writeFileSync(output, '');
    const child = spawn(process.execPath, [join(world.bundles, `${step}.js`)], {
      env: { PATH: process.env.PATH, GITHUB_OUTPUT: output },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.destroy();
    child.stderr.destroy();
    const exitCode = await new Promise((resolve) => child.once('exit', resolve));
    expect(exitCode).toBe(exitCodes.configuration);
    expect(readFileCommands(readFileSync(output, 'utf8')).status).toBe('configuration');
  });
});
