import { describe, expect, test } from '@jest/globals';
import { isApproved, verifyApproval, checkApproval } from '../../src/core/verify.ts';
import { createEvidence, createWorld } from '../support/approvals.ts';

const world = createWorld();

describe('verifyApproval', () => {
  test('approves what alex signed', () => {
    const verdict = verifyApproval(createEvidence(world));
    expect(verdict).toMatchObject({ reason_code: 'approved', exit_code: 0, approvers: ['alex'] });
    expect(isApproved(verdict)).toBe(true);
    expect(checkApproval(createEvidence(world)).ok).toBe(true);
  });
});
