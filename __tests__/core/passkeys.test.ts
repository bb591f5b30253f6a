import { generateKeyPairSync, KeyObject } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { readPinnedKey } from '../../src/core/passkeys.ts';
import { createPasskey } from '../support/authenticator.ts';

const { pinned } = createPasskey('ES256');

test('a key is read once, whoever asks', () => {
  const key = readPinnedKey(pinned);
  expect(key).toBeInstanceOf(KeyObject);
  expect(readPinnedKey(createPasskey('ES256').pinned)).not.toBe(key);
  expect(readPinnedKey({ ...pinned })).toBe(key);
});

test('a key is read for its algorithm, whatever it was good for before', () => {
  expect(readPinnedKey(pinned)).toBeInstanceOf(KeyObject);
  expect(readPinnedKey({ ...pinned, algorithm: 'EdDSA' })).toBe(
    'is not an Ed25519 key, which EdDSA needs (it is ec prime256v1)',
  );
  const { publicKey } = generateKeyPairSync('ed25519');
  const public_key = publicKey.export({ format: 'der', type: 'spki' }).toString('base64url');
  expect(readPinnedKey({ algorithm: 'ES256', public_key })).toBe(
    'is not a P-256 key, which ES256 needs (it is ed25519)',
  );
  expect(readPinnedKey({ algorithm: 'EdDSA', public_key })).toBeInstanceOf(KeyObject);
});

test('keys that nobody asks for any more do not fill the memory', () => {
  const key = readPinnedKey(pinned);
  for (let count = 0; count < 900; count += 1) {
    readPinnedKey({ algorithm: 'ES256', public_key: `+${count}` });
  }
  const kept = readPinnedKey(pinned);
  for (let count = 900; count < 2000; count += 1) {
    readPinnedKey({ algorithm: 'ES256', public_key: `+${count}` });
  }
  const later = readPinnedKey(pinned);
  expect(later).not.toBe(kept);
  expect((later as KeyObject).equals(key as KeyObject)).toBe(true);
});
