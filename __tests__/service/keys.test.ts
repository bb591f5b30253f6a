import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { exampleFacts } from '../support/deploy.ts';
import {
  call,
  createBody,
  createKey,
  currentPayload,
  decide,
  enrol,
  redeem,
  redemptionBody,
  removeFolders,
  requestApproval,
  startTestService,
  type Person,
  type TestService,
} from '../support/service.ts';

let service: TestService;
let alex: Person;
/** For acme/shop, api, production: the payload's own. */
let ownKey: string;

beforeAll(async () => {
  service = await startTestService();
  alex = await enrol(service, 'alex');
  ownKey = await createKey(service, {
    repositories: ['acme/shop'],
    services: ['api'],
    environments: ['production'],
  });
});
afterAll(async () => {
  await service.close();
  await removeFolders();
});

interface Endpoint {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}

/** Every call of the API that needs a key, about one confirmation. */
function endpoints(o: { readonly id: string; readonly payloadHash: string }): {
  readonly forRequesters: readonly Endpoint[];
  readonly forAdmins: readonly Endpoint[];
} {
  return {
    forRequesters: [
      { method: 'POST', path: '/api/confirmations', body: createBody('alex', currentPayload()) },
      { method: 'GET', path: `/api/confirmations/${o.id}` },
      { method: 'DELETE', path: `/api/confirmations/${o.id}` },
      { method: 'POST', path: '/api/redemptions', body: redemptionBody(o.payloadHash) },
      {
        method: 'GET',
        path: '/api/deploys/latest?repository=acme/shop&service=api&environment=production',
      },
    ],
    forAdmins: [
      { method: 'POST', path: '/api/invites', body: { note: '', maxUses: 1 } },
      {
        method: 'POST',
        path: '/api/keys',
        body: { note: '', repositories: ['*'], services: ['*'], environments: ['*'] },
      },
      { method: 'DELETE', path: '/api/keys/0000000000000000' },
      {
        method: 'POST',
        path: '/api/repositories',
        body: {
          ...{ provider: 'github', repositoryId: '1', note: '' },
          ...{ services: ['*'], environments: ['*'] },
        },
      },
      { method: 'GET', path: '/api/repositories' },
      { method: 'DELETE', path: '/api/repositories/0000000000000000' },
      { method: 'GET', path: '/api/passkeys' },
      { method: 'DELETE', path: `/api/passkeys/${alex.passkey.pinned.id}` },
    ],
  };
}

function send({ path, ...options }: Endpoint, key?: string) {
  return call(service, path, { ...options, ...(key === undefined ? {} : { key }) });
}

describe('every call needs a key of this service', () => {
  const wrongKeys: readonly (readonly [string, () => string | undefined])[] = [
    ['no key', () => undefined],
    ['an empty key', () => ''],
    ['a key that never was', () => `dw_0123456789abcdef_${'A'.repeat(43)}`],
    ['the id of a key with another secret', () => `${ownKey.slice(0, 20)}${'A'.repeat(43)}`],
    ['a key with a changed last character', () => changeLast(ownKey)],
    ['the admin key cut short', () => service.adminKey.slice(0, -1)],
    ['two keys in one header', () => `${ownKey}, ${service.adminKey}`],
  ];
  test.each(wrongKeys)('%s is 401 everywhere', async (_name, key) => {
    const { body } = await requestApproval(service, { key: ownKey, username: 'alex' });
    const { forRequesters, forAdmins } = endpoints(body);
    for (const endpoint of [...forRequesters, ...forAdmins]) {
      const answer = await send(endpoint, key());
      expect([endpoint, answer.status, answer.body.code]).toEqual([endpoint, 401, 'unauthorized']);
    }
    expect(await statusOf(body.id)).toBe('pending');
  });

  test('a revoked key is 401 from then on', async () => {
    const key = await createKey(service);
    const { body } = await requestApproval(service, { key, username: 'alex' });
    const path = `/api/keys/${key.split('_')[1] ?? ''}`;
    expect((await send({ method: 'DELETE', path }, service.adminKey)).status).toBe(204);
    for (const endpoint of endpoints(body).forRequesters) {
      expect((await send(endpoint, key)).status).toBe(401);
    }
    expect((await send({ method: 'DELETE', path }, service.adminKey)).status).toBe(404);
  });
});

describe('kinds of keys', () => {
  test('a request key administers nothing', async () => {
    const { body } = await requestApproval(service, { key: ownKey, username: 'alex' });
    for (const endpoint of endpoints(body).forAdmins) {
      const answer = await send(endpoint, ownKey);
      expect([endpoint, answer.status, answer.body.code]).toEqual([endpoint, 403, 'forbidden']);
    }
    const { passkeys } = (await call(service, '/api/passkeys', { key: service.adminKey })).body;
    expect(passkeys.map(({ username }) => username)).toEqual(['alex']);
  });

  test('an admin key asks, reads, withdraws and redeems nothing', async () => {
    const { body } = await requestApproval(service, { key: ownKey, username: 'alex' });
    for (const endpoint of endpoints(body).forRequesters) {
      const answer = await send(endpoint, service.adminKey);
      expect([endpoint, answer.status, answer.body.code]).toEqual([endpoint, 403, 'forbidden']);
    }
    expect(await statusOf(body.id)).toBe('pending');
  });

  test('no key decides: the decision takes a passkey, with or without a key beside it', async () => {
    const { body } = await requestApproval(service, { key: ownKey, username: 'alex' });
    const path = `/page/confirmations/${body.id}/decision`;
    for (const key of [ownKey, service.adminKey]) {
      const answer = await call(service, path, {
        key,
        body: { decision: 'approved' },
        headers: { 'sec-fetch-site': 'same-origin' },
      });
      expect(answer.status).toBe(422);
    }
    for (const method of ['POST', 'PUT', 'PATCH']) {
      const change = {
        method,
        path: `/api/confirmations/${body.id}`,
        body: { status: 'approved' },
      };
      expect((await send(change, ownKey)).status).toBe(404);
    }
    expect(await statusOf(body.id)).toBe('pending');
  });
});

describe('scopes', () => {
  const foreignScopes = [
    { repositories: ['acme/other'] },
    { repositories: ['acme/shop2', 'acme/sho', 'Acme/shop'] },
    { repositories: ['987654321'] },
    { services: ['worker'] },
    { environments: ['staging', 'Production', 'production '] },
  ];
  test.each(foreignScopes)('%j neither sees nor uses what is not its own', async (scope) => {
    const foreign = await createKey(service, scope);
    const { body } = await requestApproval(service, { key: ownKey, username: 'alex' });
    await decide(service, body.id, alex);
    const missing = '3b241101-e2bb-4255-8caf-4136c566a962';
    for (const [method, withId] of [
      ['GET', true],
      ['DELETE', true],
      ['POST', false],
    ] as const) {
      const about = (id: string, payloadHash: string) =>
        withId
          ? send({ method, path: `/api/confirmations/${id}` }, foreign)
          : send({ method, path: '/api/redemptions', body: redemptionBody(payloadHash) }, foreign);
      const theirs = await about(body.id, body.payloadHash);
      const nobodys = await about(missing, 'f'.repeat(64));
      expect(theirs.status).toBe(404);
      expect([theirs.status, theirs.body]).toEqual([nobodys.status, nobodys.body]);
    }
    const asked = await requestApproval(service, { key: foreign, username: 'alex' });
    expect([asked.status, asked.body.code]).toEqual([403, 'out_of_scope']);
    expect(await statusOf(body.id)).toBe('approved');
  });

  const ownScopes = [
    { repositories: ['acme/shop'] },
    { repositories: ['other/one', '123456789'] },
    { services: ['api'], environments: ['staging', 'production'] },
    {},
  ];
  test.each(ownScopes)('%j asks, reads and redeems its own', async (scope) => {
    const key = await createKey(service, scope);
    const { body, status } = await requestApproval(service, { key, username: 'alex' });
    expect(status).toBe(201);
    await decide(service, body.id, alex);
    expect((await call(service, `/api/confirmations/${body.id}`, { key })).status).toBe(200);
    const redeemed = await redeem(service, { key, body: redemptionBody(body.payloadHash) });
    expect(redeemed.status).toBe(201);
  });

  test('a repository with the same name and another id is not the one that was named by id', async () => {
    const key = await createKey(service, { repositories: ['123456789'] });
    const payload = currentPayload({ repository_id: '1' });
    expect((await requestApproval(service, { key, username: 'alex', payload })).status).toBe(403);
  });

  test('ids that are no UUID in lower case are not found', async () => {
    const { body } = await requestApproval(service, { key: ownKey, username: 'alex' });
    const looser = [body.id.toUpperCase(), `{${body.id}}`, body.id.replaceAll('-', ''), '1', '%00'];
    for (const id of looser) {
      expect((await call(service, `/api/confirmations/${id}`, { key: ownKey })).status).toBe(404);
      expect((await call(service, `/page/confirmations/${id}`)).status).toBe(404);
    }
  });

  test.each([
    [{ repositories: [] }],
    [{ repositories: [''] }],
    [{ repositories: 'acme/shop' }],
    [{ repositories: undefined }],
    [{ services: [1] }],
    [{ extra: true }],
  ])('a key with %j is not made', async (change) => {
    const body = { note: '', repositories: ['*'], services: ['*'], environments: ['*'], ...change };
    const answer = await call(service, '/api/keys', { key: service.adminKey, body });
    expect([answer.status, answer.body.code]).toEqual([422, 'invalid_request']);
  });
});

test('secrets are stored as hashes only', async () => {
  const key = await createKey(service);
  const answer = await call(service, '/api/invites', {
    key: service.adminKey,
    body: { note: '', maxUses: 1 },
  });
  expect(answer.body.registerUrl).toBe(`${service.url}/enrol/${answer.body.code}`);
  const redemption = redemptionBody((await approved()).payloadHash);
  const { redemptionKey } = redemption;
  expect((await redeem(service, { key: ownKey, body: redemption })).status).toBe(201);
  const files = readdirSync(service.dataDir).filter((name) => name !== 'first-admin.json');
  expect(files).toContain('store.sqlite-wal');
  for (const name of files) {
    const bytes = readFileSync(join(service.dataDir, name), 'latin1');
    for (const secret of [key, service.adminKey, answer.body.code, redemptionKey]) {
      const random = secret.slice(-43);
      expect(bytes.includes(random)).toBe(false);
    }
  }
});

async function approved() {
  const payload = currentPayload({ ...exampleFacts(), tenant: 'secrets' });
  const { body } = await requestApproval(service, { key: ownKey, username: 'alex', payload });
  await decide(service, body.id, alex);
  return body;
}

async function statusOf(id: string): Promise<string> {
  return (await call(service, `/page/confirmations/${id}`)).body.status;
}

function changeLast(key: string): string {
  return `${key.slice(0, -1)}${key.endsWith('A') ? 'E' : 'A'}`;
}
