import { describe, expect, test } from '@jest/globals';
import type { StatedConfirmation } from '../../src/client/confirmations.ts';
import { sha256Hex } from '../../src/core/hash.ts';
import { decisionOf, emptyRecord } from '../../src/gate/evidence-record.ts';
import { createPayload, createWorld, decide, requestedAt } from '../support/approvals.ts';

const world = createWorld();
const payload = createPayload();
const { assertion } = decide(payload, world.passkeys.dana);
const id = '11111111-2222-4333-8444-555555555555';
/** Only what each service states. */
const bare: StatedConfirmation = {
  ...{ id, status: 'approved', payloadHash: 'a'.repeat(64), expiresAt: payload.expires_at },
  ...{ username: undefined, nonce: undefined, payload: undefined, decidedAt: undefined },
};
const known = { decision: 'approved', now: requestedAt } as const;

describe('a record before anybody decided', () => {
  test('holds what is given', () => {
    expect(emptyRecord('signature', 'text', 'b'.repeat(64))).toEqual({
      schema: 'approval-record/v1',
      payload: 'text',
      payload_hash: sha256Hex('text'),
      policy_sha256: 'b'.repeat(64),
      assurance: 'signature',
      redemption: { state: 'pending' },
      decisions: [],
    });
  });

  test('holds no payload and no policy where none is given', () => {
    const record = emptyRecord('service');
    expect(record).toMatchObject({
      payload: '',
      payload_hash: sha256Hex(''),
      assurance: 'service',
    });
    expect(record).not.toHaveProperty('policy_sha256');
  });
});

describe('a decision', () => {
  test('of which the service says nothing more is by an unknown person, now', () => {
    expect(decisionOf(bare, known)).toEqual({
      ...{ id, approver: 'unknown', decision: 'approved', decided_at: '2026-11-22T10:00:00Z' },
    });
  });

  test('keeps nonce, time and assertion as the service gives them', () => {
    const nonce = Buffer.alloc(32, 1).toString('base64url');
    const stated = {
      ...{ ...bare, nonce, decidedAt: '2026-11-22T10:04:30.900Z' },
      rawAssertion: { ...assertion, more: 'dropped' },
    };
    expect(decisionOf(stated, { ...known, decision: 'rejected' })).toEqual({
      ...{ id, approver: 'unknown', decision: 'rejected', nonce, assertion },
      decided_at: '2026-11-22T10:04:30Z',
    });
  });

  test('has the nonce that create answered before that of the service', () => {
    const nonce = Buffer.alloc(32, 2).toString('base64url');
    expect(decisionOf({ ...bare, nonce: 'other' }, { ...known, nonce }).nonce).toBe(nonce);
  });

  test.each<[string, object, object, string]>([
    ['who was asked', { username: 'kim' }, { approver: 'alex' }, 'alex'],
    ['else whom the service names', { username: 'kim' }, {}, 'kim'],
    ['else whose passkey it is', {}, {}, 'dana'],
    [
      'else whose passkey it is, of several that they have',
      { rawAssertion: decide(payload, world.passkeys.alex).assertion },
      {},
      'alex',
    ],
    ['nobody known without a policy', {}, { policy: undefined }, 'unknown'],
    ['nobody known by an assertion of another form', { rawAssertion: 'yes' }, {}, 'unknown'],
    [
      'nobody known by a passkey that nobody pinned',
      { rawAssertion: { ...assertion, id: 'AAAA', rawId: 'AAAA' } },
      {},
      'unknown',
    ],
  ])('is by %s', (_, stated, more, approver) => {
    const confirmation = { ...bare, rawAssertion: assertion, ...stated };
    const decision = decisionOf(confirmation, { ...known, policy: world.policy, ...more });
    expect(decision.approver).toBe(approver);
  });
});
