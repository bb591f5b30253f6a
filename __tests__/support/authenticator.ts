import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import type { AssertionJson } from '../../src/core/assertion.ts';
import type { Algorithm, PinnedKey } from '../../src/core/passkeys.ts';

/** A passkey in software: a key pair with the ids that an authenticator gives it. */
export interface TestPasskey {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly pinned: PinnedKey & { readonly user_handle: string };
}

/** What an assertion may have wrong, or just other, than a browser on the right page would make. */
export interface AssertionOptions {
  readonly passkey: TestPasskey;
  readonly challenge: Uint8Array;
  readonly origin: string;
  readonly rpId: string;
  readonly signCount?: number;
  /** Replaces or adds members of the client data; `undefined` removes one. */
  readonly clientData?: Readonly<Record<string, unknown>>;
  /** The client data's exact text, in place of all of the above. */
  readonly clientDataText?: string | Uint8Array;
  /** The flags byte; 0x05 (user present and verified) if not given. */
  readonly flags?: number;
  /** Bytes after the 37 of the authenticator data. */
  readonly extra?: Uint8Array;
  /** Cuts the authenticator data to this many bytes. */
  readonly length?: number;
  /** null: none. */
  readonly userHandle?: string | null;
  /** Another key signs than the one that the id names. */
  readonly signWith?: KeyObject;
  /** What is done to the signature after it was made. */
  readonly tamper?: (signature: Buffer) => Uint8Array;
}

/** A new passkey. RSA keys have 2048 bits. */
export function createPasskey(algorithm: Algorithm = 'ES256'): TestPasskey {
  const { privateKey, publicKey } = keyPair(algorithm);
  return {
    privateKey,
    publicKey,
    pinned: {
      id: randomBytes(16).toString('base64url'),
      algorithm,
      public_key: publicKey.export({ format: 'der', type: 'spki' }).toString('base64url'),
      user_handle: randomBytes(16).toString('base64url'),
    },
  };
}

function keyPair(algorithm: Algorithm): { privateKey: KeyObject; publicKey: KeyObject } {
  switch (algorithm) {
    case 'ES256':
      return generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    case 'EdDSA':
      return generateKeyPairSync('ed25519');
    case 'RS256':
      return generateKeyPairSync('rsa', { modulusLength: 2048 });
  }
}

/** What a browser answers to `navigator.credentials.get()`, signed by the passkey, with the defects that are asked for. */
export function makeAssertion(options: AssertionOptions): AssertionJson {
  const { passkey, challenge, origin, rpId } = options;
  const clientData = Buffer.from(
    options.clientDataText ??
      JSON.stringify({
        type: 'webauthn.get',
        challenge: Buffer.from(challenge).toString('base64url'),
        origin,
        crossOrigin: false,
        ...options.clientData,
      }),
  );
  const counter = Buffer.alloc(4);
  counter.writeUInt32BE(options.signCount ?? 0);
  const authenticatorData = Buffer.concat([
    createHash('sha256').update(rpId).digest(),
    Buffer.of(options.flags ?? 0x05),
    counter,
    options.extra ?? Buffer.alloc(0),
  ]).subarray(0, options.length);
  const data = Buffer.concat([authenticatorData, createHash('sha256').update(clientData).digest()]);
  const key = options.signWith ?? passkey.privateKey;
  const signature = sign(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', data, key);
  const userHandle =
    options.userHandle === undefined ? passkey.pinned.user_handle : options.userHandle;
  return {
    id: passkey.pinned.id,
    rawId: passkey.pinned.id,
    type: 'public-key',
    response: {
      clientDataJSON: clientData.toString('base64url'),
      authenticatorData: authenticatorData.toString('base64url'),
      signature: Buffer.from(options.tamper?.(signature) ?? signature).toString('base64url'),
      ...(userHandle === null ? {} : { userHandle }),
    },
    clientExtensionResults: {},
  };
}

const p256Order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** The other good form of an ES256 signature: (r, n - s) in DER. */
export function otherForm(signature: Buffer): Buffer {
  const r = readInteger(signature, 2);
  const s = readInteger(signature, r.end);
  const body = Buffer.concat([writeInteger(r.value), writeInteger(p256Order - s.value)]);
  return Buffer.concat([Buffer.of(0x30, body.length), body]);
}

function readInteger(der: Buffer, at: number): { value: bigint; end: number } {
  const end = at + 2 + der.readUInt8(at + 1);
  return { value: BigInt(`0x${der.subarray(at + 2, end).toString('hex')}`), end };
}

function writeInteger(value: bigint): Buffer {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  const positive = bytes.readUInt8(0) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes;
  return Buffer.concat([Buffer.of(0x02, positive.length), positive]);
}
