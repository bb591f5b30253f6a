import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { canonicalText } from '../../src/core/canonical.ts';
import {
  approvalChallenge,
  rejectionChallenge,
  revocationChallenge,
} from '../../src/core/challenge.ts';
import type { Circumstances } from '../../src/core/circumstances.ts';
import type { DeployFacts } from '../../src/core/facts.ts';
import { fingerprint } from '../../src/core/fingerprint.ts';
import { documentHash, sha256Hex } from '../../src/core/hash.ts';
import { checkPayload, parsePayloadText } from '../../src/core/payload.ts';
import { checkPolicy, policyHash, type Policy } from '../../src/core/policy.ts';
import { checkRecord, type ApprovalRecord } from '../../src/core/record.ts';
import type { ReasonCode } from '../../src/core/verdict.ts';
import { isApproved, verifyApproval } from '../../src/core/verify.ts';

/** The project's own vectors, frozen: made once by `scripts/make-vectors.ts`. */
function frozen(name: string): unknown {
  return JSON.parse(readFileSync(resolve(import.meta.dirname, '../vectors', name), 'utf8'));
}

const payloads = frozen('payloads.json') as {
  readonly vectors: readonly {
    readonly name: string;
    readonly payload: unknown;
    readonly canonical: string;
    readonly payload_hash: string;
    readonly fingerprint: string;
  }[];
};

const challenges = frozen('challenges.json') as {
  readonly vectors: readonly Readonly<
    Record<'nonce' | 'payload_hash' | 'approval' | 'rejection' | 'revocation', string>
  >[];
};

const evidence = frozen('evidence.json') as {
  readonly policies: Readonly<Record<string, Policy>>;
  readonly vectors: readonly {
    readonly name: string;
    readonly policy: string | null;
    readonly record: ApprovalRecord;
    readonly final_facts: DeployFacts;
    readonly now: string;
    readonly assurance: 'signature' | 'service';
    readonly step: 'request' | 'verify';
    readonly circumstances?: Circumstances;
    readonly reason_code: ReasonCode;
    readonly approvers: readonly string[];
  }[];
};

describe('frozen payloads', () => {
  test.each(payloads.vectors)('$name: bytes, hash and fingerprint are the same', (vector) => {
    expect(checkPayload(vector.payload).ok).toBe(true);
    expect(canonicalText(vector.payload)).toBe(vector.canonical);
    expect(documentHash(vector.payload)).toBe(vector.payload_hash);
    expect(sha256Hex(vector.canonical)).toBe(vector.payload_hash);
    expect(fingerprint(vector.payload_hash)).toBe(vector.fingerprint);
    expect(parsePayloadText(vector.canonical)).toEqual({ ok: true, value: vector.payload });
  });
});

test.each(challenges.vectors)('frozen challenges over $payload_hash are the same', (vector) => {
  const nonce = Buffer.from(vector.nonce, 'hex');
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  expect(hex(approvalChallenge(nonce, vector.payload_hash))).toBe(vector.approval);
  expect(hex(rejectionChallenge(nonce, vector.payload_hash))).toBe(vector.rejection);
  expect(hex(revocationChallenge(nonce, vector.payload_hash))).toBe(vector.revocation);
});

describe('frozen evidence', () => {
  test('has acceptable policies, each under its hash', () => {
    for (const [hash, policy] of Object.entries(evidence.policies)) {
      expect(checkPolicy(policy).ok).toBe(true);
      expect(policyHash(policy)).toBe(hash);
    }
  });

  test.each(evidence.vectors)('$name: $reason_code', (vector) => {
    expect(checkRecord(vector.record).ok).toBe(true);
    const verdict = verifyApproval({
      policy: vector.policy === null ? undefined : evidence.policies[vector.policy],
      record: vector.record,
      finalFacts: vector.final_facts,
      now: Date.parse(vector.now),
      assurance: vector.assurance,
      step: vector.step,
      circumstances: vector.circumstances,
    });
    expect(verdict.reason_code).toBe(vector.reason_code);
    expect(verdict.approvers).toEqual(vector.approvers);
    expect(isApproved(verdict)).toBe(vector.reason_code === 'approved');
  });
});

/** The files are data that others may test against, so that a change of them is a change of the format. */
test.each([
  ['payloads.json', 'cc29711372481c6cc85aa0e6f1b306ebec563509d3c837258d0f1ff46651839b'],
  ['challenges.json', '6533ac50c8c67fa025921553b69acce75c2dfa0f8b6acc106d307a111280992d'],
  ['evidence.json', '5a413b475b9dcd66b30f3d0d9f9508f82bc2a5714140883128bf6f7c5a8fe5ca'],
])('%s is the file that was frozen', (name, hash) => {
  expect(documentHash(frozen(name))).toBe(hash);
});
