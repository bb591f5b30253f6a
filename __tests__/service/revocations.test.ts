/** A person takes an approval back, before it was used. */
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  approvalChallenge,
  rejectionChallenge,
  revocationChallenge,
} from '../../src/core/challenge.ts';
import { makeAssertion } from '../support/authenticator.ts';
import {
  call,
  callPage,
  createKey,
  currentPayload,
  decide,
  enrol,
  redeem,
  redemptionBody,
  removeFolders,
  requestApproval,
  signIn,
  startTestService,
  type Answer,
  type AnswerBody,
  type Person,
  type TestService,
} from '../support/service.ts';

let service: TestService;
let key: string;
let alex: Person;
let dana: Person;
let now = Date.now();
let counter = 0;

beforeAll(async () => {
  service = await startTestService({ now: () => now });
  key = await createKey(service);
  dana = await enrol(service, 'dana');
});
beforeEach(async () => {
  counter += 1;
  alex = await enrol(service, `alex${counter}`);
});
afterAll(async () => {
  await service.close();
  await removeFolders();
});

async function ask(
  payload = currentPayload({ service: `s${counter}` }, { now }),
  person = alex,
): Promise<AnswerBody> {
  const { username } = person;
  return (await requestApproval(service, { key, username, payload })).body;
}

async function approved(): Promise<AnswerBody> {
  const request = await ask();
  expect((await decide(service, request.id, alex)).status).toBe(200);
  return request;
}

function assertionOf(
  { nonce, payloadHash }: AnswerBody,
  o: { readonly challengeOf?: typeof revocationChallenge; readonly person?: Person } = {},
): object {
  const { challengeOf = revocationChallenge, person = alex } = o;
  person.signCount += 1;
  return makeAssertion({
    passkey: person.passkey,
    challenge: challengeOf(Buffer.from(nonce, 'base64url'), payloadHash),
    origin: service.origin,
    rpId: service.rpId,
    signCount: person.signCount,
  });
}

const send = (id: string, assertion: object, headers = {}): Promise<Answer> =>
  callPage(service, `/page/confirmations/${id}/revocation`, { body: { assertion }, headers });
const revoke = (request: AnswerBody) => send(request.id, assertionOf(request));
const statusOf = async (id: string) =>
  (await call(service, `/api/confirmations/${id}`, { key })).body.status;
const use = ({ payloadHash }: AnswerBody) =>
  redeem(service, { key, body: redemptionBody(payloadHash) });

test('an approval that was taken back is cancelled, and nothing is redeemed with it', async () => {
  const request = await approved();
  const answer = await revoke(request);
  expect([answer.status, answer.body]).toEqual([200, { status: 'cancelled' }]);
  expect(await statusOf(request.id)).toBe('cancelled');
  const refused = await use(request);
  expect([refused.status, refused.body.code]).toEqual([410, 'cancelled']);
});

test('one that is taken back spoils the approvals of the others', async () => {
  const request = await approved();
  const { payload } = (await call(service, `/api/confirmations/${request.id}`, { key })).body;
  const other = await ask(payload as unknown as ReturnType<typeof currentPayload>, dana);
  expect(other.payloadHash).toBe(request.payloadHash);
  await decide(service, other.id, dana);
  expect((await revoke(request)).status).toBe(200);
  expect((await use(request)).status).toBe(410);
});

test('its evidence is stored beside that of the approval', async () => {
  const request = await approved();
  const assertion = assertionOf(request);
  await send(request.id, assertion);
  const store = new DatabaseSync(join(service.dataDir, 'store.sqlite'));
  const row = store.prepare('select * from confirmations where id = ?').get(request.id);
  store.close();
  expect(JSON.parse(String(row?.revocation))).toEqual(assertion);
  expect(row?.revoked_at).toBe(now);
  expect(row?.assertion).not.toBe(row?.revocation);
});

test('who waits hears of it', async () => {
  const request = await approved();
  const path = `/page/confirmations/${request.id}?wait=20&status=approved`;
  const waiting = callPage(service, path);
  expect((await revoke(request)).status).toBe(200);
  expect((await waiting).body.status).toBe('cancelled');
});

describe('is refused, and the approval stands', () => {
  const wrong: readonly (readonly [string, (request: AnswerBody) => object])[] = [
    ['the signature of an approval', (one) => assertionOf(one, { challengeOf: approvalChallenge })],
    ['that of a rejection', (one) => assertionOf(one, { challengeOf: rejectionChallenge })],
    ['that of somebody else', (one) => assertionOf(one, { person: dana })],
    ['that for another nonce', (one) => assertionOf({ ...one, nonce: 'A'.repeat(43) })],
    ['that for another payload', (one) => assertionOf({ ...one, payloadHash: 'a'.repeat(64) })],
  ];
  test.each(wrong)('%s', async (_name, make) => {
    const request = await approved();
    const answer = await send(request.id, make(request));
    expect([answer.status, answer.body.code]).toEqual([403, 'assertion_refused']);
    expect(await statusOf(request.id)).toBe('approved');
    expect((await use(request)).status).toBe(201);
  });

  test('without a signature: neither a session nor a key will do', async () => {
    const request = await approved();
    const cookie = await signIn(service, alex);
    const path = `/page/confirmations/${request.id}/revocation`;
    for (const options of [{ cookie }, { key }, { key: service.adminKey }]) {
      const answer = await callPage(service, path, { ...options, body: {} });
      expect([answer.status, answer.body.code]).toEqual([422, 'invalid_request']);
    }
    expect(await statusOf(request.id)).toBe('approved');
  });

  test('from another site', async () => {
    const request = await approved();
    const headers = { 'sec-fetch-site': 'cross-site' };
    const answer = await send(request.id, assertionOf(request), headers);
    expect([answer.status, answer.body.code]).toEqual([403, 'cross_site']);
    expect(await statusOf(request.id)).toBe('approved');
  });

  test('by a passkey that was revoked', async () => {
    const request = await approved();
    const path = `/api/passkeys/${alex.passkey.pinned.id}`;
    await call(service, path, { key: service.adminKey, method: 'DELETE' });
    expect((await revoke(request)).status).toBe(403);
    expect(await statusOf(request.id)).toBe('approved');
  });
});

describe('there is nothing to take back', () => {
  const states: readonly (readonly [string, () => Promise<AnswerBody>])[] = [
    ['pending', () => ask()],
    [
      'rejected',
      async () => {
        const request = await ask();
        await decide(service, request.id, alex, 'rejected');
        return request;
      },
    ],
    [
      'redeemed',
      async () => {
        const request = await approved();
        expect((await use(request)).status).toBe(201);
        return request;
      },
    ],
    [
      'cancelled',
      async () => {
        const request = await approved();
        await revoke(request);
        return request;
      },
    ],
    [
      'superseded',
      async () => {
        const request = await approved();
        await ask();
        return request;
      },
    ],
    [
      'expired',
      async () => {
        const request = await approved();
        now += 3_600_000;
        return request;
      },
    ],
  ];
  test.each(states)('of what is %s', async (status, make) => {
    const request = await make();
    const answer = await revoke(request);
    expect([answer.status, answer.body.code, answer.body.status]).toEqual([
      409,
      'not_approved',
      status,
    ]);
    expect(await statusOf(request.id)).toBe(status);
  });

  test('of what is not there', async () => {
    const request = await approved();
    const missing = '3b241101-e2bb-4255-8caf-4136c566a962';
    expect((await send(missing, assertionOf(request))).status).toBe(404);
  });
});

test('of two at the same time, a use or a revocation, one wins', async () => {
  for (let n = 0; n < 5; n += 1) {
    counter += 1;
    const request = await approved();
    const [taken, used] = await Promise.all([revoke(request), use(request)]);
    expect([taken.status === 200, used.status === 201].filter(Boolean)).toHaveLength(1);
    expect(await statusOf(request.id)).toBe(taken.status === 200 ? 'cancelled' : 'redeemed');
  }
});
