import { describe, expect, test } from '@jest/globals';
import {
  confirmationSchema,
  confirmationStatuses,
  createAnswerSchema,
  createBodySchema,
  errorSchema,
  redemptionAnswerSchema,
  redemptionBodySchema,
} from '../../src/core/api.ts';
import { createEvidence, createWorld } from '../support/approvals.ts';

const payloadHash = 'ab'.repeat(32);
const nonce = 'A'.repeat(43);
const id = '123e4567-e89b-42d3-a456-426614174000';
const assertion = createEvidence(createWorld()).record.decisions[0]!.assertion!;

const confirmation = { id, status: 'approved', payloadHash, expiresAt: '2026-11-22T11:00:00Z' };
const created = {
  id,
  url: `https://approve.example.com/approve/${id}`,
  payloadHash,
  expiresAt: '2026-11-22T11:00:00Z',
};
const create = {
  username: 'alex',
  action: 'Deploy api to production',
  payload: { schema: 'deploy-approval/v1' },
};
const redemption = {
  payloadHash,
  redemptionKey: nonce,
  runId: '9876543210',
  runAttempt: '1',
  job: 'deploy',
};

describe('an answer', () => {
  test('may have unknown members, and null for absent ones', () => {
    const parsed = confirmationSchema.parse({
      ...confirmation,
      nonce: null,
      payload: null,
      rawAssertion: null,
      decidedAt: null,
      username: null,
      verified: true,
    });
    expect(Object.entries(parsed).filter(([, value]) => value !== undefined)).toEqual(
      Object.entries(confirmation),
    );
    expect(createAnswerSchema.parse({ ...created, queue: 7, nonce: null }).nonce).toBeUndefined();
    expect(errorSchema.parse({ code: 'gone', message: 'Gone.', problems: null }).code).toBe('gone');
  });

  test('takes times in UTC with and without fractions of a second', () => {
    for (const decidedAt of ['2026-11-22T10:05:00Z', '2026-11-22T10:05:00.123Z']) {
      expect(confirmationSchema.parse({ ...confirmation, decidedAt }).decidedAt).toBe(decidedAt);
    }
  });

  test('has evidence in the closed form of a record', () => {
    const rawAssertion = { ...assertion, clientExtensionResults: { a: 1 }, extra: true };
    expect(confirmationSchema.parse({ ...confirmation, rawAssertion }).rawAssertion).toEqual(
      assertion,
    );
  });

  test.each(confirmationStatuses)('may say %s', (status) => {
    expect(confirmationSchema.parse({ ...confirmation, status }).status).toBe(status);
  });

  test.each([
    { status: 'Approved' },
    { status: 'done' },
    { status: '' },
    { status: undefined },
    { status: true },
    { status: ['approved'] },
    { id: 'latest' },
    { id: id.toUpperCase() },
    { id: `${id}/../keys` },
    { id: undefined },
    { payloadHash: payloadHash.toUpperCase() },
    { payloadHash: payloadHash.slice(2) },
    { payloadHash: null },
    { expiresAt: 'tomorrow' },
    { expiresAt: '2026-11-22T11:00:00+01:00' },
    { expiresAt: '2026-11-22T11:00:00' },
    { expiresAt: 1 },
    { nonce: 'A'.repeat(42) },
    { nonce: `${'A'.repeat(42)}B` },
    { payload: [] },
    { payload: '{}' },
    { rawAssertion: {} },
    { rawAssertion: 'approved' },
    { decidedAt: '2026-02-30T00:00:00Z' },
  ])('is refused where a known member is wrong: %j', (wrong) => {
    expect(confirmationSchema.safeParse({ ...confirmation, ...wrong }).success).toBe(false);
  });

  test.each([
    { url: 'javascript:alert(1)' },
    { url: '/approve/1' },
    { url: null },
    { id: 'x' },
    { nonce: 'x' },
  ])('of create is refused where a known member is wrong: %j', (wrong) => {
    expect(createAnswerSchema.safeParse({ ...created, ...wrong }).success).toBe(false);
  });

  test.each([{ payloadHash: 'ab' }, { redeemedAt: undefined }, { redeemedAt: true }])(
    'of redeem is refused where a known member is wrong: %j',
    (wrong) => {
      const answer = { payloadHash, redeemedAt: '2026-11-22T10:10:00Z' };
      expect(redemptionAnswerSchema.safeParse(answer).success).toBe(true);
      expect(redemptionAnswerSchema.safeParse({ ...answer, ...wrong }).success).toBe(false);
    },
  );
});

describe('a body', () => {
  test('is closed', () => {
    expect(createBodySchema.safeParse(create).success).toBe(true);
    expect(createBodySchema.safeParse({ ...create, status: 'approved' }).success).toBe(false);
    expect(redemptionBodySchema.safeParse(redemption).success).toBe(true);
    expect(redemptionBodySchema.safeParse({ ...redemption, force: true }).success).toBe(false);
  });

  test.each([
    { username: '' },
    { username: undefined },
    { action: '' },
    { payload: 'text' },
    { payload: [] },
    { payload: null },
    { decideBy: 'soon' },
    { decideBy: null },
  ])('of create is refused where a member is wrong: %j', (wrong) => {
    expect(createBodySchema.safeParse({ ...create, ...wrong }).success).toBe(false);
  });

  test.each([
    { redemptionKey: 'short' },
    { redemptionKey: undefined },
    { runId: '' },
    { runId: 9876543210 },
    { runId: '-1' },
    { runAttempt: '01' },
    { job: '' },
    { payloadHash: 'ab' },
  ])('of redeem is refused where a member is wrong: %j', (wrong) => {
    expect(redemptionBodySchema.safeParse({ ...redemption, ...wrong }).success).toBe(false);
  });
});
