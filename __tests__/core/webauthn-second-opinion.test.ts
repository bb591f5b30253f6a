import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { verifyAuthenticationResponse } from '@simplewebauthn/server';
import { isoCBOR } from '@simplewebauthn/server/helpers';
import { AuthenticatorEmulator, WebAuthnEmulator } from 'nid-webauthn-emulator';
import { receivedAssertionSchema, type AssertionJson } from '../../src/core/assertion.ts';
import { algorithms, type Algorithm, type PinnedKey } from '../../src/core/passkeys.ts';
import { checkAssertion } from '../../src/core/webauthn.ts';
import { createPasskey, makeAssertion, type AssertionOptions } from '../support/authenticator.ts';
import { registeredKey } from '../support/cose.ts';

const origin = 'https://approve.example.com';
const rpId = 'approve.example.com';
const challenge = randomBytes(64);
const coseNumber: Readonly<Record<Algorithm, number>> = { ES256: -7, EdDSA: -8, RS256: -257 };

/** What @simplewebauthn/server says; it throws on some faults and answers false on others. */
async function secondOpinion(assertion: AssertionJson, cose: Uint8Array): Promise<boolean> {
  try {
    const { verified } = await verifyAuthenticationResponse({
      response: assertion,
      expectedChallenge: challenge.toString('base64url'),
      expectedOrigin: origin,
      expectedRPID: rpId,
      credential: { id: assertion.id, publicKey: new Uint8Array(cose), counter: 0 },
    });
    return verified;
  } catch {
    return false;
  }
}

function ourOpinion(assertion: AssertionJson, key: PinnedKey): boolean {
  return checkAssertion({ assertion, challenge, origin, rpId, key }).ok;
}

/** COSE bytes of a pinned key (RFC 9053 section 7), for the library, which wants keys in that form. */
function coseOf({ algorithm, jwk }: { algorithm: Algorithm; jwk: JsonWebKey }): Uint8Array {
  const bytes = (text: string | undefined) => new Uint8Array(Buffer.from(text ?? '', 'base64url'));
  const members: Record<Algorithm, [number, number | Uint8Array<ArrayBuffer>][]> = {
    ES256: [
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, bytes(jwk.x)],
      [-3, bytes(jwk.y)],
    ],
    EdDSA: [
      [1, 1],
      [3, -8],
      [-1, 6],
      [-2, bytes(jwk.x)],
    ],
    RS256: [
      [1, 3],
      [3, -257],
      [-1, bytes(jwk.n)],
      [-2, bytes(jwk.e)],
    ],
  };
  return isoCBOR.encode(new Map(members[algorithm]));
}

describe.each(algorithms)('%s', (algorithm) => {
  const passkey = createPasskey(algorithm);
  const jwk = passkey.publicKey.export({ format: 'jwk' }) as JsonWebKey;
  const cose = coseOf({ algorithm, jwk });
  const defects: Readonly<Record<string, Partial<AssertionOptions>>> = {
    none: {},
    'another challenge': { challenge: randomBytes(64) },
    'another type': { clientData: { type: 'webauthn.create' } },
    'another origin': { origin: 'https://evil.example' },
    'another relying party': { rpId: 'evil.example' },
    'no user present': { flags: 0x04 },
    'user not verified': { flags: 0x01 },
    'backed up but not eligible': { flags: 0x15 },
    'cut authenticator data': { length: 36 },
    'bytes left over': { extra: randomBytes(3) },
    'another key': { signWith: createPasskey(algorithm).privateKey },
    'a cut signature': { tamper: (signature) => signature.subarray(0, -1) },
  };

  test.each(Object.entries(defects))('with %s: both say the same', async (defect, options) => {
    const assertion = makeAssertion({ passkey, challenge, origin, rpId, ...options });
    const expected = defect === 'none';
    expect(ourOpinion(assertion, passkey.pinned)).toBe(expected);
    expect(await secondOpinion(assertion, cose)).toBe(expected);
  });

  test('an independent authenticator, through its own browser: both accept, and refuse another challenge', async () => {
    const emulator = new WebAuthnEmulator(
      new AuthenticatorEmulator({ algorithmIdentifiers: [algorithm] }),
    );
    const registration = emulator.createJSON(origin, {
      rp: { id: rpId, name: 'Deploy Warrant' },
      user: { id: randomBytes(16).toString('base64url'), name: 'alex', displayName: 'Alex' },
      challenge: randomBytes(32).toString('base64url'),
      pubKeyCredParams: [{ type: 'public-key', alg: coseNumber[algorithm] }],
    });
    const { attestationObject } = registration.response;
    const registered = registeredKey(Buffer.from(attestationObject, 'base64url'));
    const key: PinnedKey = {
      id: registration.id,
      algorithm,
      public_key: registered.key.export({ format: 'der', type: 'spki' }).toString('base64url'),
    };
    const answer = (bytes: Buffer) =>
      receivedAssertionSchema.parse(
        emulator.getJSON(origin, {
          challenge: bytes.toString('base64url'),
          rpId,
          userVerification: 'required',
          allowCredentials: [{ type: 'public-key', id: registration.id }],
        }),
      );
    const good = answer(challenge);
    expect(ourOpinion(good, key)).toBe(true);
    expect(await secondOpinion(good, registered.cose)).toBe(true);
    const other = answer(randomBytes(64));
    expect(ourOpinion(other, key)).toBe(false);
    expect(await secondOpinion(other, registered.cose)).toBe(false);
  });
});

test('where the library leaves it to its caller, we refuse: cross-origin, id, user handle', async () => {
  const passkey = createPasskey('ES256');
  const jwk = passkey.publicKey.export({ format: 'jwk' }) as JsonWebKey;
  const cose = coseOf({ algorithm: 'ES256', jwk });
  const make = (options: Partial<AssertionOptions>) =>
    makeAssertion({ passkey, challenge, origin, rpId, ...options });
  const embedded = make({ clientData: { crossOrigin: true } });
  const foreign = make({ userHandle: randomBytes(16).toString('base64url') });
  for (const assertion of [embedded, foreign]) {
    expect(await secondOpinion(assertion, cose)).toBe(true);
    expect(ourOpinion(assertion, passkey.pinned)).toBe(false);
  }
});
