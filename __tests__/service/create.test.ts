import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { documentHash } from '../../src/core/hash.ts';
import { formatTime } from '../../src/core/time.ts';
import {
  call,
  callPage,
  createBody,
  createKey,
  currentPayload,
  decide,
  enrol,
  removeFolders,
  requestApproval,
  startTestService,
  type Person,
  type TestService,
} from '../support/service.ts';

let service: TestService;
let key: string;
let alex: Person;
let now = Date.now();

beforeAll(async () => {
  service = await startTestService({ now: () => now });
  key = await createKey(service);
  alex = await enrol(service, 'alex');
  await enrol(service, 'dana');
});
afterAll(async () => {
  await service.close();
  await removeFolders();
});

function create(body: unknown, headers: Readonly<Record<string, string>> = {}) {
  now += 2_000;
  return call(service, '/api/confirmations', { key, body, headers });
}

function fresh(facts = {}, options = {}) {
  return currentPayload(facts, { now, ...options });
}

test('the answer names the confirmation, its page, the hash of the payload, and a nonce', async () => {
  const payload = fresh();
  const { status, body } = await create(createBody('alex', payload));
  expect(status).toBe(201);
  expect(body).toEqual({
    id: expect.stringMatching(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    ),
    url: `${service.url}/approve/${body.id}`,
    payloadHash: documentHash(payload),
    expiresAt: payload.expires_at,
    nonce: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
  });
  const found = await call(service, `/api/confirmations/${body.id}`, { key });
  expect(found.status).toBe(200);
  expect(found.body).toEqual({
    id: body.id,
    status: 'pending',
    username: 'alex',
    payloadHash: body.payloadHash,
    nonce: body.nonce,
    payload,
    expiresAt: payload.expires_at,
  });
});

test('each confirmation has its own nonce, also for one payload', async () => {
  const payload = fresh();
  const first = await create(createBody('alex', payload));
  const second = await create(createBody('dana', payload));
  expect(second.body.payloadHash).toBe(first.body.payloadHash);
  expect(second.body.nonce).not.toBe(first.body.nonce);
});

describe('what is refused before anybody is asked', () => {
  test('an invalid deploy payload, with every problem', async () => {
    const payload = fresh();
    const facts = { ...payload.facts, service: 'latest', commit: 'abc' };
    const answer = await create({ ...createBody('alex', payload), payload: { ...payload, facts } });
    expect([answer.status, answer.body.code]).toEqual([422, 'invalid_payload']);
    expect(answer.body.problems.map(({ field }) => field)).toEqual(
      expect.arrayContaining(['facts.service', 'facts.commit']),
    );
  });

  test('a secret in the payload, without repeating it', async () => {
    const payload = fresh();
    const secret = ['ghp', 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'].join('_');
    const context = { reason: `token ${secret}` };
    const answer = await create({
      ...createBody('alex', payload),
      payload: { ...payload, context },
    });
    expect([answer.status, answer.body.code]).toEqual([422, 'invalid_payload']);
    expect(JSON.stringify(answer.body)).not.toContain(secret);
  });

  test.each([
    'deploy-approval/v2',
    'deploy-approval/v0',
    'deploy-approval/',
    'deploy-approval/v1 ',
  ])(
    'the unknown version "%s" of a deploy payload is no payload of another tool',
    async (schema) => {
      const answer = await create({
        ...createBody('alex', fresh()),
        payload: { ...fresh(), schema },
      });
      expect([answer.status, answer.body.code]).toEqual([422, 'invalid_payload']);
    },
  );

  test.each([
    'Deploy api to staging',
    'deploy api to production',
    'Deploy api to production ',
    'OK',
  ])('the action "%s", which is not that of the payload', async (action) => {
    const answer = await create({ ...createBody('alex', fresh()), action });
    expect([answer.status, answer.body.code]).toEqual([422, 'wrong_action']);
  });

  test.each([
    [-122_000, 422],
    [-119_000, 201],
    [119_000, 201],
    [121_000, 422],
  ])('requested_at %d ms from our clock gives %d', async (offset, status) => {
    now = Math.ceil(now / 1000) * 1000;
    const payload = currentPayload({}, { now: now + offset });
    const answer = await call(service, '/api/confirmations', {
      key,
      body: createBody('alex', payload),
    });
    expect(answer.status).toBe(status);
    if (status === 422) expect(answer.body.code).toBe('stale_request');
  });

  test('an expires_at that has passed', async () => {
    const payload = fresh({}, { now: now - 60_000, validMs: 30_000 });
    const answer = await create(createBody('alex', payload));
    expect([answer.status, answer.body.code]).toEqual([422, 'stale_request']);
  });

  test('a person who never enrolled', async () => {
    for (const username of ['kim', 'Alex', 'alex ', '../alex']) {
      const answer = await create(createBody(username, fresh()));
      expect([answer.status, answer.body.code]).toEqual([422, 'unknown_user']);
    }
  });

  test.each([
    [{ username: undefined }],
    [{ username: 7 }],
    [{ username: '' }],
    [{ action: undefined }],
    [{ payload: undefined }],
    [{ payload: null }],
    [{ payload: 'text' }],
    [{ payload: [] }],
    [{ decideBy: 'tomorrow' }],
    [{ status: 'approved' }],
    [{ id: '3b241101-e2bb-4255-8caf-4136c566a962' }],
  ])('a body with %j', async (change) => {
    const answer = await create({ ...createBody('alex', fresh()), ...change });
    expect([answer.status, answer.body.code]).toEqual([422, 'invalid_request']);
  });

  test('more than 60 requests to one person within a minute', async () => {
    now += 120_000;
    const ask = (username: string) =>
      call(service, '/api/confirmations', { key, body: createBody(username, fresh()) });
    for (let n = 0; n < 60; n += 1) expect((await ask('alex')).status).toBe(201);
    const answer = await ask('alex');
    expect([answer.status, answer.body.code]).toEqual([429, 'too_many']);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await ask('dana')).status).toBe(201);
    now += 61_000;
    expect((await ask('alex')).status).toBe(201);
  });

  test('more than 120 requests to one person within a minute, whoever asks', async () => {
    now += 120_000;
    const keys = await Promise.all(
      ['a', 'b', 'c'].map((name) => createKey(service, { services: ['api', name] })),
    );
    const ask = (as: number, username = 'alex') =>
      call(service, '/api/confirmations', {
        key: keys[as] ?? '',
        body: createBody(username, fresh()),
      });
    for (const as of [0, 1]) {
      for (let n = 0; n < 60; n += 1) expect((await ask(as)).status).toBe(201);
      const { status, body } = await ask(as);
      expect([status, body.message]).toEqual([
        429,
        expect.stringMatching(/by this scope 60 times/),
      ]);
    }
    const { status, body } = await ask(2);
    expect([status, body.message]).toEqual([
      429,
      expect.stringMatching(/by all together 120 times/),
    ]);
    expect((await ask(2, 'dana')).status).toBe(201);
    now += 61_000;
    expect((await ask(2)).status).toBe(201);
  });

  test('more than 300 requests by one key within a minute, whoever is asked', async () => {
    now += 120_000;
    const busy = await createKey(service);
    const people = ['p1', 'p2', 'p3', 'p4', 'p5', 'p6'];
    for (const name of people) await enrol(service, name);
    const ask = (username: string, as = busy) =>
      call(service, '/api/confirmations', { key: as, body: createBody(username, fresh()) });
    for (const name of people.slice(0, 5)) {
      for (let n = 0; n < 60; n += 1) expect((await ask(name)).status).toBe(201);
    }
    const { status, body } = await ask('p6');
    expect([status, body.message]).toEqual([
      429,
      'This key has asked 300 times within a minute. Wait, and ask for less.',
    ]);
    expect((await ask('p6', key)).status).toBe(201);
    now += 61_000;
    expect((await ask('p6')).status).toBe(201);
  });
});

describe('Idempotency-Key', () => {
  test('the same key and body give the same answer and one confirmation', async () => {
    const body = createBody('alex', fresh());
    const first = await create(body, { 'idempotency-key': 'one' });
    const second = await create(body, { 'idempotency-key': 'one' });
    expect(second).toMatchObject({ status: 201, body: first.body });
    const reordered = Object.fromEntries(Object.entries(body).reverse());
    expect((await create(reordered, { 'idempotency-key': 'one' })).body).toEqual(first.body);
  });

  test('a repetition is answered when requested_at is long past, and whatever became of the confirmation', async () => {
    const body = createBody('alex', fresh());
    const first = await create(body, { 'idempotency-key': 'late' });
    await call(service, `/api/confirmations/${first.body.id}`, { key, method: 'DELETE' });
    now += 600_000;
    expect((await create(body, { 'idempotency-key': 'late' })).body).toEqual(first.body);
    expect((await create(body, { 'idempotency-key': 'later' })).body.code).toBe('stale_request');
  });

  test('the same key and another body are 409, and nothing is made', async () => {
    const first = await create(createBody('alex', fresh()), { 'idempotency-key': 'two' });
    const answer = await create(createBody('dana', fresh()), { 'idempotency-key': 'two' });
    expect([answer.status, answer.body.code]).toEqual([409, 'idempotency_conflict']);
    const found = await call(service, `/api/confirmations/${first.body.id}`, { key });
    expect(found.body.status).toBe('pending');
  });

  test('the same Idempotency-Key of another API key is another one', async () => {
    const other = await createKey(service);
    const body = createBody('alex', fresh());
    const first = await create(body, { 'idempotency-key': 'three' });
    const headers = { 'idempotency-key': 'three' };
    const answer = await call(service, '/api/confirmations', { key: other, body, headers });
    expect(answer.status).toBe(201);
    expect(answer.body.id).not.toBe(first.body.id);
  });

  test('a key that fails is not used up', async () => {
    const wrong = { ...createBody('alex', fresh()), action: 'no' };
    expect((await create(wrong, { 'idempotency-key': 'four' })).status).toBe(422);
    const right = createBody('alex', fresh());
    expect((await create(right, { 'idempotency-key': 'four' })).status).toBe(201);
  });

  test.each(['', ' ', 'a b', 'x'.repeat(256), 'é'])('"%s" is refused', async (value) => {
    const answer = await create(createBody('alex', fresh()), { 'idempotency-key': value });
    expect(answer.status).toBe(422);
  });
});

describe('supersede', () => {
  async function statusOf(id: string): Promise<string> {
    return (await call(service, `/api/confirmations/${id}`, { key })).body.status;
  }
  async function ask(facts: object, username = 'alex', asKey = key) {
    now += 2_000;
    const payload = fresh(facts);
    const answer = await requestApproval(service, { key: asKey, username, payload });
    expect(answer.status).toBe(201);
    return { ...answer.body, payload };
  }

  test('a newer request for the same target takes the place of a pending and of an approved one', async () => {
    const pending = await ask({ service: 'a' });
    const approved = await create(createBody('dana', pending.payload));
    const decided = await ask({ service: 'b' });
    expect((await decide(service, decided.id, alex)).status).toBe(200);
    await ask({ service: 'a', commit: 'd'.repeat(40) });
    await ask({ service: 'b' });
    expect(await statusOf(pending.id)).toBe('superseded');
    expect(await statusOf(approved.body.id)).toBe('superseded');
    expect(await statusOf(decided.id)).toBe('superseded');
  });

  test('final ones stay as they are', async () => {
    const rejected = await ask({ service: 'c' });
    await decide(service, rejected.id, alex, 'rejected');
    const cancelled = await ask({ service: 'c' });
    await call(service, `/api/confirmations/${cancelled.id}`, { key, method: 'DELETE' });
    await ask({ service: 'c' });
    expect(await statusOf(rejected.id)).toBe('rejected');
    expect(await statusOf(cancelled.id)).toBe('cancelled');
  });

  test('never the other confirmations of the same request', async () => {
    const first = await ask({ service: 'd' });
    const second = await create(createBody('dana', first.payload));
    expect(await statusOf(first.id)).toBe('pending');
    expect(await statusOf(second.body.id)).toBe('pending');
  });

  test.each(['region', 'account', 'tenant', 'cluster', 'environment', 'service'])(
    'never across %s, present or absent',
    async (name) => {
      const first = await ask({ service: 'e', cluster: name });
      await ask({ service: 'e', cluster: name, [name]: 'another' });
      expect(await statusOf(first.id)).toBe('pending');
    },
  );

  test('a target without a region is not one with a region', async () => {
    const first = await ask({ service: 'f' });
    now += 2_000;
    const payload = fresh({ service: 'f' });
    const facts = Object.fromEntries(
      Object.entries(payload.facts).filter(([name]) => name !== 'region'),
    );
    const without = { ...createBody('alex', payload), payload: { ...payload, facts } };
    expect((await create(without)).status).toBe(201);
    expect(await statusOf(first.id)).toBe('pending');
  });

  test('the repository is known by its id where there is one, else by its name', async () => {
    const first = await ask({ service: 'g' });
    await ask({ service: 'g', repository_id: '42' });
    expect(await statusOf(first.id)).toBe('pending');
    await ask({ service: 'g', repository: 'acme/renamed' });
    expect(await statusOf(first.id)).toBe('superseded');
  });

  test('never from another scope', async () => {
    const first = await ask({ service: 'h' });
    await ask({ service: 'h' }, 'alex', await createKey(service, { services: ['h'] }));
    expect(await statusOf(first.id)).toBe('pending');
    await ask({ service: 'h' }, 'alex', await createKey(service));
    expect(await statusOf(first.id)).toBe('superseded');
  });

  test('a confirmation that comes too late does not bring its request back', async () => {
    const first = await ask({ service: 'i' });
    const newer = await ask({ service: 'i' });
    const late = await create(createBody('dana', first.payload));
    expect([late.status, late.body.code]).toEqual([410, 'superseded']);
    expect(await statusOf(newer.id)).toBe('pending');
  });

  test('a superseded request can not be approved', async () => {
    const first = await ask({ service: 'j' });
    await ask({ service: 'j' });
    const answer = await decide(service, first.id, alex);
    expect([answer.status, answer.body.code, answer.body.status]).toEqual([
      409,
      'not_pending',
      'superseded',
    ]);
  });
});

describe('payloads of other tools', () => {
  test('any JSON object, with the claimed action, for an hour', async () => {
    now += 120_000;
    const payload = { tool: 'terraform', plan: [1, { destroy: true }], nothing: null };
    const body = { username: 'alex', action: 'Apply the plan', payload };
    const { status, body: created } = await create(body);
    expect(status).toBe(201);
    expect(created.payloadHash).toBe(documentHash(payload));
    expect(created.expiresAt).toBe(formatTime(now + 3_600_000));
    const shown = (await callPage(service, `/page/confirmations/${created.id}`)).body;
    expect(shown).toMatchObject({ action: 'Apply the plan', payload, status: 'pending' });
    expect((await decide(service, created.id, alex)).status).toBe(200);
  });

  test('need a key for everything', async () => {
    const body = { username: 'alex', action: 'Apply the plan', payload: { tool: 'terraform' } };
    for (const scope of [
      { services: ['api'] },
      { repositories: ['acme/shop'] },
      { environments: ['production'] },
    ]) {
      const narrow = await createKey(service, scope);
      const answer = await call(service, '/api/confirmations', { key: narrow, body });
      expect([answer.status, answer.body.code]).toEqual([403, 'out_of_scope']);
    }
  });

  test.each(['two\nlines', 'hidden \u202E text', ' blank', 'x'.repeat(501)])(
    'the claimed action %j is refused',
    async (action) => {
      const answer = await create({ username: 'alex', action, payload: { a: 1 } });
      expect(answer.status).toBe(422);
    },
  );
});

test('decideBy is shown and binds nobody', async () => {
  const payload = fresh({ service: 'k' });
  const decideBy = formatTime(now + 5_000);
  const { body } = await create({ ...createBody('alex', payload), decideBy });
  now += 10_000;
  const shown = (await callPage(service, `/page/confirmations/${body.id}`)).body;
  expect(shown.decideBy).toBe(decideBy);
  expect((await decide(service, body.id, alex)).status).toBe(200);
});
