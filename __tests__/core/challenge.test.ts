import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import {
  approvalChallenge,
  rejectionChallenge,
  revocationChallenge,
} from '../../src/core/challenge.ts';

const nonce = Buffer.alloc(32, 7);
const hash = 'ab'.repeat(32);
const sha256 = (...parts: (string | Uint8Array)[]) => {
  const digest = createHash('sha256');
  for (const part of parts) digest.update(part);
  return digest.digest('hex');
};
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

test('an approval challenge is nonce and payload hash: 64 bytes, 86 base64url characters', () => {
  const challenge = approvalChallenge(nonce, hash);
  expect(hexOf(challenge)).toBe('07'.repeat(32) + hash);
  expect(Buffer.from(challenge).toString('base64url')).toHaveLength(86);
});

test.each([
  ['rejection', rejectionChallenge],
  ['revocation', revocationChallenge],
])('a %s challenge is nonce, bound hash and domain hash: 96 bytes', (purpose, make) => {
  const domain = `deploy-warrant/${purpose}/v1`;
  const bound = sha256(domain, Buffer.of(0), nonce, Buffer.from(hash, 'hex'));
  expect(hexOf(make(nonce, hash))).toBe('07'.repeat(32) + bound + sha256(domain));
});

describe('no challenge is made', () => {
  test.each([approvalChallenge, rejectionChallenge, revocationChallenge])(
    'of a nonce or a hash of another length (%#)',
    (make) => {
      for (const length of [0, 31, 33]) {
        const message = `A nonce has 32 bytes, this one has ${length}.`;
        expect(() => make(Buffer.alloc(length), hash)).toThrow(new Error(message));
      }
      for (const other of ['', hash.slice(2), `${hash}ab`, hash.toUpperCase(), 'zz'.repeat(32)]) {
        expect(() => make(nonce, other)).toThrow(
          new Error('A payload hash has 64 lower-case hex digits.'),
        );
      }
    },
  );
});
