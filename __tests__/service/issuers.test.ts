/** The keys of an issuer: read from one address, kept, and never made up for. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  claimsFor,
  newIssuerKey,
  signToken,
  startIssuer,
  type Claims,
  type Issuer,
} from '../support/issuer.ts';
import { exampleFacts } from '../support/deploy.ts';
import { call, removeFolders, startTestService, type TestService } from '../support/service.ts';

let now = Date.now();
let issuer: Issuer;
let service: TestService;

beforeAll(async () => {
  issuer = await startIssuer('github', {
    claims: claimsFor('github', exampleFacts()),
    now: () => now,
  });
});
/** A service that has read nothing yet, for each test. */
beforeEach(async () => {
  now += 3_600_000;
  issuer.publish([issuer.key.jwk]);
  issuer.misbehave(undefined);
  service = await startTestService({
    now: () => now,
    oidcIssuers: [{ provider: 'github', issuer: issuer.issuer }],
    issuerTimeoutMs: 300,
  });
  const body = {
    ...{ provider: 'github', repositoryId: '123456789', note: '' },
    ...{ services: ['*'], environments: ['*'] },
  };
  await call(service, '/api/repositories', { key: service.adminKey, body });
});
afterEach(() => service.close());
afterAll(async () => {
  await issuer.close();
  await removeFolders();
});

const path = '/api/confirmations/3b241101-e2bb-4255-8caf-4136c566a962';
/** 404: the token is believed, and there is no such confirmation. */
const believed = 404;
const use = async (header: Readonly<Record<string, unknown>> = {}) =>
  call(service, path, { token: issuer.token(service.origin, {}, header) });
/** How often the keys were read while `work` ran. */
async function readings(work: () => Promise<unknown>): Promise<number> {
  const before = issuer.seen.length;
  await work();
  return issuer.seen.length - before;
}

describe('are read', () => {
  test('once for an hour', async () => {
    const count = await readings(async () => {
      for (let n = 0; n < 3; n += 1) expect((await use()).status).toBe(believed);
      now += 3_599_000;
      expect((await use()).status).toBe(believed);
    });
    expect(count).toBe(1);
    now += 1_000;
    expect(await readings(use)).toBe(1);
  });

  test('once for many tokens at the same time', async () => {
    const answers = Promise.all(Array.from({ length: 20 }, () => use()));
    expect(await readings(() => answers)).toBe(1);
    expect(new Set((await answers).map(({ status }) => status))).toEqual(new Set([believed]));
  });

  test('again for a key that is not among them, once a minute', async () => {
    await use();
    const unknown = async () => {
      for (let n = 0; n < 5; n += 1) expect((await use({ kid: `made-up-${n}` })).status).toBe(401);
    };
    expect(await readings(unknown)).toBe(0);
    now += 60_000;
    expect(await readings(unknown)).toBe(1);
    expect(await readings(use)).toBe(0);
  });

  test('again after the issuer has changed its key', async () => {
    await use();
    const next = await newIssuerKey('key-2');
    issuer.publish([next.jwk]);
    now += 60_000;
    const [, claims = ''] = issuer.token(service.origin).split('.');
    const signed = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Claims;
    const token = signToken(next, { typ: 'JWT', alg: 'RS256', kid: 'key-2' }, signed);
    expect((await call(service, path, { token })).status).toBe(believed);
    // The old key has gone with the reading that the new one has caused.
    expect((await use()).status).toBe(401);
  });

  test('for no token of an issuer that is not trusted', async () => {
    const token = issuer.token(service.origin, { iss: 'http://127.0.0.1:9' });
    expect(await readings(() => call(service, path, { token }))).toBe(0);
  });
});

describe('that can not be read are 503, and nobody is believed', () => {
  test.each([
    ['a status', (end: End) => end(500, '{}')],
    ['404', (end: End) => end(404, '{"keys":[]}')],
    ['no JSON', (end: End) => end(200, '<html>')],
    ['no key set', (end: End) => end(200, '[]')],
    ['keys that are none', (end: End) => end(200, '{"keys":[1]}')],
    ['a member twice', (end: End) => end(200, '{"keys":[],"keys":[]}')],
    ['nothing in time', () => undefined],
  ] as const)('%s', async (_name, answer) => {
    issuer.misbehave((_request, response) => {
      answer((status, body) => response.writeHead(status).end(body));
      return true;
    });
    const { status, body, headers } = await use();
    expect([status, body.code]).toEqual([503, 'issuer_unavailable']);
    expect(headers.get('retry-after')).toBe('1');
    expect(body.message).toContain(issuer.issuer);
  });
  type End = (status: number, body: string) => void;

  test('a body that never ends', async () => {
    issuer.misbehave((_request, response) => {
      response.writeHead(200).write('{"keys":[');
      return true;
    });
    expect((await use()).status).toBe(503);
  });

  test('more than an issuer needs, of which the rest is not read', async () => {
    let sent = 0;
    const chunk = Buffer.alloc(65_536, ' ');
    const { promise: closed, resolve } = Promise.withResolvers<undefined>();
    issuer.misbehave((_request, response) => {
      response.once('close', () => resolve(undefined));
      const more = (): void => {
        if (response.destroyed) return;
        sent += chunk.length;
        response.write(chunk, more);
      };
      response.writeHead(200);
      more();
      return true;
    });
    const { status, body } = await use();
    await closed;
    expect([status, body.message]).toEqual([
      503,
      expect.stringContaining('more than 262144 bytes'),
    ]);
    // What the sockets of both sides hold; not what arrives until the time is over.
    expect(sent).toBeLessThan(20_000_000);
  });

  test.each([301, 302, 303, 307, 308])('redirect %d, which is not followed', async (status) => {
    const asked: string[] = [];
    const other = createServer(({ url = '' }, response) => {
      asked.push(url);
      response.end(JSON.stringify({ keys: [issuer.key.jwk] }));
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    issuer.misbehave((_request, response) => {
      response.writeHead(status, { location: `http://127.0.0.1:${port}/` }).end();
      return true;
    });
    const answer = await use();
    other.closeAllConnections();
    await new Promise((resolve) => other.close(resolve));
    expect([answer.status, asked]).toEqual([503, []]);
  });

  test('also after an hour with good keys', async () => {
    expect((await use()).status).toBe(believed);
    issuer.misbehave((_request, response) => {
      response.writeHead(500).end();
      return true;
    });
    now += 3_599_000;
    expect((await use()).status).toBe(believed);
    now += 1_000;
    expect((await use()).status).toBe(503);
  });

  test('and are left alone for five seconds', async () => {
    issuer.misbehave((_request, response) => {
      response.writeHead(500).end();
      return true;
    });
    const count = await readings(async () => {
      for (let n = 0; n < 5; n += 1) expect((await use()).status).toBe(503);
    });
    expect(count).toBe(1);
    issuer.misbehave(undefined);
    now += 5_000;
    expect((await use()).status).toBe(believed);
  });

  test('and the log says why', async () => {
    issuer.misbehave((_request, response) => {
      response.writeHead(502).end();
      return true;
    });
    await use();
    expect(service.log.join('\n')).toMatch(/issuer_unavailable: .*status 502/);
  });
});

test('an empty set believes nobody', async () => {
  issuer.publish([]);
  expect((await use()).status).toBe(401);
});
