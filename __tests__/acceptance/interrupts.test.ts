/** A job that is stopped, at every moment; and a runner on which nothing can be written. Never a success by accident. */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { exitCodes } from '../../src/core/verdict.ts';
import { refusalOutputs } from '../../src/gate/vocabulary.ts';
import { startStubService, type Route, type StubService } from '../gate/stub-service.ts';
import { preload } from '../support/preloads.ts';
import { readFileCommands } from '../action/runner.ts';
import { interruptRows } from './matrix/interrupt-rows.ts';
import { apiKey, setStage, type Stage } from './matrix/stage.ts';
import { startJob, type Inputs, type Job, type RunningStep } from './job.ts';

jest.setTimeout(60_000);

let stage: Stage;
let stub: StubService;

beforeAll(async () => {
  stage = await setStage();
}, 120_000);
afterAll(() => stage.close());

async function withStub<T>(work: () => Promise<T>): Promise<T> {
  stub = await startStubService(stage.world, () => Date.now(), { known: [stage.approved] });
  stub.reactions.set('alex', { status: 'approved' });
  try {
    return await work();
  } finally {
    await stub.close();
  }
}

const inputsOf = (step: 'request' | 'verify'): Inputs => ({
  ...stage.inputs,
  'api-url': stub.apiUrl,
  ...(step === 'verify' ? { 'approval-id': stage.approved.id } : { approver: 'alex' }),
});

/** A job of its own, for its post step; on the same checkout and of the same run. */
const ownJob = (): Job => startJob({ bundles: stage.bundles, sameRunAs: stage.job });

/** The signals of a runner that cancels a job. Resolves when the process has ended, with how long that took. */
async function cancelled(running: RunningStep): Promise<number> {
  const begin = Date.now();
  running.kill('SIGINT');
  const timers = [
    setTimeout(() => running.kill('SIGTERM'), 7_500),
    setTimeout(() => running.kill('SIGKILL'), 10_000),
  ];
  await running.result;
  timers.forEach(clearTimeout);
  return Date.now() - begin;
}

/** Resolves when the service hears the call; it goes on with it as it is told. */
function heard(route: Route, service: 'answers' | 'is silent'): Promise<void> {
  return new Promise((resolve) => {
    stub.faults.set(route, (exchange, right) => {
      resolve();
      if (service === 'answers') setTimeout(() => right(exchange), 500);
    });
  });
}

describe('a job that is cancelled while', () => {
  test.each(interruptRows.map((row) => [row.when, row.service, row] as const))(
    '%s, and the service %s',
    async (_when, _service, { step, during, service, withdrawn, use }) => {
      await withStub(async () => {
        const reached = during === undefined ? undefined : heard(during, service);
        const job = ownJob();
        const running = job.start(step, inputsOf(step));
        await (reached ?? running.sees(/^::add-mask::/m));
        const elapsedMs = await cancelled(running);
        const { exitCode, signal, outputs, stdout } = await running.result;
        expect({ exitCode, signal }).toEqual({ exitCode: exitCodes.interrupted, signal: null });
        expect(Object.keys(outputs).sort()).toEqual([...refusalOutputs].sort());
        expect(outputs).toMatchObject({ status: 'interrupted', 'reason-code': 'interrupted' });
        // Before the runner kills, and with time left for the post step.
        expect(elapsedMs).toBeLessThan(10_000);

        const spent = /may be spent|is spent|is used up/.exec(stdout)?.[0];
        expect(spent === undefined ? 'unused' : spent.startsWith('may') ? 'perhaps' : 'used').toBe(
          use,
        );
        const asked = stub.stored.filter(({ id }) => id !== stage.approved.id);
        const open = asked.filter(({ status }) => status !== 'cancelled');
        if (withdrawn === 'by the step') {
          expect(asked).toHaveLength(1);
          expect(open).toEqual([]);
        }
        if (step === 'verify') expect(stub.calls).not.toContain('withdraw');

        // The post step runs in any case, and finds nothing that is left to do.
        if (step === 'request') {
          stub.faults.clear();
          expect((await job.startPost().result).exitCode).toBe(0);
          expect(stub.calls.filter((call) => call === 'withdraw').length).toBe(
            withdrawn === 'by the step' ? 1 : 0,
          );
        }
      });
    },
  );
});

describe('a job that is killed', () => {
  test.each<[when: string, step: 'request' | 'verify', during: Route]>([
    ['while it creates', 'request', 'create'],
    ['while it waits', 'request', 'poll'],
    ['while it fetches the decision', 'request', 'fetch'],
    ['while it fetches the approval', 'verify', 'fetch'],
    ['while it redeems', 'verify', 'redeem'],
  ])(
    '%s has no outcome, and what waits is withdrawn by the post step',
    async (_when, step, during) => {
      await withStub(async () => {
        stub.reactions.set('alex', { status: during === 'fetch' ? 'approved' : 'pending' });
        const reached = heard(during, 'is silent');
        const job = ownJob();
        const running = job.start(step, inputsOf(step));
        await reached;
        running.kill('SIGKILL');
        const { exitCode, signal, outputs } = await running.result;
        expect({ exitCode, signal, outputs }).toEqual({
          ...{ exitCode: null, signal: 'SIGKILL', outputs: {} },
        });
        if (step === 'verify') return;
        stub.faults.clear();
        expect((await job.startPost().result).exitCode).toBe(0);
        const statuses = stub.stored
          .filter(({ id }) => id !== stage.approved.id)
          .map(({ status }) => status);
        // Killed before it knew the id: nobody can withdraw it. Approved: it may be about to be used.
        expect(statuses).toEqual(
          during === 'create' ? [] : [during === 'poll' ? 'cancelled' : 'approved'],
        );
      });
    },
  );
});

describe('a signal while the outputs are written', () => {
  test.each(['request', 'verify'] as const)('ends %s with 130 all the same', async (step) => {
    await withStub(async () => {
      const kill = preload(
        'signal-while-writing',
        `const fs = require('node:fs'), { appendFileSync } = fs;
         fs.appendFileSync = (path, ...rest) => {
           if (String(path).includes('output')) process.kill(process.pid, 'SIGINT');
           return appendFileSync(path, ...rest);
         };`,
      );
      const { exitCode } = await stage.job.start(step, inputsOf(step), kill).result;
      expect(exitCode).toBe(exitCodes.interrupted);
    });
  });
});

describe('a runner that takes nothing', () => {
  test.each<[fault: string, env: Inputs, code: keyof typeof exitCodes]>([
    ['GITHUB_OUTPUT is not set', { GITHUB_OUTPUT: '' }, 'configuration'],
    ['its file does not exist', { GITHUB_OUTPUT: '/nowhere/output' }, 'internal'],
    ['its file is a folder', { GITHUB_OUTPUT: '/tmp' }, 'internal'],
    ['its file can not be opened', { GITHUB_OUTPUT: '/proc/self/mem/x' }, 'internal'],
  ])('%s: neither step asks for anything', async (_fault, env, code) => {
    await withStub(async () => {
      for (const step of ['request', 'verify'] as const) {
        const { exitCode, stdout, outputs } = await stage.job.start(step, inputsOf(step), env)
          .result;
        expect({ exitCode, outputs }).toEqual({ exitCode: exitCodes[code], outputs: {} });
        expect(stdout).not.toContain('::set-output');
        expect(stdout.replaceAll(`::add-mask::${apiKey}`, '')).not.toContain(apiKey);
      }
      expect(stub.calls).toEqual([]);
    });
  });

  test('a full disk under the outputs fails, and says that the approval is spent', async () => {
    await withStub(async () => {
      const full = { GITHUB_OUTPUT: '/dev/full' };
      const { exitCode, stdout } = await stage.job.start('verify', inputsOf('verify'), full).result;
      expect(exitCode).toBe(exitCodes.internal);
      expect(stdout).toMatch(/^::error.*ENOSPC.*The approval is used up/m);
      expect(stub.calls).toEqual(['fetch', 'redeem']);
    });
  });

  test('no place for the record: nothing is used up', async () => {
    await withStub(async () => {
      const nowhere = { RUNNER_TEMP: '/proc/nowhere' };
      const { exitCode, outputs } = await stage.job.start('verify', inputsOf('verify'), nowhere)
        .result;
      expect(exitCode).not.toBe(0);
      expect(Object.keys(outputs).sort()).toEqual([...refusalOutputs].sort());
      expect(stub.calls).not.toContain('redeem');
    });
  });

  test.each([
    ['can not be written', '/nowhere/summary'],
    ['is full', '/dev/full'],
  ])('a summary that %s is worth a warning', async (_fault, path) => {
    await withStub(async () => {
      const { exitCode, outputs, stdout } = await stage.job.start('verify', inputsOf('verify'), {
        GITHUB_STEP_SUMMARY: path,
      }).result;
      expect({ exitCode, status: outputs.status }).toEqual({ exitCode: 0, status: 'approved' });
      expect(stdout).toMatch(/^::warning.*summary/m);
    });
  });

  test.each(['request', 'verify'] as const)(
    'a closed stdout changes nothing for %s, approved or refused',
    async (step) => {
      for (const status of ['approved', 'rejected'] as const) {
        await withStub(async () => {
          stub.reactions.set('alex', { status });
          if (step === 'verify' && status === 'rejected') {
            stub.faults.set('fetch', ({ response }) => response.writeHead(410).end());
          }
          const job = ownJob();
          const output = join(job.temp, 'unread-output');
          writeFileSync(output, '');
          const child = spawn(process.execPath, [join(stage.bundles, `${step}.js`)], {
            cwd: job.workspace,
            env: job.variables(step, inputsOf(step), { GITHUB_OUTPUT: output }),
            stdio: ['ignore', 'pipe', 'pipe'],
          });
          child.stdout.destroy();
          child.stderr.destroy();
          const exitCode = await new Promise((resolve) => child.once('exit', resolve));
          const code = status === 'approved' ? 'approved' : step === 'verify' ? 'expired' : status;
          expect(exitCode).toBe(exitCodes[code]);
          expect(readFileCommands(readFileSync(output, 'utf8')).status).toBe(code);
        });
      }
    },
  );
});
