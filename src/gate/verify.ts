import type { DeployFacts } from '../core/facts.ts';
import type { Policy } from '../core/policy.ts';
import type { ApprovalRecord } from '../core/record.ts';
import { refuse, type RefusalCode, type Verdict } from '../core/verdict.ts';
import type { GateDependencies } from './dependencies.ts';

/** Who redeems: the signed run, and which of its jobs. */
export interface RunIdentity {
  readonly runId: string;
  readonly runAttempt: string;
  readonly job: string;
}

export interface VerifyInput {
  /** Collects the final facts; called once, before anything is asked of the service. */
  readonly collect: () => Promise<DeployFacts>;
  readonly policy?: Policy | undefined;
  /** Exactly one of `approvalIds` and `recordText` is given. */
  readonly approvalIds?: readonly string[] | undefined;
  readonly recordText?: string | undefined;
  readonly assurance: 'signature' | 'service';
  readonly run: RunIdentity;
  /** An existing folder in which the record folder is made. */
  readonly recordParent: string;
}

export interface VerifyOutcome {
  /** Approved exactly when `isApproved(verdict)` (core/verify.ts). */
  readonly verdict: Verdict;
  readonly status: 'approved' | RefusalCode;
  readonly approvalIds: readonly string[];
  readonly payloadHash: string;
  readonly fingerprint: string;
  readonly approvers: readonly string[];
  readonly facts?: DeployFacts | undefined;
  /** These two only when approved. */
  readonly record?: ApprovalRecord | undefined;
  readonly recordPath?: string | undefined;
  /** The one use was made, or may have been made: a new approval is needed for another try. */
  readonly spent: boolean;
}

/** Checks an approval against freshly collected facts, redeems it and writes the record folder. Never throws. */
export async function verifyDeploy(
  _input: VerifyInput,
  _deps: GateDependencies,
): Promise<VerifyOutcome> {
  await Promise.resolve();
  const verdict = refuse('internal', 'Not built yet.');
  return {
    verdict,
    status: 'internal',
    approvalIds: [],
    payloadHash: '',
    fingerprint: '',
    approvers: [],
    spent: false,
  };
}
