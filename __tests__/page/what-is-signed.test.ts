import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  approvalChallenge,
  rejectionChallenge,
  revocationChallenge,
} from '../../src/core/challenge.ts';
import { documentHash } from '../../src/core/hash.ts';
import { challengeFor, parse32Bytes, payloadHashOf } from '../../src/service/page/challenge.ts';
import { assemble, leavesOf, pathText, type Json } from '../../src/service/page/leaves.ts';
import { examplePayload } from '../support/deploy.ts';

const json = fc.jsonValue({ stringUnit: 'grapheme', maxDepth: 4 }).map((value) => value as Json);
const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe('what the page signs', () => {
  test('is the hash that gate and service compute, of any payload', async () => {
    expect(await payloadHashOf(examplePayload())).toBe(documentHash(examplePayload()));
    await fc.assert(
      fc.asyncProperty(json, async (value) => {
        expect(await payloadHashOf(value)).toBe(documentHash(value));
      }),
    );
  });

  test('is put together from the leaves alone, and comes out the same', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(documentHash(assemble(leavesOf(value)))).toBe(documentHash(value));
      }),
    );
    const hostile = JSON.parse('{"__proto__":{"a":1},"constructor":[],"0":{"length":2}}') as Json;
    expect(documentHash(assemble(leavesOf(hostile)))).toBe(documentHash(hostile));
  });

  test('lacks every leaf that is left out', () => {
    const leaves = leavesOf(examplePayload());
    const whole = documentHash(examplePayload());
    for (const left of leaves) {
      const rest = leaves.filter((leaf) => leaf !== left);
      expect(documentHash(assemble(rest))).not.toBe(whole);
    }
  });

  test('is named by paths of which no two look alike', () => {
    fc.assert(
      fc.property(json, (value) => {
        const paths = leavesOf(value).map(({ path }) => pathText(path));
        expect(new Set(paths).size).toBe(paths.length);
      }),
    );
  });

  test('is signed over the challenges of the protocol', async () => {
    await fc.assert(
      fc.asyncProperty(bytes32, bytes32, async (nonce, hashBytes) => {
        const hash = Buffer.from(hashBytes).toString('hex');
        const own = new Uint8Array(nonce);
        for (const [decision, expected] of [
          ['approved', approvalChallenge(nonce, hash)],
          ['rejected', rejectionChallenge(nonce, hash)],
          ['revoked', revocationChallenge(nonce, hash)],
        ] as const) {
          expect(await challengeFor(decision, own, hash)).toBe(
            Buffer.from(expected).toString('base64url'),
          );
        }
      }),
    );
  });

  test('takes 32 bytes in their only form for a nonce, and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 96 }), (bytes) => {
        const parsed = parse32Bytes(Buffer.from(bytes).toString('base64url'));
        if (bytes.length === 32) expect(parsed).toEqual(new Uint8Array(bytes));
        else expect(parsed).toBeUndefined();
      }),
    );
    const text = Buffer.alloc(32, 255).toString('base64url');
    for (const bad of [`${text}=`, ` ${text}`, `${text.slice(0, -1)}9`, text.replace('_', '/')]) {
      expect(parse32Bytes(bad)).toBeUndefined();
    }
  });
});
