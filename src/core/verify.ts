import { isSignedRejection, judgeApproval } from './evidence.ts';
import { checkFacts, type DeployFacts } from './facts.ts';
import { listProblems } from './fault.ts';
import { factsObjection } from './final-facts.ts';
import { fingerprint } from './fingerprint.ts';
import { sha256Hex } from './hash.ts';
import type { Objection } from './objection.ts';
import { ownCopy } from './own-copy.ts';
import { parsePayloadText, payloadAction, type ApprovalPayload } from './payload.ts';
import { checkPolicy, environmentRule, policyHash } from './policy.ts';
import type { Policy } from './policy-format.ts';
import { checkRecord, type ApprovalRecord } from './record.ts';
import {
  noPolicy,
  quorumObjection,
  redemptionObjection,
  ruleObjection,
  type RuleContext,
} from './rule.ts';
import { visible } from './text.ts';
import { timeObjection } from './validity.ts';
import { refuse, type Problem, type Verdict } from './verdict.ts';

/** All that an approval is judged by. Nothing else counts: no status, no network, no clock of our own. */
export interface ApprovalEvidence {
  readonly policy?: Policy | undefined;
  readonly record: ApprovalRecord;
  /** The facts collected now, on the machine that deploys. */
  readonly finalFacts: DeployFacts;
  /** Epoch milliseconds. */
  readonly now: number;
  readonly assurance?: 'signature' | 'service' | undefined;
  readonly step: 'request' | 'verify';
}

export type ApprovalCheck =
  | {
      readonly ok: true;
      readonly payload: ApprovalPayload;
      readonly payloadHash: string;
      /** Distinct people, in the order of their decisions. */
      readonly approvers: readonly string[];
    }
  | { readonly ok: false; readonly verdict: Verdict };

const approvedVerdicts = new WeakSet<Verdict>();

/** Whether `verifyApproval` made this very verdict, and made it `approved`. Whatever else a verdict says is hearsay. */
export function isApproved(verdict: Verdict): boolean {
  return approvedVerdicts.has(verdict);
}

/**
 * Everything but the redemption: steps 5 to 13 of DESIGN 5, in that order. The caller redeems only what passes here.
 * One rejection in the record refuses before anything else, and every decision in it has to be good.
 */
export function checkApproval(given: ApprovalEvidence): ApprovalCheck {
  const evidence = ownMembers(given);
  const examined = examine(evidence);
  if (!examined.ok) return { ok: false, verdict: refusal(evidence, examined) };
  const { payload, payloadHash, approvers } = examined;
  return { ok: true, payload, payloadHash, approvers };
}

/**
 * The verdict on an approval, and the only place where `approved` is made. Pure.
 * In step `verify` the record has to say that this run redeemed it, or the policy that nobody need to.
 */
export function verifyApproval(given: ApprovalEvidence): Verdict {
  const evidence = ownMembers(given);
  const examined = examine(evidence);
  if (!examined.ok) return refusal(evidence, examined);
  const { context, payloadHash, approvers } = examined;
  const unredeemed = redemptionObjection(context, evidence.step);
  if (unredeemed !== undefined) return refusal(evidence, { ...examined, objection: unredeemed });
  const { policy, assurance, record } = context;
  const verdict = ownCopy({
    schema: 'verdict/v1',
    reason_code: 'approved',
    exit_code: 0,
    message: approvedMessage(examined),
    payload_hash: payloadHash,
    approvers,
    differences: [],
    problems: [],
    ...(policy === undefined ? {} : { policy_sha256: policyHash(policy) }),
    assurance,
    redemption: record.redemption.state,
  }) as Verdict;
  approvedVerdicts.add(verdict);
  return verdict;
}

/** What is not given stays absent, whatever `Object.prototype` may say. */
function ownMembers(evidence: ApprovalEvidence): ApprovalEvidence {
  return Object.assign(Object.create(null) as ApprovalEvidence, evidence);
}

interface Accepted {
  readonly ok: true;
  readonly context: RuleContext;
  readonly payload: ApprovalPayload;
  readonly payloadHash: string;
  readonly approvers: readonly string[];
}

interface Refused {
  readonly ok: false;
  readonly objection: Objection;
  /** What is known when it is refused: nothing before the documents themselves are acceptable. */
  readonly context?: Pick<RuleContext, 'policy' | 'record'>;
}

function examine(evidence: ApprovalEvidence): Accepted | Refused {
  const assurance = evidence.assurance ?? 'signature';

  // Step 5: schema and version. Checked here whatever the types say, and the copies have no prototype to add a member.
  const policy = evidence.policy && checkPolicy(evidence.policy);
  if (policy?.ok === false) return unacceptable('The policy', policy.problems, 'configuration');
  const record = checkRecord(evidence.record);
  if (!record.ok) return unacceptable('The approval record', record.problems);
  const finalFacts = checkFacts(evidence.finalFacts);
  if (!finalFacts.ok) return unacceptable('What is about to run', finalFacts.problems);
  const inputs = { policy: policy?.value, record: record.value, finalFacts: finalFacts.value };
  const stop = (objection: Objection): Refused => ({ ok: false, objection, context: inputs });

  const rejection = rejectionObjection(inputs);
  if (rejection !== undefined) return stop(rejection);

  // Step 5: canonical text.
  const parsed = parsePayloadText(inputs.record.payload);
  if (!parsed.ok) {
    return stop(unacceptable('The payload in the record', parsed.problems).objection);
  }
  const payload = parsed.value;

  // Step 6: the facts, and the rule that guards them.
  const rule = inputs.policy && environmentRule(inputs.policy, inputs.finalFacts.environment);
  const mismatch = factsObjection(payload.facts, inputs.finalFacts, rule?.rerun ?? 'never');
  if (mismatch !== undefined) return stop(mismatch);
  const context: RuleContext = { ...inputs, rule, assurance };
  const unguarded = ruleObjection(context);
  if (unguarded !== undefined) return stop(unguarded);

  // Step 7: the hash; that of the challenge is compared in each assertion.
  const payloadHash = sha256Hex(inputs.record.payload);
  if (inputs.record.payload_hash !== payloadHash) {
    return stop({
      code: 'payload_invalid',
      message: `The record says that its payload has the hash ${inputs.record.payload_hash}, but it has ${payloadHash}. The record was changed or damaged: fetch it again by approval-id.`,
    });
  }

  // Steps 7 to 11.
  const counted = countPeople({ ...context, payload, payloadHash });
  if (!counted.ok) return stop(counted.objection);
  const { people } = counted;

  // Step 12.
  const untimely = timeObjection({
    payload,
    decisions: inputs.record.decisions,
    now: evidence.now,
    maxAgeMinutes: rule?.max_age_minutes,
  });
  if (untimely !== undefined) return stop(untimely);

  // Step 13.
  const short = quorumObjection(people, context);
  if (short !== undefined) return stop(short);
  return { ok: true, context, payload, payloadHash, approvers: [...people] };
}

/** The distinct people who approved: two keys of one person, or two forms of one signature, are one person. */
function countPeople({
  payload,
  payloadHash,
  ...context
}: RuleContext & {
  readonly payload: ApprovalPayload;
  readonly payloadHash: string;
}):
  | { readonly ok: true; readonly people: ReadonlySet<string> }
  | { readonly ok: false; readonly objection: Objection } {
  const { policy, rule, record, finalFacts } = context;
  if (context.assurance === 'service') {
    // Nobody signed: these are the names that the service gives.
    return { ok: true, people: new Set(record.decisions.map(({ approver }) => approver)) };
  }
  if (policy === undefined || rule === undefined) return { ok: false, objection: noPolicy };
  const requestedBy = [payload.facts, finalFacts];
  const people = new Set<string>();
  for (const decision of record.decisions) {
    const judgement = judgeApproval(decision, { policy, rule, payloadHash, requestedBy });
    if (!judgement.ok) return judgement;
    people.add(judgement.person);
  }
  return { ok: true, people };
}

function unacceptable(
  what: string,
  problems: readonly Problem[],
  code: Objection['code'] = 'payload_invalid',
): Refused {
  const message = `${what} is not acceptable:\n${listProblems(problems)}`;
  return { ok: false, objection: { code, message, details: { problems } } };
}

function refusal(
  { assurance }: ApprovalEvidence,
  { objection: { code, message, details }, context }: Pick<Refused, 'objection' | 'context'>,
): Verdict {
  return refuse(code, message, {
    ...details,
    assurance: assurance ?? 'signature',
    payload_hash: context?.record.payload_hash,
    policy_sha256: context?.policy && policyHash(context.policy),
  });
}

/** One person's no closes the gate for all, signed or not: evidence can only take away. */
function rejectionObjection({
  policy,
  record,
}: Pick<RuleContext, 'policy' | 'record'>): Objection | undefined {
  const rejection = record.decisions.find(({ decision }) => decision === 'rejected');
  if (rejection === undefined) return undefined;
  const who = visible(rejection.approver);
  const payloadHash = sha256Hex(record.payload);
  const isSigned = policy !== undefined && isSignedRejection(rejection, { policy, payloadHash });
  const said = isSigned
    ? `${who} rejected this deploy at ${rejection.decided_at}, signed with their passkey.`
    : `The service says that ${who} rejected this deploy at ${rejection.decided_at}; no signature confirms it.`;
  return {
    code: 'rejected',
    message: `${said} Ask ${who} what has to change before you ask again.`,
  };
}

function approvedMessage({ context, payload, payloadHash, approvers }: Accepted): string {
  const names = approvers.map((name) => visible(name)).join(' and ');
  const what = `"${payloadAction(payload.facts)}" at commit ${payload.facts.commit} (${fingerprint(payloadHash)})`;
  if (context.assurance === 'service') {
    return `The service says that ${names} approved ${what}. NO SIGNATURE WAS CHECKED (assurance: service): nothing is claimed about who approved, how many they were, or how often this approval is used.`;
  }
  const unredeemed =
    context.record.redemption.state === 'run'
      ? ' It was NOT REDEEMED (redemption: run): only run, attempt and commit bind it.'
      : '';
  return `${names} approved ${what}.${unredeemed}`;
}
