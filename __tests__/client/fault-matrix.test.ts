import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  createConfirmation,
  fetchConfirmation,
  redeemApproval,
} from '../../src/client/confirmations.ts';
import type { Phase } from '../../src/client/phases.ts';
import { waitForDecisions } from '../../src/client/wait.ts';
import { canonicalText } from '../../src/core/canonical.ts';
import { Fault } from '../../src/core/fault.ts';
import type { RefusalCode } from '../../src/core/verdict.ts';
import {
  answer,
  cut,
  flood,
  gzipBomb,
  json,
  noHttp,
  redirect,
  silence,
  slowLoris,
  startFaultyServer,
  truncated,
  truncatedChunk,
  type Act,
  type FaultyServer,
} from '../support/faulty-server.ts';
import { apiKey, testDependencies, type TestDependencies } from './dependencies.ts';

/** One test for each cell of the fault matrix (network, status and body rows), against a real server. */

const phases = ['create', 'wait', 'fetch', 'redeem'] as const satisfies readonly Phase[];
const id = '11111111-2222-4333-8444-555555555555';
const otherId = '99999999-2222-4333-8444-555555555555';
const requestId = '0123456789abcdef0123456789abcdef';
const payloadHash = 'a'.repeat(64);
const otherHash = 'b'.repeat(64);
const expiresAt = '2026-11-22T11:00:00Z';
const redemptionKey = Buffer.alloc(32, 7).toString('base64url');

let server: FaultyServer;
beforeAll(async () => {
  server = await startFaultyServer();
});
afterAll(() => server.close());

const confirmation = { id, status: 'approved', payloadHash, expiresAt };
const goodValue: Readonly<Record<Phase, Readonly<Record<string, unknown>>>> = {
  create: { id, url: `https://approve.example.com/approve/${id}`, payloadHash, expiresAt },
  wait: confirmation,
  fetch: confirmation,
  redeem: { payloadHash, redeemedAt: '2026-11-22T10:01:00Z' },
};
const goodStatus: Readonly<Record<Phase, number>> = {
  create: 201,
  wait: 200,
  fetch: 200,
  redeem: 201,
};
const good = (phase: Phase) => json(goodStatus[phase], goodValue[phase]);

/** The deadline of the wait; the others are the client's own. */
const waitMs = 5 * 60_000;

function perform(phase: Phase, deps: TestDependencies): Promise<unknown> {
  switch (phase) {
    case 'create':
      return createConfirmation(deps, {
        body: { username: 'alex', action: 'Deploy api to production', payload: { a: 1 } },
        payloadHash,
        requestId,
        idempotencyKey: 'key',
      });
    case 'wait':
      return waitForDecisions(deps, {
        asked: [{ id, approver: 'alex', url: 'https://approve.example.com/x' }],
        isEnough: (names) => names.length >= 1,
        payloadHash,
        deadline: deps.now() + waitMs,
      });
    case 'fetch':
      return fetchConfirmation(deps, { id, payloadHash });
    case 'redeem':
      return redeemApproval(deps, {
        requestId: id,
        body: { payloadHash, redemptionKey, runId: '1', runAttempt: '1', job: 'deploy' },
      });
  }
}

async function faultOf(phase: Phase, deps: TestDependencies): Promise<Fault> {
  const error: unknown = await perform(phase, deps).then(
    (value) => new Error(`No fault: ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof Fault)) throw error;
  const { message } = error;
  expect(message).not.toContain(apiKey);
  expect(message).not.toContain(redemptionKey);
  expect(message).not.toMatch(/\/(confirmations|redemptions)/);
  expect(message).not.toContain('wait=');
  expect(message).toContain(server.host);
  expect(message).toContain(phase === 'create' ? requestId : id);
  expect(message).toMatch(
    { create: /^Creating/, wait: /^Waiting/, fetch: /^Fetching/, redeem: /^Redeeming/ }[phase],
  );
  return error;
}

/** F: at once, with the code, after one request. */
async function expectFinal(phase: Phase, act: Act, code: RefusalCode): Promise<Fault> {
  server.script(act, good(phase));
  // Long enough for a busy machine: here every fault is an answer, and a try given up would be made again.
  const deps = testDependencies(server.apiUrl, 10_000);
  const fault = await faultOf(phase, deps);
  expect(fault.code).toBe(code);
  expect(server.seen).toHaveLength(1);
  return fault;
}

/** R: again until it is well, with the same bytes; and if it never is, `service_unreachable` within the deadline. */
async function expectRetried(phase: Phase, act: Act): Promise<void> {
  server.script(act, act, good(phase));
  await perform(phase, testDependencies(server.apiUrl));
  expect(server.seen).toHaveLength(3);
  const bodies = server.seen.map(({ method, body, headers }) => [
    method,
    body,
    headers['idempotency-key'],
  ]);
  expect(new Set(bodies.map(String)).size).toBe(1);

  server.script(act);
  const deps = testDependencies(server.apiUrl, 30);
  const start = deps.now();
  expect((await faultOf(phase, deps)).code).toBe('service_unreachable');
  expect(deps.now() - start).toBeLessThanOrEqual(phase === 'wait' ? waitMs : 120_000);
  // No hot loop: with half of the jitter about 14 tries fit into two minutes.
  expect(server.seen.length).toBeLessThan(phase === 'wait' ? 40 : 20);
  expect(server.seen.length).toBeGreaterThan(5);
}

const approvedBody = {
  ...confirmation,
  redeemedAt: '2026-11-22T10:01:00Z',
  url: goodValue.create.url,
};

describe.each(phases)('%s: what may pass is tried again', (phase) => {
  test.each<[string, Act]>([
    ['a connection that is reset', cut],
    ['no answer', silence],
    ['a body that stalls', slowLoris()],
    ['a body cut short of its length', truncated()],
    ['a body cut in its chunks', truncatedChunk],
    ['408', json(408, {})],
    ['425', json(425, {})],
    ['429', json(429, { code: 'rate_limited', message: 'slow down' })],
    ['500', json(500, {})],
    ['502', answer(502, '<html>Bad Gateway</html>', { 'content-type': 'text/html' })],
    ['503', json(503, {})],
    ['504', json(504, {})],
    ['511', answer(511, 'log in', { 'content-type': 'text/html' })],
    ['a 500 that says approved', json(500, approvedBody)],
    ['a 503 that says approved', json(503, approvedBody)],
    ['a 500 whose body never ends', slowLoris(500)],
    ['a 503 with a flood', flood({ bytes: 0 }, 503)],
  ])('%s', async (_name, act) => {
    await expectRetried(phase, act);
  });

  test('connection refused', async () => {
    const gone = await startFaultyServer();
    await gone.close();
    const deps = testDependencies(gone.apiUrl);
    const start = deps.now();
    await expect(perform(phase, deps)).rejects.toMatchObject({ code: 'service_unreachable' });
    expect(deps.now() - start).toBeLessThanOrEqual(phase === 'wait' ? waitMs : 120_000);
    expect(deps.now() - start).toBeGreaterThan(60_000);
  });

  test.each([
    ['seconds', '7', 7_000],
    ['seconds beyond the cap', '86400', 60_000],
    ['a date', 'Sun, 22 Nov 2026 10:00:30 GMT', 30_000],
    ['a date beyond the cap', 'Mon, 23 Nov 2026 10:00:30 GMT', 60_000],
    ['a date that is past', 'Sun, 22 Nov 2026 09:00:00 GMT', 250],
    ['nonsense', 'soon', 250],
    ['a negative number', '-5', 250],
  ])('Retry-After in %s is honoured', async (_name, retryAfter, waited) => {
    const headers = { 'retry-after': retryAfter, date: 'Sun, 22 Nov 2026 10:00:00 GMT' };
    for (const status of [429, 503]) {
      server.script(json(status, {}, headers), good(phase));
      const deps = testDependencies(server.apiUrl);
      const start = deps.now();
      await perform(phase, deps);
      expect(server.seen).toHaveLength(2);
      expect(deps.now() - start).toBe(waited);
    }
  });
});

type Codes = Readonly<Record<Phase, RefusalCode>>;
const all = (code: RefusalCode): Codes => ({ create: code, wait: code, fetch: code, redeem: code });
const misbehaved = all('service_misbehaved');
const body400: Codes = { ...misbehaved, create: 'payload_invalid', redeem: 'payload_invalid' };
const message = { code: 'some_code', message: 'some message' };

const finalStatuses: readonly (readonly [string, Act, Codes])[] = [
  ...[301, 302, 303, 304, 307, 308].map(
    (status) =>
      [`a redirect ${status}`, redirect(status, 'http://127.0.0.1:1/x'), misbehaved] as const,
  ),
  ['202', json(202, approvedBody), misbehaved],
  ['204', answer(204, ''), misbehaved],
  ['206', json(206, approvedBody), misbehaved],
  ['400', json(400, message), body400],
  ['401', json(401, message), all('service_unauthorized')],
  ['402', json(402, message), misbehaved],
  ['403', json(403, message), all('service_unauthorized')],
  ['404', json(404, message), { ...misbehaved, create: 'configuration' }],
  ['405', json(405, message), all('configuration')],
  ['406', json(406, message), all('configuration')],
  ['407', json(407, message), all('service_unauthorized')],
  ['409', json(409, message), { ...misbehaved, redeem: 'already_used' }],
  ['410', json(410, message), all('expired')],
  ['410 rejected', json(410, { ...message, code: 'rejected' }), all('rejected')],
  ['410 cancelled', json(410, { ...message, code: 'cancelled' }), all('cancelled')],
  ['410 superseded', json(410, { ...message, code: 'superseded' }), all('superseded')],
  [
    '410 passkey_revoked',
    json(410, { ...message, code: 'passkey_revoked' }),
    all('approver_untrusted'),
  ],
  ['410 approved', json(410, { ...message, code: 'approved' }), all('expired')],
  ['413', json(413, message), body400],
  ['415', json(415, message), all('configuration')],
  ['418', json(418, message), misbehaved],
  ['422', json(422, message), body400],
  ['451', json(451, message), misbehaved],
  ['a 404 that says approved', json(404, approvedBody), { ...misbehaved, create: 'configuration' }],
];

describe.each(phases)('%s: a final answer ends it at once', (phase) => {
  test.each(finalStatuses)('%s', async (_name, act, codes) => {
    await expectFinal(phase, act, codes[phase]);
  });
});

test.each(['wait', 'fetch'] as const)('%s: 201 where 200 is due', async (phase) => {
  await expectFinal(phase, json(201, goodValue[phase]), 'service_misbehaved');
});

test.each(['create', 'redeem'] as const)('%s: 200 is as good as 201', async (phase) => {
  server.script(json(200, goodValue[phase]));
  await perform(phase, testDependencies(server.apiUrl));
  expect(server.seen).toHaveLength(1);
});

/** Not JSON at all: in the wait it may be a passing page of something in between. */
const unreadable: readonly (readonly [string, (status: number) => Act])[] = [
  ['an empty body', (status) => answer(status, '')],
  [
    'a page',
    (status) =>
      answer(status, '<html>Log in</html>', { 'content-type': 'text/html; charset=utf-8' }),
  ],
  ['a page that says it is JSON', (status) => answer(status, '<html>Log in</html>')],
  ['half of the JSON', (status) => answer(status, '{"id":"1111')],
];

/** JSON, but nothing that the protocol says. */
function foreign(phase: Phase): readonly (readonly [string, Act])[] {
  const status = goodStatus[phase];
  const value = goodValue[phase];
  const text = JSON.stringify(value);
  const without = (key: string) =>
    json(status, Object.fromEntries(Object.entries(value).filter(([name]) => name !== key)));
  return [
    ...[
      'application/problem+json',
      'text/json',
      'text/plain',
      'application/json; charset=latin1',
      'application/jsonx',
      '',
    ].map(
      (type) =>
        [`the content type "${type}"`, answer(status, text, { 'content-type': type })] as const,
    ),
    ['no content type', answer(status, text, {})],
    ['more than 256 KiB', flood({ bytes: 0 })],
    ['more than 256 KiB, declared', answer(status, `${text}${' '.repeat(262_144)}`)],
    ['a gzip bomb', gzipBomb],
    ['no HTTP', noHttp],
    ['a member twice', answer(status, text.replace('{', `{"payloadHash":"${otherHash}",`))],
    [
      'a member twice, once escaped',
      answer(status, text.replace('{', '{"p\\u0061yloadHash":"x",')),
    ],
    ['too deep', answer(status, text.replace('{', `{"x":${'['.repeat(9)}${']'.repeat(9)},`))],
    ['__proto__', answer(status, text.replace('{', '{"__proto__":{},'))],
    ['a byte order mark', answer(status, `\uFEFF${text}`)],
    [
      'bad UTF-8',
      answer(
        status,
        Buffer.concat([Buffer.from('{"x":"'), Buffer.of(0xff), Buffer.from(`",${text.slice(1)}`)]),
      ),
    ],
    ['a lone surrogate', answer(status, text.replace('{', '{"x":"\\ud800",'))],
    ['an array', json(status, [value])],
    ['null', json(status, null)],
    ['a string', json(status, 'approved')],
    ['no payload hash', without('payloadHash')],
    ['null as payload hash', json(status, { ...value, payloadHash: null })],
    ['a number as payload hash', json(status, { ...value, payloadHash: 1 })],
    ['another payload hash', json(status, { ...value, payloadHash: otherHash })],
    [
      'our payload hash in capitals',
      json(status, { ...value, payloadHash: payloadHash.toUpperCase() }),
    ],
  ];
}

const foreignConfirmation: readonly (readonly [string, unknown])[] = [
  ['another id', { id: otherId }],
  ['an id that is no UUID', { id: '../redemptions' }],
  ['no id', { id: undefined }],
  ['an unknown status', { status: 'APPROVED' }],
  ['a status of the future', { status: 'delegated' }],
  ['no status', { status: undefined }],
  ['null as status', { status: null }],
  ['true as status', { status: true }],
  ['a list as status', { status: ['approved'] }],
  ['a time that is none', { expiresAt: 'tomorrow' }],
];

describe.each(phases)('%s: what is not the protocol ends it at once', (phase) => {
  test.each(foreign(phase))('%s', async (_name, act) => {
    await expectFinal(phase, act, 'service_misbehaved');
  });

  if (phase === 'wait' || phase === 'fetch') {
    test.each(foreignConfirmation)('%s', async (_name, change) => {
      const value = { ...goodValue[phase], ...(change as object) };
      await expectFinal(phase, json(200, value), 'service_misbehaved');
    });
  }
});

describe('an answer that can not be read', () => {
  test.each(unreadable)('%s is final in create, fetch and redeem', async (_name, act) => {
    for (const phase of ['create', 'fetch', 'redeem'] as const) {
      await expectFinal(phase, act(goodStatus[phase]), 'service_misbehaved');
    }
  });

  test.each(unreadable)(
    '%s is tried again up to three times in a row while waiting',
    async (_name, act) => {
      const bad = act(200);
      const pending = json(200, { ...confirmation, status: 'pending' });
      server.script(bad, bad, bad, pending, bad, bad, bad, good('wait'));
      await perform('wait', testDependencies(server.apiUrl));
      expect(server.seen).toHaveLength(8);

      server.script(bad, bad, bad, bad, good('wait'));
      expect((await faultOf('wait', testDependencies(server.apiUrl))).code).toBe(
        'service_misbehaved',
      );
      expect(server.seen).toHaveLength(4);
    },
  );
});

describe('create', () => {
  test.each([
    ['no address at all', '/approve/1'],
    ['another scheme', 'javascript:alert(1)'],
    ['http to another host', 'http://approve.example.com/approve/1'],
    ['a user name', 'https://approve.example.com@evil.example/approve/1'],
    ['a direction mark', 'https://approve.example.com/\u202Eexe'],
  ])('a link with %s is not passed on', async (_name, url) => {
    const fault = await expectFinal(
      'create',
      json(201, { ...goodValue.create, url }),
      'service_misbehaved',
    );
    expect(fault.message).not.toMatch(/[\u202E]|\n::/);
  });

  test('problems of the payload are shown by field, escaped', async () => {
    const problems = [{ field: 'facts.service\u202E', message: 'is bad\n::error::pwned' }];
    const fault = await expectFinal(
      'create',
      json(422, { ...message, problems }),
      'payload_invalid',
    );
    expect(fault.message).toContain('facts.service\\u{202E}: is bad\\u{000A}::error::pwned');
    expect(fault.details.problems).toHaveLength(1);
  });
});

describe('what the service says is shown, but', () => {
  test('escaped and at most 200 characters of it', async () => {
    const page = `<b>\u001B[2J\n::set-output name=x::y\n${'long '.repeat(500)}</b>`;
    const fault = await expectFinal(
      'create',
      answer(403, page, { 'content-type': 'text/html' }),
      'service_unauthorized',
    );
    expect(fault.message).toContain('\\u{001B}[2J\\u{000A}::set-output');
    expect(fault.message).not.toMatch(/[\u001B\n]/);
    expect(fault.message.length).toBeLessThan(700);
  });

  test('never the key', async () => {
    const act = json(403, ({ headers }: { headers: object }) => ({
      code: 'x',
      message: JSON.stringify(headers),
    }));
    const fault = await expectFinal('create', act, 'service_unauthorized');
    expect(fault.message).toContain('***');
  });

  test('nothing of a redirect', async () => {
    const fault = await expectFinal(
      'create',
      redirect(302, 'https://evil.example/phish'),
      'service_misbehaved',
    );
    expect(fault.message).not.toContain('evil');
  });
});

describe('an interruption', () => {
  test.each(phases)('during %s ends it', async (phase) => {
    const deps = testDependencies(server.apiUrl, 60_000);
    server.script(() => deps.stop.abort());
    const before = Date.now();
    await expect(
      phase === 'create' || phase === 'redeem' ? soonAfterGrace(phase, deps) : perform(phase, deps),
    ).rejects.toMatchObject({ code: 'interrupted' });
    expect(Date.now() - before).toBeLessThan(5_000);
    expect(server.seen).toHaveLength(1);
  });

  /** Without the watched transport, so that the three seconds of grace pass at once although a request is under way. */
  function soonAfterGrace(phase: Phase, deps: TestDependencies): Promise<unknown> {
    return perform(phase, { ...deps, sleep: () => Promise.resolve() });
  }

  test.each(['create', 'redeem'] as const)(
    'during %s takes an answer that still comes',
    async (phase) => {
      const deps = testDependencies(server.apiUrl, 60_000);
      server.script((exchange) => {
        deps.stop.abort();
        setTimeout(() => good(phase)(exchange), 200);
      });
      await expect(perform(phase, deps)).resolves.toMatchObject({ payloadHash });
    },
  );

  test.each(phases)('before %s sends nothing', async (phase) => {
    server.script(good(phase));
    const deps = testDependencies(server.apiUrl);
    deps.stop.abort();
    await expect(perform(phase, deps)).rejects.toMatchObject({ code: 'interrupted' });
    expect(server.seen).toHaveLength(0);
  });
});

test('the request of each phase is the documented one', async () => {
  const sent = [];
  for (const phase of phases) {
    server.script(good(phase));
    await perform(phase, testDependencies(server.apiUrl));
    const { method, path, body, headers } = server.seen[0]!;
    sent.push([
      method,
      path,
      body === '' ? '' : canonicalText(JSON.parse(body)),
      headers['idempotency-key'],
    ]);
  }
  expect(sent).toEqual([
    [
      'POST',
      '/api/confirmations',
      '{"action":"Deploy api to production","payload":{"a":1},"username":"alex"}',
      'key',
    ],
    ['GET', `/api/confirmations/${id}?wait=25`, '', undefined],
    ['GET', `/api/confirmations/${id}`, '', undefined],
    [
      'POST',
      '/api/redemptions',
      `{"job":"deploy","payloadHash":"${payloadHash}","redemptionKey":"${redemptionKey}","runAttempt":"1","runId":"1"}`,
      undefined,
    ],
  ]);
});
