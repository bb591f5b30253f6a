import { connect } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { gzipSync } from 'node:zlib';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  call,
  callPage,
  createKey,
  decisionBody,
  enrol,
  removeFolders,
  requestApproval,
  startTestService,
  stubPage,
  type Person,
  type TestService,
} from '../support/service.ts';

let service: TestService;
let key: string;
let alex: Person;
let pageDir: string;

beforeAll(async () => {
  pageDir = await stubPage();
  await writeFile(join(pageDir, 'notes.txt'), 'not part of the page');
  service = await startTestService({ pageDir, bodyTimeoutMs: 1_000 });
  key = await createKey(service);
  alex = await enrol(service, 'alex');
});
afterAll(async () => {
  await service.close();
  await removeFolders();
});

/** What comes back for raw bytes, until the server closes the connection. */
async function raw(text: string, o: { readonly thenWait?: boolean } = {}): Promise<string> {
  const { port } = new URL(service.url);
  const socket = connect(Number(port), 'localhost');
  let answer = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
  socket.on('error', () => undefined);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write(text);
  if (o.thenWait !== true) socket.end();
  await closed;
  return answer;
}

describe('headers', () => {
  const strict = {
    'content-security-policy':
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
    'x-frame-options': 'DENY',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
  };
  test.each([
    ['/', 200],
    ['/approve/3b241101-e2bb-4255-8caf-4136c566a962', 200],
    ['/enrol/abc', 200],
    ['/page/page.js', 200],
    ['/page/page.css', 200],
    ['/page/config', 200],
    ['/page/session', 401],
    ['/api/health', 200],
    ['/api/passkeys', 401],
    ['/nothing', 404],
  ])('%s (%d) has the strict ones', async (path, status) => {
    const answer = await call(service, path);
    expect(answer.status).toBe(status);
    expect(Object.fromEntries(answer.headers)).toMatchObject(strict);
    expect(answer.headers.get('permissions-policy')).toContain('publickey-credentials-get=(self)');
    expect(answer.headers.get('strict-transport-security')).toBeNull();
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    expect(answer.headers.get('server')).toBeNull();
  });
});

describe('the page', () => {
  test.each([
    ['/', 'text/html; charset=utf-8', '<!doctype html><title>stub</title>'],
    ['/approve/x', 'text/html; charset=utf-8', '<!doctype html><title>stub</title>'],
    ['/enrol/x', 'text/html; charset=utf-8', '<!doctype html><title>stub</title>'],
    ['/page/page.js', 'text/javascript; charset=utf-8', 'export {};'],
    ['/page/page.css', 'text/css; charset=utf-8', ':root {}'],
  ])('%s is served', async (path, type, text) => {
    const answer = await call(service, path);
    expect([answer.headers.get('content-type'), answer.body]).toEqual([type, text]);
  });

  test.each([
    '/page/notes.txt',
    '/page/../data/store.sqlite',
    '/page/%2e%2e/data/store.sqlite',
    '/page/..%2fdata%2ffirst-admin.json',
    '/page/%00',
    '/first-admin.json',
    '/page/',
    '/approve/x/y',
  ])('%s is not', async (path) => {
    const answer = await raw(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 404 /);
  });

  test('stays what it was at the start', async () => {
    await writeFile(join(pageDir, 'page.js'), 'changed');
    expect((await call(service, '/page/page.js')).body).toBe('export {};');
  });

  test('a folder without a page is refused, with what to do', async () => {
    await expect(startTestService({ pageDir: join(pageDir, 'missing') })).rejects.toMatchObject({
      code: 'configuration',
      message: expect.stringContaining('npm run build'),
    });
  });

  test('says the relying party', async () => {
    expect((await call(service, '/page/config')).body).toEqual({
      rpId: 'localhost',
      serviceName: 'Deploy Warrant',
    });
  });
});

describe('a POST to the page API from another site is refused', () => {
  const body = { code: 'A'.repeat(43), username: 'kim' };
  test.each([
    [{ 'sec-fetch-site': 'cross-site' }],
    [{ 'sec-fetch-site': 'same-site' }],
    [{ 'sec-fetch-site': 'SAME-ORIGIN' }],
    [{ 'sec-fetch-site': 'cross-site', origin: 'self' }],
    [{ origin: 'https://evil.example' }],
    [{ origin: 'null' }],
    [{}],
  ])('%j', async (given: Readonly<Record<string, string>>) => {
    const headers = given.origin === 'self' ? { ...given, origin: service.url } : given;
    for (const path of ['/page/enrolments', '/page/sign-in/options', '/page/sign-out']) {
      const answer = await call(service, path, { body, headers });
      expect([path, answer.status, answer.body.code]).toEqual([path, 403, 'cross_site']);
    }
  });

  test('so is a decision, which stays unmade', async () => {
    const { body: asked } = await requestApproval(service, { key, username: 'alex' });
    const decision = await decisionBody(service, asked.id, alex);
    const path = `/page/confirmations/${asked.id}/decision`;
    const headers = { 'sec-fetch-site': 'cross-site' };
    expect((await call(service, path, { body: decision, headers })).status).toBe(403);
    expect((await callPage(service, path, { body: decision })).status).toBe(200);
  });

  test.each([[{ 'sec-fetch-site': 'none' }], [{ origin: 'self' }]])(
    'from our own page, %j, it is not',
    async (given: Readonly<Record<string, string>>) => {
      const headers = given.origin === 'self' ? { origin: service.url } : given;
      const answer = await call(service, '/page/sign-in/options', { body: {}, headers });
      expect(answer.status).toBe(200);
    },
  );

  test('a form can not post: only application/json is read', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
      const answer = await callPage(service, '/page/enrolments', {
        body: JSON.stringify(body),
        headers: { 'content-type': type },
      });
      expect([answer.status, answer.body.code]).toEqual([415, 'unsupported_media_type']);
    }
  });
});

describe('bodies', () => {
  function post(body: unknown, headers = {}) {
    return call(service, '/api/confirmations', { key, body, headers });
  }
  const about = (payload: unknown) => ({ username: 'alex', action: 'Try', payload });

  test.each([
    ['', 'no value'],
    ['{', 'cut off'],
    ['{"username":"alex","username":"kim"}', 'a member twice'],
    ['{"a":1,"\\u0061":2}', 'a member twice after unescaping'],
    ['{"__proto__":{}}', '__proto__'],
    ['\uFEFF{}', 'a byte order mark'],
    ['{"a":"\\ud800"}', 'a lone surrogate'],
    ['{"a":1e999}', 'a number that is none'],
    ['{} {}', 'two values'],
    [`${'['.repeat(9)}${']'.repeat(9)}`, 'depth 9'],
  ])('%s is 400: %s', async (body) => {
    const answer = await post(body, { 'content-type': 'application/json' });
    expect(answer.status).toBe(400);
    expect(Object.keys(answer.body)).toEqual(['code', 'message']);
  });

  test('invalid UTF-8 is 400', async () => {
    const response = await fetch(`${service.url}/api/confirmations`, {
      method: 'POST',
      headers: { 'x-api-key': key, 'content-type': 'application/json' },
      body: Buffer.from('{"a":"\u00c3"}', 'latin1'),
    });
    expect(response.status).toBe(400);
  });

  test('[] and {} are 422, with the problems', async () => {
    for (const body of [[], {}, 'null', '1']) {
      const answer = await post(body);
      expect([answer.status, answer.body.code]).toEqual([422, 'invalid_request']);
      expect(answer.body.problems.length).toBeGreaterThan(0);
    }
  });

  test('a payload of exactly 64 KiB is taken, one byte more is 413', async () => {
    const payload = (bytes: number) => ({ text: 'x'.repeat(bytes - '{"text":""}'.length) });
    expect((await post(about(payload(65_536)))).status).toBe(201);
    const answer = await post(about(payload(65_537)));
    expect([answer.status, answer.body.code]).toEqual([413, 'too_large']);
  });

  test('a body of megabytes is 413 before it has arrived', async () => {
    const answer = await post(about({ text: 'x'.repeat(5_000_000) }));
    expect([answer.status, answer.body.code]).toEqual([413, 'too_large']);
  });

  test('a compressed body is 415, whatever it would unpack to', async () => {
    const bomb = gzipSync(Buffer.alloc(10_000_000, ' '));
    const response = await fetch(`${service.url}/api/confirmations`, {
      method: 'POST',
      headers: {
        'x-api-key': key,
        'content-type': 'application/json',
        'content-encoding': 'gzip',
      },
      body: bomb,
    });
    expect(response.status).toBe(415);
  });

  test('a client that sends slowly is cut off', async () => {
    const start = performance.now();
    const answer = await raw(
      `POST /api/confirmations HTTP/1.1\r\nHost: x\r\nX-Api-Key: ${key}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"user`,
      { thenWait: true },
    );
    expect(answer).toMatch(/^HTTP\/1\.1 408 [^]*"too_slow"/);
    expect(performance.now() - start).toBeLessThan(6_000);
  });

  test('a client that sends its headers slowly is cut off', async () => {
    expect(await raw('GET / HTTP/1.1\r\nHost:', { thenWait: true })).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('a long poll is no slow client', async () => {
    const { body } = await requestApproval(service, { key, username: 'alex' });
    const answer = await call(service, `/api/confirmations/${body.id}?wait=3`, { key });
    expect([answer.status, answer.body.status]).toEqual([200, 'pending']);
  });

  test('what is no HTTP gets a plain 400', async () => {
    expect(await raw('SSH-2.0-OpenSSH\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 [^]*"invalid_request"/);
    expect(await raw('GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 400 [^]*"invalid_request"/,
    );
    expect((await call(service, '/api/health')).body).toEqual({ status: 'ok' });
  });
});

test('HEAD and unknown methods are 404', async () => {
  for (const method of ['HEAD', 'PUT', 'PATCH', 'OPTIONS']) {
    const answer = await call(service, '/api/confirmations', { key, method });
    expect(answer.status).toBe(404);
  }
});

test('nothing of all this is an internal error', () => {
  expect(service.log).toEqual([]);
});

test('a row that is not what the service wrote is a bug: 500 says nothing of it, the log does', async () => {
  const payload = { tool: 'terraform' };
  const body = { username: 'alex', action: 'Try', payload };
  const { body: created } = await call(service, '/api/confirmations', { key, body });
  const store = new DatabaseSync(join(service.dataDir, 'store.sqlite'));
  store.prepare("update confirmations set payload = '{' where id = ?").run(created.id);
  store.close();
  const { status, body: answer } = await call(service, `/api/confirmations/${created.id}`, { key });
  expect([status, answer]).toEqual([
    500,
    { code: 'internal', message: 'This is a bug of the service; its log says more.' },
  ]);
  expect(service.log.at(-1)).toMatch(/^internal: SyntaxError: .*\n +at /);
});

test('hostile text in a payload of another tool comes back as it is, as JSON', async () => {
  const payload = {
    html: '<script>alert(1)</script>',
    bidi: '\u202E',
    constructor: { prototype: 1 },
  };
  const body = { username: 'alex', action: 'Try', payload };
  const { body: created } = await call(service, '/api/confirmations', { key, body });
  const shown = await callPage(service, `/page/confirmations/${created.id}`);
  expect(shown.headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(shown.body.payload).toEqual(payload);
});
