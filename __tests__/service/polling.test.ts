import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  call,
  callPage,
  createKey,
  currentPayload,
  decide,
  decisionBody,
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
let counter = 0;

beforeAll(async () => {
  service = await startTestService();
  key = await createKey(service);
  alex = await enrol(service, 'alex');
});
afterAll(async () => {
  await service.close();
  await removeFolders();
});

async function ask(options: { readonly validMs?: number } = {}): Promise<AnswerBody> {
  counter += 1;
  const payload = currentPayload({ service: `s${counter}` }, options);
  const { status, body } = await requestApproval(service, { key, username: 'alex', payload });
  expect(status).toBe(201);
  return body;
}

function poll(id: string, wait: string | number, signal?: AbortSignal): Promise<Answer> {
  const options = signal === undefined ? { key } : { key, signal };
  return call(service, `/api/confirmations/${id}?wait=${wait}`, options);
}

async function timed<T>(work: Promise<T>): Promise<{ value: T; ms: number }> {
  const start = performance.now();
  const value = await work;
  return { value, ms: performance.now() - start };
}

/** Whether a promise is still open after a while. */
async function isWaiting(promise: Promise<unknown>): Promise<boolean> {
  return Promise.race([promise.then(() => false), sleep(150).then(() => true)]);
}

describe('GET /api/confirmations/:id', () => {
  test('without wait, or with 0, answers at once', async () => {
    const { id } = await ask();
    expect((await call(service, `/api/confirmations/${id}`, { key })).body.status).toBe('pending');
    const { value, ms } = await timed(poll(id, 0));
    expect(value.body.status).toBe('pending');
    expect(ms).toBeLessThan(5_000);
  });

  test('answers "pending" after wait seconds', async () => {
    const { id } = await ask();
    const { value, ms } = await timed(poll(id, 1));
    expect([value.status, value.body.status]).toEqual([200, 'pending']);
    expect(ms).toBeGreaterThan(950);
    expect(ms).toBeLessThan(3_000);
  });

  test.each(['approved', 'rejected'] as const)(
    'answers within milliseconds of "%s", to everybody who waits',
    async (decision) => {
      const { id } = await ask();
      const polls = Array.from({ length: 20 }, () => poll(id, 25));
      expect(await isWaiting(Promise.race(polls))).toBe(true);
      const body = await decisionBody(service, id, alex, decision);
      const path = `/page/confirmations/${id}/decision`;
      await callPage(service, path, { body });
      const { value, ms } = await timed(Promise.all(polls));
      expect(value.map((answer) => answer.body.status)).toEqual(polls.map(() => decision));
      // Twenty answers on a busy machine; a poll that was not woken takes 25 s.
      expect(ms).toBeLessThan(5_000);
    },
  );

  test('answers when it is withdrawn, and when it is superseded', async () => {
    const first = await ask();
    const withdrawn = poll(first.id, 25);
    expect(await isWaiting(withdrawn)).toBe(true);
    await call(service, `/api/confirmations/${first.id}`, { key, method: 'DELETE' });
    expect((await withdrawn).body.status).toBe('cancelled');

    const second = await ask();
    const superseded = poll(second.id, 25);
    expect(await isWaiting(superseded)).toBe(true);
    const payload = currentPayload({ service: `s${counter}` });
    await requestApproval(service, { key, username: 'alex', payload });
    expect((await superseded).body.status).toBe('superseded');
  });

  test('answers when it expires, with no other event', async () => {
    const { id, expiresAt } = await ask({ validMs: 3_000 });
    const { body } = await poll(id, 25);
    expect(body.status).toBe('expired');
    const late = Date.now() - Date.parse(expiresAt);
    expect(late).toBeGreaterThanOrEqual(0);
    expect(late).toBeLessThan(1_500);
  });

  test('of what is decided answers at once', async () => {
    const { id } = await ask();
    await decide(service, id, alex);
    const { value, ms } = await timed(poll(id, 25));
    expect(value.body.status).toBe('approved');
    expect(ms).toBeLessThan(5_000);
  });

  test.each(['31', '-1', '1.5', '1e1', ' 1', 'abc', '01', ''])('refuses wait=%s', async (wait) => {
    const { id } = await ask();
    const answer = await poll(id, encodeURIComponent(wait));
    expect([answer.status, answer.body.code]).toEqual([422, 'invalid_request']);
  });

  test('with a foreign key answers at once, as for a missing id', async () => {
    const { id } = await ask();
    const foreign = await createKey(service, { repositories: ['acme/other'] });
    const { value, ms } = await timed(
      call(service, `/api/confirmations/${id}?wait=25`, { key: foreign }),
    );
    expect(value.status).toBe(404);
    expect(ms).toBeLessThan(5_000);
  });
});

describe('the page', () => {
  const follow = (id: string, status: string) =>
    callPage(service, `/page/confirmations/${id}?wait=25&status=${status}`);

  test('follows one request through its states', async () => {
    const { id, payloadHash } = await ask();
    expect((await follow(id, 'approved')).body.status).toBe('pending');
    const approval = follow(id, 'pending');
    expect(await isWaiting(approval)).toBe(true);
    await decide(service, id, alex);
    expect((await approval).body.status).toBe('approved');
    const use = follow(id, 'approved');
    expect(await isWaiting(use)).toBe(true);
    await redeem(service, { key, body: redemptionBody(payloadHash) });
    expect((await use).body.status).toBe('redeemed');
  });

  test('sees an approval expire', async () => {
    const { id } = await ask({ validMs: 3_000 });
    await decide(service, id, alex);
    expect((await follow(id, 'approved')).body.status).toBe('expired');
  });

  test('lists live what waits for the signed-in person, and for nobody else', async () => {
    const kim = await enrol(service, 'kim');
    const cookie = await signIn(service, kim);
    const list = async (version?: number) => {
      const query = version === undefined ? '' : `?wait=25&version=${version}`;
      return (await callPage(service, `/page/waiting${query}`, { cookie })).body;
    };
    const empty = await list();
    expect(empty.items).toEqual([]);
    const next = list(empty.version);
    await ask();
    expect(await isWaiting(next)).toBe(true);
    const payload = currentPayload({ service: 'kims' });
    const { body } = await requestApproval(service, { key, username: 'kim', payload });
    const one = await next;
    expect(one.items).toEqual([
      {
        id: body.id,
        action: 'Deploy kims to production',
        payload,
        payloadHash: body.payloadHash,
        createdAt: expect.stringMatching(/Z$/),
        expiresAt: body.expiresAt,
      },
    ]);
    expect((await list(empty.version)).version).toBe(one.version);
    const gone = list(one.version);
    expect(await isWaiting(gone)).toBe(true);
    await decide(service, body.id, kim);
    expect((await gone).items).toEqual([]);
  });

  test('drops what expires from the list, with no other event', async () => {
    const lee = await enrol(service, 'lee');
    const cookie = await signIn(service, lee);
    const payload = currentPayload({ service: 'lees' }, { validMs: 3_000 });
    await requestApproval(service, { key, username: 'lee', payload });
    const { items, version } = (await callPage(service, '/page/waiting', { cookie })).body;
    expect(items).toHaveLength(1);
    const path = `/page/waiting?wait=25&version=${version}`;
    expect((await callPage(service, path, { cookie })).body.items).toEqual([]);
  });
});

test('closing answers those who wait, at once', async () => {
  const other = await startTestService();
  const otherKey = await createKey(other);
  const kim = await enrol(other, 'kim');
  const { body } = await requestApproval(other, { key: otherKey, username: kim.username });
  const waiting = call(other, `/api/confirmations/${body.id}?wait=25`, { key: otherKey });
  expect(await isWaiting(waiting)).toBe(true);
  const { ms } = await timed(other.close());
  expect((await waiting).body.status).toBe('pending');
  expect(ms).toBeLessThan(3_000);
});
