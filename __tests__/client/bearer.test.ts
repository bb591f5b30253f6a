import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { bearerTokens, type MintToken } from '../../src/client/bearer.ts';
import type { ApiRequest } from '../../src/client/http.ts';
import { createTransport } from '../../src/client/transport.ts';
import { Fault } from '../../src/core/fault.ts';
import {
  answer,
  json,
  redirect,
  startFaultyServer,
  type FaultyServer,
} from '../support/faulty-server.ts';

/** A forge that numbers its tokens. */
function forge(fail?: () => Error | undefined) {
  const asked: string[] = [];
  const mint: MintToken = (audience) => {
    asked.push(audience);
    const error = fail?.();
    return error === undefined ? Promise.resolve(`token-${asked.length}`) : Promise.reject(error);
  };
  return { asked, mint };
}
const get = { method: 'GET' } as const;
const outage = () => new Fault('facts_uncollectable', 'no token today');

describe('which token goes with which request', () => {
  test('a new one for each that changes something', async () => {
    const { mint } = forge();
    const token = bearerTokens(mint, 'https://approve.example.com');
    expect(await token({ method: 'POST' })).toBe('token-1');
    expect(await token({ method: 'POST' })).toBe('token-2');
    expect(await token({ method: 'DELETE' })).toBe('token-3');
  });

  test('one for reading, for four minutes, and never that of a change', async () => {
    const { mint, asked } = forge();
    let now = 0;
    const token = bearerTokens(mint, 'a', () => now);
    expect(await token({ method: 'POST' })).toBe('token-1');
    expect(await token(get)).toBe('token-2');
    now = 239_999;
    expect(await token(get)).toBe('token-2');
    now = 240_000;
    expect(await token(get)).toBe('token-3');
    expect(asked).toHaveLength(3);
  });

  test('readers at one time share one', async () => {
    const { mint, asked } = forge();
    const token = bearerTokens(mint, 'a');
    expect(await Promise.all([token(get), token(get)])).toEqual(['token-1', 'token-1']);
    expect(asked).toHaveLength(1);
  });

  test('one that fails late does not throw away the one that came after it', async () => {
    const first = Promise.withResolvers<string>();
    const asked = [first.promise, Promise.resolve('token-2')];
    let now = 0;
    const token = bearerTokens(
      () => asked.shift() ?? Promise.reject(outage()),
      'a',
      () => now,
    );
    const late = token(get);
    now = 240_000;
    expect(await token(get)).toBe('token-2');
    first.reject(outage());
    await expect(late).rejects.toMatchObject({ reason: 'unreachable' });
    expect(await token(get)).toBe('token-2');
  });

  test('an outage of the forge lets a question wait, and ends a change', async () => {
    let down = true;
    const { mint } = forge(() => (down ? outage() : undefined));
    const token = bearerTokens(mint, 'a');
    await expect(token({ method: 'POST' })).rejects.toMatchObject({ code: 'facts_uncollectable' });
    await expect(token(get)).rejects.toMatchObject({ reason: 'unreachable' });
    down = false;
    expect(await token(get)).toBe('token-3');
  });

  test('a signal is a signal', async () => {
    const { mint } = forge(outage);
    const signal = AbortSignal.abort();
    const token = bearerTokens(mint, 'a');
    for (const method of ['GET', 'POST'] as const) {
      await expect(token({ method, signal })).rejects.toMatchObject({ reason: 'aborted' });
    }
  });
});

describe('the transport with tokens', () => {
  let server: FaultyServer;
  let other: FaultyServer;
  beforeAll(async () => {
    [server, other] = [await startFaultyServer(), await startFaultyServer()];
  });
  afterAll(async () => {
    await server.close();
    await other.close();
  });
  const post: ApiRequest = { method: 'POST', path: '/confirmations', body: {}, timeoutMs: 5_000 };

  test('shows them as a bearer, for the origin of api-url, and no key', async () => {
    const { mint, asked } = forge();
    server.script(json(200, {}));
    await createTransport({ apiUrl: server.apiUrl, mintToken: mint }).send(post);
    expect(asked).toEqual([new URL(server.apiUrl).origin]);
    expect(server.seen[0]?.headers.authorization).toBe('Bearer token-1');
    expect(server.seen[0]?.headers).not.toHaveProperty('x-api-key');
  });

  test('with a key no token is asked for', async () => {
    server.script(json(200, {}));
    await createTransport({ apiUrl: server.apiUrl, apiKey: 'dw_key' }).send(post);
    expect(server.seen[0]?.headers['x-api-key']).toBe('dw_key');
    expect(server.seen[0]?.headers).not.toHaveProperty('authorization');
  });

  test.each([301, 302, 303, 307, 308])('a redirect %i takes no token along', async (status) => {
    const { mint } = forge();
    other.script(json(200, {}));
    server.script(redirect(status, other.apiUrl));
    const to = createTransport({ apiUrl: server.apiUrl, mintToken: mint });
    expect((await to.send(post)).status).toBe(status);
    expect(other.seen).toEqual([]);
  });

  test('a token that an error page repeats is blotted out', async () => {
    const { mint } = forge();
    server.script(answer(403, '{"message":"not you, token-1"}'));
    const to = createTransport({ apiUrl: server.apiUrl, mintToken: mint });
    const { body } = await to.send(post);
    expect(Buffer.from(body).toString()).toBe('{"message":"not you, ***"}');
  });

  test('without a token nothing is sent', async () => {
    const { mint } = forge(outage);
    server.script(json(200, {}));
    const to = createTransport({ apiUrl: server.apiUrl, mintToken: mint });
    await expect(to.send(post)).rejects.toBeInstanceOf(Fault);
    await expect(to.send({ ...post, method: 'GET' })).rejects.toMatchObject({
      reason: 'unreachable',
    });
    expect(server.seen).toEqual([]);
  });
});
