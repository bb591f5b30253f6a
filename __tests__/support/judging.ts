import { expect } from '@jest/globals';
import { verdictSchema, type ReasonCode, type Verdict } from '../../src/core/verdict.ts';
import { isApproved, verifyApproval, type ApprovalEvidence } from '../../src/core/verify.ts';

/** The refusal of evidence that must not be approved, whole in form. */
export function refusal(evidence: ApprovalEvidence): Verdict {
  const verdict = verifyApproval(evidence);
  expect(isApproved(verdict)).toBe(false);
  expect(verdict.exit_code).not.toBe(0);
  expect(verdict.redemption).toBe('none');
  expect(verdict.approvers).toEqual([]);
  expect(verdictSchema.safeParse(verdict).success).toBe(true);
  return verdict;
}

/** The reason code of a refusal. */
export function codeOf(evidence: ApprovalEvidence): ReasonCode {
  return refusal(evidence).reason_code;
}

/** Who approved, by evidence that has to be approved. */
export function approversOf(evidence: ApprovalEvidence): readonly string[] {
  const verdict = verifyApproval(evidence);
  expect(verdict).toMatchObject({ reason_code: 'approved', exit_code: 0 });
  expect(isApproved(verdict)).toBe(true);
  return verdict.approvers;
}
