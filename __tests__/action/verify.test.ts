import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { exitCodes, type RefusalCode } from '../../src/core/verdict.ts';
import { refusalOutputs } from '../../src/gate/vocabulary.ts';
import type { Inputs, Job, StepResult } from '../acceptance/job.ts';
import { json, startFaultyServer, type FaultyServer } from '../support/faulty-server.ts';
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

const id = '11111111-1111-4111-8111-111111111111';

async function approved(job: Job): Promise<Inputs> {
  const step = job.start('request', world.access);
  await world.decideNext(job, 'approved');
  const { exitCode, outputs, stdout } = await step.result;
  if (exitCode !== 0) throw new Error(stdout);
  return outputs;
}

function expectRefusal(result: StepResult, code: RefusalCode): void {
  expect({ ...result, outputs: Object.keys(result.outputs).sort() }).toMatchObject({
    exitCode: exitCodes[code],
    outputs: [...refusalOutputs].sort(),
  });
  expect(result.outputs).toMatchObject({ status: code, 'reason-code': code });
}

describe('the verify action', () => {
  test('hands on what it checked', async () => {
    const job = world.job();
    const request = await approved(job);
    const result = await job.start('verify', {
      ...world.access,
      'approval-id': request['approval-id']!,
    }).result;
    expect({ exitCode: result.exitCode, stdout: result.exitCode ? result.stdout : '' }).toEqual({
      exitCode: 0,
      stdout: '',
    });
    expect(result.outputs).toMatchObject({
      'approval-id': request['approval-id'],
      'payload-hash': request['payload-hash'],
      status: 'approved',
      approvers: 'alex',
      service: 'api',
      environment: 'production',
      commit: job.commit,
      digest: '',
    });
    expect(result.outputs['record-path']!.startsWith(job.temp)).toBe(true);
    expect(await world.statusOf(request['approval-id']!)).toBe('redeemed');
  });

  test('that can not hand on its outcome has failed, and says that the approval is spent', async () => {
    const job = world.job();
    const request = await approved(job);
    const { exitCode, stdout } = await job.start(
      'verify',
      { ...world.access, 'approval-id': request['approval-id']! },
      { GITHUB_OUTPUT: '/dev/full' },
    ).result;
    expect(exitCode).toBe(exitCodes.internal);
    const errors = commandsIn(stdout).filter(({ name }) => name === 'error');
    expect(errors.map(({ data }) => data).join()).toMatch(/ENOSPC.*needs a new one/);
    expect(await world.statusOf(request['approval-id']!)).toBe('redeemed');
  });

  test('whose disk fills up between two outputs leaves no status that opens', async () => {
    const job = world.job();
    const request = await approved(job);
    const path = join(job.temp, 'small-output');
    writeFileSync(path, '');
    // What fails is the fifth write to the file of the outputs; the two before the last try work again.
    const preload = join(job.temp, 'preload.cjs');
    writeFileSync(
      preload,
      `const fs = require('node:fs'); const append = fs.appendFileSync; let writes = 0;
       fs.appendFileSync = (file, ...rest) => {
         if (file === ${JSON.stringify(path)} && ++writes === 5) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
         return append(file, ...rest);
       };`,
    );
    const { exitCode } = await job.start(
      'verify',
      { ...world.access, 'approval-id': request['approval-id']! },
      { GITHUB_OUTPUT: path, NODE_OPTIONS: `--require=${preload}` },
    ).result;
    const outputs = readFileCommands(readFileSync(path, 'utf8'));
    expect(exitCode).toBe(exitCodes.internal);
    expect(Object.keys(outputs)).toContain('payload-hash');
    expect(outputs).toMatchObject({ status: 'internal', 'reason-code': 'internal' });
  });

  test('names each fact that differs, with both values, in log and summary', async () => {
    const { job, stdout, summary, id } = await differing({ region: 'elsewhere' });
    expect(stdout).toContain('region');
    expect(stdout).toContain('elsewhere');
    expect(stdout).toContain(job.facts.region);
    expect(summary).toContain('elsewhere');
    expect(await world.statusOf(id)).toBe('approved');
  });
});

test('a fact that one side does not have is said to be absent in the summary', async () => {
  const { job, summary } = await differing({ region: '', tenant: 'north' });
  const row = (label: string, value: string) =>
    `<tr><th align="left">${label}</th><td><code>${value}</code></td></tr>`;
  expect(summary).toContain(row('differs: region', `signed ${job.facts.region!}, now (absent)`));
  expect(summary).toContain(row('differs: tenant', 'signed (absent), now north'));
});

/** An approval that is verified with other inputs; the summary as it is read. */
async function differing(inputs: Readonly<Record<string, string>>) {
  const job = world.job();
  const id = (await approved(job))['approval-id']!;
  const path = join(job.temp, 'summary.md');
  writeFileSync(path, '');
  const result = await job.start(
    'verify',
    { ...world.access, 'approval-id': id, ...inputs },
    { GITHUB_STEP_SUMMARY: path },
  ).result;
  expectRefusal(result, 'facts_mismatch');
  const summary = readFileSync(path, 'utf8').replace(/&#(\d+);/g, (_, code: string) =>
    String.fromCodePoint(Number(code)),
  );
  return { job, id, summary, stdout: result.stdout };
}

test('an approval that is not used up ends with a warning that says so', async () => {
  const access = { ...world.access, policy: world.policy({ redemption: 'run' }) };
  const job = world.job();
  const step = job.start('request', access);
  await world.decideNext(job, 'approved');
  const { outputs } = await step.result;
  const verify = () =>
    job.start('verify', { ...access, 'approval-id': outputs['approval-id']! }).result;
  for (const { exitCode, stdout } of [await verify(), await verify()]) {
    expect({ exitCode, stdout: exitCode === 0 ? '' : stdout }).toEqual({ exitCode: 0, stdout: '' });
    const warnings = commandsIn(stdout).filter(({ name }) => name === 'warning');
    expect(warnings.map(({ data }) => data).join()).toContain('approved: ');
  }
  expect(await world.statusOf(outputs['approval-id']!)).toBe('approved');
});

describe('the verify action asks for nothing', () => {
  const refusedBefore = async (inputs: Inputs, env: Inputs = {}) => {
    server.script(json(500, {}));
    const access = { ...world.access, 'api-url': server.apiUrl, ...inputs };
    const result = await world.job().start('verify', access, env).result;
    expect(server.seen).toEqual([]);
    return result;
  };

  test('with an empty approval-id, and explains how an output gets lost', async () => {
    const result = await refusedBefore({ 'approval-id': '' });
    expectRefusal(result, 'configuration');
    expect(result.stdout).toContain('GitHub drops an output that holds a masked value');
  });

  test('with both approval-id and record', async () => {
    expectRefusal(await refusedBefore({ 'approval-id': id, record: '{}' }), 'configuration');
  });

  test('with a record that is no document and no file', async () => {
    const result = await refusedBefore({ record: 'nowhere.json' });
    expectRefusal(result, 'configuration');
    expect(result.stdout).toContain('nowhere.json');
  });

  test('with a record that is not acceptable', async () => {
    expectRefusal(
      await refusedBefore({ record: '{"schema":"approval-record/v1"}' }),
      'payload_invalid',
    );
  });

  test('without a policy', async () => {
    expectRefusal(await refusedBefore({ 'approval-id': id, policy: '' }), 'configuration');
  });

  test('when GITHUB_OUTPUT is not set', async () => {
    const { exitCode } = await refusedBefore({ 'approval-id': id }, { GITHUB_OUTPUT: '' });
    expect(exitCode).toBe(exitCodes.configuration);
  });

  test('when the environment weakens TLS', async () => {
    const result = await refusedBefore(
      { 'approval-id': id },
      { NODE_TLS_REJECT_UNAUTHORIZED: '0' },
    );
    expectRefusal(result, 'configuration');
  });
});
