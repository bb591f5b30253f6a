import type { DeployFacts } from '../core/facts.ts';
import type { Policy } from '../core/policy.ts';
import type { ApprovalRecord } from '../core/record.ts';
import { refuse, type RefusalCode, type Verdict } from '../core/verdict.ts';
import type { GateDependencies } from './dependencies.ts';

export interface RequestInput {
  /** Already collected. */
  readonly facts: DeployFacts;
  readonly policy?: Policy | undefined;
  /** Names as in policy and service; empty: all whom the policy lists for the environment. Without a policy each named one must approve. */
  readonly approvers: readonly string[];
  readonly reason?: string | undefined;
  /** Undefined: 30, or less where the policy's maximum asks for it. */
  readonly waitMinutes?: number | undefined;
  /** Undefined: 60, or the policy's maximum if that is less. */
  readonly validMinutes?: number | undefined;
  readonly assurance: 'signature' | 'service';
  /** The job's name and index: two gate steps of a run are two requests. */
  readonly job: string;
  /** An existing folder in which a new record folder is made when the outcome is approved; absent: none is written. */
  readonly recordParent?: string | undefined;
}

export interface RequestCreated {
  readonly ids: readonly string[];
  /** The first of `requests`. */
  readonly url: string;
  readonly payloadHash: string;
  readonly fingerprint: string;
  readonly requests: readonly {
    readonly id: string;
    readonly approver: string;
    readonly url: string;
  }[];
}

export interface RequestProgress {
  /** Called once, right after all confirmations exist and before waiting. A promise is awaited. */
  readonly onCreated?: ((created: RequestCreated) => void | Promise<void>) | undefined;
}

export interface RequestOutcome {
  /** Absent exactly when `status` is `decided`: people answered, but without a policy nothing was proven. */
  readonly verdict: Verdict | undefined;
  readonly status: 'approved' | 'decided' | RefusalCode;
  /** On success the confirmations that count; on a refusal all that were created. */
  readonly approvalIds: readonly string[];
  /** Empty when nothing was created. */
  readonly approvalUrl: string;
  readonly payloadHash: string;
  readonly fingerprint: string;
  readonly approvers: readonly string[];
  readonly record?: ApprovalRecord | undefined;
  readonly recordPath?: string | undefined;
}

/** Puts the facts to the approvers and waits for their decision. Never throws: every fault is a refusal in the outcome. */
export async function requestApproval(
  _input: RequestInput & RequestProgress,
  _deps: GateDependencies,
): Promise<RequestOutcome> {
  await Promise.resolve();
  const verdict = refuse('internal', 'Not built yet.');
  return {
    verdict,
    status: 'internal',
    approvalIds: [],
    approvalUrl: '',
    payloadHash: '',
    fingerprint: '',
    approvers: [],
  };
}
