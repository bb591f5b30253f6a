/** The first 8 hex digits of a payload hash as `9f86-d081`: to recognise a request by, never a check (DESIGN 2). */
export function fingerprint(payloadHash: string): string {
  return `${payloadHash.slice(0, 4)}-${payloadHash.slice(4, 8)}`;
}
