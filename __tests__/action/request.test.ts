import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { documentHash } from '../../src/core/hash.ts';
import { exitCodes, type RefusalCode } from '../../src/core/verdict.ts';
import { refusalOutputs } from '../../src/gate/vocabulary.ts';
import { json, startFaultyServer, silence, type FaultyServer } from '../support/faulty-server.ts';
import { preload } from '../support/preloads.ts';
import { decide } from '../support/service.ts';
import type { StepResult } from '../acceptance/job.ts';
import { commandsIn, createdId, savedState, startActionWorld, type ActionWorld } from './runner.ts';

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

function expectRefusal(result: StepResult, code: RefusalCode): void {
  expect({ ...result, outputs: Object.keys(result.outputs).sort() }).toMatchObject({
    exitCode: exitCodes[code],
    outputs: [...refusalOutputs].sort(),
  });
  expect(result.outputs).toMatchObject({ status: code, 'reason-code': code });
}

describe('the request action', () => {
  test('writes what was approved, and leaves its id and its end for the post step', async () => {
    const job = world.job();
    const step = job.start('request', world.access);
    const id = await world.decideNext(job, 'approved');
    const { exitCode, outputs, stdout } = await step.result;
    expect({ exitCode, log: exitCode === 0 ? '' : stdout }).toEqual({ exitCode: 0, log: '' });
    expect(outputs).toEqual({
      'approval-id': id,
      'approval-url': `${world.service.url}/approve/${id}`,
      status: 'approved',
      'reason-code': 'approved',
      'payload-hash': expect.stringMatching(/^[0-9a-f]{64}$/),
      fingerprint: expect.stringMatching(/^[0-9a-f]{4}-[0-9a-f]{4}$/),
      approvers: 'alex',
      record: expect.stringContaining(id),
      'record-path': expect.stringContaining(job.temp),
    });
    expect(readdirSync(outputs['record-path']!).sort()).toEqual([
      'facts.json',
      'policy.json',
      'record.json',
      'verdict.json',
    ]);
    expect(stdout).toContain(outputs.fingerprint);
    expect(stdout).toContain(outputs['approval-url']);
    expect(stdout).toContain('decide by');
    expect(savedState(job)).toEqual({ confirmations: id, granted: 'true' });
  });

  test('masks the key before it prints anything else, and never prints it again', async () => {
    const token = 'ghs_0123456789';
    const { stdout, stderr } = await world.job().start('request', {
      ...world.access,
      'wait-minutes': 'abc',
      'github-token': token,
    }).result;
    expect(commandsIn(stdout).slice(0, 2)).toEqual([
      { name: 'add-mask', data: world.apiKey },
      { name: 'add-mask', data: token },
    ]);
    expect(stdout.indexOf('::add-mask::')).toBe(0);
    expect((stdout + stderr).split(world.apiKey)).toHaveLength(2);
    expect((stdout + stderr).split(token)).toHaveLength(2);
  });

  test('writes exactly four outputs when a person says no, and leaves nothing to withdraw', async () => {
    const job = world.job();
    const step = job.start('request', world.access);
    const id = await world.decideNext(job, 'rejected');
    const result = await step.result;
    expectRefusal(result, 'rejected');
    expect(result.outputs['approval-id']).toBe(id);
    expect(commandsIn(result.stdout).map(({ name }) => name)).toContain('error');
    expect(savedState(job)).toEqual({ confirmations: id });
  });

  test('ends `decided` without a policy, and says that this opens nothing', async () => {
    const job = world.job();
    const inputs = { ...world.access, policy: '', approver: 'alex' };
    const step = job.start('request', inputs);
    await world.decideNext(job, 'approved');
    const { exitCode, outputs, stdout } = await step.result;
    expect(exitCode).toBe(0);
    expect(outputs).toMatchObject({ status: 'decided', 'reason-code': '', 'record-path': '' });
    expect(Object.values(outputs)).not.toContain('approved');
    const warnings = commandsIn(stdout).filter(({ name }) => name === 'warning');
    expect(warnings.map(({ data }) => data).join()).toContain('only a verify step with a policy');
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('withdraws what it asked on %s', async (signal) => {
    const job = world.job();
    const step = job.start('request', world.access);
    const id = await createdId(job);
    step.kill(signal);
    expectRefusal(await step.result, 'interrupted');
    expect(await world.statusOf(id)).toBe('cancelled');
  });

  test('is over soon after a signal, even while the service does not answer', async () => {
    server.script(silence);
    const inputs = { ...world.access, 'api-url': server.apiUrl };
    const step = world.job().start('request', inputs);
    while (server.seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    const start = Date.now();
    step.kill('SIGINT');
    expectRefusal(await step.result, 'interrupted');
    expect(Date.now() - start).toBeLessThan(7_000);
  });
});

describe('the request action that can not hand on its outcome', () => {
  const full = { GITHUB_OUTPUT: '/dev/full' };

  test('has failed after an approval, which is not used up and not withdrawn', async () => {
    const job = world.job();
    const step = job.start('request', world.access, full);
    const id = await world.decideNext(job, 'approved');
    const { exitCode, stdout } = await step.result;
    expect(exitCode).toBe(exitCodes.internal);
    const errors = commandsIn(stdout).filter(({ name }) => name === 'error');
    expect(errors.map(({ data }) => data)).toEqual([expect.stringContaining('ENOSPC')]);
    expect(stdout).not.toContain('used up');
    expect(savedState(job)).toEqual({ confirmations: id });
    expect(await world.statusOf(id)).toBe('approved');
  });

  test('ends a refusal with the exit code of the refusal', async () => {
    const job = world.job();
    const step = job.start('request', world.access, full);
    await world.decideNext(job, 'rejected');
    const { exitCode, stdout } = await step.result;
    expect(exitCode).toBe(exitCodes.rejected);
    const errors = commandsIn(stdout).filter(({ name }) => name === 'error');
    expect(errors.map(({ data }) => data)).toEqual([
      expect.stringContaining('rejected: '),
      expect.stringContaining('ENOSPC'),
    ]);
  });
});

test('a request that can not be kept for the post step is withdrawn at once', async () => {
  const step = world.job().start('request', world.access, { GITHUB_STATE: '/dev/full' });
  const result = await step.result;
  expectRefusal(result, 'internal');
  expect(result.stdout).toMatch(/GITHUB_STATE \(ENOSPC[^)]*\)\. See to the runner's disk\./);
  expect(result.stdout).not.toContain('bug');
  expect(await world.statusOf(result.outputs['approval-id']!)).toBe('cancelled');
});

test('a request whose end can not be kept for the post step has ended well all the same', async () => {
  const job = world.job();
  const state = join(job.temp, 'small-state');
  writeFileSync(state, '');
  // The id is kept, and then the disk is full.
  const late = preload(
    'full-state',
    `const fs = require('node:fs'); const append = fs.appendFileSync; let writes = 0;
     fs.appendFileSync = (file, ...rest) => {
       if (file === process.env.GITHUB_STATE && ++writes === 2) throw Object.assign(new Error('ENOSPC: full'), { code: 'ENOSPC' });
       return append(file, ...rest);
     };`,
  );
  const step = job.start('request', world.access, { GITHUB_STATE: state, ...late });
  const [, id] = await step.sees(/\/approve\/([0-9a-f-]{36})/);
  await decide(world.service, id!, world.alex);
  const { exitCode, outputs, stdout } = await step.result;
  expect({ exitCode, status: outputs.status }).toEqual({ exitCode: 0, status: 'approved' });
  expect(stdout).not.toContain('bug');
  const warnings = commandsIn(stdout).filter(({ name }) => name === 'warning');
  expect(warnings.map(({ data }) => data).join()).toContain('ENOSPC');
});

describe('the request action asks for nothing', () => {
  const refusedBefore = async (
    env: Record<string, string>,
    inputs: Record<string, string> = {},
  ) => {
    server.script(json(500, {}));
    const access = { ...world.access, 'api-url': server.apiUrl, ...inputs };
    const result = await world.job().start('request', access, env).result;
    expect(server.seen).toEqual([]);
    return result;
  };

  test('when GITHUB_OUTPUT is not set', async () => {
    const { exitCode, stdout } = await refusedBefore({ GITHUB_OUTPUT: '' });
    expect(exitCode).toBe(exitCodes.configuration);
    expect(commandsIn(stdout).map(({ name }) => name)).not.toContain('set-output');
  });

  test('when the file of GITHUB_OUTPUT does not exist', async () => {
    const path = join(world.service.dataDir, 'missing-output');
    const { exitCode } = await refusedBefore({ GITHUB_OUTPUT: path });
    expect(exitCode).toBe(exitCodes.internal);
    expect(existsSync(path)).toBe(false);
  });

  test('when the file of GITHUB_OUTPUT is a folder', async () => {
    const { exitCode } = await refusedBefore({ GITHUB_OUTPUT: world.service.dataDir });
    expect(exitCode).toBe(exitCodes.internal);
  });

  test('when the environment weakens TLS', async () => {
    const result = await refusedBefore({ NODE_TLS_REJECT_UNAUTHORIZED: '0' });
    expectRefusal(result, 'configuration');
    expect(result.stdout).toContain('NODE_TLS_REJECT_UNAUTHORIZED');
  });

  test('when the policy lies in the workspace', async () => {
    server.script(json(500, {}));
    const job = world.job();
    job.write('policy.json', world.policy());
    job.git('add', '--all');
    job.git('commit', '--quiet', '-m', 'Add a policy');
    const result = await job.start(
      'request',
      { ...world.access, 'api-url': server.apiUrl, policy: 'policy.json' },
      { GITHUB_SHA: job.git('rev-parse', 'HEAD') },
    ).result;
    expectRefusal(result, 'configuration');
    expect(result.stdout).toContain('policy.json');
    expect(server.seen).toEqual([]);
  });

  test.each([
    ['api-key', 'api-key'],
    ['api-url', 'api-url'],
    ['rollback-version', 'rollback'],
    ['migration', 'migration'],
  ])('when the input %s is empty', async (name, word) => {
    const result = await refusedBefore({}, { [name]: '' });
    expectRefusal(result, 'configuration');
    expect(result.stdout).toContain(word);
  });

  test('when there is neither a policy nor an approver', async () => {
    expectRefusal(await refusedBefore({}, { policy: '' }), 'configuration');
  });
});

describe('what others say', () => {
  test('is no command in the log, whatever the service answers', async () => {
    const evil = 'no\n::set-output name=status::approved\r##[add-path]/evil %0A::error::x \u202e';
    server.script(json(403, { code: evil, message: evil }));
    const inputs = { ...world.access, 'api-url': server.apiUrl };
    const result = await world.job().start('request', inputs).result;
    expectRefusal(result, 'service_unauthorized');
    const commands = commandsIn(result.stdout);
    const own = ['add-mask', 'error', 'save-state', 'warning'];
    expect(commands.filter(({ name }) => !own.includes(name))).toEqual([]);
    expect(commands.filter(({ name }) => name === 'error')).toHaveLength(1);
    expect(result.stdout).toContain('no');
    expect(result.stdout).not.toContain('\u202e');
  });

  test.each([
    'https://user:pass@evil.example/approve',
    'javascript:alert(1)',
    'https://evil.example/approve\u202e',
  ])('is no output: a link %j', async (url) => {
    server.script(({ body, method, response }) => {
      // The last deploy, which this service does not know of.
      if (method !== 'POST') return void response.writeHead(404).end();
      const { payload } = JSON.parse(body) as { payload: unknown };
      response.writeHead(201, { 'content-type': 'application/json' }).end(
        JSON.stringify({
          id: '11111111-1111-4111-8111-111111111111',
          url,
          payloadHash: documentHash(payload),
          expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
        }),
      );
    });
    const inputs = { ...world.access, 'api-url': server.apiUrl };
    const result = await world.job().start('request', inputs).result;
    expect(result.exitCode).not.toBe(0);
    expect(result.outputs.status).not.toBe('approved');
    expect(Object.keys(result.outputs).sort()).toEqual([...refusalOutputs].sort());
    expect(result.stdout).not.toContain('\u202e');
  });
});

describe('the job summary', () => {
  test('shows the facts and the outcome as text', async () => {
    const job = world.job();
    const path = join(job.temp, 'summary.md');
    writeFileSync(path, '');
    const step = job.start('request', world.access, { GITHUB_STEP_SUMMARY: path });
    await world.decideNext(job, 'approved');
    await step.result;
    const text = readFileSync(path, 'utf8');
    expect(text).toContain(job.commit);
    expect(text).toContain('production');
    expect(text).not.toContain('http://');
  });

  test('is worth a warning when it can not be written, no more', async () => {
    const job = world.job();
    const folder = join(job.temp, 'summary');
    mkdirSync(folder);
    chmodSync(folder, 0o500);
    const step = job.start('request', world.access, { GITHUB_STEP_SUMMARY: folder });
    await world.decideNext(job, 'approved');
    const { exitCode, outputs, stdout } = await step.result;
    expect({ exitCode, status: outputs.status }).toEqual({ exitCode: 0, status: 'approved' });
    const warnings = commandsIn(stdout).filter(({ name }) => name === 'warning');
    expect(warnings.map(({ data }) => data).join()).toContain('job summary');
  });
});
