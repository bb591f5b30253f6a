import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { Fault } from '../../src/core/fault.ts';
import { TransportError, type ApiRequest, type TransportReason } from '../../src/client/http.ts';
import { createTransport } from '../../src/client/transport.ts';
import { selfSigned } from '../support/certificate.ts';
import {
  answer,
  cut,
  flood,
  gzipBomb,
  json,
  noHttp,
  redirect,
  silence,
  slowLoris,
  startFaultyServer,
  truncated,
  truncatedChunk,
  type FaultyServer,
} from '../support/faulty-server.ts';

const apiKey = 'dw_request_0123456789abcdefghijklmnopqrstuvwxyz';
const get: ApiRequest = { method: 'GET', path: '/confirmations/x?wait=25', timeoutMs: 5_000 };
const post: ApiRequest = {
  method: 'POST',
  path: '/confirmations',
  body: { b: 1, a: 2 },
  timeoutMs: 5_000,
};

let server: FaultyServer;
let other: FaultyServer;
beforeAll(async () => {
  server = await startFaultyServer();
  other = await startFaultyServer();
});
afterAll(async () => {
  await server.close();
  await other.close();
});

const transport = () => createTransport({ apiUrl: server.apiUrl, apiKey });

async function failure(request: ApiRequest, from = transport()): Promise<TransportError> {
  const error: unknown = await from.send(request).then(
    ({ status }) => new Error(`answered ${status}`),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(TransportError);
  const message = String(error);
  expect(message).not.toContain(apiKey);
  expect(message).not.toContain('confirmations');
  return error as TransportError;
}

async function expectFailure(request: ApiRequest, reason: TransportReason): Promise<void> {
  expect((await failure(request)).reason).toBe(reason);
  expect(server.seen).toHaveLength(1);
}

describe('what is sent', () => {
  test('the key, and the body in its canonical form', async () => {
    server.script(json(201, { ok: true }));
    const response = await transport().send({ ...post, headers: { 'idempotency-key': 'k' } });
    expect(response).toMatchObject({
      status: 201,
      headers: { 'content-type': 'application/json' },
    });
    expect(Buffer.from(response.body).toString()).toBe('{"ok":true}');
    expect(response.date).toBeGreaterThan(Date.now() - 5_000);
    expect(server.seen).toEqual([
      expect.objectContaining({
        method: 'POST',
        path: '/api/confirmations',
        body: '{"a":2,"b":1}',
      }),
    ]);
    expect(server.seen[0]!.headers).toMatchObject({
      'x-api-key': apiKey,
      'idempotency-key': 'k',
      'content-type': 'application/json',
      accept: 'application/json',
    });
  });

  test('a GET and a DELETE have no body and no content type', async () => {
    for (const method of ['GET', 'DELETE'] as const) {
      server.script(json(200, {}));
      await transport().send({ ...get, method });
      expect(server.seen[0]).toMatchObject({ method, body: '' });
      expect(server.seen[0]!.headers['content-type']).toBeUndefined();
    }
  });

  test('the name of the program, where it is given', async () => {
    server.script(json(200, {}));
    const userAgent = 'deploy-warrant/1.2.3';
    await createTransport({ apiUrl: server.apiUrl, apiKey, userAgent }).send(get);
    expect(server.seen[0]!.headers['user-agent']).toMatch(/^deploy-warrant\/1\.2\.3/);
  });

  test('to an IPv6 loopback address too', async () => {
    const six = await startFaultyServer({ host: '::1' });
    six.script(json(200, {}));
    const to = createTransport({ apiUrl: six.apiUrl, apiKey });
    await expect(to.send(get)).resolves.toMatchObject({ status: 200 });
    await six.close();
  });
});

describe('what is told of an answer', () => {
  test('no time where it has no date, and a header that comes twice as one', async () => {
    server.script(({ response }) => {
      response.sendDate = false;
      response.writeHead(200, { 'set-cookie': ['a=1', 'b=2'] }).end('{}');
    });
    const response = await transport().send(get);
    expect(response.date).toBeUndefined();
    expect(response.headers['set-cookie']).toBe('a=1, b=2');
  });

  test('nothing once it is stopped, though a refusal has begun', async () => {
    const stop = new AbortController();
    server.script((exchange) => {
      slowLoris(404)(exchange);
      setTimeout(() => stop.abort(), 50);
    });
    await expectFailure({ ...get, signal: stop.signal }, 'aborted');
  });
});

describe('the key goes nowhere else', () => {
  test.each(
    [301, 302, 303, 307, 308].flatMap((status) => [
      [status, 'GET'] as const,
      [status, 'POST'] as const,
    ]),
  )('a redirect %i is not followed: %s', async (status, method) => {
    const request = method === 'GET' ? get : post;
    other.script(json(200, {}));
    server.script(redirect(status, `${other.apiUrl}/confirmations`));
    const response = await transport().send(request);
    expect(response.status).toBe(status);
    expect(server.seen).toHaveLength(1);
    expect(other.seen).toHaveLength(0);
  });

  test.each([
    ['http to another host', 'http://approve.example.com/api'],
    ['http to an address', 'http://169.254.169.254/api'],
    ['http to what only begins like loopback', 'http://127.0.0.1.example.com/api'],
    ['http to a name below localhost', 'http://localhost.example.com/api'],
    ['https to an address', 'https://203.0.113.7/api'],
    ['https to an IPv6 address', 'https://[2001:db8::1]/api'],
    ['a user name', 'https://alex@approve.example.com/api'],
    ['a user name and password', 'https://alex:hunter2@approve.example.com/api'],
    ['a host in the place of the user name', 'https://approve.example.com@evil.example/api'],
    ['an empty user name', 'https://@evil.example/api'],
    ['a query', 'https://approve.example.com/api?key=hunter2'],
    ['an empty query', 'https://approve.example.com/api?'],
    ['a fragment', 'https://approve.example.com/api#hunter2'],
    ['an empty fragment', 'https://approve.example.com/api#'],
    ['another scheme', 'ftp://approve.example.com/api'],
    ['a file', 'file:///etc/passwd'],
    ['no scheme', 'approve.example.com/api'],
    ['backslashes', 'https:\\\\approve.example.com\\api'],
    ['a tab', 'https://approve.exa\tmple.com/api'],
    ['a line end', 'https://approve.example.com/api\n'],
    ['a blank in front', ' https://approve.example.com/api'],
    ['a percent escape', 'https://approve.example.com/%2e%2e/api'],
    ['a name with a look-alike letter', 'https://аpprove.example.com/api'],
    ['nothing', ''],
  ])('an api-url with %s is refused', (_name, apiUrl) => {
    const error = thrown(() => createTransport({ apiUrl, apiKey }));
    expect(error).toMatchObject({ name: 'Fault', code: 'configuration' });
    expect(String(error)).toMatch(/api-url/);
    expect(String(error)).not.toContain('hunter2');
  });

  test.each([
    'https://approve.example.com/api',
    'https://approve.example.com:8443/api/',
    'http://localhost:8080/api',
    'http://127.0.0.1/api',
    'http://127.1.2.3:1/api',
    'http://[::1]:8080/api',
    'https://127.0.0.1:8443/api',
    'https://approve.example.com',
  ])('%s is fine', (apiUrl) => {
    expect(createTransport({ apiUrl, apiKey }).host).toBe(new URL(apiUrl).host);
  });

  test.each([
    ['empty', ''],
    ['with a line end', `${apiKey}\r\nx: y`],
    ['with a blank', `${apiKey} `],
    ['not ASCII', 'schlüssel'],
  ])('a key that is %s is refused without being shown', (_name, bad) => {
    const error = thrown(() => createTransport({ apiUrl: server.apiUrl, apiKey: bad }));
    expect(error).toMatchObject({ code: 'configuration' });
    if (bad !== '') expect(String(error)).not.toContain(bad);
  });

  test('an error body that repeats the key comes without it', async () => {
    server.script(json(403, ({ headers }: { headers: object }) => ({ you: 'sent', headers })));
    const { body } = await transport().send(get);
    expect(Buffer.from(body).toString()).toContain('***');
    expect(Buffer.from(body).toString()).not.toContain(apiKey);
  });
});

describe('an answer is bounded', () => {
  test('in size, when it says so', async () => {
    server.script(answer(200, Buffer.alloc(262_145, 0x20)));
    await expectFailure(get, 'malformed');
  });

  test('in size, while it streams: nothing is read beyond the limit', async () => {
    const taken = { bytes: 0 };
    server.script(flood(taken));
    await expectFailure(get, 'malformed');
    expect(taken.bytes).toBeLessThan(10_000_000);
  });

  test('and may have exactly 256 KiB', async () => {
    server.script(answer(200, Buffer.alloc(262_144, 0x20)));
    expect((await transport().send(get)).body).toHaveLength(262_144);
  });

  test('and is never unpacked', async () => {
    server.script(gzipBomb);
    await expectFailure(get, 'malformed');
  });

  test.each([
    ['the headers', silence],
    ['the body', slowLoris()],
  ])('in time, over %s', async (_name, act) => {
    server.script(act);
    const before = Date.now();
    await expectFailure({ ...get, timeoutMs: 300 }, 'unreachable');
    expect(Date.now() - before).toBeLessThan(2_000);
  });

  test('in time, over the connection', async () => {
    // Accepts a connection and says nothing, so that TLS never begins.
    const mute = await listenRaw(() => undefined);
    const to = createTransport({ apiUrl: `https://localhost:${mute.port}/api`, apiKey });
    const before = Date.now();
    expect((await failure({ ...get, timeoutMs: 300 }, to)).reason).toBe('unreachable');
    expect(Date.now() - before).toBeLessThan(2_000);
    mute.close();
  });

  test('the body of a redirect or of a fault of the service is not read', async () => {
    for (const status of [307, 500, 503]) {
      server.script(slowLoris(status));
      const before = Date.now();
      const response = await transport().send(get);
      expect(response.status).toBe(status);
      expect(response.body).toHaveLength(0);
      expect(Date.now() - before).toBeLessThan(2_000);
    }
  });

  test('a refusal counts even when its body can not be read', async () => {
    server.script(flood({ bytes: 0 }, 401));
    const response = await transport().send(get);
    expect(response.status).toBe(401);
    expect(response.body).toHaveLength(0);
  });
});

describe('no answer at all', () => {
  test.each([
    ['a cut connection', cut, 'unreachable'],
    ['a body cut short of its length', truncated(), 'unreachable'],
    ['a body cut in its chunks', truncatedChunk, 'unreachable'],
    ['no HTTP', noHttp, 'malformed'],
  ] as const)('%s', async (_name, act, reason) => {
    server.script(act);
    await expectFailure(get, reason);
  });

  test('a port where nobody listens, a name that does not exist', async () => {
    const gone = await startFaultyServer();
    await gone.close();
    for (const apiUrl of [gone.apiUrl, 'https://approve.invalid/api']) {
      expect((await failure(get, createTransport({ apiUrl, apiKey }))).reason).toBe('unreachable');
    }
  });

  test('an abort ends it at once, and one before sends nothing', async () => {
    server.script(silence);
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 100);
    const before = Date.now();
    await expectFailure({ ...get, signal: stop.signal }, 'aborted');
    expect(Date.now() - before).toBeLessThan(2_000);

    server.script(json(200, {}));
    expect((await failure({ ...get, signal: stop.signal })).reason).toBe('aborted');
    expect(server.seen).toHaveLength(0);
  });
});

describe('TLS', () => {
  let tls: FaultyServer;
  beforeAll(async () => {
    tls = await startFaultyServer({ tls: selfSigned() });
    tls.script(json(200, {}));
  });
  afterAll(() => tls.close());

  test('a certificate that nobody vouches for is refused before the key is sent, and not tried again', async () => {
    const to = createTransport({ apiUrl: tls.apiUrl.replace('127.0.0.1', 'localhost'), apiKey });
    const error = await failure(get, to);
    expect(error.reason).toBe('insecure');
    expect(error.message).toMatch(/SELF_SIGNED/);
    expect(tls.seen).toHaveLength(0);
  });

  test('the variable that weakens TLS has no effect on our requests', async () => {
    // A process of its own: Node reads the variable of the real environment, not jest's copy.
    const code = `
      import { createTransport } from './src/client/transport.ts';
      const transport = createTransport({ apiUrl: '${tls.apiUrl}', apiKey: '${apiKey}' });
      const request = { method: 'GET', path: '/x', timeoutMs: 5000 };
      console.log(await transport.send(request).catch(({ reason }) => reason));`;
    const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], {
      env: { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: '0' },
    });
    expect((await run).stdout.trim()).toBe('insecure');
    expect(tls.seen).toHaveLength(0);
  });

  test('TLS to a server that speaks none', async () => {
    server.script(json(200, {}));
    const to = createTransport({ apiUrl: server.apiUrl.replace('http:', 'https:'), apiKey });
    expect((await failure(get, to)).reason).toBe('insecure');
    expect(server.seen).toHaveLength(0);
  });
});

describe('a proxy', () => {
  const through = async (act: (data: string) => string | undefined) => {
    const asked: string[] = [];
    const proxy = await listenRaw((data) => {
      asked.push(data);
      return act(data);
    });
    process.env.https_proxy = `http://127.0.0.1:${proxy.port}`;
    const to = createTransport({ apiUrl: 'https://approve.example.com/api', apiKey });
    const before = Date.now();
    const error = await failure({ ...get, timeoutMs: 500 }, to);
    expect(Date.now() - before).toBeLessThan(3_000);
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatch(/^CONNECT approve\.example\.com:443 /);
    expect(asked[0]).not.toContain(apiKey);
    proxy.close();
    return error;
  };
  afterEach(() => {
    delete process.env.https_proxy;
  });

  test.each([403, 407])('that refuses with %i is no outage', async (status) => {
    const error = await through(() => `HTTP/1.1 ${status} No\r\n\r\n`);
    expect(error).toMatchObject({ reason: 'proxy' });
    expect(error.message).toContain(String(status));
  });

  test('that can not reach the service is one', async () => {
    const error = await through(() => 'HTTP/1.1 502 Bad Gateway\r\n\r\n');
    expect(error.reason).toBe('unreachable');
  });

  test('that says nothing does not hold us beyond the deadline', async () => {
    const error = await through(() => undefined);
    expect(error.reason).toBe('unreachable');
  });
});

function thrown(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(Fault);
    return error;
  }
  throw new Error('Nothing was refused.');
}

/** A TCP server that answers with text, or not at all. */
async function listenRaw(
  onData: (data: string) => string | undefined,
): Promise<{ readonly close: () => void; readonly port: number }> {
  const sockets: Socket[] = [];
  const raw = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      const reply = onData(data.toString());
      if (reply !== undefined) socket.end(reply);
    });
  });
  await new Promise<void>((resolve) => raw.listen(0, '127.0.0.1', resolve));
  const close = (): void => {
    raw.close();
    for (const socket of sockets) socket.destroy();
  };
  return { close, port: (raw.address() as AddressInfo).port };
}
