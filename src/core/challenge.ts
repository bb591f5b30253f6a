import { createHash } from 'node:crypto';

/** The domain strings of DESIGN 3.3: a signature over one purpose never fits another. */
const rejectionDomain = 'deploy-warrant/rejection/v1';
const revocationDomain = 'deploy-warrant/revocation/v1';

export const nonceBytes = 32;

/**
 * What an approver's passkey signs to approve: the 32-byte nonce, then the 32-byte payload hash. 64 bytes.
 * The length tells the purpose: sign-in is 32 bytes, a rejection or a revocation 96.
 * @param payloadHash 64 lower-case hex digits
 */
export function approvalChallenge(nonce: Uint8Array, payloadHash: string): Uint8Array {
  return Buffer.concat([nonceOf(nonce), hashOf(payloadHash)]);
}

/** What a passkey signs to reject. 96 bytes. */
export function rejectionChallenge(nonce: Uint8Array, payloadHash: string): Uint8Array {
  return refusalChallenge(rejectionDomain, nonce, payloadHash);
}

/** What a passkey signs to take an approval back. 96 bytes. */
export function revocationChallenge(nonce: Uint8Array, payloadHash: string): Uint8Array {
  return refusalChallenge(revocationDomain, nonce, payloadHash);
}

/** nonce, then SHA-256(domain 0x00 nonce hash), then SHA-256(domain). */
function refusalChallenge(domain: string, nonce: Uint8Array, payloadHash: string): Uint8Array {
  const bound = createHash('sha256')
    .update(domain)
    .update(Buffer.of(0))
    .update(nonceOf(nonce))
    .update(hashOf(payloadHash))
    .digest();
  return Buffer.concat([nonce, bound, createHash('sha256').update(domain).digest()]);
}

function nonceOf(nonce: Uint8Array): Uint8Array {
  if (nonce.length !== nonceBytes) {
    throw new Error(`A nonce has ${nonceBytes} bytes, this one has ${nonce.length}.`);
  }
  return nonce;
}

function hashOf(payloadHash: string): Uint8Array {
  if (!/^[0-9a-f]{64}$/.test(payloadHash)) {
    throw new Error('A payload hash has 64 lower-case hex digits.');
  }
  return Buffer.from(payloadHash, 'hex');
}
