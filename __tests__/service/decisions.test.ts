import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { approvalChallenge, rejectionChallenge } from '../../src/core/challenge.ts';
import { makeAssertion, type AssertionOptions } from '../support/authenticator.ts';
import {
  call,
  callPage,
  createKey,
  currentPayload,
  decide,
  decisionBody,
  enrol,
  removeFolders,
  requestApproval,
  signIn,
  startTestService,
  type AnswerBody,
  type Person,
  type TestService,
} from '../support/service.ts';

let service: TestService;
let key: string;
let now = Date.now();
let counter = 0;
/** A new person for each test: counters and revocations stay its own. */
let alex: Person;
let dana: Person;

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

async function ask(username = alex.username, cluster = 'blue'): Promise<AnswerBody> {
  const payload = currentPayload({ service: `s${counter}`, cluster }, { now });
  const { status, body } = await requestApproval(service, { key, username, payload });
  expect(status).toBe(201);
  return body;
}

async function read(id: string): Promise<AnswerBody> {
  return (await call(service, `/api/confirmations/${id}`, { key })).body;
}

function send(id: string, body: unknown) {
  return callPage(service, `/page/confirmations/${id}/decision`, { body });
}

function challengeFor(
  { nonce, payloadHash }: AnswerBody,
  decision: 'approved' | 'rejected' = 'approved',
): Uint8Array {
  const challengeOf = decision === 'approved' ? approvalChallenge : rejectionChallenge;
  return challengeOf(Buffer.from(nonce, 'base64url'), payloadHash);
}

/** A decision over what the assertion is made of by `options`. */
function signed(
  request: AnswerBody,
  options: Partial<AssertionOptions> = {},
  decision: 'approved' | 'rejected' = 'approved',
): object {
  alex.signCount += 1;
  const assertion = makeAssertion({
    passkey: alex.passkey,
    challenge: challengeFor(request),
    origin: service.url,
    rpId: 'localhost',
    signCount: alex.signCount,
    ...options,
  });
  return { decision, assertion };
}

describe('a decision', () => {
  test.each(['approved', 'rejected'] as const)(
    '%s is stored with its evidence',
    async (decision) => {
      const request = await ask();
      const body = await decisionBody(service, request.id, alex, decision);
      const answer = await send(request.id, body);
      expect([answer.status, answer.body]).toEqual([200, { status: decision }]);
      const found = await read(request.id);
      expect(found.status).toBe(decision);
      expect(found.rawAssertion).toEqual((body as { assertion: object }).assertion);
      expect(Date.parse(found.decidedAt)).toBe(Math.floor(now / 1000) * 1000);
    },
  );

  test.each([
    ['platform', true],
    ['cross-platform', true],
    ['hybrid', false],
    [null, false],
  ])('the attachment %j is stored: %j', async (authenticatorAttachment, isStored) => {
    const request = await ask();
    const { assertion } = signed(request) as { assertion: object };
    const decision = { decision: 'approved', assertion: { ...assertion, authenticatorAttachment } };
    expect((await send(request.id, decision)).status).toBe(200);
    const kept = isStored ? { ...assertion, authenticatorAttachment } : assertion;
    expect((await read(request.id)).rawAssertion).toEqual(kept);
  });

  test('members that a browser adds to its answer are not stored', async () => {
    const request = await ask();
    const { decision, assertion } = signed(request) as { decision: string; assertion: object };
    const extended = {
      ...assertion,
      clientExtensionResults: { credProps: { rk: true } },
      extra: 'text',
    };
    expect((await send(request.id, { decision, assertion: extended })).status).toBe(200);
    expect((await read(request.id)).rawAssertion).toEqual(assertion);
  });

  test.each(['EdDSA', 'RS256'] as const)('works with %s', async (algorithm) => {
    const person = await enrol(service, `${algorithm}-${counter}`, { algorithm });
    const request = await ask(person.username);
    expect((await decide(service, request.id, person)).status).toBe(200);
  });

  test('works with a passkey that may be backed up, as long as it says so', async () => {
    const person = await enrol(service, `synced-${counter}`, { flags: 0x4d });
    const request = await ask(person.username);
    const { passkey } = person;
    const now = signed(request, { passkey, flags: 0x05 });
    expect((await send(request.id, now)).body).toEqual({
      code: 'assertion_refused',
      message: 'The passkey says something else about backups than when it was enrolled.',
    });
    const asEnrolled = signed(request, { passkey, flags: 0x1d });
    expect((await send(request.id, asEnrolled)).status).toBe(200);
  });
});

describe('a decision is refused, and the request stays pending', () => {
  const wrong: readonly (readonly [string, () => Partial<AssertionOptions>])[] = [
    ['signed by another key', () => ({ signWith: dana.passkey.privateKey })],
    ['by the passkey of another person', () => ({ passkey: dana.passkey })],
    ['without user verification', () => ({ flags: 0x01 })],
    ['without user presence', () => ({ flags: 0x04 })],
    ['at another origin', () => ({ origin: 'http://localhost:1' })],
    ['for another relying party', () => ({ rpId: 'example.com' })],
    ['in an embedded page', () => ({ clientData: { crossOrigin: true } })],
    ['at enrolment', () => ({ clientData: { type: 'webauthn.create' } })],
    ['over 32 random bytes, as at sign-in', () => ({ challenge: Buffer.alloc(32, 7) })],
    [
      'with the user handle of another person',
      () => ({ userHandle: dana.passkey.pinned.user_handle }),
    ],
    ['that says something else about backups than its enrolment', () => ({ flags: 0x0d })],
    ['with extra bytes', () => ({ extra: Buffer.alloc(1) })],
    [
      'with a changed signature',
      () => ({ tamper: (signature) => signature.fill(0, signature.length - 4) }),
    ],
  ];
  test.each(wrong)('%s', async (_name, options) => {
    const request = await ask();
    const answer = await send(request.id, signed(request, options()));
    expect([answer.status, answer.body.code]).toEqual([403, 'assertion_refused']);
    expect((await read(request.id)).status).toBe('pending');
    // The failed try has used nothing up.
    expect((await decide(service, request.id, alex)).status).toBe(200);
  });

  test('an approval signature sent as a rejection, and the reverse', async () => {
    const request = await ask();
    const asRejection = await send(request.id, signed(request, {}, 'rejected'));
    expect(asRejection.status).toBe(403);
    const rejection = { challenge: challengeFor(request, 'rejected') };
    expect((await send(request.id, signed(request, rejection, 'approved'))).status).toBe(403);
    expect((await read(request.id)).status).toBe('pending');
    expect((await send(request.id, signed(request, rejection, 'rejected'))).status).toBe(200);
  });

  test("the signature over another confirmation of one's own", async () => {
    const [one, other] = [await ask(), await ask(alex.username, 'green')];
    expect((await send(one.id, signed(other))).status).toBe(403);
    expect((await send(other.id, signed(other))).status).toBe(200);
  });

  test('by a revoked passkey', async () => {
    const request = await ask();
    const path = `/api/passkeys/${alex.passkey.pinned.id}`;
    const revoked = await call(service, path, { key: service.adminKey, method: 'DELETE' });
    expect(revoked.status).toBe(204);
    const answer = await decide(service, request.id, alex);
    expect([answer.status, answer.body.code]).toEqual([403, 'assertion_refused']);
    expect((await read(request.id)).status).toBe('pending');
  });

  test.each([
    ['without an assertion', { assertion: undefined }],
    ['with an assertion that is none', { assertion: { id: 'abc' } }],
    ['without a decision', { decision: undefined }],
    ['with an unknown decision', { decision: 'cancelled' }],
    ['with an unknown member', { also: 1 }],
  ])('%s', async (_name, change) => {
    const request = await ask();
    expect((await send(request.id, { ...signed(request), ...change })).status).toBe(422);
    expect((await read(request.id)).status).toBe('pending');
  });
});

describe('the counter of a passkey', () => {
  async function decideWith(signCount: number): Promise<number> {
    const request = await ask();
    return (await send(request.id, signed(request, { signCount }))).status;
  }

  test('has to grow', async () => {
    expect(await decideWith(5)).toBe(200);
    expect(await decideWith(5)).toBe(403);
    expect(await decideWith(4)).toBe(403);
    expect(await decideWith(0)).toBe(403);
    expect(await decideWith(6)).toBe(200);
  });

  test('may stay 0 for ever', async () => {
    expect(await decideWith(0)).toBe(200);
    expect(await decideWith(0)).toBe(200);
    expect(await decideWith(1)).toBe(200);
    expect(await decideWith(0)).toBe(403);
  });

  test('grows by signing in, too', async () => {
    alex.signCount = 9;
    await signIn(service, alex);
    expect(await decideWith(10)).toBe(403);
    expect(await decideWith(11)).toBe(200);
  });

  test('stays where it was after a refusal', async () => {
    const request = await ask();
    await send(request.id, signed(request, { signCount: 100, flags: 0x01 }));
    expect(await decideWith(1)).toBe(200);
  });
});

describe('a stale tab: what was decided elsewhere meanwhile stays decided', () => {
  const events: readonly (readonly [string, (id: string) => Promise<unknown>, string])[] = [
    ['approved', (id) => decide(service, id, alex), 'approved'],
    ['rejected', (id) => decide(service, id, alex, 'rejected'), 'rejected'],
    [
      'withdrawn',
      (id) => call(service, `/api/confirmations/${id}`, { key, method: 'DELETE' }),
      'cancelled',
    ],
    ['superseded', () => ask(), 'superseded'],
    [
      'expired',
      async () => {
        now += 3_600_000;
        await Promise.resolve();
      },
      'expired',
    ],
  ];
  test.each(events)('%s', async (_name, happen, status) => {
    const request = await ask();
    const bodies = [
      await decisionBody(service, request.id, alex, 'approved'),
      await decisionBody(service, request.id, alex, 'rejected'),
    ];
    await happen(request.id);
    for (const body of bodies) {
      const answer = await send(request.id, body);
      expect([answer.status, answer.body]).toMatchObject([409, { code: 'not_pending', status }]);
    }
    expect((await read(request.id)).status).toBe(status);
  });

  test('one signature sent twice at once decides once', async () => {
    const request = await ask();
    const body = await decisionBody(service, request.id, alex);
    const answers = await Promise.all([send(request.id, body), send(request.id, body)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  });

  test('approve and reject at once: one counts', async () => {
    const request = await ask();
    const bodies = [
      await decisionBody(service, request.id, alex, 'approved'),
      await decisionBody(service, request.id, alex, 'rejected'),
    ];
    const answers = await Promise.all(bodies.map((body) => send(request.id, body)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    const first = answers[0]?.status === 200 ? 'approved' : 'rejected';
    expect((await read(request.id)).status).toBe(first);
  });
});

describe('expiry', () => {
  test('counts from the very millisecond, with no timer involved', async () => {
    const request = await ask();
    now = Date.parse(request.expiresAt) - 1;
    expect((await read(request.id)).status).toBe('pending');
    now += 1;
    expect((await read(request.id)).status).toBe('expired');
    expect((await decide(service, request.id, alex)).status).toBe(409);
    const withdrawn = await call(service, `/api/confirmations/${request.id}`, {
      key,
      method: 'DELETE',
    });
    expect([withdrawn.status, withdrawn.body.code]).toEqual([409, 'final']);
  });

  test('takes an approval that was not used', async () => {
    const request = await ask();
    await decide(service, request.id, alex);
    now = Date.parse(request.expiresAt);
    expect((await read(request.id)).status).toBe('expired');
  });
});

describe('withdrawing', () => {
  test.each(['pending', 'approved'])('takes back what is %s, once', async (state) => {
    const request = await ask();
    if (state === 'approved') await decide(service, request.id, alex);
    const path = `/api/confirmations/${request.id}`;
    const answer = await call(service, path, { key, method: 'DELETE' });
    expect([answer.status, answer.body.status]).toEqual([200, 'cancelled']);
    const again = await call(service, path, { key, method: 'DELETE' });
    expect([again.status, again.body]).toMatchObject([409, { code: 'final', status: 'cancelled' }]);
  });
});

test('the page lists the passkeys that count, no revoked one', async () => {
  const request = await ask();
  const shown = async () =>
    (await callPage(service, `/page/confirmations/${request.id}`)).body.credentialIds;
  expect(await shown()).toEqual([alex.passkey.pinned.id]);
  await call(service, `/api/passkeys/${alex.passkey.pinned.id}`, {
    key: service.adminKey,
    method: 'DELETE',
  });
  expect(await shown()).toEqual([]);
});
