import canonicalize from 'canonicalize';

/**
 * The RFC 8785 (JSON Canonicalization Scheme) form of a JSON value: the text whose UTF-8 bytes are hashed and signed.
 * Runs in the gate, in the service and on the approval page.
 * @throws Error on a value that has no such form (NaN, infinity, a lone surrogate, nothing at all)
 */
export function canonicalText(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new Error('Only a JSON value has a canonical form.');
  return text;
}
