/** Jobs that ask by the ID token of their CI: what is believed, for whose repository, and how often. */
import { createHmac, createPublicKey, randomUUID } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { DeployFacts } from '../../src/core/facts.ts';
import { exampleFacts } from '../support/deploy.ts';
import {
  claimsFor,
  newIssuerKey,
  signToken,
  startIssuer,
  type Claims,
  type Issuer,
} from '../support/issuer.ts';
import {
  call,
  callPage,
  createBody,
  createKey,
  currentPayload,
  decide,
  enrol,
  redemptionBody,
  removeFolders,
  startTestService,
  type Person,
  type TestService,
} from '../support/service.ts';

let now = Date.now();
let github: Issuer;
let gitlab: Issuer;
let service: TestService;
let alex: Person;
/** Of the service's list, for acme/shop at GitHub. */
let listed: string;

function without<T extends object, K extends keyof T>(value: T, member: K): Omit<T, K> {
  return Object.fromEntries(Object.entries(value).filter(([name]) => name !== member)) as Omit<
    T,
    K
  >;
}

/** The facts as a job collects them whose forge is the local issuer. */
function factsOf(change: Partial<DeployFacts> = {}): DeployFacts {
  return { ...without(exampleFacts(), 'server'), ...change };
}

beforeAll(async () => {
  github = await startIssuer('github', {
    claims: claimsFor('github', factsOf()),
    now: () => now,
  });
  gitlab = await startIssuer('gitlab', { now: () => now });
  gitlab.says(claimsFor('gitlab', factsOf({ server: gitlab.issuer })));
  service = await startTestService({
    now: () => now,
    oidcIssuers: [github, gitlab].map(({ provider, issuer }) => ({ provider, issuer })),
    issuerTimeoutMs: 500,
  });
  alex = await enrol(service, 'alex');
  listed = await list({});
});
beforeEach(() => {
  // Each test has its own minute, for the limits.
  now += 61_000;
});
afterAll(async () => {
  await service.close();
  await github.close();
  await gitlab.close();
  await removeFolders();
});

async function list(change: object): Promise<string> {
  const body = {
    ...{ provider: 'github', repositoryId: '123456789', note: 'shop' },
    ...{ services: ['*'], environments: ['*'], ...change },
  };
  const answer = await call(service, '/api/repositories', { key: service.adminKey, body });
  if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
  return answer.body.id;
}

const token = (claims: Claims = {}, header: Claims = {}, from = github) =>
  from.token(service.origin, claims, header);

async function ask(change: Partial<DeployFacts> = {}, as = token()) {
  const payload = currentPayload({}, { now });
  const facts = factsOf({ region: randomUUID(), ...change });
  const body = createBody('alex', { ...payload, facts });
  const answer = await call(service, '/api/confirmations', { token: as, body });
  return { ...answer, sent: body };
}

async function asked(change: Partial<DeployFacts> = {}, as = token()) {
  const { status, body } = await ask(change, as);
  expect([status, body.message]).toEqual([201, undefined]);
  return body;
}

const read = (id: string, as = token()) => call(service, `/api/confirmations/${id}`, { token: as });

describe('a job', () => {
  test.each(['github', 'gitlab'] as const)('of %s asks, reads, and redeems', async (provider) => {
    const from = provider === 'github' ? github : gitlab;
    if (provider === 'gitlab') await list({ provider });
    const server = provider === 'github' ? {} : { server: gitlab.issuer };
    const { id, payloadHash } = await asked(server, token({}, {}, from));
    const reader = token({}, {}, from);
    for (const status of ['pending', 'approved']) {
      expect((await read(id, reader)).body.status).toBe(status);
      if (status === 'pending') expect((await decide(service, id, alex)).status).toBe(200);
    }
    const answer = await call(service, '/api/redemptions', {
      token: token({}, {}, from),
      body: redemptionBody(payloadHash),
    });
    expect([answer.status, answer.body.payloadHash]).toEqual([201, payloadHash]);
    expect((await read(id, reader)).body.status).toBe('redeemed');
  });

  test('withdraws', async () => {
    const { id } = await asked();
    const path = `/api/confirmations/${id}`;
    const answer = await call(service, path, { token: token(), method: 'DELETE' });
    expect([answer.status, answer.body.status]).toEqual([200, 'cancelled']);
  });

  test('finds the last deploy of its own repository', async () => {
    const { id, payloadHash } = await asked({ service: 'last' });
    await decide(service, id, alex);
    const body = redemptionBody(payloadHash);
    await call(service, '/api/redemptions', { token: token(), body });
    const { payload } = (await read(id)).body as unknown as {
      payload: { facts: Record<string, string> };
    };
    const { repository, repository_id: repositoryId, environment, region } = payload.facts;
    const { account, tenant, cluster } = payload.facts;
    const query = { repository, repositoryId, service: 'last', environment, region };
    const text = new URLSearchParams({ ...query, account, tenant, cluster } as Record<
      string,
      string
    >);
    const answer = await call(service, `/api/deploys/latest?${text}`, { token: token() });
    expect([answer.status, answer.body.payloadHash]).toEqual([200, payloadHash]);
  });

  test('has what its token attests on the page, and no more', async () => {
    const { id } = await asked();
    expect((await callPage(service, `/page/confirmations/${id}`)).body.attested).toEqual({
      by: 'GitHub',
      issuer: github.issuer,
      fields: [
        ...['environment', 'repository', 'repository_id', 'ref', 'commit', 'workflow'],
        ...['workflow_sha', 'actor.login', 'actor.id', 'run_id', 'run_attempt'],
      ],
      jobWorkflowRef: factsOf().workflow,
    });
  });

  test('may ask about another commit than its own, which is then not attested', async () => {
    const { id } = await asked({ commit: 'a'.repeat(40) });
    const { attested } = (await callPage(service, `/page/confirmations/${id}`)).body;
    expect(attested.fields).not.toContain('commit');
  });

  test('with a key has nothing attested', async () => {
    const key = await createKey(service);
    const body = createBody('alex', currentPayload({}, { now }));
    const { id } = (await call(service, '/api/confirmations', { key, body })).body;
    const shown = (await callPage(service, `/page/confirmations/${id}`)).body;
    expect(shown).not.toHaveProperty('attested');
  });

  test('is superseded by a newer request of its own repository', async () => {
    const region = 'r1';
    const { id } = await asked({ region });
    await asked({ region });
    expect((await read(id)).body.status).toBe('superseded');
  });

  test('gets the answer again with the same Idempotency-Key, also by a new token', async () => {
    const { body, sent } = await ask();
    const options = { body: sent, headers: { 'idempotency-key': 'k1' } };
    const send = () => call(service, '/api/confirmations', { ...options, token: token() });
    const first = (await send()).body;
    expect(first.id).not.toBe(body.id);
    expect((await send()).body).toEqual(first);
  });
});

describe('a token is refused', () => {
  const seconds = () => Math.floor(now / 1000);
  const unauthorized: readonly (readonly [string, RegExp, () => string | Promise<string>])[] = [
    ['of another audience', /meant for/, () => github.token('https://other.example')],
    ['for the identity check', /meant for/, () => github.token('deploy-warrant')],
    ['of an unknown issuer', /no issuer/, () => token({ iss: 'https://evil.example' })],
    ['of an issuer with a slash', /no issuer/, () => token({ iss: `${github.issuer}/` })],
    ['of no issuer', /no issuer/, () => token({ iss: undefined })],
    ['that has expired', /expired/, () => token({ exp: seconds() - 61 })],
    ['of the future', /in the future|valid only/, () => token({ iat: seconds() + 120 })],
    ['without exp', /exp/, () => token({ exp: undefined })],
    ['without jti', /jti/, () => token({ jti: undefined })],
    ['without kid', /kid/, () => token({}, { kid: undefined })],
    ['with an unknown kid', /does not publish/, () => token({}, { kid: 'key-2' })],
    ['with keys by jku', /jku/, () => token({}, { jku: `${github.issuer}/.well-known/jwks` })],
    ['with a key of its own', /jwk/, () => token({}, { jwk: github.key.jwk })],
    ['with crit', /crit/, () => token({}, { crit: ['exp'] })],
    ['of alg none', /no issuer/, () => `${unsigned(token({}, { alg: 'none' }))}.`],
    ['of alg none with a signature', /RS256/, () => token({}, { alg: 'none' })],
    ['signed by HS256 with the public key', /RS256/, () => hs256(token({}, { alg: 'HS256' }))],
    ['of the other issuer', /does not publish|no valid/, () => crossSigned()],
    ['signed by another key', /no valid signature/, () => forged()],
    ['with a changed claim', /no valid signature/, () => changed(token())],
    ['that is no token', /no issuer/, () => 'abc'],
    ['that is an API key', /no issuer/, () => createKey(service)],
  ];
  test.each(unauthorized)('%s', async (_name, message, make) => {
    const bad = await make();
    const { id, payloadHash } = await asked();
    const answers = [
      await ask({}, bad),
      await read(id, bad),
      await call(service, `/api/confirmations/${id}`, { token: bad, method: 'DELETE' }),
      await call(service, '/api/redemptions', { token: bad, body: redemptionBody(payloadHash) }),
      await call(service, '/api/deploys/latest?service=api', { token: bad }),
    ];
    for (const { status, body } of answers) {
      expect([status, body.code]).toEqual([401, 'unauthorized']);
      expect(body.message).toMatch(message);
      expect(JSON.stringify(body)).not.toContain(bad.slice(-20));
    }
    expect((await read(id)).body.status).toBe('pending');
  });

  const unsigned = (text: string) => text.split('.').slice(0, 2).join('.');
  function hs256(text: string): string {
    const publicKey = createPublicKey(github.key.privateKey);
    const pem = publicKey.export({ type: 'spki', format: 'pem' });
    const signature = createHmac('sha256', pem).update(unsigned(text)).digest('base64url');
    return `${unsigned(text)}.${signature}`;
  }
  const parts = (text: string) =>
    text
      .split('.')
      .slice(0, 2)
      .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Claims);
  function crossSigned(): string {
    const [header = {}, claims = {}] = parts(token());
    return signToken(gitlab.key, header, claims);
  }
  async function forged(): Promise<string> {
    const [header = {}, claims = {}] = parts(token());
    return signToken(await newIssuerKey('key-1'), header, claims);
  }
  function changed(text: string): string {
    const [header = '', , signature = ''] = text.split('.');
    const claims = JSON.stringify({ ...parts(text)[1], environment: 'staging' });
    return [header, Buffer.from(claims).toString('base64url'), signature].join('.');
  }

  test('beside a key, and in another scheme', async () => {
    const { id } = await asked();
    const key = await createKey(service);
    const path = `/api/confirmations/${id}`;
    const both = await call(service, path, { key, token: token() });
    expect([both.status, both.body.message]).toEqual([401, expect.stringContaining('not both')]);
    for (const authorization of ['Bearer', 'Bearer ', `Basic ${token()}`, token(), 'Bearer a b']) {
      const answer = await call(service, path, { headers: { authorization } });
      expect([answer.status, answer.body.code]).toEqual([401, 'unauthorized']);
    }
    const lower = await call(service, path, { headers: { authorization: `bearer ${token()}` } });
    expect(lower.status).toBe(200);
  });

  test('for administration', async () => {
    const calls = [
      ['POST', '/api/invites', { note: '', maxUses: 1 }],
      ['POST', '/api/keys', {}],
      ['DELETE', '/api/keys/0000000000000000', undefined],
      ['POST', '/api/repositories', {}],
      ['GET', '/api/repositories', undefined],
      ['DELETE', `/api/repositories/${listed}`, undefined],
      ['GET', '/api/passkeys', undefined],
      ['DELETE', `/api/passkeys/${alex.passkey.pinned.id}`, undefined],
    ] as const;
    for (const [method, path, body] of calls) {
      const sent = body === undefined ? {} : { body };
      const answer = await call(service, path, { method, token: token(), ...sent });
      expect([path, answer.status, answer.body.code]).toEqual([path, 403, 'forbidden']);
    }
  });
});

describe('a request whose facts are not those of the job', () => {
  const differences: readonly (readonly [string, Partial<DeployFacts>])[] = [
    ['environment', { environment: 'staging' }],
    ['repository', { repository: 'acme/other' }],
    ['ref', { ref: 'refs/heads/other' }],
    ['run_id', { run_id: '1' }],
    ['run_attempt', { run_attempt: '2' }],
    ['actor.id', { actor: { ...factsOf().actor, id: '1' } }],
    ['actor.login', { actor: { ...factsOf().actor, login: 'mallory' } }],
    ['workflow', { workflow: 'acme/shop/.github/workflows/other.yml@refs/heads/main' }],
    ['workflow_sha', { workflow_sha: 'b'.repeat(40) }],
  ];
  test.each(differences)('in %s is 422, and names it', async (field, change) => {
    const { status, body } = await ask(change);
    expect([status, body.code]).toEqual([422, 'identity_mismatch']);
    expect(body.problems.map((problem) => problem.field)).toEqual([field]);
  });

  test('because the token names no environment is 422', async () => {
    const { status, body } = await ask({}, token({ environment: undefined }));
    expect([status, body.code]).toEqual([422, 'identity_mismatch']);
    expect(body.problems.map(({ field }) => field)).toEqual(['environment']);
  });

  test('is stored nowhere', async () => {
    const store = new DatabaseSync(join(service.dataDir, 'store.sqlite'));
    const count = () => store.prepare('select count(*) as n from confirmations').get()?.n;
    const before = count();
    await ask({ environment: 'staging' });
    expect(count()).toBe(before);
    store.close();
  });
});

describe('a repository', () => {
  const foreign = () => ({ repository_id: '555', repository: 'acme/other' });
  const foreignClaims = () => claimsFor('github', factsOf(foreign()));

  test('that is not on the list is 403 everywhere, whatever it names', async () => {
    const { id, payloadHash } = await asked();
    const theirs = () => token(foreignClaims());
    const answers = [
      await ask(foreign(), theirs()),
      await ask({}, theirs()),
      await read(id, theirs()),
      await call(service, `/api/confirmations/${id}`, { token: theirs(), method: 'DELETE' }),
      await call(service, '/api/redemptions', {
        token: theirs(),
        body: redemptionBody(payloadHash),
      }),
    ];
    for (const { status, body } of answers) {
      expect([status, body.code]).toEqual([403, 'unknown_repository']);
    }
  });

  test('that the token does not name is none of the list', async () => {
    const { status, body } = await ask({}, token({ repository_id: undefined }));
    expect([status, body]).toEqual([
      403,
      {
        code: 'unknown_repository',
        message: `This service takes no tokens of repository without an id of ${github.issuer}. An administrator may add it: deploy-warrant repository add.`,
      },
    ]);
  });

  test('sees and uses what is its own, and of others not even that it is there', async () => {
    const added = await list({ repositoryId: '555' });
    const { id, payloadHash } = await asked();
    await decide(service, id, alex);
    const theirs = () => token(foreignClaims());
    const missing = '3b241101-e2bb-4255-8caf-4136c566a962';
    const about = (one: string, hash: string) => [
      call(service, `/api/confirmations/${one}`, { token: theirs() }),
      call(service, `/api/confirmations/${one}`, { token: theirs(), method: 'DELETE' }),
      call(service, '/api/redemptions', { token: theirs(), body: redemptionBody(hash) }),
    ];
    const [found, nothing] = await Promise.all([
      Promise.all(about(id, payloadHash)),
      Promise.all(about(missing, 'f'.repeat(64))),
    ]);
    for (const [index, answer] of found.entries()) {
      expect(answer.status).toBe(404);
      expect([answer.status, answer.body]).toEqual([nothing[index]?.status, nothing[index]?.body]);
    }
    const asking = await ask({}, theirs());
    expect([asking.status, asking.body.code]).toEqual([403, 'out_of_scope']);
    const query = 'repository=acme/shop&repositoryId=123456789&service=api&environment=production';
    const last = await call(service, `/api/deploys/latest?${query}`, { token: theirs() });
    expect(last.status).toBe(404);
    expect((await ask(foreign(), theirs())).status).toBe(201);
    expect((await read(id)).body.status).toBe('approved');
    await remove(added);
  });

  test('of the same id at another forge is another one', async () => {
    const { id, payloadHash } = await asked();
    await decide(service, id, alex);
    const theirs = () => token({}, {}, gitlab);
    expect((await read(id, theirs())).status).toBe(404);
    const options = { token: theirs(), body: redemptionBody(payloadHash) };
    expect((await call(service, '/api/redemptions', options)).status).toBe(404);
    expect((await read(id)).body.status).toBe('approved');
  });

  test('with the name of a foreign id is another one', async () => {
    // A key may have asked for a repository that is only named.
    const key = await createKey(service);
    const facts = without(factsOf({ repository: '123456789' }), 'repository_id');
    const body = createBody('alex', { ...currentPayload({}, { now }), facts });
    const { id } = (await call(service, '/api/confirmations', { key, body })).body;
    expect((await read(id)).status).toBe(404);
  });

  test('has its services and environments only', async () => {
    const added = await list({ repositoryId: '555', services: ['api'], environments: ['staging'] });
    const claims = (environment: string) =>
      claimsFor('github', factsOf({ ...foreign(), environment }));
    for (const [name, environment, status] of [
      ['api', 'staging', 201],
      ['worker', 'staging', 403],
      ['api', 'production', 403],
    ] as const) {
      const change = { ...foreign(), service: name, environment };
      expect((await ask(change, token(claims(environment)))).status).toBe(status);
    }
    await remove(added);
  });

  test('that was removed is refused from then on, and keys still see what it asked for', async () => {
    const added = await list({ repositoryId: '555' });
    const { id } = await asked(foreign(), token(foreignClaims()));
    await remove(added);
    expect((await read(id, token(foreignClaims()))).status).toBe(403);
    const key = await createKey(service, { repositories: ['555'] });
    expect((await call(service, `/api/confirmations/${id}`, { key })).status).toBe(200);
  });

  async function remove(id: string): Promise<void> {
    const options = { key: service.adminKey, method: 'DELETE' };
    expect((await call(service, `/api/repositories/${id}`, options)).status).toBe(204);
  }
});

describe('a token that is used again', () => {
  test('for the same payload is a retry', async () => {
    const again = token();
    const { sent, body } = await ask({}, again);
    const headers = { 'idempotency-key': body.id };
    const retry = await call(service, '/api/confirmations', { token: again, body: sent, headers });
    expect(retry.status).toBe(201);
  });

  test('for another payload is 401, and nothing is asked', async () => {
    const again = token();
    await asked({}, again);
    const { status, body } = await ask({}, again);
    expect([status, body.code]).toEqual([401, 'token_used']);
  });

  test('for another call about the same payload is 401', async () => {
    const again = token();
    const { id, payloadHash } = await asked({}, again);
    const withdrawal = await call(service, `/api/confirmations/${id}`, {
      token: again,
      method: 'DELETE',
    });
    expect([withdrawal.status, withdrawal.body.code]).toEqual([401, 'token_used']);
    await decide(service, id, alex);
    const options = { token: again, body: redemptionBody(payloadHash) };
    expect((await call(service, '/api/redemptions', options)).status).toBe(401);
    expect((await read(id, again)).status).toBe(401);
    const query = 'repository=acme/shop&repositoryId=123456789&service=api&environment=production';
    const last = (token: string) => call(service, `/api/deploys/latest?${query}`, { token });
    expect([(await last(again)).status, (await last(token())).status]).toEqual([401, 200]);
    expect((await read(id)).body.status).toBe('approved');
  });

  test('after it was used to read is good for reading only, again and again', async () => {
    const reader = token();
    const { id } = await asked();
    for (let n = 0; n < 3; n += 1) expect((await read(id, reader)).status).toBe(200);
    expect((await ask({}, reader)).status).toBe(401);
    const path = `/api/confirmations/${id}`;
    expect((await call(service, path, { token: reader, method: 'DELETE' })).status).toBe(401);
    expect((await read(id)).body.status).toBe('pending');
  });

  test('of a job that has but one is good for one payload, and to read', async () => {
    const added = await list({ provider: 'gitlab', repositoryId: '555' });
    const facts = { repository_id: '555', server: gitlab.issuer };
    const only = token(claimsFor('gitlab', factsOf(facts)), {}, gitlab);
    const { id, payloadHash } = await asked(facts, only);
    expect((await read(id, only)).status).toBe(200);
    const { status, body } = await ask(facts, only);
    expect([status, body.code]).toEqual([401, 'token_used']);
    await decide(service, id, alex);
    const redemption = { token: only, body: redemptionBody(payloadHash) };
    expect((await call(service, '/api/redemptions', redemption)).status).toBe(201);
    const path = `/api/repositories/${added}`;
    await call(service, path, { key: service.adminKey, method: 'DELETE' });
  });

  test('stays used when its first use was refused', async () => {
    const again = token();
    expect((await ask({ environment: 'staging' }, again)).status).toBe(422);
    expect((await ask({}, again)).status).toBe(401);
  });

  test('to redeem uses one approval, and repeats one answer', async () => {
    const [one, two] = [await asked(), await asked()];
    for (const { id } of [one, two]) await decide(service, id, alex);
    const again = token();
    const send = (body: object) => call(service, '/api/redemptions', { token: again, body });
    const body = redemptionBody(one.payloadHash);
    expect((await send(body)).status).toBe(201);
    expect((await send(body)).status).toBe(200);
    expect((await send(redemptionBody(two.payloadHash))).body.code).toBe('token_used');
    expect((await read(two.id)).body.status).toBe('approved');
  });

  test('is remembered as long as it could be believed, and then forgotten', async () => {
    const store = new DatabaseSync(join(service.dataDir, 'store.sqlite'));
    const count = () => Number(store.prepare('select count(*) as n from used_tokens').get()?.n);
    const again = token();
    await asked({}, again);
    now += 359_000;
    // Whatever is used now has the old ones swept away.
    await asked();
    const { body } = await ask({}, again);
    expect(body.code).toBe('token_used');
    now += 600_000;
    await asked();
    expect(count()).toBe(1);
    store.close();
  });
});

describe('a job redeems as the job it is', () => {
  test.each([
    ['another run', { run_id: '7' }, 'runId'],
    ['another attempt', { run_attempt: '2' }, 'runAttempt'],
    ['another environment', { environment: 'staging' }, 'environment'],
    ['no environment', { environment: undefined }, 'environment'],
  ] as const)('%s is 422', async (_name, claims, field) => {
    const { id, payloadHash } = await asked();
    await decide(service, id, alex);
    const options = { token: token(claims), body: redemptionBody(payloadHash) };
    const { status, body } = await call(service, '/api/redemptions', options);
    expect([status, body.code]).toEqual([422, 'identity_mismatch']);
    expect(body.problems.map((problem) => problem.field)).toEqual([field]);
    expect((await read(id)).body.status).toBe('approved');
  });

  test('a later attempt says so itself', async () => {
    const { id, payloadHash } = await asked();
    await decide(service, id, alex);
    const body = redemptionBody(payloadHash, { runAttempt: '2' });
    const options = { token: token({ run_attempt: '2' }), body };
    expect((await call(service, '/api/redemptions', options)).status).toBe(201);
  });
});

test('a flood of one repository is stopped, whatever token each request has', async () => {
  for (let n = 0; n < 60; n += 1) expect((await ask()).status).toBe(201);
  const { status, body } = await ask();
  expect([status, body.code]).toEqual([429, 'too_many']);
});

test('no token is stored, and none is logged', async () => {
  const sent = token();
  await asked({}, sent);
  const store = new DatabaseSync(join(service.dataDir, 'store.sqlite'));
  const tables = ['confirmations', 'used_tokens', 'repositories', 'idempotency_keys'];
  const rows = tables.flatMap((table) => store.prepare(`select * from ${table}`).all());
  store.close();
  const text = JSON.stringify(rows) + service.log.join('\n');
  for (const part of sent.split('.')) expect(text).not.toContain(part);
  expect(service.log).toEqual([]);
});
