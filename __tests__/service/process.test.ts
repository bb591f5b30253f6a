import { spawn } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { request, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { afterAll, describe, expect, test } from '@jest/globals';
import { builtBundles } from '../support/bundles.ts';
import {
  call,
  createKey,
  enrol,
  removeFolders,
  requestApproval,
  spawnTestService,
  stubPage,
  temporaryFolder,
  type ServiceProcess,
} from '../support/service.ts';

afterAll(removeFolders);

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(
  args: readonly string[],
  o: { readonly env?: Readonly<Record<string, string>>; readonly stopAfter?: RegExp } = {},
): Promise<Outcome> {
  const bundle = join(await builtBundles(), 'service.js');
  const child = spawn(process.execPath, [bundle, ...args], { env: { ...process.env, ...o.env } });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const isReady = o.stopAfter?.test(stdout);
    stdout += chunk;
    if (isReady === false && o.stopAfter?.test(stdout) === true) child.kill('SIGINT');
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr };
}

test('says where it listens and where the first admin file is, and ends on SIGINT with 0', async () => {
  const data = join(await temporaryFolder(), 'data');
  const page = await stubPage();
  const args = ['--port', '0', '--data', data, '--page-dir', page];
  const first = await run(args, { stopAfter: /mode 0600/ });
  expect(first).toEqual({
    code: 0,
    stdout: expect.stringMatching(
      /^Deploy Warrant listens on http:\/\/localhost:\d+\nThe first admin key and invite are in .*data\/first-admin\.json \(mode 0600\)\.\n$/,
    ),
    stderr: '',
  });
  const second = await run(args, { stopAfter: /listens on/ });
  expect(second).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^Deploy Warrant listens on \S+\n$/),
  });
}, 60_000);

/** A request whose head the service has heard. */
async function begun(
  url: string,
  {
    headers,
    ...options
  }: Omit<RequestOptions, 'headers'> & { readonly headers: Readonly<Record<string, string>> },
): Promise<ClientRequest> {
  const asking = request(url, { ...options, headers: { ...headers, expect: '100-continue' } });
  asking.flushHeaders();
  await once(asking, 'continue');
  return asking;
}

/** A request that is under way: the service waits for its body. */
function halfAsked(service: ServiceProcess, hostname = 'localhost'): Promise<ClientRequest> {
  const headers = { 'x-api-key': service.adminKey, 'content-type': 'application/json' };
  return begun(`${service.apiUrl}/invites`, { method: 'POST', hostname, headers });
}

/** Ends the request; the answer's status, and its body read as JSON. */
async function answerTo(
  asking: ClientRequest,
  body = '',
): Promise<{ readonly status: number | undefined; readonly body: unknown }> {
  const answer = once(asking, 'response') as Promise<[IncomingMessage]>;
  asking.end(body);
  const [response] = await answer;
  return { status: response.statusCode, body: await json(response) };
}

/** Until the service has heard that it must end; what it is asked meanwhile, it still answers. */
async function untilClosing(service: ServiceProcess): Promise<void> {
  for (;;) {
    const { status, headers } = await fetch(service.url);
    expect(status).toBe(200);
    if (headers.get('connection') === 'close') return;
  }
}

/** The milliseconds until the service has ended well. */
async function stopped(service: ServiceProcess): Promise<number> {
  const begin = performance.now();
  await service.close();
  expect(service.child.exitCode).toBe(0);
  return performance.now() - begin;
}

describe('a service that is told to stop', () => {
  test('answers the long polls', async () => {
    const service = await spawnTestService({ pageDir: await stubPage() });
    const key = await createKey(service);
    await enrol(service, 'alex');
    const { body } = await requestApproval(service, { key, username: 'alex' });
    const poll = await begun(`${service.apiUrl}/confirmations/${body.id}?wait=25`, {
      headers: { 'x-api-key': key },
    });
    const [answer] = await Promise.all([answerTo(poll), stopped(service)]);
    expect(answer).toMatchObject({ status: 200, body: { status: 'pending' } });
  }, 60_000);

  test('ends the answers under way, and a second signal does not cut them off', async () => {
    const service = await spawnTestService({ pageDir: await stubPage() });
    // It listens at each address of its host: `localhost` has two on many machines.
    const addresses = await lookup('localhost', { all: true });
    const asking = await Promise.all(addresses.map(({ address }) => halfAsked(service, address)));
    const ended = stopped(service);
    await untilClosing(service);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) service.child.kill(signal);
    for (const request of asking) {
      const { status } = await answerTo(request, '{"note":"late","maxUses":1}');
      expect(status).toBe(201);
    }
    await ended;
  }, 60_000);

  test('does not wait for a connection that says nothing, as browsers open them in advance', async () => {
    const service = await spawnTestService({ pageDir: await stubPage() });
    for (const bytes of ['', 'GET /']) {
      const socket = connect(Number(new URL(service.url).port), 'localhost');
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      socket.write(bytes);
    }
    expect(await stopped(service)).toBeLessThan(4_000);
  }, 60_000);

  test('waits five seconds for a request that does not end', async () => {
    const service = await spawnTestService({ pageDir: await stubPage() });
    const asking = await halfAsked(service);
    const cutOff = once(asking, 'error');
    const durationMs = await stopped(service);
    await cutOff;
    expect(durationMs).toBeGreaterThan(4_500);
    expect(durationMs).toBeLessThan(9_500);
  }, 60_000);
});

test('serves the built page that lies beside the bundle', async () => {
  const service = await spawnTestService();
  const index = await fetch(service.url);
  expect(await index.text()).toMatch(/\/page\/page\.js/);
  expect((await call(service, '/page/page.js')).status).toBe(200);
  await service.close();
}, 60_000);

test.each([
  [['--prot', '1'], {}, /--prot/],
  [[], { DEPLOY_WARRANT_PROT: '1' }, /DEPLOY_WARRANT_PROT/],
  [['--page-dir', '/nonexistent'], {}, /npm run build/],
])('%j %j ends with 40 and the reason', async (args, env, message) => {
  const data = join(await temporaryFolder(), 'data');
  const outcome = await run(['--port', '0', '--data', data, ...args], { env });
  expect(outcome).toEqual({ code: 40, stdout: '', stderr: expect.stringMatching(message) });
});

test('a port that is taken ends with 40 and the reason', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, 'localhost', resolve));
  const { port } = taken.address() as { port: number };
  const data = join(await temporaryFolder(), 'data');
  const page = await stubPage();
  const outcome = await run(['--port', String(port), '--data', data, '--page-dir', page]);
  expect(outcome).toEqual({ code: 40, stdout: '', stderr: expect.stringMatching(`port ${port}`) });
  taken.close();
});
