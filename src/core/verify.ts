import type { Circumstances } from './circumstances.ts';
import { judgeApproval } from './evidence.ts';
import { checkFacts, type DeployFacts } from './facts.ts';
import { listProblems } from './fault.ts';
import { factsObjection } from './final-facts.ts';
import { fingerprint } from './fingerprint.ts';
import { sha256Hex } from './hash.ts';
import { gateMessage, type Objection } from './objection.ts';
import { ownCopy } from './own-copy.ts';
import { parsePayloadText, payloadAction, type ApprovalPayload } from './payload.ts';
import { checkPolicy, policyHash } from './policy.ts';
import type { Policy } from './policy-format.ts';
import { environmentRule } from './policy-rule.ts';
import { checkRecord, type ApprovalRecord } from './record.ts';
import { rejectionObjection } from './rejection.ts';
import {
  noPolicy,
  policyObjections,
  quorumObjections,
  redemptionObjection,
  type RuleContext,
} from './rule.ts';
import { changesObjections, checkCircumstances, jobObjections } from './rule-circumstances.ts';
import { visible } from './text.ts';
import { timeObjections } from './validity.ts';
import { refuse, type Problem, type Verdict } from './verdict.ts';

/** All that an approval is judged by. Nothing else counts: no status, no network, no clock of our own. */
export interface ApprovalEvidence {
  readonly policy?: Policy | undefined;
  readonly record: ApprovalRecord;
  /** The facts collected now, on the machine that deploys. */
  readonly finalFacts: DeployFacts;
  /** What is known of the job beside the facts; a rule that asks for what is not known refuses. */
  readonly circumstances?: Circumstances | undefined;
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

/** Everything that speaks against an approval, in the order of DESIGN 5: `verifyApproval` refuses with the first. */
export function everyObjection(given: ApprovalEvidence): readonly Objection[] {
  const evidence = ownMembers(given);
  const examined = examine(evidence);
  const { context } = examined;
  const objections = [
    ...(examined.ok ? [] : examined.objections),
    ...(context !== undefined && 'rule' in context
      ? [redemptionObjection(context, evidence.step)]
      : []),
  ];
  // Once is enough, and with a policy that has no rule for this deploy it was said in better words.
  return [...new Set(objections)]
    .filter((objection) => objection !== undefined)
    .filter((objection) => objection !== noPolicy || evidence.policy === undefined);
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
  if (unredeemed !== undefined) return refusal(evidence, { objections: [unredeemed], context });
  const { policy, assurance, record, circumstances } = context;
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
    ...(circumstances === undefined ? {} : { circumstances }),
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
  /** In the order of DESIGN 5; the first is the reason. */
  readonly objections: readonly [Objection, ...Objection[]];
  /** What is known when it is refused: nothing before the documents themselves are acceptable. */
  readonly context: Pick<RuleContext, 'policy' | 'record'> | RuleContext | undefined;
}

/** All steps, whatever an earlier one says, as far as the documents can be read: an auditor asks for every fault. */
function examine(evidence: ApprovalEvidence): Accepted | Refused {
  const assurance = evidence.assurance ?? 'signature';

  // Step 5: schema and version. Checked here whatever the types say, and the copies have no prototype to add a member.
  const policy = evidence.policy && checkPolicy(evidence.policy);
  const record = checkRecord(evidence.record);
  const finalFacts = checkFacts(evidence.finalFacts);
  const circumstances = evidence.circumstances && checkCircumstances(evidence.circumstances);
  if (policy?.ok === false) return refused([unacceptable('The policy', policy, 'configuration')]);
  if (!record.ok) return refused([unacceptable('The approval record', record)]);
  if (!finalFacts.ok) return refused([unacceptable('What is about to run', finalFacts)]);
  if (circumstances?.ok === false) {
    return refused([unacceptable('What is known of the job', circumstances, 'configuration')]);
  }
  const inputs = {
    policy: policy?.value,
    record: record.value,
    finalFacts: finalFacts.value,
    circumstances: circumstances?.value,
    now: evidence.now,
  };

  const rejection = rejectionObjection(inputs);

  // Step 5: canonical text.
  const parsed = parsePayloadText(inputs.record.payload);
  if (!parsed.ok) {
    const unreadable = unacceptable('The payload in the record', parsed);
    return refused(rejection === undefined ? [unreadable] : [rejection, unreadable], inputs);
  }
  const payload = parsed.value;
  const payloadHash = sha256Hex(inputs.record.payload);

  const rule = inputs.policy && environmentRule(inputs.policy, inputs.finalFacts);
  const context: RuleContext = { ...inputs, rule, assurance };
  const { people, objections } = countPeople({ ...context, payload, payloadHash });
  const faults = [
    rejection,
    // Step 6: the facts, and the rule that guards them.
    factsObjection(payload.facts, inputs.finalFacts, rule?.rerun ?? 'never'),
    ...policyObjections(context),
    ...jobObjections(context),
    ...changesObjections(context),
    // Step 7: the hash; that of the challenge is compared in each assertion.
    hashObjection(inputs.record, payloadHash),
    // Steps 7 to 11.
    ...objections,
    // Step 12.
    ...timeObjections({
      payload,
      decisions: inputs.record.decisions,
      now: evidence.now,
      maxAgeMinutes: rule?.max_age_minutes,
    }),
    // Step 13.
    ...quorumObjections(people, context),
  ];
  const [first, ...others] = faults.filter((fault) => fault !== undefined);
  if (first !== undefined) return refused([first, ...others], context);
  return { ok: true, context, payload, payloadHash, approvers: [...people] };
}

function refused(objections: Refused['objections'], context?: Refused['context']): Refused {
  return { ok: false, objections, context };
}

function hashObjection(record: ApprovalRecord, payloadHash: string): Objection | undefined {
  if (record.payload_hash === payloadHash) return undefined;
  return {
    code: 'payload_invalid',
    message: `The record says that its payload has the hash ${record.payload_hash}, but it has ${payloadHash}. The record was changed or damaged.`,
    advice: 'Fetch it again by approval-id.',
  };
}

/** The distinct people who approved: two keys of one person, or two forms of one signature, are one person. */
function countPeople({
  payload,
  payloadHash,
  ...context
}: RuleContext & {
  readonly payload: ApprovalPayload;
  readonly payloadHash: string;
}): { readonly people: ReadonlySet<string>; readonly objections: readonly Objection[] } {
  const { policy, rule, record, finalFacts } = context;
  if (context.assurance === 'service') {
    // Nobody signed: these are the names that the service gives.
    return { people: new Set(record.decisions.map(({ approver }) => approver)), objections: [] };
  }
  const people = new Set<string>();
  const objections: Objection[] = [];
  // Without a rule nobody counts, and steps 6 and 13 refuse.
  if (policy === undefined || rule === undefined) return { people, objections };
  const requestedBy = [payload.facts, finalFacts];
  const authors = context.circumstances?.commit_authors ?? [];
  for (const decision of record.decisions) {
    // A person's no is objected to before all else, and is no approval that could be judged.
    if (decision.decision === 'rejected') continue;
    const judgement = judgeApproval(decision, {
      ...{ policy, rule, payloadHash, requestedBy, authors },
    });
    if (judgement.ok) people.add(judgement.person);
    else objections.push(...judgement.objections);
  }
  return { people, objections };
}

function unacceptable(
  what: string,
  { problems }: { readonly problems: readonly Problem[] },
  code: Objection['code'] = 'payload_invalid',
): Objection {
  const message = `${what} is not acceptable:\n${listProblems(problems)}`;
  return { code, message, details: { problems } };
}

function refusal(
  { assurance }: ApprovalEvidence,
  { objections: [objection], context }: Omit<Refused, 'ok'>,
): Verdict {
  return refuse(objection.code, gateMessage(objection), {
    ...objection.details,
    assurance: assurance ?? 'signature',
    payload_hash: context?.record.payload_hash,
    policy_sha256: context?.policy && policyHash(context.policy),
  });
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
