import { watchClock, type ClockedTransport } from '../client/clock.ts';
import { redeemApproval } from '../client/confirmations.ts';
import { encodeBase64url } from '../core/base64url.ts';
import type { Circumstances } from '../core/circumstances.ts';
import type { DeployFacts } from '../core/facts.ts';
import { Fault, refusalOf } from '../core/fault.ts';
import { fingerprint } from '../core/fingerprint.ts';
import { policyHash, type Policy } from '../core/policy.ts';
import type { EnvironmentRule } from '../core/policy-rule.ts';
import type { ApprovalRecord, Redemption } from '../core/record.ts';
import { formatTime } from '../core/time.ts';
import type { RefusalCode, Verdict } from '../core/verdict.ts';
import { checkApproval, isApproved, verifyApproval } from '../core/verify.ts';
import { loadRecord } from './approval-source.ts';
import type { GateDependencies } from './dependencies.ts';
import { makeRecordFolder, type RecordFolder } from './record-folder.ts';
import { ruleFor } from './rule.ts';

export interface VerifyInput {
  /** Collects the final facts; called once, before anything is asked of the service. */
  readonly collect: () => Promise<DeployFacts>;
  readonly policy?: Policy | undefined;
  /** What is known of the job beside the facts; a rule that asks for what is not known refuses. */
  readonly circumstances?: Circumstances | undefined;
  /** Exactly one of `approvalIds` and `recordText` is given. */
  readonly approvalIds?: readonly string[] | undefined;
  readonly recordText?: string | undefined;
  readonly assurance: 'signature' | 'service';
  /** Which job of the signed run redeems. */
  readonly job: string;
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

/** Checks an approval against freshly collected facts, uses it up and writes the record folder (DESIGN 5). Never throws. */
export async function verifyDeploy(
  input: VerifyInput,
  given: GateDependencies,
): Promise<VerifyOutcome> {
  const verification = new Verification(input, given);
  try {
    return await verification.run();
  } catch (error) {
    return verification.refused(refusalOf(error));
  }
}

class Verification {
  private readonly input: VerifyInput;
  private readonly given: GateDependencies;
  private readonly transport: ClockedTransport | undefined;
  private facts: DeployFacts | undefined;
  private record: ApprovalRecord | undefined;
  private folder: RecordFolder | undefined;
  private use: 'unused' | 'perhaps' | 'used' = 'unused';

  constructor(input: VerifyInput, given: GateDependencies) {
    this.input = input;
    this.given = given;
    this.transport = given.transport && watchClock(given.transport, given);
  }

  /** The order is that of DESIGN 5, from step 3 on. */
  async run(): Promise<VerifyOutcome> {
    const { policy, assurance, circumstances } = this.input;
    const facts = await this.input.collect();
    this.facts = facts;
    const rule = ruleFor({ policy, facts, assurance, circumstances, now: this.given.now() });

    const record = await loadRecord({
      ...this.input,
      deps: { ...this.given, transport: this.transport },
    });
    this.record = record;

    const refusal = this.refusalBeforeUse(record, facts);
    if (refusal !== undefined) return this.refused(refusal);
    this.stopIfInterrupted();
    this.folder = await makeRecordFolder(this.input.recordParent);

    const redemption = await this.redeem(record, facts, rule);
    this.stopIfInterrupted();
    const sealed: ApprovalRecord = {
      ...record,
      ...(policy === undefined ? {} : { policy_sha256: policyHash(policy) }),
      redemption,
    };
    const verdict = verifyApproval({ ...this.evidence(sealed, facts), now: this.given.now() });
    if (!isApproved(verdict)) return this.refused(verdict);
    await this.folder.write({ record: sealed, facts, policy, verdict });
    this.stopIfInterrupted();
    return {
      ...this.outcome(),
      verdict,
      status: 'approved',
      approvers: verdict.approvers,
      record: sealed,
      recordPath: this.folder.path,
    };
  }

  private service(): ClockedTransport {
    if (this.transport !== undefined) return this.transport;
    throw new Fault(
      'configuration',
      'The policy asks that each approval is used once at the approval service ("redemption": "required"), and no service is set. Set api-url and api-key.',
    );
  }

  /** Steps 5 to 13, by this machine's clock and by the service's: outside the window of either it is no approval. */
  private refusalBeforeUse(record: ApprovalRecord, facts: DeployFacts): Verdict | undefined {
    for (const now of [this.given.now(), this.transport?.serviceTime()]) {
      if (now === undefined) continue;
      const check = checkApproval({ ...this.evidence(record, facts), now });
      if (!check.ok) return check.verdict;
    }
    return undefined;
  }

  private evidence(record: ApprovalRecord, finalFacts: DeployFacts) {
    const { policy, assurance, circumstances } = this.input;
    return { policy, record, finalFacts, circumstances, assurance, step: 'verify' } as const;
  }

  /** Step 14. What a record says of its own redemption is not looked at: this process uses the approval, or nobody. */
  private async redeem(
    record: ApprovalRecord,
    facts: DeployFacts,
    rule: EnvironmentRule | undefined,
  ): Promise<Redemption> {
    const { assurance, job } = this.input;
    const who = { run_id: facts.run_id, run_attempt: facts.run_attempt, job };
    if (assurance === 'service') {
      this.given.log(
        'ASSURANCE: SERVICE. No signature was checked, and the approval was not used up: it may be used again.',
      );
      return { state: 'service', ...who };
    }
    if (rule?.redemption === 'run') {
      this.given.log(
        'NOT REDEEMED (redemption: run in the policy): the approval is bound to this run, its attempt and its commit only, and may be used again there.',
      );
      return { state: 'run', ...who };
    }
    const deps = { ...this.given, transport: this.service() };
    this.use = 'perhaps';
    try {
      const { redeemedAt } = await redeemApproval(deps, {
        requestId: record.decisions.map(({ id }) => id).join(','),
        body: {
          payloadHash: record.payload_hash,
          redemptionKey: encodeBase64url(this.given.randomBytes(32)),
          runId: who.run_id,
          runAttempt: who.run_attempt,
          job: who.job,
        },
      });
      this.use = 'used';
      return { state: 'redeemed', redeemed_at: formatTime(Date.parse(redeemedAt)), ...who };
    } catch (error) {
      if (error instanceof Fault && !unclear.has(error.code)) this.use = 'unused';
      throw error;
    }
  }

  private stopIfInterrupted(): void {
    if (this.given.signal.aborted)
      throw new Fault('interrupted', 'The verification was interrupted.');
  }

  async refused(verdict: Verdict): Promise<VerifyOutcome> {
    await this.folder?.discard();
    const code = verdict.reason_code;
    const message = `${verdict.message}${useNotes[this.use]}`;
    return {
      ...this.outcome(),
      verdict: { ...verdict, message },
      // A verdict that is approved never comes here; if it did, it would not open anything.
      status: code === 'approved' ? 'internal' : code,
      spent: this.use !== 'unused',
    };
  }

  private outcome(): Omit<VerifyOutcome, 'verdict' | 'status'> {
    const payloadHash = this.record?.payload_hash ?? '';
    return {
      approvalIds: this.record?.decisions.map(({ id }) => id) ?? this.input.approvalIds ?? [],
      payloadHash,
      fingerprint: payloadHash === '' ? '' : fingerprint(payloadHash),
      approvers: [],
      facts: this.facts,
      spent: this.use !== 'unused',
    };
  }
}

/** Ends of a redemption after which nobody knows whether it was made. */
const unclear: ReadonlySet<RefusalCode> = new Set([
  'service_unreachable',
  'service_misbehaved',
  'interrupted',
]);

const useNotes = {
  unused: '',
  perhaps: ' The approval may be spent: ask for a new one if a second try says already_used.',
  used: ' The approval is spent: it was redeemed before this happened. Ask for a new one.',
} as const;
