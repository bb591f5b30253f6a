import { createHash } from 'node:crypto';
import { canonicalText } from './canonical.ts';

/** SHA-256 in 64 lower-case hex digits; a string is hashed as UTF-8. */
export function sha256Hex(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** The hash of a JSON document's RFC 8785 bytes: for a payload, the `payload_hash` (DESIGN 3.2). */
export function documentHash(value: unknown): string {
  return sha256Hex(canonicalText(value));
}
