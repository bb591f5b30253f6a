import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  call,
  createKey,
  currentPayload,
  decide,
  enrol,
  redeem,
  redemptionBody,
  removeFolders,
  requestApproval,
  startTestService,
  type Answer,
  type AnswerBody,
  type Person,
  type TestService,
} from '../support/service.ts';

let service: TestService;
let key: string;
let now = Date.now();
let alex: Person;
let dana: Person;
let counter = 0;

beforeAll(async () => {
  service = await startTestService({ now: () => now });
  key = await createKey(service);
  alex = await enrol(service, 'alex');
  dana = await enrol(service, 'dana');
});
afterAll(async () => {
  await service.close();
  await removeFolders();
});

/** One payload put to alex and dana. */
async function ask(): Promise<{ alexs: AnswerBody; danas: AnswerBody; payloadHash: string }> {
  now += 3_000;
  counter += 1;
  const payload = currentPayload({ service: `s${counter}` }, { now });
  const [alexs, danas] = [
    await requestApproval(service, { key, username: 'alex', payload }),
    await requestApproval(service, { key, username: 'dana', payload }),
  ];
  expect([alexs.status, danas.status]).toEqual([201, 201]);
  return { alexs: alexs.body, danas: danas.body, payloadHash: alexs.body.payloadHash };
}

async function approvedByAlex() {
  const asked = await ask();
  expect((await decide(service, asked.alexs.id, alex)).status).toBe(200);
  return asked;
}

function use(payloadHash: string, overrides: object = {}): Promise<Answer> {
  return redeem(service, { key, body: redemptionBody(payloadHash, overrides) });
}

function withdraw(id: string): Promise<Answer> {
  return call(service, `/api/confirmations/${id}`, { key, method: 'DELETE' });
}

async function statusOf(id: string): Promise<string> {
  return (await call(service, `/api/confirmations/${id}`, { key })).body.status;
}

test('an approval of another tool is used once too', async () => {
  const body = { username: 'alex', action: 'Apply the plan', payload: { plan: [counter] } };
  const { id, payloadHash } = (await call(service, '/api/confirmations', { key, body })).body;
  expect((await use(payloadHash)).body.code).toBe('not_approved');
  expect((await decide(service, id, alex)).status).toBe(200);
  expect((await use(payloadHash)).status).toBe(201);
  const again = await use(payloadHash);
  expect([again.status, again.body.code]).toEqual([409, 'already_redeemed']);
  expect(await statusOf(id)).toBe('redeemed');
});

test('an approval is used once: 201, and every other process gets 409', async () => {
  const { alexs, danas, payloadHash } = await approvedByAlex();
  const answer = await use(payloadHash);
  expect(answer.status).toBe(201);
  expect(answer.body).toEqual({
    payloadHash,
    redeemedAt: `${new Date(now).toISOString().slice(0, 19)}Z`,
  });
  const second = await use(payloadHash);
  expect([second.status, second.body.code]).toEqual([409, 'already_redeemed']);
  expect(await statusOf(alexs.id)).toBe('redeemed');
  // The other person's turn has passed: nobody can decide it any more.
  expect(await statusOf(danas.id)).toBe('cancelled');
  expect((await decide(service, danas.id, dana)).status).toBe(409);
});

test('the process that redeemed gets the same answer again, also after expiry', async () => {
  const { payloadHash } = await approvedByAlex();
  const body = redemptionBody(payloadHash);
  const first = await redeem(service, { key, body });
  now += 7_200_000;
  const again = await redeem(service, { key, body });
  expect([first.status, again.status]).toEqual([201, 200]);
  expect(again.body).toEqual(first.body);
});

test('a redemptionKey with another body is 409', async () => {
  const { payloadHash } = await approvedByAlex();
  const body = redemptionBody(payloadHash);
  expect((await redeem(service, { key, body })).status).toBe(201);
  for (const change of [{ job: 'other' }, { runAttempt: '2' }]) {
    const answer = await redeem(service, { key, body: { ...body, ...change } });
    expect([answer.status, answer.body.code]).toEqual([409, 'idempotency_conflict']);
  }
});

test('two people who approved are one approval', async () => {
  const { alexs, danas, payloadHash } = await approvedByAlex();
  expect((await decide(service, danas.id, dana)).status).toBe(200);
  expect((await use(payloadHash)).status).toBe(201);
  expect([await statusOf(alexs.id), await statusOf(danas.id)]).toEqual(['redeemed', 'redeemed']);
  expect((await use(payloadHash)).status).toBe(409);
});

test.each([
  ['another run', { runId: '1' }],
  ['an earlier attempt', { runAttempt: '0' }],
])('%s than the signed one is 422, and nothing is used', async (_name, change) => {
  const { payloadHash } = await approvedByAlex();
  const answer = await use(payloadHash, change);
  expect([answer.status, answer.body.code]).toEqual([422, 'wrong_run']);
  expect((await use(payloadHash)).status).toBe(201);
});

test('a later attempt of the signed run may redeem: whether it may deploy, the policy says', async () => {
  const { payloadHash } = await approvedByAlex();
  expect((await use(payloadHash, { runAttempt: '2' })).status).toBe(201);
});

describe('re-reads all confirmations at the moment of use', () => {
  test('nobody has approved: 409', async () => {
    const { payloadHash } = await ask();
    const answer = await use(payloadHash);
    expect([answer.status, answer.body.code]).toEqual([409, 'not_approved']);
  });

  test('another person has rejected: 410', async () => {
    const { danas, payloadHash } = await approvedByAlex();
    await decide(service, danas.id, dana, 'rejected');
    const answer = await use(payloadHash);
    expect([answer.status, answer.body.code]).toEqual([410, 'rejected']);
  });

  test('withdrawn after the approval: 410', async () => {
    const { alexs, payloadHash } = await approvedByAlex();
    await withdraw(alexs.id);
    const answer = await use(payloadHash);
    expect([answer.status, answer.body.code]).toEqual([410, 'cancelled']);
  });

  test('one of two approvals withdrawn: 410', async () => {
    const { danas, payloadHash } = await approvedByAlex();
    await decide(service, danas.id, dana);
    await withdraw(danas.id);
    expect((await use(payloadHash)).status).toBe(410);
  });

  test("withdrawn before anybody decided it: nobody's decision, 201", async () => {
    const { danas, payloadHash } = await approvedByAlex();
    await withdraw(danas.id);
    expect((await use(payloadHash)).status).toBe(201);
    expect(await statusOf(danas.id)).toBe('cancelled');
  });

  test('all withdrawn before a decision: 410', async () => {
    const { alexs, danas, payloadHash } = await ask();
    await withdraw(alexs.id);
    await withdraw(danas.id);
    const answer = await use(payloadHash);
    expect([answer.status, answer.body.code]).toEqual([410, 'cancelled']);
  });

  test('superseded: 410', async () => {
    const { alexs, payloadHash } = await approvedByAlex();
    const newer = currentPayload({ service: `s${counter}` }, { now });
    await requestApproval(service, { key, username: 'alex', payload: newer });
    expect(await statusOf(alexs.id)).toBe('superseded');
    const answer = await use(payloadHash);
    expect([answer.status, answer.body.code]).toEqual([410, 'superseded']);
  });

  test('expired, from the very millisecond: 410', async () => {
    const { alexs, payloadHash } = await approvedByAlex();
    const before = now;
    now = Date.parse(alexs.expiresAt);
    const answer = await use(payloadHash);
    expect([answer.status, answer.body.code]).toEqual([410, 'expired']);
    now = before;
    expect((await use(payloadHash)).status).toBe(201);
  });

  test('the passkey of one of two approvals was revoked: 410', async () => {
    const kim = await enrol(service, `kim${counter}`);
    const { payloadHash, alexs } = await approvedByAlex();
    const { payload } = (await call(service, `/api/confirmations/${alexs.id}`, { key })).body;
    const body = { username: kim.username, action: `Deploy s${counter} to production`, payload };
    const kims = (await call(service, '/api/confirmations', { key, body })).body;
    expect((await decide(service, kims.id, kim)).status).toBe(200);
    await call(service, `/api/passkeys/${kim.passkey.pinned.id}`, {
      key: service.adminKey,
      method: 'DELETE',
    });
    const answer = await use(payloadHash);
    expect([answer.status, answer.body.code]).toEqual([410, 'passkey_revoked']);
  });
});

test.each([
  ['an unknown payload', { payloadHash: 'f'.repeat(64) }, 404],
  ['a hash in upper case', { payloadHash: 'F'.repeat(64) }, 422],
  ['a short redemptionKey', { redemptionKey: 'abc' }, 422],
  ['a runId that is no number', { runId: '1 ' }, 422],
  ['an empty job', { job: '' }, 422],
  ['an unknown member', { force: true }, 422],
  ['no run', { runId: undefined }, 422],
])('%s', async (_name, change, status) => {
  const { payloadHash } = await approvedByAlex();
  expect((await use(payloadHash, change)).status).toBe(status);
  expect((await use(payloadHash)).status).toBe(201);
});
