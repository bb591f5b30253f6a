import { createPublicKey, type KeyObject } from 'node:crypto';
import { decodeBase64url } from './base64url.ts';

/** The signature algorithms a policy may pin: COSE -7, -8 (with Ed25519) and -257. */
export const algorithms = ['ES256', 'EdDSA', 'RS256'] as const;
export type Algorithm = (typeof algorithms)[number];

/** A passkey that a policy pins to a person. */
export interface PinnedKey {
  /** The credential id, base64url. */
  readonly id: string;
  readonly algorithm: Algorithm;
  /** SubjectPublicKeyInfo in DER, base64url. */
  readonly public_key: string;
  /** base64url; when given, an assertion that names another user is refused. */
  readonly user_handle?: string;
}

const minimumRsaBits = 2048;

/** What was read, by all that it depends on: reading a key costs more than checking a signature with it. */
const readings = new Map<string, KeyObject | string>();
const maxReadings = 1_000;

/**
 * The key object of a pinned key, or what is wrong with it. It has to be of the type and size that its algorithm needs,
 * and in the one form of its bytes (a named curve, an uncompressed point, nothing after it), so that no key has two texts.
 */
export function readPinnedKey({
  algorithm,
  public_key: text,
}: Pick<PinnedKey, 'algorithm' | 'public_key'>): KeyObject | string {
  const name = `${algorithm} ${text}`;
  const known = readings.get(name);
  if (known !== undefined) return known;
  const read = readKey(algorithm, text);
  if (readings.size >= maxReadings) readings.clear();
  readings.set(name, read);
  return read;
}

function readKey(algorithm: Algorithm, text: string): KeyObject | string {
  const spki = decodeBase64url(text);
  if (spki === undefined) return 'is not base64url without padding';
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch {
    return 'is not a public key in SubjectPublicKeyInfo (DER) form';
  }
  const fault = keyFault(algorithm, key);
  if (fault !== undefined) return fault;
  // The key's export keeps the form it was read in; by way of its numbers there is only one.
  const plain = createPublicKey({ key: key.export({ format: 'jwk' }), format: 'jwk' });
  return plain.export({ format: 'der', type: 'spki' }).equals(spki)
    ? plain
    : 'is not in the plain DER form (for ES256: the named curve and an uncompressed point)';
}

function keyFault(algorithm: Algorithm, key: KeyObject): string | undefined {
  const { namedCurve, modulusLength, publicExponent } = { ...key.asymmetricKeyDetails };
  switch (algorithm) {
    case 'ES256':
      return key.asymmetricKeyType === 'ec' && namedCurve === 'prime256v1'
        ? undefined
        : `is not a P-256 key, which ES256 needs (${describe(key)})`;
    case 'EdDSA':
      return key.asymmetricKeyType === 'ed25519'
        ? undefined
        : `is not an Ed25519 key, which EdDSA needs (${describe(key)})`;
    case 'RS256':
      if (key.asymmetricKeyType !== 'rsa' || modulusLength === undefined) {
        return `is not an RSA key, which RS256 needs (${describe(key)})`;
      }
      if (modulusLength < minimumRsaBits) {
        return `is an RSA key of ${modulusLength} bits; RS256 needs at least ${minimumRsaBits}`;
      }
      // With an exponent of 1 every message is its own signature; an even one has no private key.
      return publicExponent !== undefined && publicExponent >= 3n && publicExponent % 2n === 1n
        ? undefined
        : 'is an RSA key with a public exponent that signs nothing';
  }
}

function describe(key: KeyObject): string {
  const details = key.asymmetricKeyDetails;
  return `it is ${[key.asymmetricKeyType, details?.namedCurve].filter(Boolean).join(' ')}`;
}
