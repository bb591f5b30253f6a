import { createHash, verify, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import type { AssertionJson } from '../../src/core/assertion.ts';
import { encodeBase64url } from '../../src/core/base64url.ts';
import { readPinnedKey, type Algorithm } from '../../src/core/passkeys.ts';
import { checkAssertion, checkCeremony, checkSignature } from '../../src/core/webauthn.ts';
import { registeredKey } from '../support/cose.ts';
import { describeVectors, vectorPath } from '../support/vectors.ts';

interface OfficialVector {
  readonly id: string;
  readonly alg: number;
  readonly rpId: string;
  readonly origin: string;
  readonly registration: { readonly attestationObject: string; readonly credential_id: string };
  readonly authentication: Readonly<
    Record<'challenge' | 'authenticatorData' | 'clientDataJSON' | 'signature', string>
  >;
  readonly expected_under_approval_policy: string;
}

const hex = (text: string) => Buffer.from(text, 'hex');
const algorithmOf: Readonly<Record<number, Algorithm>> = {
  [-7]: 'ES256',
  [-8]: 'EdDSA',
  [-257]: 'RS256',
};
const hashOf: Readonly<Record<number, string | null>> = {
  [-7]: 'sha256',
  [-8]: null,
  [-35]: 'sha384',
  [-36]: 'sha512',
  [-53]: null,
  [-257]: 'sha256',
};

function assertionOf({ registration, authentication }: OfficialVector): AssertionJson {
  const id = encodeBase64url(hex(registration.credential_id));
  return {
    id,
    rawId: id,
    type: 'public-key',
    response: {
      clientDataJSON: encodeBase64url(hex(authentication.clientDataJSON)),
      authenticatorData: encodeBase64url(hex(authentication.authenticatorData)),
      signature: encodeBase64url(hex(authentication.signature)),
    },
    clientExtensionResults: {},
  };
}

const spki = (key: KeyObject) => key.export({ format: 'der', type: 'spki' }).toString('base64url');

describeVectors('the official vectors of WebAuthn Level 3', () => {
  const { vectors } = JSON.parse(
    readFileSync(vectorPath('webauthn-l3/derived/assertions.json'), 'utf8'),
  ) as { vectors: readonly OfficialVector[] };

  test('are 15, of which 10 must be refused and 2 have an algorithm that can’t be pinned', () => {
    const expected = vectors.map((vector) => vector.expected_under_approval_policy);
    expect(expected.filter((word) => word === 'reject')).toHaveLength(10);
    expect(expected).toHaveLength(15);
  });

  test.each(vectors)('$id: the signature verifies', (vector) => {
    const { key } = registeredKey(hex(vector.registration.attestationObject));
    const { authenticatorData, clientDataJSON, signature } = vector.authentication;
    const clientHash = createHash('sha256').update(hex(clientDataJSON)).digest();
    const data = Buffer.concat([hex(authenticatorData), clientHash]);
    const algorithm = algorithmOf[vector.alg];
    // ES384, ES512 and Ed448 are none of ours: node:crypto itself says that the vector is read rightly.
    const isGood =
      algorithm === undefined
        ? verify(hashOf[vector.alg], data, key, hex(signature))
        : checkSignature({ algorithm, key, data, signature: hex(signature) });
    expect(isGood).toBe(true);
  });

  test.each(vectors)(
    '$id: without the signature, the ceremony is judged $expected_under_approval_policy',
    (vector) => {
      const checked = checkCeremony({
        assertion: assertionOf(vector),
        challenge: hex(vector.authentication.challenge),
        origin: vector.origin,
        rpId: vector.rpId,
      });
      expect(checked.ok).toBe(vector.expected_under_approval_policy !== 'reject');
    },
  );

  test.each(vectors.filter(({ alg }) => algorithmOf[alg] !== undefined))(
    '$id: altogether it is judged $expected_under_approval_policy',
    (vector) => {
      const { key } = registeredKey(hex(vector.registration.attestationObject));
      const assertion = assertionOf(vector);
      const checked = checkAssertion({
        assertion,
        challenge: hex(vector.authentication.challenge),
        origin: vector.origin,
        rpId: vector.rpId,
        key: { id: assertion.id, algorithm: algorithmOf[vector.alg]!, public_key: spki(key) },
      });
      expect(checked.ok).toBe(vector.expected_under_approval_policy === 'accept');
    },
  );

  test.each(vectors.filter(({ alg }) => algorithmOf[alg] === undefined))(
    '$id: its key fits no algorithm of the policy',
    (vector) => {
      const { key } = registeredKey(hex(vector.registration.attestationObject));
      for (const algorithm of Object.values(algorithmOf)) {
        expect(readPinnedKey({ algorithm, public_key: spki(key) })).toMatch(/^is not/);
      }
    },
  );
});

interface WycheproofFile {
  readonly numberOfTests: number;
  readonly testGroups: readonly {
    readonly publicKeyDer: string;
    readonly tests: readonly {
      readonly tcId: number;
      readonly comment: string;
      readonly msg: string;
      readonly sig: string;
      readonly result: 'valid' | 'invalid' | 'acceptable';
    }[];
  }[];
}

describeVectors('Wycheproof signatures by our own verify function', () => {
  test.each([
    ['ES256', 'ecdsa_secp256r1_sha256_test.json', 484],
    ['EdDSA', 'ed25519_test.json', 151],
    ['RS256', 'rsa_signature_2048_sha256_test.json', 259],
  ] as const)('%s: every one of %s is judged as it should be', (algorithm, file, count) => {
    const { testGroups } = JSON.parse(
      readFileSync(vectorPath('wycheproof/testvectors_v1', file), 'utf8'),
    ) as WycheproofFile;
    let looked = 0;
    const wrong: string[] = [];
    for (const group of testGroups) {
      const public_key = hex(group.publicKeyDer).toString('base64url');
      const key = readPinnedKey({ algorithm, public_key });
      if (typeof key === 'string') throw new Error(`A key of ${file} ${key}.`);
      for (const { tcId, comment, msg, sig, result } of group.tests) {
        looked += 1;
        const isGood = checkSignature({ algorithm, key, data: hex(msg), signature: hex(sig) });
        if (isGood !== (result === 'valid')) wrong.push(`${tcId} (${result}): ${comment}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(looked).toBe(count);
  });

  test('ES256 refuses every signature in the form of IEEE P1363', () => {
    const { testGroups } = JSON.parse(
      readFileSync(
        vectorPath('wycheproof/testvectors_v1/ecdsa_secp256r1_sha256_p1363_test.json'),
        'utf8',
      ),
    ) as WycheproofFile;
    for (const group of testGroups) {
      const public_key = hex(group.publicKeyDer).toString('base64url');
      const key = readPinnedKey({ algorithm: 'ES256', public_key });
      if (typeof key === 'string') throw new Error(`A key ${key}.`);
      for (const { msg, sig } of group.tests) {
        const signed = { algorithm: 'ES256' as const, key, data: hex(msg), signature: hex(sig) };
        expect(checkSignature(signed)).toBe(false);
      }
    }
  });
});
