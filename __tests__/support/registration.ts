import { createHash, type KeyObject } from 'node:crypto';
import type { TestPasskey } from './authenticator.ts';

/** What a registration may have wrong, or just other, than a browser on the right page would make. */
export interface RegistrationOptions {
  readonly passkey: TestPasskey;
  /** base64url */
  readonly challenge: string;
  readonly origin: string;
  readonly rpId: string;
  /** Replaces or adds members of the client data; `undefined` removes one. */
  readonly clientData?: Readonly<Record<string, unknown>>;
  /** The flags byte; 0x45 (user present and verified, key attached) if not given. */
  readonly flags?: number;
  readonly signCount?: number;
  /** The COSE key's own members, replaced by label; `undefined` removes one. */
  readonly cose?: Readonly<Record<number, number | Buffer | undefined>>;
  /** The `sig` of a `packed` self attestation (WebAuthn section 8.2) in place of attestation `none`. */
  readonly attestedBy?: Buffer;
}

/** What a browser answers to `navigator.credentials.create()` as JSON, with attestation `none` if nothing else is said. */
export function makeRegistration(options: RegistrationOptions): object {
  const { passkey, challenge, origin, rpId } = options;
  const clientData = JSON.stringify({
    type: 'webauthn.create',
    challenge,
    origin,
    crossOrigin: false,
    ...options.clientData,
  });
  const id = Buffer.from(passkey.pinned.id, 'base64url');
  const counter = Buffer.alloc(4);
  counter.writeUInt32BE(options.signCount ?? 0);
  const idLength = Buffer.alloc(2);
  idLength.writeUInt16BE(id.length);
  const authenticatorData = Buffer.concat([
    createHash('sha256').update(rpId).digest(),
    Buffer.of(options.flags ?? 0x45),
    counter,
    Buffer.alloc(16),
    idLength,
    id,
    encode(withChanges(coseKey(passkey.publicKey), options.cose ?? {})),
  ]);
  const statement =
    options.attestedBy &&
    new Map<string, CborValue>([
      ['alg', -7],
      ['sig', options.attestedBy],
    ]);
  const attestation = new Map<string, CborValue>([
    ['fmt', statement === undefined ? 'none' : 'packed'],
    ['attStmt', statement ?? new Map()],
    ['authData', authenticatorData],
  ]);
  return {
    id: passkey.pinned.id,
    rawId: passkey.pinned.id,
    type: 'public-key',
    response: {
      clientDataJSON: Buffer.from(clientData).toString('base64url'),
      attestationObject: encode(attestation).toString('base64url'),
      transports: ['internal'],
    },
    clientExtensionResults: {},
    authenticatorAttachment: 'platform',
  };
}

/** RFC 9053 section 7 and RFC 8230 section 4. */
function coseKey(key: KeyObject): Map<number, CborValue> {
  const { kty, x = '', y = '', n = '', e = '' } = key.export({ format: 'jwk' });
  const bytes = (text: string): Buffer => Buffer.from(text, 'base64url');
  switch (kty) {
    case 'EC':
      return new Map<number, CborValue>([
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, bytes(x)],
        [-3, bytes(y)],
      ]);
    case 'OKP':
      return new Map<number, CborValue>([
        [1, 1],
        [3, -8],
        [-1, 6],
        [-2, bytes(x)],
      ]);
    default:
      return new Map<number, CborValue>([
        [1, 3],
        [3, -257],
        [-1, bytes(n)],
        [-2, bytes(e)],
      ]);
  }
}

function withChanges(
  key: ReadonlyMap<number, CborValue>,
  changes: Readonly<Record<number, number | Buffer | undefined>>,
): ReadonlyMap<number, CborValue> {
  const changed = new Map(key);
  for (const [label, value] of Object.entries(changes)) {
    if (value === undefined) changed.delete(Number(label));
    else changed.set(Number(label), value);
  }
  return changed;
}

type CborValue = number | string | Buffer | ReadonlyMap<number | string, CborValue>;

/** As much of CBOR (RFC 8949) as an attestation object needs. */
function encode(value: CborValue): Buffer {
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === 'string') return Buffer.concat([head(3, value.length), Buffer.from(value)]);
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value]);
  const members = [...value].flatMap(([key, member]) => [encode(key), encode(member)]);
  return Buffer.concat([head(5, value.size), ...members]);
}

function head(major: number, length: number): Buffer {
  const first = major << 5;
  if (length < 24) return Buffer.of(first | length);
  if (length < 256) return Buffer.of(first | 24, length);
  return Buffer.of(first | 25, length >> 8, length & 0xff);
}
