import {
  fetchConfirmation,
  withdrawConfirmations,
  type StatedConfirmation,
} from '../client/confirmations.ts';
import { watchClock } from '../client/clock.ts';
import type { ClientDependencies } from '../client/dependencies.ts';
import { waitForDecisions, type Asked } from '../client/wait.ts';
import { Fault, refusalOf } from '../core/fault.ts';
import { fingerprint } from '../core/fingerprint.ts';
import { policyHash } from '../core/policy.ts';
import { unmetQuorums } from '../core/quorum.ts';
import type { ApprovalRecord, Decision } from '../core/record.ts';
import { visible } from '../core/text.ts';
import { formatTime } from '../core/time.ts';
import { refuse, type RefusalCode, type Verdict } from '../core/verdict.ts';
import { isApproved, verifyApproval } from '../core/verify.ts';
import { askPeople, type AskedPerson } from './asking.ts';
import { closedFault } from './closed.ts';
import type { GateDependencies } from './dependencies.ts';
import { decisionOf, emptyRecord } from './evidence-record.ts';
import { makeRecordFolder } from './record-folder.ts';
import { planRequest, type RequestInput, type RequestPlan } from './request-plan.ts';

export type { RequestInput } from './request-plan.ts';

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
  /** Called with all ids so far right after each confirmation exists, before its link is told to anybody. */
  readonly onAsked?: ((ids: readonly string[]) => void) | undefined;
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
  input: RequestInput & RequestProgress,
  given: GateDependencies,
): Promise<RequestOutcome> {
  const request = new ApprovalRequest(input, given);
  try {
    return await request.run();
  } catch (error) {
    return request.failed(refusalOf(error));
  }
}

/** Faults after which the service is not asked anything more: it would refuse, or it is not what it should be. */
const silent: ReadonlySet<Verdict['reason_code']> = new Set([
  'service_unauthorized',
  'service_misbehaved',
  'configuration',
]);

class ApprovalRequest {
  private readonly input: RequestInput & RequestProgress;
  private readonly given: GateDependencies;
  private plan: RequestPlan | undefined;
  /** Grows while confirmations are created, so that a failure between two of them withdraws the first. */
  private readonly asked: AskedPerson[] = [];
  private readonly final = new Set<string>();

  constructor(input: RequestInput & RequestProgress, given: GateDependencies) {
    this.input = input;
    this.given = given;
  }

  async run(): Promise<RequestOutcome> {
    const plan = planRequest(this.input, this.given);
    this.plan = plan;
    const deps = this.client();
    const { onAsked } = this.input;
    await askPeople({ plan, input: this.input, deps, asked: this.asked, onAsked });
    await this.input.onCreated?.(this.created());
    const { end, undecided } = await waitForDecisions(deps, {
      asked: this.asked,
      isEnough: (names) => unmetQuorums(plan.quorums, names).length === 0,
      payloadHash: plan.payloadHash,
      deadline: plan.decideBy,
    });
    switch (end.kind) {
      case 'timed_out':
        return this.refused(this.timedOut(plan));
      case 'closed':
        this.final.add(end.by.id);
        return this.refused(this.closed(plan, end.by, end.confirmation));
      case 'quorum': {
        const outcome = await this.conclude(plan, deps, end.approved);
        // Without a policy everybody had to decide, and a refusal has withdrawn what was open.
        if (outcome.status === 'approved') await this.withdraw(undecided);
        return outcome;
      }
    }
  }

  private client(): ClientDependencies {
    const { transport } = this.given;
    if (transport === undefined) {
      throw new Fault(
        'configuration',
        'There is no approval service to ask. Set api-url and api-key.',
      );
    }
    return { ...this.given, transport: watchClock(transport, this.given) };
  }

  /** From what people decided to what is proven: without a policy nothing is. */
  private async conclude(
    plan: RequestPlan,
    deps: ClientDependencies,
    approved: readonly Asked[],
  ): Promise<RequestOutcome> {
    const decisions: Decision[] = [];
    for (const one of approved) {
      const confirmation = await fetchConfirmation(deps, {
        id: one.id,
        payloadHash: plan.payloadHash,
      });
      decisions.push(this.decision(one, confirmation));
    }
    const record = this.record(plan, decisions);
    if (this.input.policy === undefined) {
      this.stopIfInterrupted();
      const approvers = approved.map(({ approver }) => approver);
      const approvalIds = approved.map(({ id }) => id);
      return {
        ...this.outcome(),
        verdict: undefined,
        status: 'decided',
        approvalIds,
        approvers,
        record,
      };
    }
    const verdict = this.judge(record);
    if (!isApproved(verdict)) return this.refused(verdict);
    const recordPath = await this.writeRecord(record, verdict);
    this.stopIfInterrupted();
    return {
      ...this.outcome(),
      verdict,
      status: 'approved',
      approvalIds: approved.map(({ id }) => id),
      approvers: verdict.approvers,
      record,
      recordPath,
    };
  }

  private stopIfInterrupted(): void {
    if (this.given.signal.aborted) throw new Fault('interrupted', 'The request was interrupted.');
  }

  private decision(one: Asked, confirmation: StatedConfirmation): Decision {
    const { status, username = one.approver } = confirmation;
    const { host } = this.client().transport;
    if (username !== one.approver) {
      throw new Fault(
        'service_misbehaved',
        `${host} says that ${visible(username)} decided request ${one.id}, but ${one.approver} was asked. Look into the service before you ask again.`,
      );
    }
    if (status === 'pending') {
      throw new Fault(
        'service_misbehaved',
        `${host} said that request ${one.id} is approved, and then that it is pending. Look into the service before you ask again.`,
      );
    }
    if (status !== 'approved' && status !== 'rejected') {
      this.final.add(one.id);
      throw closedFault(status, one.id, host);
    }
    const nonce = this.asked.find(({ id }) => id === one.id)?.nonce;
    const now = this.given.now();
    return decisionOf(confirmation, { decision: status, approver: one.approver, nonce, now });
  }

  private record(plan: RequestPlan, decisions: readonly Decision[]): ApprovalRecord {
    const { policy, assurance } = this.input;
    const policySha256 = policy && policyHash(policy);
    return { ...emptyRecord(assurance, plan.payloadText, policySha256), decisions };
  }

  private judge(record: ApprovalRecord): Verdict {
    const { policy, facts, assurance, circumstances } = this.input;
    const now = this.given.now();
    return verifyApproval({
      ...{ policy, record, finalFacts: facts, circumstances, now, assurance },
      step: 'request',
    });
  }

  private closed(plan: RequestPlan, by: Asked, confirmation: StatedConfirmation): Verdict {
    if (confirmation.status === 'rejected') {
      return this.judge(this.record(plan, [this.decision(by, confirmation)]));
    }
    this.decision(by, confirmation);
    throw new Error('An open confirmation closes no wait.');
  }

  private timedOut(plan: RequestPlan): Verdict {
    const needed = plan.quorums.map(
      ({ count, people }) =>
        `${count} of ${people.filter((name) => plan.approvers.includes(name)).join(', ')}`,
    );
    return refuse(
      'timed_out',
      `Nobody decided in time: ${needed.join(' and ')} had to approve by ${formatTime(plan.decideBy)}. Check that they got the link, then ask again; wait-minutes sets how long the gate waits.`,
      { payload_hash: plan.payloadHash, assurance: this.input.assurance },
    );
  }

  private async writeRecord(record: ApprovalRecord, verdict: Verdict): Promise<string | undefined> {
    const { recordParent, facts, policy } = this.input;
    if (recordParent === undefined) return undefined;
    const folder = await makeRecordFolder(recordParent);
    await folder.write({ record, facts, policy, verdict });
    return folder.path;
  }

  /** The refusal by a fault. */
  async failed(verdict: Verdict): Promise<RequestOutcome> {
    return silent.has(verdict.reason_code) ? this.asOutcome(verdict) : this.refused(verdict);
  }

  /** The refusal, after what is still open has been withdrawn. */
  private async refused(verdict: Verdict): Promise<RequestOutcome> {
    await this.withdraw(this.asked);
    return this.asOutcome(verdict);
  }

  private asOutcome(verdict: Verdict): RequestOutcome {
    const code = verdict.reason_code;
    // A verdict that is approved never comes here; if it did, it would not open anything.
    return { ...this.outcome(), verdict, status: code === 'approved' ? 'internal' : code };
  }

  private async withdraw(asked: readonly Asked[]): Promise<void> {
    const ids = asked.map(({ id }) => id).filter((id) => !this.final.has(id));
    const { transport, log } = this.given;
    if (transport !== undefined) await withdrawConfirmations({ transport, log }, ids);
  }

  private outcome(): Omit<RequestOutcome, 'verdict' | 'status'> {
    const payloadHash = this.plan?.payloadHash ?? '';
    return {
      approvalIds: this.asked.map(({ id }) => id),
      approvalUrl: this.asked[0]?.url ?? '',
      payloadHash,
      fingerprint: payloadHash === '' ? '' : fingerprint(payloadHash),
      approvers: [],
    };
  }

  private created(): RequestCreated {
    const { approvalIds, approvalUrl, payloadHash, fingerprint } = this.outcome();
    const requests = this.asked.map(({ id, approver, url }) => ({ id, approver, url }));
    return { ids: approvalIds, url: approvalUrl, payloadHash, fingerprint, requests };
  }
}
