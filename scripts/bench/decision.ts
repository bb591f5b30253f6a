/** From a person's decision to the end of the step that waited for it, beside a gate that asks every 10 s. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startJob, type Inputs, type StepResult } from '../../__tests__/acceptance/job.ts';
import type { Person } from '../../__tests__/support/service.ts';
import { startProxy } from '../demo/proxy.ts';
import { mean, median, spreadOf, type Figure } from './figures.ts';
import type { Sizes } from './options.ts';
import type { Polling } from './polling-process.ts';
import { ask, decide, decisionOf, type Asked, type BenchService } from './service.ts';

type DecisionSizes = Pick<Sizes, 'decisions' | 'polls' | 'pollIntervalMs' | 'countMs'>;

interface Surroundings {
  readonly bundles: string;
  readonly service: BenchService;
  readonly person: Person;
}

export async function measureDecision(
  surroundings: Surroundings,
  sizes: DecisionSizes,
): Promise<Figure[]> {
  const times: GateTimes[] = [];
  for (let n = 0; n < sizes.decisions; n += 1) times.push(await runGate(surroundings));
  // Both mostly sleep, so they may do that together.
  const [polled, perMinute] = await Promise.all([
    Promise.all(Array.from({ length: sizes.polls }, () => runPollingGate(surroundings, sizes))),
    sizes.countMs === 0 ? undefined : countRequests(surroundings, sizes.countMs),
  ]);
  const polling = { what: `a gate that asks every ${sizes.pollIntervalMs / 1000} s` };
  const request = times.map(({ requestMs }) => requestMs);
  const verify = times.map(({ verifyMs }) => verifyMs);
  return [
    {
      what: "A person's decision to the exit of `request.js`, evidence checked",
      value: median(request),
      unit: 'ms',
      spread: spreadOf(request, 'ms'),
      beside: {
        ...polling,
        what: `${polling.what} (mean of ${sizes.polls})`,
        value: mean(polled),
      },
      aim: { below: 100 },
    },
    {
      what: 'The whole of `verify.js` after it: facts collected again, checked, redeemed, recorded',
      value: median(verify),
      unit: 'ms',
      spread: spreadOf(verify, 'ms'),
    },
    ...(perMinute === undefined
      ? []
      : [
          {
            what: 'Requests to the service while waiting',
            value: perMinute,
            unit: 'per minute',
            beside: { ...polling, value: 60_000 / sizes.pollIntervalMs },
          } as const,
        ]),
  ];
}

interface GateTimes {
  readonly requestMs: number;
  readonly verifyMs: number;
}

/** One deploy job: the request step waits, the person approves, then the verify step. */
async function runGate(surroundings: Surroundings): Promise<GateTimes> {
  const { service } = surroundings;
  const gate = await startGate(surroundings, service.url);
  // As a person would: the gate is at its long poll by then.
  await sleep(500);
  const body = decisionOf(service, gate.asked);
  await decide(service, gate.asked, body);
  const answered = performance.now();
  succeeded(await gate.result);
  const exited = performance.now();
  const verify = gate.job.start('verify', {
    ...gate.inputs,
    'approval-id': gate.asked.id,
  });
  succeeded(await verify.result);
  return { requestMs: exited - answered, verifyMs: performance.now() - exited };
}

async function startGate({ bundles, service, person }: Surroundings, origin: string) {
  const job = startJob({ bundles });
  const inputs: Inputs = {
    'api-url': `${origin}/api`,
    'api-key': service.requestKey,
    policy: policyOf(service, person),
  };
  const step = job.start('request', inputs);
  const [, id = ''] = await step.sees(/\/approve\/([0-9a-f-]{36})/);
  const shown = await fetch(`${service.url}/page/confirmations/${id}`);
  const { nonce, payloadHash } = (await shown.json()) as Pick<Asked, 'nonce' | 'payloadHash'>;
  const asked: Asked = { id, nonce, payloadHash, person };
  return { job, asked, step, result: step.result, inputs };
}

function policyOf(service: BenchService, { username, passkey }: Person): string {
  return JSON.stringify({
    schema: 'approval-policy/v1',
    relying_party: { id: service.rpId, origin: service.origin },
    approvers: {
      [username]: {
        accounts: [{ provider: 'github', id: '1234567', login: username }],
        passkeys: [passkey.pinned],
      },
    },
    environments: { production: { approvers: [username], require_oidc: false } },
  });
}

function succeeded({ exitCode, stdout, stderr }: StepResult): void {
  if (exitCode !== 0) throw new Error(`A step ended with ${exitCode}:\n${stdout}${stderr}`);
}

/** The same decision, waited for by a process that asks, sleeps and asks again. The person decides at any moment. */
async function runPollingGate(
  { service, person }: Surroundings,
  { pollIntervalMs }: Pick<Sizes, 'pollIntervalMs'>,
): Promise<number> {
  const asked = await ask(service, [person], 0);
  const polling: Polling = {
    url: `${service.url}/api/confirmations/${asked.id}`,
    key: service.requestKey,
    intervalMs: pollIntervalMs,
  };
  const child = spawn(process.execPath, [join(import.meta.dirname, 'polling-process.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH, POLLING: JSON.stringify(polling) },
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  await sleep(Math.random() * pollIntervalMs);
  await decide(service, asked, decisionOf(service, asked));
  const answered = performance.now();
  if ((await exited) !== 0) throw new Error('The polling gate failed.');
  return performance.now() - answered;
}

/** Requests a minute of a gate at which nothing happens: from its first poll to its last within `countMs`. */
async function countRequests(surroundings: Surroundings, countMs: number): Promise<number> {
  const proxy = await startProxy({ target: surroundings.service.url });
  try {
    const { step, result } = await startGate(surroundings, proxy.origin);
    const polledAt: number[] = [];
    const polls = (): number => proxy.requests.filter(({ method }) => method === 'GET').length;
    let end = Infinity;
    while (performance.now() < end) {
      await sleep(5);
      if (polls() > polledAt.length) polledAt.push(performance.now());
      if (polledAt.length === 1) end = polledAt[0]! + countMs;
    }
    step.kill('SIGKILL');
    await result;
    const intervalMs = (polledAt.at(-1)! - polledAt[0]!) / Math.max(1, polledAt.length - 1);
    return 60_000 / Math.max(intervalMs, 1);
  } finally {
    await proxy.close();
  }
}
