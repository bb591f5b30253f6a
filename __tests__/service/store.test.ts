import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { openStore } from '../../src/service/store.ts';
import {
  call,
  createBody,
  createKey,
  currentPayload,
  decide,
  decisionBody,
  callPage,
  enrol,
  redeem,
  redemptionBody,
  removeFolders,
  requestApproval,
  signIn,
  spawnTestService,
  startTestService,
  stubPage,
  temporaryFolder,
  type TestService,
} from '../support/service.ts';

afterAll(removeFolders);

async function newFolder(): Promise<string> {
  return join(await temporaryFolder(), 'data');
}

const open = (dataDir: string) => openStore({ dataDir, onCommitted: () => undefined });

test('is written ahead, and on the disk before anything is acknowledged', async () => {
  const store = await open(await newFolder());
  expect(store.get('pragma journal_mode')?.journal_mode).toBe('wal');
  // 2 is FULL: the log is synced at every commit.
  expect(store.get('pragma synchronous')?.synchronous).toBe(2);
  expect(store.get('pragma cache_size')?.cache_size).toBe(-65_536);
  store.close();
});

test('a transaction that fails leaves nothing behind, and announces nothing', async () => {
  const announced: string[] = [];
  const store = await openStore({
    dataDir: await newFolder(),
    onCommitted: (topics) => announced.push(...topics),
  });
  const add = (name: string) =>
    store.run('insert into people values ($1, $2, $3, 0)', name, name, name);
  expect(() =>
    store.transaction((touch) => {
      add('a');
      touch('person:a');
      throw new Error('no');
    }),
  ).toThrow('no');
  expect(store.all('select * from people')).toEqual([]);
  expect(announced).toEqual([]);
  store.transaction((touch) => {
    add('b');
    touch('person:b');
    expect(announced).toEqual([]);
  });
  expect(announced).toEqual(['person:b']);
  store.close();
});

test('folder and files are for the owner only', async () => {
  const dataDir = await newFolder();
  const service = await startTestService({ dataDir });
  expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
  const names = await readdir(dataDir);
  expect(names).toEqual(expect.arrayContaining(['first-admin.json', 'store.sqlite']));
  for (const name of names) {
    expect([name, (await stat(join(dataDir, name))).mode & 0o777]).toEqual([name, 0o600]);
  }
  await service.close();
});

test('belongs to one process at a time', async () => {
  const service = await spawnTestService({ pageDir: await stubPage() });
  await expect(open(service.dataDir)).rejects.toMatchObject({
    code: 'configuration',
    message: expect.stringContaining('Another service may be using it'),
  });
  await service.kill('SIGKILL');
  (await open(service.dataDir)).close();
}, 60_000);

test('of a newer release is not touched', async () => {
  const dataDir = await newFolder();
  (await open(dataDir)).close();
  const database = new DatabaseSync(join(dataDir, 'store.sqlite'));
  database.exec('pragma user_version = 99');
  database.close();
  await expect(open(dataDir)).rejects.toMatchObject({
    code: 'configuration',
    message: expect.stringContaining('version 99'),
  });
});

test('that is no store, or no folder, is refused with the reason', async () => {
  const dataDir = await newFolder();
  await mkdir(dataDir);
  await writeFile(join(dataDir, 'store.sqlite'), 'This is not a database, but it is long enough.');
  await expect(open(dataDir)).rejects.toMatchObject({ code: 'configuration' });
  const file = join(await temporaryFolder(), 'file');
  await writeFile(file, '');
  await expect(open(file)).rejects.toMatchObject({ code: 'configuration' });
});

describe('the first admin', () => {
  test('is written at the first start only', async () => {
    const dataDir = await newFolder();
    const first = await startTestService({ dataDir });
    const path = join(dataDir, 'first-admin.json');
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({
      api_key: expect.stringMatching(/^dw_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/),
      invite_url: expect.stringMatching(/^http:\/\/localhost:\d+\/enrol\/[A-Za-z0-9_-]{43}$/),
      api_url: first.apiUrl,
    });
    await first.close();
    const before = await readFile(path, 'utf8');
    const second = await startTestService({ dataDir });
    expect(await readFile(path, 'utf8')).toBe(before);
    expect((await call(second, '/api/passkeys', { key: first.adminKey })).status).toBe(200);
    await second.close();
  });

  test('is written anew when the first start was killed before the store had it', async () => {
    const dataDir = await newFolder();
    await mkdir(dataDir);
    for (const name of ['first-admin.json', 'first-admin.json.draft']) {
      await writeFile(join(dataDir, name), '{"api_key":"lost"}');
      await chmod(join(dataDir, name), 0o644);
    }
    const service = await startTestService({ dataDir });
    expect((await call(service, '/api/passkeys', { key: service.adminKey })).status).toBe(200);
    expect((await stat(join(dataDir, 'first-admin.json'))).mode & 0o777).toBe(0o600);
    expect(await readdir(dataDir)).not.toContain('first-admin.json.draft');
    await service.close();
  });
});

test('everything is there after a restart: keys, people, sessions, requests, decisions, redemptions', async () => {
  const dataDir = await newFolder();
  const first = await startTestService({ dataDir });
  const port = Number(new URL(first.url).port);
  const key = await createKey(first);
  const alex = await enrol(first, 'alex');
  const cookie = await signIn(first, alex);
  const ask = async (service: string) =>
    (await requestApproval(first, { key, username: 'alex', payload: currentPayload({ service }) }))
      .body;
  const [pending, approved, used] = [await ask('a'), await ask('b'), await ask('c')];
  await decide(first, approved.id, alex);
  await decide(first, used.id, alex);
  const use = redemptionBody(used.payloadHash);
  const { body: redeemed } = await redeem(first, { key, body: use });
  const { body: signInOptions } = await callPage(first, '/page/sign-in/options', { body: {} });
  await first.close();

  const second = await startTestService({ dataDir, port });
  const statusOf = async (id: string) =>
    (await call(second, `/api/confirmations/${id}`, { key })).body.status;
  expect(await statusOf(pending.id)).toBe('pending');
  expect(await statusOf(approved.id)).toBe('approved');
  expect(await statusOf(used.id)).toBe('redeemed');
  expect((await callPage(second, '/page/session', { cookie })).body.username).toBe('alex');
  const again = await redeem(second, { key, body: use });
  expect([again.status, again.body]).toEqual([200, redeemed]);
  expect((await redeem(second, { key, body: redemptionBody(used.payloadHash) })).status).toBe(409);
  expect((await decide(second, pending.id, alex)).status).toBe(200);
  expect(signInOptions.challenge).toHaveLength(43);
  await second.close();
});

/** Every write of the service, and that each is refused with 503. */
async function expectUnavailable(
  service: TestService,
  o: { key: string; decision: object; id: string; hash: string },
) {
  const { key } = o;
  const answers = [
    await requestApproval(service, { key, username: 'alex' }),
    await callPage(service, `/page/confirmations/${o.id}/decision`, { body: o.decision }),
    await call(service, `/api/confirmations/${o.id}`, { key, method: 'DELETE' }),
    await redeem(service, { key, body: redemptionBody(o.hash) }),
    await call(service, '/api/invites', { key: service.adminKey, body: { note: '', maxUses: 1 } }),
  ];
  for (const answer of answers) {
    expect([answer.status, answer.body.code]).toEqual([503, 'store_unavailable']);
    expect(answer.headers.get('retry-after')).toBe('1');
  }
}

test('a locked store is 503 for every write, and nothing is done', async () => {
  const service = await startTestService();
  const key = await createKey(service);
  const alex = await enrol(service, 'alex');
  const ask = async (name: string) => {
    const payload = currentPayload({ service: name });
    return (await requestApproval(service, { key, username: 'alex', payload })).body;
  };
  const [pending, approved] = [await ask('a'), await ask('b')];
  await decide(service, approved.id, alex);
  const decision = await decisionBody(service, pending.id, alex);

  const other = new DatabaseSync(join(service.dataDir, 'store.sqlite'));
  other.exec('begin immediate');
  const facts = { key, decision, id: pending.id, hash: approved.payloadHash };
  await expectUnavailable(service, facts);
  expect((await call(service, `/api/confirmations/${pending.id}`, { key })).body.status).toBe(
    'pending',
  );
  other.exec('rollback');
  other.close();

  const path = `/page/confirmations/${pending.id}/decision`;
  expect((await callPage(service, path, { body: decision })).status).toBe(200);
  const body = redemptionBody(approved.payloadHash);
  expect((await redeem(service, { key, body })).status).toBe(201);
  await service.close();
}, 60_000);

test('a full disk is 503, and what was acknowledged before stays', async () => {
  const dataDir = await newFolder();
  const pageDir = await stubPage();
  const prepared = await spawnTestService({ dataDir, pageDir });
  const key = await createKey(prepared);
  await enrol(prepared, 'alex');
  await prepared.close();

  // No file may grow beyond 1000 blocks of 512 bytes: to the service, that is a full disk.
  const limited = await spawnTestService({ dataDir, pageDir, before: 'ulimit -f 1000' });
  const acknowledged: string[] = [];
  const big = { text: 'x'.repeat(60_000) };
  let last = 0;
  for (let n = 0; n < 40 && last !== 503; n += 1) {
    const body = { username: 'alex', action: 'Fill', payload: { ...big, n } };
    const answer = await call(limited, '/api/confirmations', { key, body });
    last = answer.status;
    if (last === 201) acknowledged.push(answer.body.id);
  }
  expect(last).toBe(503);
  expect(acknowledged.length).toBeGreaterThan(0);
  for (const id of acknowledged) {
    expect((await call(limited, `/api/confirmations/${id}`, { key })).status).toBe(200);
  }
  expect(limited.log.join('')).toContain('store_unavailable');
  await limited.kill('SIGKILL');

  const after = await spawnTestService({ dataDir, pageDir });
  for (const id of acknowledged) {
    expect((await call(after, `/api/confirmations/${id}`, { key })).body.status).toBe('pending');
  }
  const body = createBody('alex', currentPayload());
  expect((await call(after, '/api/confirmations', { key, body })).status).toBe(201);
  await after.close();
}, 60_000);
