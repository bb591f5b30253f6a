import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { approvalChallenge } from '../../src/core/challenge.ts';
import { makeAssertion, type AssertionOptions } from '../support/authenticator.ts';
import {
  call,
  callPage,
  createKey,
  currentPayload,
  enrol,
  removeFolders,
  requestApproval,
  signIn,
  startTestService,
  type Person,
  type TestService,
} from '../support/service.ts';

let service: TestService;
let now = Date.now();
let alex: Person;
let counter = 0;

beforeAll(async () => {
  service = await startTestService({ now: () => now });
});
beforeEach(async () => {
  counter += 1;
  alex = await enrol(service, `alex${counter}`);
});
afterAll(async () => {
  await service.close();
  await removeFolders();
});

async function options() {
  return callPage(service, '/page/sign-in/options', { body: {} });
}

async function challenge(): Promise<Buffer> {
  return Buffer.from((await options()).body.challenge, 'base64url');
}

function answerTo(signed: Uint8Array, change: Partial<AssertionOptions> = {}): object {
  alex.signCount += 1;
  const assertion = makeAssertion({
    passkey: alex.passkey,
    challenge: signed,
    origin: service.url,
    rpId: 'localhost',
    signCount: alex.signCount,
    ...change,
  });
  return { assertion };
}

function send(body: object) {
  return callPage(service, '/page/sign-in', { body });
}

function session(cookie?: string) {
  return callPage(service, '/page/session', cookie === undefined ? {} : { cookie });
}

test('the options are 32 random bytes, for any passkey of ours, with user verification', async () => {
  const { status, body } = await options();
  expect(status).toBe(200);
  expect(body).toEqual({
    challenge: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
    rpId: 'localhost',
    timeout: 300_000,
    userVerification: 'required',
  });
  expect((await options()).body.challenge).not.toBe(body.challenge);
});

test('signing in sets a cookie that no script and no other site can use', async () => {
  const answer = await send(answerTo(await challenge()));
  expect([answer.status, answer.body]).toEqual([200, { username: alex.username }]);
  expect(answer.headers.get('set-cookie')).toMatch(
    /^deploy-warrant=[A-Za-z0-9_-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/,
  );
});

test('on https the cookie is Secure and bound to the host', async () => {
  const other = await startTestService({ origin: 'https://approve.example.com' });
  const cookie = await signIn(other, await enrol(other, 'kim'));
  expect(cookie).toMatch(/^__Host-deploy-warrant=[A-Za-z0-9_-]{43}$/);
  expect((await callPage(other, '/page/session', { cookie })).body.username).toBe('kim');
  const out = await callPage(other, '/page/sign-out', { body: {}, cookie });
  expect(out.headers.get('set-cookie')).toMatch(/; HttpOnly; SameSite=Strict; Secure$/);
  expect(out.headers.get('strict-transport-security')).toBe('max-age=31536000');
  await other.close();
});

describe('a sign-in is refused', () => {
  const wrong: readonly (readonly [string, Partial<AssertionOptions>])[] = [
    ['without user verification', { flags: 0x01 }],
    ['at another origin', { origin: 'https://evil.example' }],
    ['for another relying party', { rpId: 'evil.example' }],
    ['in an embedded page', { clientData: { crossOrigin: true } }],
    ['that does not say whose passkey it is', { userHandle: null }],
    ['with another user handle', { userHandle: Buffer.alloc(32).toString('base64url') }],
    ['with a challenge in another spelling', { clientData: { challenge: `${'A'.repeat(43)}=` } }],
  ];
  test.each(wrong)('%s', async (_name, change) => {
    const answer = await send(answerTo(await challenge(), change));
    expect([answer.status, answer.body.code]).toEqual([403, 'assertion_refused']);
    expect(answer.headers.get('set-cookie')).toBeNull();
  });

  test('with a challenge that we never gave', async () => {
    expect((await send(answerTo(Buffer.alloc(32, 1)))).status).toBe(403);
  });

  test('with a challenge that was used: once for everybody', async () => {
    const used = await challenge();
    expect((await send(answerTo(used))).status).toBe(200);
    expect((await send(answerTo(used))).status).toBe(403);
  });

  test('with a challenge whose first answer was bad', async () => {
    const used = await challenge();
    expect((await send(answerTo(used, { flags: 0x01 }))).status).toBe(403);
    expect((await send(answerTo(used))).status).toBe(403);
  });

  test('five minutes after the options', async () => {
    const late = await challenge();
    now += 300_000;
    expect((await send(answerTo(late))).status).toBe(403);
  });

  test('with the signature over an approval, and the approval stays undecided', async () => {
    const key = await createKey(service);
    const payload = currentPayload({}, { now });
    const { body } = await requestApproval(service, { key, username: alex.username, payload });
    const signed = approvalChallenge(Buffer.from(body.nonce, 'base64url'), body.payloadHash);
    expect((await send(answerTo(signed))).status).toBe(403);
    const found = await call(service, `/api/confirmations/${body.id}`, { key });
    expect(found.body.status).toBe('pending');
  });

  test('with the challenge of an enrolment', async () => {
    const invite = await call(service, '/api/invites', {
      key: service.adminKey,
      body: { note: '', maxUses: 1 },
    });
    const begun = await callPage(service, '/page/enrolments', {
      body: { code: invite.body.code, username: `other${counter}` },
    });
    expect(begun.status).toBe(200);
    const foreign = Buffer.from(begun.body.challenge, 'base64url');
    expect((await send(answerTo(foreign))).status).toBe(403);
  });

  test('by a revoked passkey', async () => {
    await revoke();
    expect((await send(answerTo(await challenge()))).status).toBe(403);
  });

  test('by a counter that did not grow', async () => {
    expect((await send(answerTo(await challenge(), { signCount: 9 }))).status).toBe(200);
    expect((await send(answerTo(await challenge(), { signCount: 9 }))).status).toBe(403);
  });
});

describe('a session', () => {
  test('says who is signed in, until signing out', async () => {
    expect((await session()).status).toBe(401);
    const cookie = await signIn(service, alex);
    expect([(await session(cookie)).status, (await session(cookie)).body]).toEqual([
      200,
      { username: alex.username },
    ]);
    const out = await callPage(service, '/page/sign-out', { body: {}, cookie });
    expect(out.status).toBe(204);
    expect(out.headers.get('set-cookie')).toMatch(/^deploy-warrant=; Max-Age=0; /);
    expect((await session(cookie)).status).toBe(401);
  });

  test('that there is not can be ended too', async () => {
    const out = await callPage(service, '/page/sign-out', { body: {} });
    expect([out.status, out.headers.get('set-cookie')]).toEqual([
      204,
      expect.stringMatching(/^deploy-warrant=; Max-Age=0; /),
    ]);
  });

  test('ends after twelve hours', async () => {
    const cookie = await signIn(service, alex);
    now += 12 * 3_600_000 - 1;
    expect((await session(cookie)).status).toBe(200);
    now += 1;
    expect((await session(cookie)).status).toBe(401);
  });

  test('ends with its passkey', async () => {
    const cookie = await signIn(service, alex);
    await revoke();
    expect((await session(cookie)).status).toBe(401);
    expect((await callPage(service, '/page/waiting', { cookie })).status).toBe(401);
  });

  test('is needed for the list, and an API key is none', async () => {
    const key = await createKey(service);
    expect((await callPage(service, '/page/waiting', { key })).status).toBe(401);
    const cookies = ['deploy-warrant=', `deploy-warrant=${'A'.repeat(43)}`, `x=${key}`];
    for (const cookie of cookies) {
      expect((await callPage(service, '/page/waiting', { cookie })).status).toBe(401);
    }
  });

  test('is found among other cookies', async () => {
    const cookie = await signIn(service, alex);
    expect((await session(`a=b; ${cookie}; c=d`)).status).toBe(200);
  });
});

test('10,000 sign-ins that nobody ended are the most; a minute later there is room again', async () => {
  // Those of the tests before are over.
  now += 600_000;
  const store = new DatabaseSync(join(service.dataDir, 'store.sqlite'));
  const insert = store.prepare(
    "insert into challenges (challenge, purpose, subject, expires_at) values (?, 'sign-in', '', ?)",
  );
  store.exec('begin');
  for (let n = 0; n < 9_999; n += 1) insert.run(`open-${n}`, now + 60_000);
  store.exec('commit');
  store.close();
  expect((await options()).status).toBe(200);
  const refused = await options();
  expect([refused.status, refused.headers.get('retry-after'), refused.body]).toEqual([
    429,
    '10',
    { code: 'too_many', message: 'Too many people are signing in. Try again in a minute.' },
  ]);
  now += 60_000;
  expect((await options()).status).toBe(200);
});

function revoke() {
  return call(service, `/api/passkeys/${alex.passkey.pinned.id}`, {
    key: service.adminKey,
    method: 'DELETE',
  });
}
