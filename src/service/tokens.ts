import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** 32 random bytes in base64url: the form of every secret that the service hands out. */
export function newToken(): string {
  return randomBytes(32).toString('base64url');
}

/** What the store keeps of a secret. A plain hash does for 256 random bits; there is nothing to guess. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** Compares without telling by its time where the first difference is. */
export function fitsHash(token: string, hash: string): boolean {
  return timingSafeEqual(Buffer.from(hashToken(token), 'hex'), Buffer.from(hash, 'hex'));
}
