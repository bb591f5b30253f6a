/**
 * The bytes of a base64url text without padding (RFC 4648 section 5), or undefined where the text is not exactly what
 * encoding those bytes gives: Node's decoder overlooks foreign characters, padding and stray bits, so that many texts
 * would stand for the same bytes.
 */
export function decodeBase64url(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}

export function encodeBase64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
