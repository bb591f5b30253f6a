import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { receivedAssertionSchema } from '../../src/core/assertion.ts';
import { checkRecord, parseRecordText, type ApprovalRecord } from '../../src/core/record.ts';
import { createEvidence, createWorld, without } from '../support/approvals.ts';

const world = createWorld();
const { record } = createEvidence(world);
const assertion = record.decisions[0]!.assertion!;

/** The problems of the good record after a change. */
function problems(
  change: (draft: Record<string, unknown>, decision: Record<string, unknown>) => void,
) {
  const draft = structuredClone(record) as unknown as Record<string, unknown> & {
    decisions: Record<string, unknown>[];
  };
  change(draft, draft.decisions[0]!);
  const checked = checkRecord(draft);
  return checked.ok ? [] : checked.problems.map(({ field, message }) => `${field}: ${message}`);
}

test('a good record is accepted as object and as text, in any layout', () => {
  expect(checkRecord(record)).toEqual({ ok: true, value: record });
  expect(parseRecordText(JSON.stringify(record, null, 2))).toEqual({ ok: true, value: record });
});

/** So many decisions, each under its own id. */
const many = (count: number, decision: Record<string, unknown>) =>
  Array.from({ length: count }, () => ({ ...decision, id: randomUUID() }));

describe('a record is accepted', () => {
  test.each<[string, Parameters<typeof problems>[0]]>([
    ['under a policy', (draft) => (draft.policy_sha256 = 'ab'.repeat(32))],
    ['without an assertion', (_, decision) => delete decision.assertion],
    ['without a nonce', (_, decision) => delete decision.nonce],
    ['of a rejection', (_, decision) => (decision.decision = 'rejected')],
    ['with assurance service', (draft) => (draft.assurance = 'service')],
    ['with 100 decisions', (draft, decision) => (draft.decisions = many(100, decision))],
    ['with the longest name', (_, decision) => (decision.approver = 'a'.repeat(255))],
    ['with the shortest payload', (draft) => (draft.payload = '{}')],
    ['with the longest payload', (draft) => (draft.payload = 'a'.repeat(65_536))],
    ['of nothing redeemed', (draft) => (draft.redemption = { state: 'pending' })],
    ['bound to its run', (draft) => (draft.redemption = { state: 'run' })],
    ['of a service that is believed', (draft) => (draft.redemption = { state: 'service' })],
    [
      'with the shortest and the longest number, and a long job',
      (draft) =>
        (draft.redemption = {
          state: 'redeemed',
          run_id: '1'.repeat(20),
          run_attempt: '0',
          job: 'a'.repeat(255),
        }),
    ],
  ])('%s', (_, change) => {
    expect(problems(change)).toEqual([]);
  });
});

describe('a record is refused', () => {
  test.each<[string, Parameters<typeof problems>[0], string]>([
    [
      'of another version',
      (draft) => (draft.schema = 'approval-record/v2'),
      'schema: must be "approval-record/v1"',
    ],
    [
      'with an unknown member',
      (draft) => (draft.approved = true),
      'approved: is not a member of this format; remove it',
    ],
    ['without payload', (draft) => delete draft.payload, 'payload: is missing'],
    ['with the payload as object', (draft) => (draft.payload = {}), 'payload: must be a string'],
    [
      'with a payload over 64 KiB',
      (draft) => (draft.payload = 'a'.repeat(65_537)),
      'payload: must have a length of at most 65536',
    ],
    [
      'with a hash in capitals',
      (draft) => (draft.payload_hash = 'AB'.repeat(32)),
      'payload_hash: is not a SHA-256 in 64 lower-case hex digits',
    ],
    [
      'with another assurance',
      (draft) => (draft.assurance = 'none'),
      'assurance: must be "signature" or "service"',
    ],
    [
      'with null for an absent member',
      (draft) => (draft.policy_sha256 = null),
      'policy_sha256: must be a string',
    ],
    ['without redemption', (draft) => delete draft.redemption, 'redemption: is missing'],
    [
      'with another redemption state',
      (draft) => (draft.redemption = { state: 'used' }),
      'redemption.state: must be "pending" or "redeemed" or "run" or "service"',
    ],
    [
      'with a run that is no number',
      (draft) => (draft.redemption = { state: 'redeemed', run_id: '07' }),
      'redemption.run_id: is not a decimal number',
    ],
    [
      'with an unknown member of a decision',
      (_, decision) => (decision.status = 'approved'),
      'decisions[0].status: is not a member of this format; remove it',
    ],
    [
      'with a decision that is none',
      (_, decision) => (decision.decision = 'pending'),
      'decisions[0].decision: must be "approved" or "rejected"',
    ],
    [
      'with an id that is no UUID',
      (_, decision) => (decision.id = '../keys'),
      'decisions[0].id: is not a UUID in lower case',
    ],
    [
      'with a UUID in capitals',
      (_, decision) => (decision.id = String(decision.id).toUpperCase()),
      'decisions[0].id: is not a UUID in lower case',
    ],
    [
      'with a time with fractions',
      (_, decision) => (decision.decided_at = '2026-11-22T10:05:00.5Z'),
      'decisions[0].decided_at: must be a time in the form YYYY-MM-DDTHH:MM:SSZ',
    ],
    [
      'with a day that is none',
      (_, decision) => (decision.decided_at = '2026-02-30T10:05:00Z'),
      'decisions[0].decided_at: must be a time in the form YYYY-MM-DDTHH:MM:SSZ',
    ],
    [
      'with a nonce of 31 bytes',
      (_, decision) => (decision.nonce = 'A'.repeat(42)),
      'decisions[0].nonce: is not 32 bytes in base64url',
    ],
    [
      'with a nonce that is another text for its bytes',
      (_, decision) => (decision.nonce = `${'A'.repeat(42)}B`),
      'decisions[0].nonce: is not 32 bytes in base64url',
    ],
    [
      'with an unknown member of the assertion',
      (_, decision) => (decision.assertion = { ...assertion, verified: true }),
      'decisions[0].assertion.verified: is not a member of this format; remove it',
    ],
    [
      'with extension results',
      (_, decision) =>
        (decision.assertion = { ...assertion, clientExtensionResults: { appid: true } }),
      'decisions[0].assertion.clientExtensionResults.appid: is not a member of this format; remove it',
    ],
    [
      'with an assertion of another type',
      (_, decision) => (decision.assertion = { ...assertion, type: 'password' }),
      'decisions[0].assertion.type: must be "public-key"',
    ],
    [
      'with a signature in the base64 alphabet',
      (_, decision) =>
        (decision.assertion = {
          ...assertion,
          response: { ...assertion.response, signature: 'a+/b' },
        }),
      'decisions[0].assertion.response.signature: is not base64url without padding',
    ],
    ['with no decision', (draft) => (draft.decisions = []), 'decisions: holds no decision'],
    [
      'with the same confirmation twice',
      (draft, decision) => (draft.decisions = [decision, decision]),
      'decisions: names the same confirmation twice',
    ],
    [
      'with a payload of nothing',
      (draft) => (draft.payload = 'a'),
      'payload: must have a length of at least 2',
    ],
    [
      'with a policy that is no hash',
      (draft) => (draft.policy_sha256 = 'ab'),
      'policy_sha256: is not a SHA-256 in 64 lower-case hex digits',
    ],
    [
      'with an unknown member of the redemption',
      (draft) => (draft.redemption = { state: 'run', used: false }),
      'redemption.used: is not a member of this format; remove it',
    ],
    [
      'with an attempt that is no number',
      (draft) => (draft.redemption = { state: 'redeemed', run_attempt: '1a' }),
      'redemption.run_attempt: is not a decimal number',
    ],
    [
      'with a number that has something before it',
      (draft) => (draft.redemption = { state: 'redeemed', run_attempt: '-1' }),
      'redemption.run_attempt: is not a decimal number',
    ],
    [
      'with a number of 21 digits',
      (draft) => (draft.redemption = { state: 'redeemed', run_id: '1'.repeat(21) }),
      'redemption.run_id: is not a decimal number',
    ],
    [
      'with another form of the time of redemption',
      (draft) => (draft.redemption = { state: 'redeemed', redeemed_at: '2026-11-22' }),
      'redemption.redeemed_at: must be a time in the form YYYY-MM-DDTHH:MM:SSZ',
    ],
    [
      'with a job without a name',
      (draft) => (draft.redemption = { state: 'redeemed', job: '' }),
      'redemption.job: must have a length of at least 1',
    ],
    [
      'with a job of too long a name',
      (draft) => (draft.redemption = { state: 'redeemed', job: 'a'.repeat(256) }),
      'redemption.job: must have a length of at most 255',
    ],
    [
      'with an approver without a name',
      (_, decision) => (decision.approver = ''),
      'decisions[0].approver: must have a length of at least 1',
    ],
    [
      'with an approver of too long a name',
      (_, decision) => (decision.approver = 'a'.repeat(256)),
      'decisions[0].approver: must have a length of at most 255',
    ],
    [
      'with more than 100 decisions',
      (draft, decision) => (draft.decisions = many(101, decision)),
      'decisions: must have a length of at most 100',
    ],
  ])('%s', (_, change, problem) => {
    expect(problems(change)).toEqual([problem]);
  });

  test('with a member that stands twice, or is too large', () => {
    const text = JSON.stringify(record);
    const twice = text.replace('{', '{"assurance":"service",');
    const told = (broken: string) => {
      const checked = parseRecordText(broken);
      return checked.ok ? [] : checked.problems;
    };
    expect(told(twice)).toEqual([
      { field: '', message: expect.stringMatching(/"assurance" stands twice/) },
    ]);
    const most = text + ' '.repeat(262_144 - Buffer.byteLength(text));
    expect(told(most)).toEqual([]);
    expect(told(`${most} `)).toEqual([
      {
        field: '',
        message: 'Too large: 262145 bytes, the limit is 262144 (line 1, column 1)',
      },
    ]);
    expect(told('')).toHaveLength(1);
    expect(told('[]')).toEqual([{ field: '', message: 'must be an object' }]);
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
