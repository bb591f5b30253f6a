import { spawn, type ChildProcess } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  call,
  createKey,
  currentPayload,
  decide,
  enrol,
  redemptionBody,
  removeFolders,
  requestApproval,
  spawnTestService,
  stubPage,
  type Person,
  type ServiceProcess,
} from '../support/service.ts';

let service: ServiceProcess;
let key: string;
let alex: Person;

beforeAll(async () => {
  service = await spawnTestService({ pageDir: await stubPage() });
  key = await createKey(service);
  alex = await enrol(service, 'alex');
}, 60_000);
afterAll(async () => {
  await service.close();
  await removeFolders();
});

/** Reads its request on stdin, says "ready", and at "go" sends it and prints the status. */
const redeemer = `
  import { request } from 'node:http';
  import { createInterface } from 'node:readline';
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const { url, key, body } = JSON.parse((await lines.next()).value);
  process.stdout.write('ready\\n');
  await lines.next();
  const headers = { 'content-type': 'application/json', 'x-api-key': key };
  const sent = request(url, { method: 'POST', headers }, (answer) => {
    answer.resume().on('end', () => {
      process.stdout.write(String(answer.statusCode) + '\\n');
      process.exit(0);
    });
  });
  sent.end(body);
`;

interface Redeemer {
  readonly child: ChildProcess;
  readonly ready: Promise<unknown>;
  readonly status: Promise<number>;
}

function startRedeemer(body: object): Redeemer {
  const child = spawn(process.execPath, ['--input-type=module', '-e', redeemer], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ready = Promise.withResolvers<undefined>();
  const ended = Promise.withResolvers<number>();
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    if (text.startsWith('ready\n')) ready.resolve(undefined);
  });
  child.once('close', () => ended.resolve(Number(text.split('\n')[1])));
  const url = `${service.url}/api/redemptions`;
  child.stdin.write(`${JSON.stringify({ url, key, body: JSON.stringify(body) })}\n`);
  return { child, ready: ready.promise, status: ended.promise };
}

/** Starts a process for each body, lets them all go at once when all are ready, and gives their statuses. */
async function redeemAtOnce(bodies: readonly object[]): Promise<readonly number[]> {
  const redeemers: Redeemer[] = [];
  for (const body of bodies) {
    const one = startRedeemer(body);
    redeemers.push(one);
    // A few at a time: starting them all at once takes the machine longer.
    if (redeemers.length % 10 === 0) await one.ready;
  }
  await Promise.all(redeemers.map(({ ready }) => ready));
  for (const { child } of redeemers) child.stdin?.end('go\n');
  return Promise.all(redeemers.map(({ status }) => status));
}

async function approved(): Promise<string> {
  const payload = currentPayload();
  const { body } = await requestApproval(service, { key, username: 'alex', payload });
  expect((await decide(service, body.id, alex)).status).toBe(200);
  return body.payloadHash;
}

function count(statuses: readonly number[]): Readonly<Record<number, number>> {
  const counts: Record<number, number> = {};
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

test('100 redemptions by 100 processes: exactly one 201', async () => {
  const payloadHash = await approved();
  const bodies = Array.from({ length: 100 }, () => redemptionBody(payloadHash));
  expect(count(await redeemAtOnce(bodies))).toEqual({ 201: 1, 409: 99 });
}, 90_000);

test('the retries of one process at once: one 201, the rest 200 with the same answer', async () => {
  const payloadHash = await approved();
  const body = redemptionBody(payloadHash);
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => call(service, '/api/redemptions', { key, body })),
  );
  expect(count(answers.map(({ status }) => status))).toEqual({ 200: 19, 201: 1 });
  expect(new Set(answers.map((answer) => answer.body.redeemedAt)).size).toBe(1);
});
