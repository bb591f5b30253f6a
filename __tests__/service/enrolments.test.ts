import { createHash, sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createPasskey, type TestPasskey } from '../support/authenticator.ts';
import { makeRegistration, type RegistrationOptions } from '../support/registration.ts';
import {
  call,
  callPage,
  createInvite,
  createKey,
  enrol,
  removeFolders,
  requestApproval,
  signIn,
  startTestService,
  type Answer,
  type TestService,
} from '../support/service.ts';

let service: TestService;
let now = Date.now();
let counter = 0;

beforeAll(async () => {
  service = await startTestService({ now: () => now });
});
afterAll(async () => {
  await service.close();
  await removeFolders();
});

function freshName(): string {
  counter += 1;
  return `person${counter}`;
}

function begin(code: string, username: string, cookie?: string): Promise<Answer> {
  const as = cookie === undefined ? {} : { cookie };
  return callPage(service, '/page/enrolments', { body: { code, username }, ...as });
}

function finish(code: string, username: string, response: object, cookie?: string) {
  const as = cookie === undefined ? {} : { cookie };
  return callPage(service, '/page/enrolments/finish', {
    body: { code, username, response },
    ...as,
  });
}

/** The answer of a browser to begun options. */
function answerTo(
  options: Answer,
  passkey: TestPasskey,
  change: Partial<RegistrationOptions> = {},
): object {
  const { challenge } = options.body;
  return makeRegistration({
    passkey,
    challenge,
    origin: service.url,
    rpId: 'localhost',
    ...change,
  });
}

async function listed(): Promise<readonly Readonly<Record<string, string>>[]> {
  return (await call(service, '/api/passkeys', { key: service.adminKey })).body.passkeys;
}

test('the options ask for a resident passkey with user verification, and for no attestation', async () => {
  const username = freshName();
  const options = await begin(await createInvite(service), username);
  expect([options.status, options.body]).toEqual([
    200,
    expect.objectContaining({
      rp: { id: 'localhost', name: 'Deploy Warrant' },
      user: {
        id: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
        name: username,
        displayName: username,
      },
      challenge: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
      pubKeyCredParams: [-7, -8, -257].map((alg) => ({ alg, type: 'public-key' })),
      attestation: 'none',
      authenticatorSelection: expect.objectContaining({
        residentKey: 'required',
        requireResidentKey: true,
        userVerification: 'required',
      }),
      excludeCredentials: [],
    }),
  ]);
});

test.each(['ES256', 'EdDSA', 'RS256'] as const)(
  'an %s key is listed for the policy, with the hash that the page has shown',
  async (algorithm) => {
    const username = freshName();
    const code = await createInvite(service);
    const passkey = createPasskey(algorithm);
    const options = await begin(code, username);
    const finished = await finish(code, username, answerTo(options, passkey));
    const spki = Buffer.from(passkey.pinned.public_key, 'base64url');
    const sha256 = createHash('sha256').update(spki).digest('hex');
    expect([finished.status, finished.body]).toEqual([
      200,
      { username, id: passkey.pinned.id, algorithm, sha256 },
    ]);
    expect((await listed()).find((one) => one.username === username)).toEqual({
      username,
      id: passkey.pinned.id,
      algorithm,
      publicKey: passkey.pinned.public_key,
      userHandle: options.body.user.id,
      sha256,
    });
  },
);

describe('a registration is refused, and the invite stays good', () => {
  const small = createPasskey('ES256');
  const foreign = sign('sha256', Buffer.from('another'), createPasskey('ES256').privateKey);
  const wrong: readonly (readonly [string, () => Partial<RegistrationOptions>])[] = [
    ['without user verification', () => ({ flags: 0x41 })],
    ['without user presence', () => ({ flags: 0x44 })],
    ['at another origin', () => ({ origin: 'http://localhost:1' })],
    ['for another relying party', () => ({ rpId: 'example.com' })],
    ['in an embedded page (crossOrigin)', () => ({ clientData: { crossOrigin: true } })],
    [
      'in an embedded page (topOrigin)',
      () => ({ clientData: { topOrigin: 'https://evil.example' } }),
    ],
    ['from a sign-in', () => ({ clientData: { type: 'webauthn.get' } })],
    ['with a challenge that was never given', () => ({ challenge: 'A'.repeat(43) })],
    ['with an algorithm nobody asked for', () => ({ cose: { 3: -35 } })],
    ['with a key on another curve', () => ({ cose: { [-1]: 2 } })],
    ['with a key that lacks a coordinate', () => ({ cose: { [-3]: undefined } })],
    ['with an attestation that another key signed', () => ({ attestedBy: foreign })],
    ['with a point that is not on the curve', () => ({ cose: { [-2]: Buffer.alloc(32, 1) } })],
  ];
  test.each(wrong)('%s', async (_name, change) => {
    const username = freshName();
    const code = await createInvite(service);
    const response = answerTo(await begin(code, username), small, change());
    const answer = await finish(code, username, response);
    expect([answer.status, answer.body.code]).toEqual([403, 'enrolment_refused']);
    expect((await listed()).some((one) => one.username === username)).toBe(false);
    await enrol(service, username, { code });
  });

  test('an RSA key of 1024 bits', async () => {
    const username = freshName();
    const code = await createInvite(service);
    const rsa = createPasskey('RS256');
    const cose = { [-1]: Buffer.alloc(128, 0xc1) };
    const response = answerTo(await begin(code, username), rsa, { cose });
    expect((await finish(code, username, response)).status).toBe(403);
  });

  test('that names two credentials', async () => {
    const username = freshName();
    const code = await createInvite(service);
    const response = answerTo(await begin(code, username), createPasskey());
    const other = createPasskey().pinned.id;
    const renamed = { ...response, id: other, rawId: other };
    expect((await finish(code, username, renamed)).status).toBe(403);
  });

  test('sent twice', async () => {
    const username = freshName();
    const code = await createInvite(service, { maxUses: 2 });
    const response = answerTo(await begin(code, username), createPasskey());
    expect((await finish(code, username, response)).status).toBe(200);
    const again = await finish(code, username, response);
    expect([again.status, again.body.code]).toEqual([403, 'enrolment_refused']);
  });

  test('whose first try failed: its challenge is used up', async () => {
    const username = freshName();
    const code = await createInvite(service);
    const options = await begin(code, username);
    const passkey = createPasskey();
    expect((await finish(code, username, answerTo(options, passkey, { flags: 0x41 }))).status).toBe(
      403,
    );
    expect((await finish(code, username, answerTo(options, passkey))).status).toBe(403);
  });

  test('more than ten minutes after it was begun', async () => {
    const username = freshName();
    const code = await createInvite(service);
    const response = answerTo(await begin(code, username), createPasskey());
    now += 600_000;
    expect((await finish(code, username, response)).status).toBe(403);
  });

  test('for another name than it was begun with', async () => {
    const code = await createInvite(service);
    const response = answerTo(await begin(code, freshName()), createPasskey());
    expect((await finish(code, freshName(), response)).status).toBe(403);
  });

  test('with a passkey that is enrolled already, for another person', async () => {
    const passkey = createPasskey();
    const [first, second] = [freshName(), freshName()];
    const code = await createInvite(service, { maxUses: 2 });
    await finish(code, first, answerTo(await begin(code, first), passkey));
    const answer = await finish(code, second, answerTo(await begin(code, second), passkey));
    expect([answer.status, answer.body.code]).toEqual([403, 'enrolment_refused']);
  });
});

describe('invites', () => {
  test('an unknown code is 404, at both steps', async () => {
    const code = await createInvite(service);
    const username = freshName();
    const response = answerTo(await begin(code, username), createPasskey());
    for (const wrong of ['A'.repeat(43), code.slice(1), `${code}A`]) {
      expect((await begin(wrong, username)).status).toBe(404);
      expect((await finish(wrong, username, response)).status).not.toBe(200);
    }
  });

  test('makes as many passkeys as it says', async () => {
    const code = await createInvite(service, { maxUses: 2 });
    await enrol(service, freshName(), { code });
    await enrol(service, freshName(), { code });
    expect((await begin(code, freshName())).body.code).toBe('invite_not_found');
  });

  test('two people who began with its last use: one of them ends it', async () => {
    const code = await createInvite(service);
    const [one, two] = [freshName(), freshName()];
    const responses = [
      answerTo(await begin(code, one), createPasskey()),
      answerTo(await begin(code, two), createPasskey()),
    ];
    const answers = await Promise.all([
      finish(code, one, responses[0] ?? {}),
      finish(code, two, responses[1] ?? {}),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 404]);
  });

  test('is good for seven days', async () => {
    const code = await createInvite(service);
    now += 7 * 24 * 3_600_000 - 1;
    expect((await begin(code, freshName())).status).toBe(200);
    now += 1;
    expect((await begin(code, freshName())).status).toBe(404);
  });

  test('the first one, in the file of the first start, enrols the first person', async () => {
    const other = await startTestService();
    const code = other.inviteUrl.split('/').at(-1) ?? '';
    expect(other.inviteUrl).toBe(`${other.url}/enrol/${code}`);
    await enrol(other, 'first', { code });
    await other.close();
  });

  test.each([
    { maxUses: 0 },
    { maxUses: 1.5 },
    { maxUses: 1001 },
    { maxUses: '1' },
    { maxUses: undefined },
    { note: undefined },
    { admin: true },
    { username: 'two words' },
  ])('with %j is not made', async (change) => {
    const body = { note: '', maxUses: 1, ...change };
    const answer = await call(service, '/api/invites', { key: service.adminKey, body });
    expect(answer.status).toBe(422);
  });
});

describe('a name belongs to whoever enrolled it', () => {
  test('an invite does not let anybody else add a passkey to it', async () => {
    const owner = await enrol(service, freshName());
    const stranger = await signIn(service, await enrol(service, freshName()));
    const code = await createInvite(service);
    for (const cookie of [undefined, stranger, 'deploy-warrant=nonsense']) {
      const answer = await begin(code, owner.username, cookie);
      expect([answer.status, answer.body.code]).toEqual([409, 'name_taken']);
    }
  });

  test('not in another case either', async () => {
    const owner = await enrol(service, freshName());
    const code = await createInvite(service);
    const answer = await begin(code, owner.username.toUpperCase());
    expect([answer.status, answer.body.code]).toEqual([409, 'name_taken']);
  });

  test('signed in, the owner adds a second passkey, and the first is named as excluded', async () => {
    const owner = await enrol(service, freshName());
    const cookie = await signIn(service, owner);
    const code = await createInvite(service);
    const options = await begin(code, owner.username, cookie);
    expect(options.body).toMatchObject({
      excludeCredentials: [{ id: owner.passkey.pinned.id }],
      user: { id: owner.passkey.pinned.user_handle },
    });
    const response = answerTo(options, createPasskey());
    // Signed out meanwhile: it is asked again.
    expect((await finish(code, owner.username, response)).status).toBe(409);
    await enrol(service, owner.username, { code, cookie });
    expect((await listed()).filter((one) => one.username === owner.username)).toHaveLength(2);
  });

  test('an invite made out to it adds a passkey, and makes no other person', async () => {
    const owner = await enrol(service, freshName());
    const code = await createInvite(service, { username: owner.username });
    expect((await begin(code, freshName())).body.code).toBe('name_not_invited');
    await enrol(service, owner.username, { code });
    expect((await listed()).filter((one) => one.username === owner.username)).toHaveLength(2);
  });

  test('two people who began with one new name: the first to end has it', async () => {
    const username = freshName();
    const code = await createInvite(service, { maxUses: 2 });
    const first = answerTo(await begin(code, username), createPasskey());
    const second = answerTo(await begin(code, username), createPasskey());
    expect((await finish(code, username, first)).status).toBe(200);
    expect((await finish(code, username, second)).status).toBe(409);
    expect((await listed()).filter((one) => one.username === username)).toHaveLength(1);
  });

  test.each([
    '',
    ' alex',
    'alex doe',
    'аlex',
    '../x',
    '-x',
    'a\u202Eb',
    'a'.repeat(129),
    '__proto__',
  ])('"%s" is no user name', async (username) => {
    expect((await begin(await createInvite(service), username)).status).toBe(422);
  });
});

test('a revoked passkey is not listed; revoking twice is 404', async () => {
  const person = await enrol(service, freshName());
  const path = `/api/passkeys/${person.passkey.pinned.id}`;
  const revoke = () => call(service, path, { key: service.adminKey, method: 'DELETE' });
  expect((await revoke()).status).toBe(204);
  expect((await listed()).some((one) => one.username === person.username)).toBe(false);
  expect((await revoke()).status).toBe(404);
  // The name stays taken, and the person known: a request to it waits for a new passkey.
  const key = await createKey(service);
  now = Date.now();
  const asked = await requestApproval(service, { key, username: person.username });
  expect(asked.status).toBe(201);
});
