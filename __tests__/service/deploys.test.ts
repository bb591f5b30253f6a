import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { latestDeploySchema } from '../../src/core/api.ts';
import type { DeployFacts } from '../../src/core/facts.ts';
import { migrations } from '../../src/service/schema.ts';
import { openStore } from '../../src/service/store.ts';
import { exampleFacts, minimalFacts } from '../support/deploy.ts';
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
  startTestService,
  temporaryFolder,
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
});
afterAll(async () => {
  await service.close();
  await removeFolders();
});

/** A second later, so that each deploy has a time of its own. */
const tick = () => (now += 1_000);

async function ask(facts: Partial<DeployFacts>, as = key) {
  tick();
  const payload = currentPayload(facts, { now });
  const answer = await requestApproval(service, { key: as, username: 'alex', payload });
  return { ...answer.body, payload };
}

async function deployed(facts: Partial<DeployFacts>, as = key) {
  const asked = await ask(facts, as);
  await decide(service, asked.id, alex);
  tick();
  const body = redemptionBody(asked.payloadHash);
  const answer = await redeem(service, { key: as, body });
  expect(answer.status).toBe(201);
  return { ...asked, redeemedAt: answer.body.redeemedAt };
}

function latest(query: Readonly<Record<string, string>>, as = key) {
  const text = new URLSearchParams(query).toString();
  return call(service, `/api/deploys/latest?${text}`, { key: as });
}

/** The question about these facts. */
function questionOf(facts: Partial<DeployFacts>): Record<string, string> {
  const { repository, repository_id, service: name, environment } = facts;
  const { region, account, tenant, cluster } = facts;
  const members = { repository, repositoryId: repository_id, service: name, environment };
  return Object.fromEntries(
    Object.entries({ ...members, region, account, tenant, cluster }).filter(
      ([, value]) => value !== undefined,
    ),
  ) as Record<string, string>;
}

describe('the last deploy of a target', () => {
  const facts = { ...exampleFacts(), service: 'web' };

  test('is none, then each one that is redeemed', async () => {
    expect(await latest(questionOf(facts))).toMatchObject({ status: 200, body: {} });
    expect((await latest(questionOf(facts))).body).toEqual({});
    for (const digest of ['a', 'b']) {
      const { payload, payloadHash, redeemedAt } = await deployed({
        ...facts,
        digest: `sha256:${digest.repeat(64)}`,
      });
      const { status, body } = await latest(questionOf(facts));
      expect([status, body]).toEqual([200, { payload, payloadHash, redeemedAt }]);
      expect(latestDeploySchema.parse(body)).toEqual(body);
    }
  });

  test('is none that was asked for, approved or withdrawn only', async () => {
    const before = (await latest(questionOf(facts))).body;
    const asked = await ask(facts);
    expect((await latest(questionOf(facts))).body).toEqual(before);
    await decide(service, asked.id, alex);
    expect((await latest(questionOf(facts))).body).toEqual(before);
    await call(service, `/api/confirmations/${asked.id}`, { key, method: 'DELETE' });
    expect((await latest(questionOf(facts))).body).toEqual(before);
  });

  const others = [
    { repositoryId: '1' },
    { service: 'web2' },
    { environment: 'staging' },
    { region: 'us-east-1' },
    { account: '2' },
    { tenant: 'other' },
    { cluster: 'green' },
  ];
  test.each(others)('is not that of another one: %j', async (change) => {
    expect((await latest({ ...questionOf(facts), ...change })).body).toEqual({});
  });

  test.each(['repositoryId', 'region', 'account', 'tenant', 'cluster'])(
    'is not that of one without %s',
    async (member) => {
      const rest = Object.entries(questionOf(facts)).filter(([name]) => name !== member);
      expect((await latest(Object.fromEntries(rest))).body).toEqual({});
    },
  );

  test('is found by the name of a repository that has no id', async () => {
    const local = { ...minimalFacts(), service: 'local' };
    tick();
    const payload = { ...currentPayload({}, { now }), facts: local };
    const body = { username: 'alex', action: 'Deploy local to production', payload };
    const asked = (await call(service, '/api/confirmations', { key, body })).body;
    await decide(service, asked.id, alex);
    expect((await redeem(service, { key, body: redemptionBody(asked.payloadHash) })).status).toBe(
      201,
    );
    expect((await latest(questionOf(local))).body.payloadHash).toBe(asked.payloadHash);
  });

  test('keeps its repository over a new name', async () => {
    const { payloadHash } = (await latest(questionOf(facts))).body;
    const renamed = { ...questionOf(facts), repository: 'acme/store' };
    expect((await latest(renamed)).body.payloadHash).toBe(payloadHash);
  });
});

describe('a question is refused', () => {
  const facts = exampleFacts();
  test.each([
    ['without a repository', { repository: undefined }],
    ['without a service', { service: undefined }],
    ['without an environment', { environment: undefined }],
    ['with an empty region', { region: '' }],
    ['with a misspelt member', { regoin: 'eu-west-1' }],
    ['with a broad label', { service: 'all' }],
    ['with a repository that is a pattern', { repository: '*' }],
  ])('%s', async (_name, change: Readonly<Record<string, string | undefined>>) => {
    const query = Object.entries({ ...questionOf(facts), ...change }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    );
    const answer = await latest(Object.fromEntries(query));
    expect([answer.status, answer.body.code]).toEqual([422, 'invalid_request']);
    expect(answer.body.problems.length).toBeGreaterThan(0);
  });

  test('with a member twice', async () => {
    const query = new URLSearchParams(questionOf(facts)).toString();
    const answer = await call(service, `/api/deploys/latest?${query}&service=b`, { key });
    expect([answer.status, answer.body.code]).toEqual([422, 'invalid_request']);
  });

  test('without a key, and with an admin key', async () => {
    const query = new URLSearchParams(questionOf(facts)).toString();
    expect((await call(service, `/api/deploys/latest?${query}`)).status).toBe(401);
    expect((await latest(questionOf(facts), service.adminKey)).status).toBe(403);
  });
});

describe('the last deploy of somebody else', () => {
  const facts = { ...exampleFacts(), service: 'scoped' };
  test.each([
    { repositories: ['acme/other'] },
    { repositories: ['987654321'] },
    { services: ['api'] },
    { environments: ['staging'] },
  ])('is 404 for a key with %j, as if there were none', async (scope) => {
    await deployed(facts);
    const foreign = await createKey(service, scope);
    const theirs = await latest(questionOf(facts), foreign);
    expect(theirs.status).toBe(404);
    const nobodys = await latest({ ...questionOf(facts), region: 'nowhere-1' }, foreign);
    expect([theirs.status, theirs.body]).toEqual([nobodys.status, nobodys.body]);
  });

  test('is 404 for who names an own repository beside a foreign id', async () => {
    await deployed(facts);
    const own = await createKey(service, { repositories: ['acme/own'] });
    const answer = await latest({ ...questionOf(facts), repository: 'acme/own' }, own);
    expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
  });
});

describe('the page of a request', () => {
  const facts = { ...exampleFacts(), service: 'paged' };
  const shown = async (id: string) => (await callPage(service, `/page/confirmations/${id}`)).body;

  test('shows the last deploy as the request found it, also later', async () => {
    const first = await ask(facts);
    expect(await shown(first.id)).not.toHaveProperty('lastDeploy');
    await call(service, `/api/confirmations/${first.id}`, { key, method: 'DELETE' });

    const { payload, payloadHash, redeemedAt } = await deployed(facts);
    const second = await ask({ ...facts, digest: `sha256:${'c'.repeat(64)}` });
    const found = { payload, payloadHash, redeemedAt };
    expect((await shown(second.id)).lastDeploy).toEqual(found);
    await decide(service, second.id, alex);
    tick();
    expect((await redeem(service, { key, body: redemptionBody(second.payloadHash) })).status).toBe(
      201,
    );
    expect((await shown(second.id)).lastDeploy).toEqual(found);
    const third = await ask(facts);
    expect((await shown(third.id)).lastDeploy.payloadHash).toBe(second.payloadHash);
    expect((await shown(second.id)).lastDeploy).toEqual(found);
  });

  test('shows none of another target', async () => {
    const { id } = await ask({ ...facts, region: 'us-east-1' });
    expect(await shown(id)).not.toHaveProperty('lastDeploy');
  });

  test('of another tool has none', async () => {
    const body = { username: 'alex', action: 'Feed', payload: { cat: 'Mia' } };
    const asked = (await call(service, '/api/confirmations', { key, body })).body;
    expect(await shown(asked.id)).not.toHaveProperty('lastDeploy');
  });
});

describe('a store of version 1', () => {
  test('keeps its deploys, and finds the last of each target by an index', async () => {
    const dataDir = join(await temporaryFolder(), 'data');
    await mkdir(dataDir);
    const old = new DatabaseSync(join(dataDir, 'store.sqlite'));
    old.exec(migrations[0] ?? '');
    old.exec('pragma user_version = 1');
    old.exec("insert into people values ('alex', 'alex', 'h', 0)");
    old.exec("insert into api_keys values ('k', 'h', 'request', '', null, 0, null)");
    const hashes = ['one', 'two'].map((target) => {
      const hash = randomBytes(32).toString('hex');
      for (const person of [1, 2]) {
        old
          .prepare(
            `insert into confirmations (id, username, action, payload, payload_hash, scope, target, nonce, status, created_at, expires_at)
              values (?, 'alex', 'a', '{}', ?, '', ?, '', 'redeemed', 1, 9)`,
          )
          .run(`${hash}${person}`, hash, target);
      }
      old.prepare("insert into redemptions values (?, 'h', '1', '1', 'deploy', 2)").run(hash);
      old
        .prepare("insert into idempotency_keys values ('k', ?, 'body', ?)")
        .run(target, `${hash}1`);
      return hash;
    });
    old.close();

    const store = await openStore({ dataDir, onCommitted: () => undefined });
    const rows = store.all('select target, payload_hash from redemptions order by target');
    expect(rows.map(({ target, payload_hash: hash }) => [target, hash])).toEqual([
      ['one', hashes[0]],
      ['two', hashes[1]],
    ]);
    const plan = store.all(
      'explain query plan select * from redemptions where target = $1 and redeemed_at < $2 order by redeemed_at desc, payload_hash desc limit 1',
      ...['one', 9],
    );
    expect(plan.map(({ detail }) => detail)).toEqual([
      expect.stringContaining('USING INDEX redemptions_of_target (target=? AND redeemed_at<?)'),
    ]);
    store.close();
  });
});
