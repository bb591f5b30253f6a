import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { canonicalText } from '../../src/core/canonical.ts';
import { sha256Hex } from '../../src/core/hash.ts';
import { buildPayload } from '../../src/core/payload.ts';
import { algorithms } from '../../src/core/passkeys.ts';
import type { Policy } from '../../src/core/policy.ts';
import { parseRecordText, type ApprovalRecord } from '../../src/core/record.ts';
import { formatTime } from '../../src/core/time.ts';
import { isApproved, verifyApproval } from '../../src/core/verify.ts';
import {
  createEvidence,
  createPayload,
  createWorld,
  decide,
  expiresAt,
  requestedAt,
} from '../support/approvals.ts';
import { createPasskey } from '../support/authenticator.ts';
import { arbitraryFacts } from '../support/deploy.ts';

const world = createWorld();
const payload = createPayload();

const flip = (bytes: Buffer, bit: number) => {
  const index = (bit >> 3) % bytes.length;
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(index) ^ (1 << (bit & 7)), index);
  return copy;
};
const anyBit = fc.nat(8 * 65_536);

/** The record without what nobody signs: the service's word for when, and which of its ids. */
function signedPart(record: ApprovalRecord): unknown {
  const { redemption, decisions, ...rest } = record;
  const { state, run_id, run_attempt } = redemption;
  const signed = decisions.map(({ approver, decision, nonce, assertion }) => ({
    ...{ approver, decision, nonce },
    response: assertion?.response,
    id: assertion?.id,
  }));
  return { ...rest, redemption: { state, run_id, run_attempt }, decisions: signed };
}

describe.each(algorithms)('a flipped bit, with an approval by %s', (algorithm) => {
  const passkey = createPasskey(algorithm);
  const policy: Policy = {
    ...world.policy,
    approvers: {
      alex: { accounts: [{ provider: 'github', id: '1', login: 'a' }], passkeys: [passkey.pinned] },
    },
    environments: { production: { approvers: ['alex'] } },
  };
  const evidence = createEvidence(world, { policy, decisions: [decide(payload, passkey)] });
  const decision = evidence.record.decisions[0]!;
  const assertion = decision.assertion!;

  test('is approved without one', () => {
    expect(isApproved(verifyApproval(evidence))).toBe(true);
  });

  test.each(['clientDataJSON', 'authenticatorData', 'signature'] as const)(
    'in the %s is never approved',
    (member) => {
      fc.assert(
        fc.property(anyBit, (bit) => {
          const bytes = Buffer.from(assertion.response[member], 'base64url');
          const response = {
            ...assertion.response,
            [member]: flip(bytes, bit).toString('base64url'),
          };
          const forged = { ...decision, assertion: { ...assertion, response } };
          const record = { ...evidence.record, decisions: [forged] };
          return verifyApproval({ ...evidence, record }).reason_code === 'evidence_invalid';
        }),
      );
    },
  );

  test('in the payload is never approved, not even with its own hash', () => {
    fc.assert(
      fc.property(anyBit, fc.boolean(), (bit, rehash) => {
        const text = flip(Buffer.from(evidence.record.payload), bit).toString();
        const changed = { ...evidence.record, payload: text };
        const record = rehash ? { ...changed, payload_hash: sha256Hex(text) } : changed;
        return !isApproved(verifyApproval({ ...evidence, record }));
      }),
    );
  });

  test('anywhere in the record’s text changes nothing that is signed, or is never approved', () => {
    const bytes = Buffer.from(JSON.stringify(evidence.record));
    let refused = 0;
    fc.assert(
      fc.property(anyBit, (bit) => {
        const parsed = parseRecordText(flip(bytes, bit).toString());
        if (!parsed.ok || !isApproved(verifyApproval({ ...evidence, record: parsed.value }))) {
          refused += 1;
          return;
        }
        expect(signedPart(parsed.value)).toEqual(signedPart(evidence.record));
      }),
      { numRuns: 150 },
    );
    expect(refused).toBeGreaterThan(100);
  });
});

test('never approved outside the window, always inside it', () => {
  const seconds = (from: number, to: number) => fc.integer({ min: from, max: to });
  fc.assert(
    fc.property(
      seconds(-200, 4000),
      seconds(-200, 4000),
      seconds(1, 4000),
      fc.integer({ min: -1, max: 1 }),
      (nowAfter, decidedAfter, validity, offsetMs) => {
        const window = { requestedAt, expiresAt: requestedAt + validity * 1000 };
        const signed = createPayload({}, window);
        const now = requestedAt + nowAfter * 1000 + offsetMs;
        const decidedAt = requestedAt + decidedAfter * 1000;
        const decisions = [decide(signed, world.passkeys.dana, { approver: 'dana', decidedAt })];
        const verdict = verifyApproval(createEvidence(world, { payload: signed, decisions, now }));
        const isInside =
          decidedAfter >= -60 &&
          decidedAt <= now + 60_000 &&
          decidedAfter < validity &&
          requestedAt <= now + 60_000 &&
          now < window.expiresAt &&
          validity <= 3600;
        expect(isApproved(verdict)).toBe(isInside);
      },
    ),
    { numRuns: 150 },
  );
});

test('any facts are approved when they are final too, and no others', () => {
  const passkey = world.passkeys.dana;
  fc.assert(
    fc.property(arbitraryFacts, arbitraryFacts, (signed, other) => {
      const approved = buildPayload({
        facts: signed,
        requestId: '0'.repeat(32),
        requestedAt,
        expiresAt,
      });
      const rule = { approvers: ['dana'], self_approval: true };
      const policy: Policy = {
        ...world.policy,
        environments: { [signed.environment]: rule, [other.environment]: rule },
      };
      const decisions = [decide(approved, passkey, { approver: 'dana' })];
      const evidence = createEvidence(world, { policy, payload: approved, decisions });
      expect(isApproved(verifyApproval(evidence))).toBe(true);
      const changed = verifyApproval({ ...evidence, finalFacts: other });
      expect(changed.reason_code).toBe(
        canonicalText(signed) === canonicalText(other) ? 'approved' : 'facts_mismatch',
      );
    }),
  );
});

test('a quorum counts people, however many decisions they make', () => {
  const people = ['alex', 'dana'] as const;
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...people, 'spare' as const), { minLength: 1, maxLength: 6 }),
      fc.constantFrom(1, 2),
      (makers, quorum) => {
        const decisions = makers.map((maker) =>
          maker === 'spare'
            ? decide(payload, world.spare)
            : decide(payload, world.passkeys[maker], { approver: maker }),
        );
        const policy: Policy = {
          ...world.policy,
          environments: { production: { approvers: [...people], quorum } },
        };
        const persons = new Set(makers.map((maker) => (maker === 'spare' ? 'alex' : maker)));
        const verdict = verifyApproval(createEvidence(world, { policy, decisions }));
        expect(isApproved(verdict)).toBe(persons.size >= quorum);
        expect(new Set(verdict.approvers)).toEqual(persons.size >= quorum ? persons : new Set());
      },
    ),
  );
});

test('the clock in a message is a time, whatever the clock says', () => {
  expect(formatTime(expiresAt)).toBe('2026-11-22T11:00:00Z');
  for (const now of [8.64e15, -8.64e15, 1e300, Number.NaN]) {
    expect(isApproved(verifyApproval(createEvidence(world, { now })))).toBe(false);
  }
});
