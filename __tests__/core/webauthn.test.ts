import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import type { AssertionJson } from '../../src/core/assertion.ts';
import { decodeBase64url, encodeBase64url } from '../../src/core/base64url.ts';
import { algorithms } from '../../src/core/passkeys.ts';
import { checkAssertion, statedChallenge } from '../../src/core/webauthn.ts';
import {
  createPasskey,
  makeAssertion,
  otherForm,
  type AssertionOptions,
} from '../support/authenticator.ts';

const origin = 'https://approve.example.com';
const rpId = 'approve.example.com';
const passkey = createPasskey('ES256');
const challenge = randomBytes(64);

function check(
  assertion: AssertionJson,
  overrides: Partial<Parameters<typeof checkAssertion>[0]> = {},
) {
  return checkAssertion({ assertion, challenge, origin, rpId, key: passkey.pinned, ...overrides });
}

function make(options: Partial<AssertionOptions> = {}): AssertionJson {
  return makeAssertion({ passkey, challenge, origin, rpId, ...options });
}

function respond(response: Partial<AssertionJson['response']>): AssertionJson {
  const assertion = make();
  return { ...assertion, response: { ...assertion.response, ...response } };
}

/** Every problem of an assertion that has to be refused. */
function problemsOf(
  assertion: AssertionJson,
  overrides?: Parameters<typeof check>[1],
): readonly string[] {
  const checked = check(assertion, overrides);
  if (checked.ok) throw new Error('The assertion was accepted.');
  return checked.problems.map(({ field, message }) => `${field} ${message}`);
}

/** The problem of an assertion that has no other. */
function problemOf(...given: Parameters<typeof problemsOf>): string {
  const problems = problemsOf(...given);
  expect(problems).toHaveLength(1);
  return problems[0]!;
}

const text = (clientDataJSON: string) => Buffer.from(clientDataJSON, 'base64url').toString();

describe('an assertion is accepted', () => {
  test.each(algorithms)('signed with %s', (algorithm) => {
    const other = createPasskey(algorithm);
    const checked = check(make({ passkey: other, signCount: 7, flags: 0x1d }), {
      key: other.pinned,
    });
    expect(checked).toEqual({
      ok: true,
      value: { signCount: 7, backupEligible: true, backupState: true },
    });
  });

  test('with members of the client data that nobody knows, and tokenBinding', () => {
    const clientData = {
      other_keys_can_be_added_here: 'do not compare clientDataJSON against a template',
      tokenBinding: { status: 'present', id: 'x' },
      number: 1,
    };
    expect(check(make({ clientData })).ok).toBe(true);
  });

  test('without crossOrigin, as browsers of Level 1 send it', () => {
    expect(check(make({ clientData: { crossOrigin: undefined } })).ok).toBe(true);
  });

  test('without a user handle', () => {
    expect(check(make({ userHandle: null })).ok).toBe(true);
  });

  test('with a user handle where the policy knows none', () => {
    const { id, algorithm, public_key } = passkey.pinned;
    expect(check(make(), { key: { id, algorithm, public_key } }).ok).toBe(true);
  });

  test('eligible for backup but not backed up, and neither', () => {
    expect(check(make({ flags: 0x0d }))).toEqual({
      ok: true,
      value: { signCount: 0, backupEligible: true, backupState: false },
    });
    expect(check(make({ flags: 0x05, signCount: 2 ** 32 - 1 }))).toEqual({
      ok: true,
      value: { signCount: 2 ** 32 - 1, backupEligible: false, backupState: false },
    });
  });
});

describe('an assertion is refused (WebAuthn Level 3, 7.2)', () => {
  test('when id and rawId differ (step 5)', () => {
    const other = createPasskey().pinned.id;
    expect(problemsOf({ ...make(), rawId: other })).toEqual([
      'id and rawId name different credentials',
      'id is not the id of the pinned passkey',
    ]);
    expect(problemsOf({ ...make(), id: other })).toEqual([
      'id and rawId name different credentials',
      'id is not the id of the pinned passkey',
    ]);
  });

  test('when the id is not that of the pinned passkey (step 5)', () => {
    const other = createPasskey().pinned.id;
    expect(problemOf({ ...make(), id: other, rawId: other })).toBe(
      'id is not the id of the pinned passkey',
    );
  });

  test('when the user handle is another person’s (step 6)', () => {
    const userHandle = randomBytes(16).toString('base64url');
    expect(problemOf(make({ userHandle }))).toBe(
      'response.userHandle is not the user handle of the pinned passkey',
    );
  });

  test.each([
    ['a byte order mark', '\uFEFF{"type":"webauthn.get"}', /byte order mark/],
    ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), /UTF-8/],
    ['no JSON', 'webauthn.get', /Expected a value, found "w" \(line 1, column 1\)$/],
    ['a list', '[]', /^response\.clientDataJSON is not a JSON object$/],
    ['a text', '"webauthn.get"', /^response\.clientDataJSON is not a JSON object$/],
    ['null', 'null', /^response\.clientDataJSON is not a JSON object$/],
    [
      'over 8 KiB',
      `{"type":"${'x'.repeat(8182)}"}`,
      /JSON Too large: 8193 bytes, the limit is 8192 /,
    ],
    [
      'a member that stands twice',
      '{"type":"webauthn.create","type":"webauthn.get"}',
      /stands twice/,
    ],
    [
      'a member that stands twice after unescaping',
      '{"type":"a","\\u0074ype":"webauthn.get"}',
      /stands twice/,
    ],
  ])('when the client data is %s (steps 9 and 10)', (_, clientDataText, reason) => {
    expect(problemOf(make({ clientDataText }))).toMatch(reason);
  });

  test.each(['webauthn.create', 'payment.get', 'webauthn.get ', '', undefined, null, 1])(
    'when the type is %p (step 11)',
    (type) => {
      expect(problemOf(make({ clientData: { type } }))).toBe(
        'response.clientDataJSON.type is not "webauthn.get"',
      );
    },
  );

  test('when the challenge is of another payload (step 12)', () => {
    expect(problemOf(make({ challenge: randomBytes(64) }))).toBe(
      'response.clientDataJSON.challenge is not the challenge of this payload',
    );
  });

  test('when the challenge is cut, longer, padded, or in the base64 alphabet (step 12)', () => {
    const plain = encodeBase64url(challenge);
    const standard = Buffer.from(challenge).toString('base64').replace(/=+$/, '');
    const variants = [
      plain.slice(0, -1),
      `${plain}A`,
      `${plain}==`,
      ` ${plain}`,
      '',
      null,
      undefined,
    ];
    if (standard !== plain) variants.push(standard);
    for (const variant of variants) {
      expect(problemOf(make({ clientData: { challenge: variant } }))).toMatch(/challenge/);
    }
  });

  test('when the challenge is another text for the same bytes (step 12)', () => {
    // 64 bytes end in a character of which only the first 2 bits count: 15 other characters decode to the same bytes.
    const plain = encodeBase64url(challenge);
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const last = alphabet.charAt(alphabet.indexOf(plain.at(-1) ?? '') + 1);
    const twin = plain.slice(0, -1) + last;
    expect(Buffer.from(twin, 'base64url')).toEqual(challenge);
    expect(problemOf(make({ clientData: { challenge: twin } }))).toMatch(/challenge/);
  });

  test.each([
    'https://approve.example.com.evil.org',
    'https://evil.example.com',
    'http://approve.example.com',
    'https://approve.example.com:8443',
    'https://approve.example.com/',
    'HTTPS://APPROVE.EXAMPLE.COM',
    'https://approve.example.com@evil.org',
    '',
    null,
    undefined,
  ])('when the origin is %p (step 13)', (other) => {
    expect(problemOf(make({ clientData: { origin: other } }))).toBe(
      'response.clientDataJSON.origin is not the origin https://approve.example.com of the policy',
    );
  });

  test.each([true, 'false', null, 0, 'true'])('when crossOrigin is %p (step 14)', (crossOrigin) => {
    expect(problemOf(make({ clientData: { crossOrigin } }))).toBe(
      'response.clientDataJSON.crossOrigin is not false: the page was embedded in another site',
    );
  });

  test.each(['https://evil.example', origin, '', null])(
    'when topOrigin is %p (step 14)',
    (topOrigin) => {
      expect(problemOf(make({ clientData: { topOrigin } }))).toBe(
        'response.clientDataJSON.topOrigin is present: the page was embedded in another site',
      );
    },
  );

  test.each([0, 31, 32, 36])('when the authenticator data has %d bytes', (length) => {
    const assertion = make({ length });
    expect(problemOf(assertion)).toBe(
      `response.authenticatorData has ${length} bytes, fewer than 37`,
    );
  });

  test('when it was made for another relying party (step 15)', () => {
    expect(problemOf(make({ rpId: 'example.com' }))).toBe(
      'response.authenticatorData is not for the relying party approve.example.com',
    );
  });

  test('when no user was present (step 16)', () => {
    expect(problemOf(make({ flags: 0x04 }))).toBe(
      'response.authenticatorData says that no user was present',
    );
  });

  test('when the user was not verified (step 17)', () => {
    expect(problemOf(make({ flags: 0x01 }))).toBe(
      'response.authenticatorData says that the user was not verified',
    );
  });

  test('when it is backed up but not eligible for backup (step 18)', () => {
    expect(problemOf(make({ flags: 0x15 }))).toBe(
      'response.authenticatorData says backed up, but not eligible for backup',
    );
  });

  test('when it carries attested credential data', () => {
    expect(problemsOf(make({ flags: 0x45, extra: randomBytes(60) }))).toEqual([
      'response.authenticatorData carries attested credential data',
      'response.authenticatorData has 60 bytes left over',
    ]);
  });

  test('when it carries extensions', () => {
    expect(problemsOf(make({ flags: 0x85, extra: Buffer.of(0xa0) }))).toEqual([
      'response.authenticatorData carries extensions that nobody asked for',
      'response.authenticatorData has 1 bytes left over',
    ]);
  });

  test('when bytes are left over', () => {
    expect(problemOf(make({ extra: Buffer.of(0) }))).toBe(
      'response.authenticatorData has 1 bytes left over',
    );
  });

  test.each(algorithms)('when another %s key signed (step 21)', (algorithm) => {
    const mine = createPasskey(algorithm);
    const other = createPasskey(algorithm);
    const assertion = make({ passkey: mine, signWith: other.privateKey });
    expect(problemOf(assertion, { key: mine.pinned })).toBe(
      `response.signature does not verify with the pinned ${algorithm} key`,
    );
  });

  test('when the pinned algorithm is not the key’s, whatever the message is signed with (step 21)', () => {
    const key = { ...passkey.pinned, algorithm: 'RS256' as const };
    expect(problemOf(make(), { key })).toMatch(/^public_key is not an RSA key, which RS256 needs/);
  });

  test('when the ES256 signature is r and s side by side instead of DER (step 21)', () => {
    const p1363 = (signature: Buffer) => {
      const rest = signature.subarray(4 + signature.readUInt8(3));
      const part = (bytes: Buffer) => Buffer.concat([Buffer.alloc(32), bytes]).subarray(-32);
      return Buffer.concat([
        part(signature.subarray(4, 4 + signature.readUInt8(3))),
        part(rest.subarray(2)),
      ]);
    };
    expect(problemOf(make({ tamper: p1363 }))).toMatch(/does not verify/);
  });

  test('when anything is empty, cut or appended to the signature (step 21)', () => {
    for (const algorithm of algorithms) {
      const mine = createPasskey(algorithm);
      for (const tamper of [
        () => Buffer.alloc(1),
        (signature: Buffer) => signature.subarray(0, -1),
        (signature: Buffer) => Buffer.concat([signature, Buffer.of(0)]),
        (signature: Buffer) => Buffer.alloc(signature.length),
      ]) {
        const assertion = make({ passkey: mine, tamper });
        expect(problemOf(assertion, { key: mine.pinned })).toMatch(/does not verify/);
      }
    }
  });

  test.each(['clientDataJSON', 'authenticatorData', 'signature'] as const)(
    'when %s is another text for its bytes',
    (member) => {
      const { response } = make();
      for (const variant of [
        `${response[member]}=`,
        ` ${response[member]}`,
        `${response[member]}\n`,
      ]) {
        // What can't be read can't be verified either.
        const fields = new Set([`response.${member}`, 'response.signature']);
        expect(problemsOf(respond({ [member]: variant }))).toEqual(
          [...fields].map((field) => `${field} is not base64url without padding`),
        );
      }
    },
  );

  test('with the faults of the ceremony before those of the key', () => {
    const other = createPasskey();
    const assertion = make({ flags: 0x01, signWith: other.privateKey });
    expect(problemsOf(assertion)).toEqual([
      'response.authenticatorData says that the user was not verified',
      'response.signature does not verify with the pinned ES256 key',
    ]);
  });

  test('when the signed bytes change by one character, though they mean the same', () => {
    const { clientDataJSON } = make().response;
    const spaced = text(clientDataJSON).replace('{', '{ ');
    const assertion = respond({ clientDataJSON: Buffer.from(spaced).toString('base64url') });
    expect(problemOf(assertion)).toMatch(/does not verify/);
  });
});

describe('the challenge that was signed, as it is stated', () => {
  test('is read, though nothing is checked', () => {
    expect(statedChallenge(make({ origin: 'https://evil.example', flags: 0 }))).toEqual(
      Uint8Array.from(challenge),
    );
  });

  test.each([
    ['client data that can’t be read', { clientDataText: 'webauthn.get' }],
    ['no challenge', { clientData: { challenge: undefined } }],
    ['a challenge that is no text', { clientData: { challenge: 7 } }],
    ['a challenge that is not base64url', { clientData: { challenge: 'a+/b' } }],
  ])('is none with %s', (_, options) => {
    expect(statedChallenge(make(options))).toBeUndefined();
  });
});

test('the other form of an ES256 signature, (r, n - s), verifies too: nothing may be told apart by it', () => {
  expect(check(make({ tamper: otherForm })).ok).toBe(true);
});

describe('base64url', () => {
  test.each(['', 'AA', 'AAA', 'AAAA', '-_-_'])('reads %p', (plain) => {
    expect(encodeBase64url(decodeBase64url(plain) ?? Buffer.from('no'))).toBe(plain);
  });

  test.each(['A', 'AB', 'AA=', 'AA==', '+/+/', 'AA AA', 'AAAA\n', '%41', 'Ä'])(
    'refuses %p, which is no plain encoding',
    (plain) => {
      expect(decodeBase64url(plain)).toBeUndefined();
    },
  );
});
