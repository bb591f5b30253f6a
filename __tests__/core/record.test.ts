import { describe, expect, test } from '@jest/globals';
import { receivedAssertionSchema } from '../../src/core/assertion.ts';
import { checkRecord, parseRecordText, type ApprovalRecord } from '../../src/core/record.ts';
import { createEvidence, createWorld, without } from '../support/approvals.ts';

const world = createWorld();
const { record } = createEvidence(world);
const assertion = record.decisions[0]!.assertion!;

/** The fields that have problems after a change of the good record. */
function problems(
  change: (draft: Record<string, unknown>, decision: Record<string, unknown>) => void,
) {
  const draft = structuredClone(record) as unknown as Record<string, unknown> & {
    decisions: Record<string, unknown>[];
  };
  change(draft, draft.decisions[0]!);
  const checked = checkRecord(draft);
  return checked.ok ? [] : checked.problems.map(({ field }) => field);
}

test('a good record is accepted as object and as text, in any layout', () => {
  expect(checkRecord(record)).toEqual({ ok: true, value: record });
  expect(parseRecordText(JSON.stringify(record, null, 2))).toEqual({ ok: true, value: record });
});

describe('a record is refused', () => {
  test.each<[string, Parameters<typeof problems>[0], string]>([
    ['of another version', (draft) => (draft.schema = 'approval-record/v2'), 'schema'],
    ['with an unknown member', (draft) => (draft.approved = true), 'approved'],
    ['without payload', (draft) => delete draft.payload, 'payload'],
    ['with the payload as object', (draft) => (draft.payload = {}), 'payload'],
    ['with a payload over 64 KiB', (draft) => (draft.payload = 'a'.repeat(65_537)), 'payload'],
    ['with a hash in capitals', (draft) => (draft.payload_hash = 'AB'.repeat(32)), 'payload_hash'],
    ['with another assurance', (draft) => (draft.assurance = 'none'), 'assurance'],
    ['with null for an absent member', (draft) => (draft.policy_sha256 = null), 'policy_sha256'],
    ['without redemption', (draft) => delete draft.redemption, 'redemption'],
    [
      'with another redemption state',
      (draft) => (draft.redemption = { state: 'used' }),
      'redemption.state',
    ],
    [
      'with a run that is no number',
      (draft) => (draft.redemption = { state: 'redeemed', run_id: '07' }),
      'redemption.run_id',
    ],
    [
      'with an unknown member of a decision',
      (_, decision) => (decision.status = 'approved'),
      'decisions[0].status',
    ],
    [
      'with a decision that is none',
      (_, decision) => (decision.decision = 'pending'),
      'decisions[0].decision',
    ],
    ['with an id that is no UUID', (_, decision) => (decision.id = '../keys'), 'decisions[0].id'],
    [
      'with a UUID in capitals',
      (_, decision) => (decision.id = String(decision.id).toUpperCase()),
      'decisions[0].id',
    ],
    [
      'with a time with fractions',
      (_, decision) => (decision.decided_at = '2026-11-22T10:05:00.5Z'),
      'decisions[0].decided_at',
    ],
    [
      'with a day that is none',
      (_, decision) => (decision.decided_at = '2026-02-30T10:05:00Z'),
      'decisions[0].decided_at',
    ],
    [
      'with a nonce of 31 bytes',
      (_, decision) => (decision.nonce = 'A'.repeat(42)),
      'decisions[0].nonce',
    ],
    [
      'with a nonce that is another text for its bytes',
      (_, decision) => (decision.nonce = `${'A'.repeat(42)}B`),
      'decisions[0].nonce',
    ],
    [
      'with an unknown member of the assertion',
      (_, decision) => (decision.assertion = { ...assertion, verified: true }),
      'decisions[0].assertion.verified',
    ],
    [
      'with extension results',
      (_, decision) =>
        (decision.assertion = { ...assertion, clientExtensionResults: { appid: true } }),
      'decisions[0].assertion.clientExtensionResults.appid',
    ],
    [
      'with an assertion of another type',
      (_, decision) => (decision.assertion = { ...assertion, type: 'password' }),
      'decisions[0].assertion.type',
    ],
    [
      'with a signature in the base64 alphabet',
      (_, decision) =>
        (decision.assertion = {
          ...assertion,
          response: { ...assertion.response, signature: 'a+/b' },
        }),
      'decisions[0].assertion.response.signature',
    ],
    ['with no decision', (draft) => (draft.decisions = []), 'decisions'],
    [
      'with the same confirmation twice',
      (draft, decision) => (draft.decisions = [decision, decision]),
      'decisions',
    ],
  ])('%s', (_, change, field) => {
    expect(problems(change)).toEqual([field]);
  });

  test('with a member that stands twice, or is too large', () => {
    const text = JSON.stringify(record);
    const twice = text.replace('{', '{"assurance":"service",');
    expect(parseRecordText(twice).ok).toBe(false);
    expect(parseRecordText(text + ' '.repeat(262_144)).ok).toBe(false);
    expect(parseRecordText('').ok).toBe(false);
  });
});

test('a checked record is a frozen copy without prototypes, which nothing can be slipped into', () => {
  const draft = structuredClone(record) as ApprovalRecord & { decisions: object[] };
  const checked = checkRecord(draft);
  if (!checked.ok) throw new Error('The record was refused.');
  draft.decisions.length = 0;
  expect(checked.value.decisions).toHaveLength(1);
  expect(Object.getPrototypeOf(checked.value)).toBeNull();
  expect(Object.getPrototypeOf(checked.value.decisions[0])).toBeNull();
  expect(Object.isFrozen(checked.value.decisions)).toBe(true);
});

describe('a received assertion', () => {
  test('loses what is unknown, null means absent, and the result is what a record takes', () => {
    const received = receivedAssertionSchema.parse({
      ...assertion,
      authenticatorAttachment: 'wormhole',
      clientExtensionResults: { credProps: { rk: true } },
      response: { ...assertion.response, userHandle: null, attestationObject: 'AAAA' },
      verified: true,
    });
    const response = without(assertion.response, 'userHandle');
    expect(received).toEqual({ ...assertion, response });
    expect(problems((_, decision) => (decision.assertion = received))).toEqual([]);
  });

  test('keeps the attachment that WebAuthn knows', () => {
    const received = receivedAssertionSchema.parse({
      ...assertion,
      authenticatorAttachment: 'platform',
    });
    expect(received).toEqual({ ...assertion, authenticatorAttachment: 'platform' });
  });

  test.each([
    { ...assertion, type: 'password' },
    { ...assertion, id: '' },
    { ...assertion, rawId: undefined },
    { ...assertion, response: { ...assertion.response, signature: undefined } },
    { ...assertion, response: { ...assertion.response, clientDataJSON: 'a b' } },
    { ...assertion, response: { ...assertion.response, userHandle: 'A'.repeat(90) } },
    null,
    'approved',
  ])('is refused where a known member is wrong (%#)', (received) => {
    expect(receivedAssertionSchema.safeParse(received).success).toBe(false);
  });
});
