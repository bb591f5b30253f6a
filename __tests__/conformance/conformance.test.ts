import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Api } from '../../scripts/conformance/api.ts';
import {
  isConformant,
  runConformance,
  statementIds,
  type Result,
} from '../../scripts/conformance/run.ts';
import {
  call,
  createKey,
  decide,
  enrol,
  removeFolders,
  startTestService,
  type TestService,
} from '../support/service.ts';
import {
  changed,
  header,
  late,
  members,
  startBrokenService,
  status,
  type Break,
  type Incoming,
} from './broken-service.ts';

const root = resolve(import.meta.dirname, '../..');
const target = {
  repository: 'conformance/conformance',
  service: 'conformance',
  environment: 'conformance',
};

let service: TestService;
let key: string;

/** How much one key may ask in a minute is limited. */
const newKey = () =>
  createKey(service, {
    repositories: [target.repository],
    services: [target.service],
    environments: [target.environment],
  });

beforeAll(async () => {
  service = await startTestService();
  await enrol(service, 'alex');
  key = await newKey();
});
afterAll(async () => {
  await service.close();
  await removeFolders();
});

let people = 0;

/** Asks a new person each time: how often one may be asked in a minute is limited. */
async function conformance(apiUrl: string, only?: readonly string[]): Promise<readonly Result[]> {
  people += 1;
  const person = await enrol(service, `person-${people}`);
  key = await newKey();
  return runConformance({
    api: new Api(new URL(apiUrl), key),
    adminKey: service.adminKey,
    username: person.username,
    target,
    onAsk: async (_url, id) => {
      await decide(service, id, person);
    },
    ...(only === undefined ? {} : { only: new Set(only) }),
  });
}

const not = (wanted: Result['result'], results: readonly Result[]) =>
  results.filter(({ result }) => result !== wanted).map(({ id, found }) => `${id}: ${found ?? ''}`);

describe('our own service', () => {
  test('honours every statement, and nothing stays pending', async () => {
    const results = await conformance(service.apiUrl);
    expect(not('honoured', results)).toEqual([]);
    expect(results.map(({ id }) => id)).toEqual(statementIds);
    expect(new Set(statementIds).size).toBe(statementIds.length);
    expect(isConformant(results)).toBe(true);
  });
});

/** Every break that a stand-in may have, by the statements that must be reported for it. */
const breaks: readonly (readonly [what: string, ids: readonly string[], broken: Break])[] = [
  ['create answers 202', ['create'], status('POST /confirmations', 201, 202)],
  ['create gives no url', ['create'], members('POST /confirmations', () => ({ url: null }))],
  ['answers are text/html', ['create', 'read'], header('content-type', 'text/html')],
  [
    'another payload hash',
    ['create-hash', 'create-text'],
    members('POST /confirmations', () => ({ payloadHash: 'a'.repeat(64) })),
  ],
  [
    'a link without TLS',
    ['create-url'],
    members('POST /confirmations', () => ({ url: 'http://approve.example.com/x' })),
  ],
  [
    'a link with a user name',
    ['create-url'],
    members('POST /confirmations', () => ({ url: 'https://approve.example.com@evil.example/' })),
  ],
  [
    'expired from the start',
    ['create-expiry', 'expiry'],
    members('POST /confirmations', () => ({ expiresAt: '2020-01-01T00:00:00Z' })),
  ],
  [
    'a new id each time',
    ['create-again'],
    members('POST /confirmations', () => ({ id: randomUUID() })),
  ],
  ['a conflict is 400', ['create-conflict'], status('POST /confirmations', 409, 400)],
  [
    'create refuses a key with 403',
    ['create-no-key', 'create-wrong-key'],
    status('POST /confirmations', 401, 403),
  ],
  ['no JSON is 500', ['create-not-json', 'member-twice'], status('POST /confirmations', 400, 500)],
  [
    'an incomplete body is 500',
    [
      ...['create-incomplete', 'create-nobody', 'unknown-member', 'wrong-action'],
      ...['invalid-payload', 'other-version', 'stale'],
    ],
    status('POST /confirmations', 422, 500),
  ],
  [
    'errors are bare texts',
    ['create-no-key', 'read-unknown'],
    async (_call, forward) => {
      const answer = await forward();
      return answer.status < 400 ? answer : { ...answer, body: '"No."' };
    },
  ],
  [
    'errors have no message',
    ['read-unknown'],
    async (_call, forward) => {
      const answer = await forward();
      return answer.status < 400 ? answer : { ...answer, body: { error: 'x' } };
    },
  ],
  [
    'redirects',
    ['create', 'read-unknown'],
    () => Promise.resolve({ status: 307, headers: { location: 'http://localhost:1/' }, body: '' }),
  ],
  [
    'read gives another id',
    ['read'],
    members('GET /confirmations/*', () => ({ id: randomUUID() })),
  ],
  [
    'read gives an unknown status',
    ['read'],
    members('GET /confirmations/*', () => ({ status: 'considering' })),
  ],
  [
    'read gives another payload',
    ['read-payload'],
    members('GET /confirmations/*', () => ({ payload: { other: 'x' } })),
  ],
  [
    'decided before the decision',
    ['read-undecided'],
    members('GET /confirmations/*', () => ({ decidedAt: '2026-11-22T10:00:00Z' })),
  ],
  ['slow', ['read-at-once'], late('GET /confirmations/*', 2100)],
  ['wait is not heard', ['read-waits'], changed('GET /confirmations/*', () => ({ query: '' }))],
  [
    'an unknown id is pending',
    ['read-unknown', 'read-no-uuid'],
    async (_call, forward) => {
      const answer = await forward();
      return answer.status === 404 ? { ...answer, status: 200 } : answer;
    },
  ],
  [
    'reading takes no key',
    ['read-no-key', 'read-wrong-key', 'withdraw-no-key', 'redeem-no-key', 'invite-wrong-key'],
    (incoming, forward) => forward({ key: incoming.path === '/invites' ? service.adminKey : key }),
  ],
  [
    'approved is called confirmed',
    ['read-decided'],
    members('GET /confirmations/*', ({ status: said }) =>
      said === 'approved' ? { status: 'redeemed' } : {},
    ),
  ],
  [
    'decided yesterday',
    ['read-wakes', 'read-decided'],
    members('GET /confirmations/*', ({ status: said }) =>
      said === 'approved' ? { decidedAt: '2020-01-01T00:00:00Z' } : {},
    ),
  ],
  ['invites without a link', ['invite'], members('POST /invites', () => ({ registerUrl: null }))],
  ['no nonce', ['nonce', 'assertion'], members('POST /confirmations', () => ({ nonce: null }))],
  [
    'always the same nonce',
    ['nonce', 'assertion'],
    members('POST /confirmations', () => ({ nonce: 'A'.repeat(43) })),
  ],
  [
    'decideBy is refused',
    ['decide-by'],
    changed('POST /confirmations', ({ body }) => ({
      body: body.replace('"decideBy"', '"decide_by"'),
    })),
  ],
  [
    'unknown members are let through',
    ['unknown-member', 'redeem-member'],
    (incoming, forward) => forward({ body: incoming.body.replace(/,"(urgent|force)":true/, '') }),
  ],
  ['too much is let through', ['too-large'], status('POST /confirmations', 413, 201)],
  [
    'a long wait is cut short',
    ['wait-limit'],
    changed('GET /confirmations/*', ({ query }) => ({ query: query.replace('31', '0') })),
  ],
  ['nobody is named', ['username'], members('GET /confirmations/*', () => ({ username: null }))],
  [
    'nothing is withdrawn',
    ['withdraw', 'withdraw-wakes', 'withdraw-final', 'redeem-withdrawn'],
    async (incoming, forward) => {
      if (incoming.method !== 'DELETE') return forward();
      const answer = await forward({ method: 'GET' });
      return { ...answer, body: { ...(answer.body as object), status: 'cancelled' } };
    },
  ],
  [
    'what is final is withdrawn again',
    ['withdraw-final', 'redeemed-final'],
    status('DELETE /confirmations/*', 409, 200),
  ],
  [
    'nothing unknown to withdraw',
    ['withdraw-unknown'],
    status('DELETE /confirmations/*', 404, 200),
  ],
  [
    'nothing is superseded',
    ['supersede', 'superseded-closed', 'redeem-superseded'],
    changed(
      'POST /confirmations',
      withRegion(() => `r${randomUUID()}`),
    ),
  ],
  [
    'superseded across regions and within a request',
    ['supersede-elsewhere', 'supersede-same'],
    async (incoming, forward) => {
      const answer = await forward();
      if (incoming.method === 'POST' && incoming.path === '/confirmations') asked.push(answer.body);
      if (incoming.method !== 'GET' || asked.length < 2) return answer;
      return { ...answer, body: { ...(answer.body as object), status: 'superseded' } };
    },
  ],
  ['an unknown hash is redeemed', ['redeem-unknown'], status('POST /redemptions', 404, 201)],
  [
    'a pending one is redeemed, and one a second time',
    ['redeem-pending', 'redeem-twice'],
    status('POST /redemptions', 409, 201),
  ],
  ['any run redeems', ['redeem-run', 'redeem-member'], status('POST /redemptions', 422, 201)],
  [
    'what is gone is redeemed',
    ['redeem-withdrawn', 'redeem-superseded'],
    status('POST /redemptions', 410, 201),
  ],
  ['a redemption is 200', ['redeem'], status('POST /redemptions', 201, 200)],
  [
    'a redemption has another time each time',
    ['redeem-again'],
    members('POST /redemptions', () => ({
      redeemedAt: new Date(Date.now() + Math.random() * 1e6).toISOString(),
    })),
  ],
  [
    'an assertion in a form of its own',
    ['assertion'],
    members('GET /confirmations/*', () => ({ rawAssertion: { signature: 'x' } })),
  ],
  [
    'something was deployed everywhere',
    ['latest-none'],
    members('GET /deploys/latest', () => ({ payload: { other: 'x' } })),
  ],
  [
    'misspelt parameters are let through',
    ['latest-member'],
    changed('GET /deploys/latest', ({ query }) => ({ query: query.replace('&regoin=x', '') })),
  ],
  [
    'the last deploy is another one',
    ['latest'],
    members('GET /deploys/latest', () => ({ payload: { other: 'x' } })),
  ],
  ['any token reads', ['token-unknown'], status('GET /confirmations/*', 401, 404)],
  ['a clock of its own', ['clock'], header('date', 'Sun, 22 Nov 2020 10:00:00 GMT')],
  ['answers may be stored', ['headers'], header('cache-control', 'public')],
  ['answers may be sniffed', ['headers'], header('x-content-type-options', undefined)],
  ['answers may be framed', ['headers'], header('content-security-policy', undefined)],
  ['no description', ['openapi'], members('GET /openapi.json', () => ({ paths: {} }))],
];

const asked: unknown[] = [];

/** A deploy payload with another region. */
function withRegion(region: () => string) {
  return ({ body }: Incoming): Partial<Incoming> => ({
    body: body.replace(/"region":"[^"]*"/, () => `"region":"${region()}"`),
  });
}

describe('a stand-in with one break', () => {
  test.each(breaks)('%s', async (_what, ids, broken) => {
    asked.length = 0;
    const standIn = await startBrokenService(service.apiUrl, broken);
    try {
      const results = await conformance(standIn.apiUrl, ids);
      expect(not('broken', results)).toEqual([]);
      expect(results.map(({ id }) => id).sort()).toEqual([...ids].sort());
      for (const { found } of results) expect(found).toMatch(/^(?!.*429).*\S/);
      const isDocumented = results.some(({ group }) => group === 'documented');
      if (isDocumented) expect(isConformant(results)).toBe(false);
    } finally {
      await standIn.close();
    }
  });

  test('there is a break for every statement', () => {
    expect([...new Set(breaks.flatMap(([, ids]) => ids))].sort()).toEqual([...statementIds].sort());
  });
});

interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

function command(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  return new Promise((resolved) => {
    const child = execFile(
      process.execPath,
      ['scripts/conformance.ts', ...args],
      { cwd: root, env: { DEPLOY_WARRANT_API_KEY: key, ...env } },
      (_error, stdout, stderr) => resolved({ exitCode: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

describe('the command', () => {
  test('says line by line what our service honours, and exits 0', async () => {
    const only = 'create,create-hash,read,read-decided,invite,withdraw';
    const { exitCode, stdout, stderr } = await command([
      ...[service.apiUrl, '--username', 'alex', '--only', only],
    ]);
    expect(stderr).toBe('');
    expect(stdout.split('\n')).toEqual([
      'documented ok     create: POST /confirmations answers 201 (or 200) with id, url, payloadHash and expiresAt',
      'documented ok     create-hash: POST /confirmations payloadHash is the SHA-256 of the RFC 8785 form of the payload',
      'documented ok     read: GET /confirmations/:id answers 200 with its own id, status pending and the payload hash',
      'documented -      read-decided: GET /confirmations/:id after the decision says approved, and since when (needs an approval)',
      'documented -      invite: POST /invites with an admin key answers 201 with code and registerUrl (needs an admin key)',
      'extension  ok     withdraw: DELETE /confirmations/:id answers 200, and the confirmation is cancelled',
      'documented: 3 honoured, 0 broken, 2 not tried',
      'extensions: 1 honoured, 0 broken, 0 not tried',
      '',
    ]);
    expect(exitCode).toBe(0);
  });

  test('exits 1 over one broken documented statement, names it, and never shows the key', async () => {
    const standIn = await startBrokenService(
      service.apiUrl,
      status('POST /confirmations', 201, 202),
    );
    const { exitCode, stdout, stderr } = await command([
      ...[standIn.apiUrl, '--username', 'alex', '--only', 'create,read-unknown', '--json'],
    ]);
    await standIn.close();
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      url: standIn.apiUrl,
      conformant: false,
      results: [
        { id: 'create', result: 'broken', found: 'status 202' },
        { id: 'read-unknown', result: 'honoured' },
      ],
    });
    expect(stdout + stderr).not.toContain(key);
  });

  test('exits 0 over a broken extension, and names it', async () => {
    const standIn = await startBrokenService(service.apiUrl, header('cache-control', undefined));
    const { exitCode, stdout } = await command([
      ...[standIn.apiUrl, '--username', 'alex', '--only', 'read,headers'],
    ]);
    await standIn.close();
    expect(stdout).toContain('BROKEN headers');
    expect(stdout).toContain('found: Cache-Control: none');
    expect(exitCode).toBe(0);
  });

  test('exits 1 when only extensions were tried, and when nothing answers', async () => {
    const args = ['--username', 'alex', '--only'];
    expect((await command([service.apiUrl, ...args, 'openapi'])).exitCode).toBe(1);
    const nothing = await command(['http://127.0.0.1:1/api', ...args, 'read-unknown']);
    expect(nothing.exitCode).toBe(1);
    expect(nothing.stdout).toContain('found: no answer');
  });

  test.each([
    ['no URL', ['--username', 'alex'], {}, 'Give one URL'],
    ['no person', ['http://localhost:1/api'], {}, 'Give --username'],
    [
      'no key',
      ['http://localhost:1/api', '--username', 'a'],
      { DEPLOY_WARRANT_API_KEY: '' },
      'API_KEY',
    ],
    ['a URL without TLS', ['http://approve.example.com/api', '--username', 'a'], {}, 'api-url'],
    ['an unknown flag', ['http://localhost:1/api', '--user', 'a'], {}, '--user'],
    [
      'an unknown statement',
      ['http://localhost:1/api', '--username', 'a', '--only', 'x'],
      {},
      '"x"',
    ],
  ])('exits 40 over %s, and asks nobody', async (_what, args, env, said) => {
    const { exitCode, stderr, stdout } = await command(args, env);
    expect(exitCode).toBe(40);
    expect(stderr).toContain(said);
    expect(stdout).toBe('');
  });

  test('does not call a service whose key it lacks conformant', async () => {
    const { exitCode, stdout } = await command(
      [service.apiUrl, '--username', 'alex', '--only', 'create,read'],
      { DEPLOY_WARRANT_API_KEY: 'wrong' },
    );
    expect(exitCode).toBe(1);
    expect(stdout).toContain('found: status 401');
  });
});

test('a run withdraws what it has asked for', async () => {
  const seen: string[] = [];
  const standIn = await startBrokenService(service.apiUrl, async (incoming, forward) => {
    const answer = await forward();
    const { id } = answer.body as { id?: string };
    if (incoming.method === 'POST' && id !== undefined) seen.push(id);
    return answer;
  });
  await conformance(standIn.apiUrl, ['create', 'read', 'create-again']);
  await standIn.close();
  expect(seen.length).toBeGreaterThan(2);
  for (const id of seen) {
    const { body } = await call(service, `/api/confirmations/${id}`, { key });
    expect(body.status).toBe('cancelled');
  }
});
