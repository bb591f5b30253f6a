import { canonicalText } from '../core/canonical.ts';
import { exitCodes, refuse, type Verdict } from '../core/verdict.ts';
import { isApproved } from '../core/verify.ts';
import type { RequestOutcome } from './request.ts';
import type { VerifyOutcome } from './verify.ts';
import type { Outputs } from './vocabulary.ts';

/** How a step ends: what is said and written, and the exit code of the process. */
export interface Conclusion {
  /** Absent exactly where a request ends `decided`. */
  readonly verdict: Verdict | undefined;
  readonly outputs: Outputs;
  /** 0 only for a verdict that `verifyApproval` made, or for `decided`; and only while nothing has stopped the step. */
  readonly exitCode: number;
}

interface Ids {
  readonly 'approval-id': string;
  readonly 'approval-url': string;
}

/** How a request ends. `decided` is said without a policy: people answered, and no verify step takes it for an approval. */
export function concludeRequest(outcome: RequestOutcome, signal: AbortSignal): Conclusion {
  const ids = {
    'approval-id': outcome.approvalIds.join(','),
    'approval-url': outcome.approvalUrl,
  };
  const { verdict } = outcome;
  const decided = verdict === undefined && outcome.status === 'decided';
  if (!decided && (verdict === undefined || !isApproved(verdict))) return refused(verdict, ids);
  if (signal.aborted) return refused(interrupted(false), ids);
  return {
    verdict,
    exitCode: exitCodes.approved,
    outputs: {
      ...ids,
      status: decided ? 'decided' : 'approved',
      'reason-code': decided ? '' : 'approved',
      ...evidenceOutputs(outcome),
    },
  };
}

/** How a verify step ends. */
export function concludeVerify(outcome: VerifyOutcome, signal: AbortSignal): Conclusion {
  const ids = { 'approval-id': outcome.approvalIds.join(','), 'approval-url': '' };
  const { verdict, facts } = outcome;
  if (!isApproved(verdict)) return refused(verdict, ids);
  if (signal.aborted) return refused(interrupted(outcome.spent), ids);
  return {
    verdict,
    exitCode: exitCodes.approved,
    outputs: {
      ...ids,
      status: 'approved',
      'reason-code': 'approved',
      ...evidenceOutputs(outcome),
      service: facts?.service ?? '',
      environment: facts?.environment ?? '',
      commit: facts?.commit ?? '',
      digest: facts?.digest ?? '',
    },
  };
}

/** A refusal in place of what was concluded before: the outcome could not be handed on. */
export function concludeUnwritten(error: Verdict, conclusion: Conclusion): Conclusion {
  const { outputs } = conclusion;
  return refused(error, {
    'approval-id': outputs['approval-id'] ?? '',
    'approval-url': outputs['approval-url'] ?? '',
  });
}

/** Exactly the four outputs of a refusal (DESIGN 3.6): nothing that a later step could deploy with. */
function refused(verdict: Verdict | undefined, ids: Ids): Conclusion {
  // Whatever says approved and was not made by verifyApproval is a bug, and no approval.
  const refusal =
    verdict === undefined || verdict.exit_code === 0 || verdict.reason_code === 'approved'
      ? refuse('internal', 'The step ended with an approval that nothing proves.')
      : verdict;
  return {
    verdict: refusal,
    exitCode: refusal.exit_code,
    outputs: { ...ids, status: refusal.reason_code, 'reason-code': refusal.reason_code },
  };
}

function interrupted(spent: boolean): Verdict {
  const used = spent
    ? 'The approval is used up: another try needs a new one.'
    : 'The approval was not used.';
  return refuse('interrupted', `The step was stopped by a signal after it was approved. ${used}`);
}

function evidenceOutputs(
  outcome: Pick<
    RequestOutcome,
    'payloadHash' | 'fingerprint' | 'approvers' | 'record' | 'recordPath'
  >,
): Outputs {
  return {
    'payload-hash': outcome.payloadHash,
    fingerprint: outcome.fingerprint,
    approvers: outcome.approvers.join(','),
    record: outcome.record === undefined ? '' : canonicalText(outcome.record),
    'record-path': outcome.recordPath ?? '',
  };
}
