import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, expect, test } from '@jest/globals';
import { fingerprint } from '../../src/core/fingerprint.ts';
import {
  call,
  createBody,
  createKey,
  currentPayload,
  enrol,
  removeFolders,
  requestApproval,
  startTestService,
  type TestService,
} from '../support/service.ts';

interface Received {
  readonly path: string | undefined;
  readonly method: string | undefined;
  readonly type: string | undefined;
  readonly body: string;
}

const running: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of running.splice(0)) await one.close();
});
afterAll(removeFolders);

/** A webhook that notes what it gets and answers as told. */
async function startHook(
  answer: (response: ServerResponse) => void,
): Promise<{ url: string; received: Received[] }> {
  const received: Received[] = [];
  const server: Server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const { url: path, method, headers } = request;
      received.push({ path, method, type: headers['content-type'], body });
      answer(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  running.push({
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/T000/SECRET?token=SECRET`, received };
}

async function start(notifyUrl: string): Promise<{ service: TestService; key: string }> {
  const service = await startTestService({ notifyUrl });
  running.push(service);
  await enrol(service, 'alex');
  return { service, key: await createKey(service) };
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let tries = 0; !isTrue() && tries < 1_000; tries += 1) await sleep(10);
  expect(isTrue()).toBe(true);
}

test('a new request posts title, fingerprint and link, once', async () => {
  const hook = await startHook((response) => response.end());
  const { service, key } = await start(hook.url);
  const options = { key, username: 'alex', payload: currentPayload(), idempotencyKey: 'one' };
  const { body } = await requestApproval(service, options);
  await until(() => hook.received.length > 0);
  await requestApproval(service, options);
  await call(service, '/api/confirmations', { key, body: createBody('nobody', currentPayload()) });
  await sleep(100);
  expect(hook.received).toHaveLength(1);
  const [{ path, method, type, body: text } = { body: '' } as Received] = hook.received;
  expect([path, method, type]).toEqual(['/T000/SECRET?token=SECRET', 'POST', 'application/json']);
  expect(JSON.parse(text)).toEqual({
    title: 'Deploy api to production: alex is asked',
    fingerprint: fingerprint(body.payloadHash),
    url: body.url,
  });
  expect(service.log).toEqual([]);
});

test.each([
  ['answers 500', (response: ServerResponse) => response.writeHead(500).end(), /500/],
  ['drops the connection', (response: ServerResponse) => response.destroy(), /failed/],
  [
    'redirects',
    (response: ServerResponse) => response.writeHead(307, { location: '/elsewhere' }).end(),
    /307/,
  ],
])(
  'one that %s blocks nothing, and is one line without the secret',
  async (_name, answer, line) => {
    const hook = await startHook(answer);
    const { service, key } = await start(hook.url);
    expect((await requestApproval(service, { key, username: 'alex' })).status).toBe(201);
    await until(() => service.log.length > 0);
    expect(service.log).toEqual([expect.stringMatching(line)]);
    expect(service.log[0]).toContain(new URL(hook.url).host);
    expect(service.log[0]).not.toContain('SECRET');
    expect(hook.received.map(({ path }) => path)).toEqual(['/T000/SECRET?token=SECRET']);
  },
);

test('one that nobody listens to blocks nothing', async () => {
  const { service, key } = await start('http://127.0.0.1:9/');
  expect((await requestApproval(service, { key, username: 'alex' })).status).toBe(201);
  await until(() => service.log.length > 0);
});

test('one that never answers is given up after five seconds, and nobody waits for it', async () => {
  const hook = await startHook(() => undefined);
  const { service, key } = await start(hook.url);
  const begin = performance.now();
  expect((await requestApproval(service, { key, username: 'alex' })).status).toBe(201);
  expect(performance.now() - begin).toBeLessThan(2_000);
  await until(() => service.log.length > 0);
  expect(performance.now() - begin).toBeLessThan(9_000);
  expect(service.log[0]).toContain('TimeoutError');
});
