import { createPublicKey, type KeyObject } from 'node:crypto';
import {
  decodeAttestationObject,
  isoCBOR,
  parseAuthenticatorData,
} from '@simplewebauthn/server/helpers';

type Cose = ReadonlyMap<number, number | Uint8Array>;

const curves: Readonly<Record<number, string>> = {
  1: 'P-256',
  2: 'P-384',
  3: 'P-521',
  6: 'Ed25519',
  7: 'Ed448',
};

/** The key that a registration's attestation object carries, as COSE bytes and as a key of Node (RFC 9053 section 7). */
export function registeredKey(attestationObject: Uint8Array): { cose: Uint8Array; key: KeyObject } {
  const decoded = decodeAttestationObject(new Uint8Array(attestationObject));
  const { credentialPublicKey } = parseAuthenticatorData(decoded.get('authData'));
  if (credentialPublicKey === undefined) throw new Error('The attestation object holds no key.');
  const cose: Cose = isoCBOR.decodeFirst(new Uint8Array(credentialPublicKey));
  return { cose: credentialPublicKey, key: createPublicKey({ key: jwkOf(cose), format: 'jwk' }) };
}

function jwkOf(cose: Cose): Record<string, string> {
  switch (cose.get(1)) {
    case 1:
      return { kty: 'OKP', crv: curveOf(cose), x: member(cose, -2) };
    case 2:
      return { kty: 'EC', crv: curveOf(cose), x: member(cose, -2), y: member(cose, -3) };
    case 3:
      return { kty: 'RSA', n: member(cose, -1), e: member(cose, -2) };
    default:
      throw new Error(`Unknown COSE key type ${String(cose.get(1))}.`);
  }
}

function curveOf(cose: Cose): string {
  const curve = curves[Number(cose.get(-1))];
  if (curve === undefined) throw new Error(`Unknown COSE curve ${String(cose.get(-1))}.`);
  return curve;
}

function member(cose: Cose, label: number): string {
  const value = cose.get(label);
  if (!(value instanceof Uint8Array)) throw new Error(`The COSE key has no member ${label}.`);
  return Buffer.from(value).toString('base64url');
}
