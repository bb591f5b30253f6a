import { base64URLStringToBuffer, bufferToBase64URLString } from '@simplewebauthn/browser';
import { canonicalText } from '../../core/canonical.ts';
import type { Json } from './leaves.ts';

/** What a person may sign about a request. */
export type Act = 'approved' | 'rejected' | 'revoked';

/** The domain strings of DESIGN 3.3. An approval has none. */
const labels = {
  rejected: 'deploy-warrant/rejection/v1',
  revoked: 'deploy-warrant/revocation/v1',
} as const;

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
}

function join(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

/** SHA-256 in lower-case hex. */
export async function sha256Hex(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return Array.from(await sha256(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * The payload hash (DESIGN 3.2), worked out here: SHA-256 of the RFC 8785 bytes, in lower-case hex.
 * @throws Error on a value without a canonical form (a lone surrogate)
 */
export async function payloadHashOf(payload: Json): Promise<string> {
  return sha256Hex(new TextEncoder().encode(canonicalText(payload)));
}

/**
 * The bytes of a nonce or of a sign-in challenge: exactly 32. The length tells what is signed (DESIGN 3.3), so any other could
 * make a sign-in an approval.
 * @returns undefined when the text is not base64url of 32 bytes, in its only form
 */
export function parse32Bytes(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[A-Za-z0-9_-]{43}$/.test(text)) return undefined;
  const bytes = base64URLStringToBuffer(text);
  return bufferToBase64URLString(bytes) === text ? new Uint8Array(bytes) : undefined;
}

/** The challenge of an act (DESIGN 3.3), base64url: 64 bytes to approve, 96 to reject or to take an approval back. */
export async function challengeFor(
  act: Act,
  nonce: Uint8Array<ArrayBuffer>,
  payloadHash: string,
): Promise<string> {
  const hash = Uint8Array.from(payloadHash.matchAll(/../g), ([pair]) => parseInt(pair, 16));
  if (act === 'approved') return bufferToBase64URLString(join(nonce, hash).buffer);
  const label = new TextEncoder().encode(labels[act]);
  const bound = await sha256(join(label, new Uint8Array(1), nonce, hash));
  return bufferToBase64URLString(join(nonce, bound, await sha256(label)).buffer);
}
