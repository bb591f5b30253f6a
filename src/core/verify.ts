import {
  isSignedRejection,
  judgeApproval,
  type DecisionContext,
  type Objection,
} from './evidence.ts';
import { checkFacts, isDestructive, type DeployFacts } from './facts.ts';
import { listProblems } from './fault.ts';
import { factsObjection, missingFacts } from './final-facts.ts';
import { fingerprint } from './fingerprint.ts';
import { sha256Hex } from './hash.ts';
import { ownCopy } from './own-copy.ts';
import { parsePayloadText, payloadAction, type ApprovalPayload } from './payload.ts';
import { checkPolicy, environmentRule, policyHash, type EnvironmentRule } from './policy.ts';
import type { Policy } from './policy-format.ts';
import { checkRecord, type ApprovalRecord } from './record.ts';
import { visible } from './text.ts';
import { timeObjection } from './validity.ts';
import { refuse, type Checked, type Verdict } from './verdict.ts';

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
 * One rejection in the record refuses before anything else; every decision in it has to be good.
 */
export function checkApproval(evidence: ApprovalEvidence): ApprovalCheck {
  const assurance = evidence.assurance ?? 'signature';
  const inputs = checkInputs(evidence);
  const stop = ({ code, message, details }: Objection): ApprovalCheck => ({
    ok: false,
    verdict: refuse(code, message, {
      ...details,
      assurance,
      ...('value' in inputs
        ? {
            payload_hash: inputs.value.record.payload_hash,
            policy_sha256: hashOf(inputs.value.policy),
          }
        : {}),
    }),
  });
  if ('code' in inputs) return stop(inputs);
  const { policy, record, finalFacts } = inputs.value;

  const rejection = rejectionObjection(record, policy);
  if (rejection !== undefined) return stop(rejection);

  // Step 5: the payload as text.
  const parsed = parsePayloadText(record.payload);
  if (!parsed.ok) return stop(unacceptable('The payload in the record', parsed));
  const payload = parsed.value;

  // Step 6: the facts, and the rule that guards them.
  const rule = policy && environmentRule(policy, finalFacts.environment);
  const mismatch = factsObjection(payload.facts, finalFacts, rule?.rerun ?? 'never');
  if (mismatch !== undefined) return stop(mismatch);
  const unguarded = ruleObjection({ policy, rule, record, finalFacts, assurance });
  if (unguarded !== undefined) return stop(unguarded);

  // Step 7: the hash; the challenge is compared with each assertion.
  const payloadHash = sha256Hex(record.payload);
  if (record.payload_hash !== payloadHash) {
    return stop({
      code: 'payload_invalid',
      message: `The record says its payload has the hash ${record.payload_hash}, but it has ${payloadHash}. The record was changed or damaged; fetch it again by approval-id.`,
    });
  }

  // Steps 7 to 11 for each decision.
  const people = new Set<string>();
  if (assurance === 'signature') {
    if (policy === undefined || rule === undefined) return stop(noPolicy);
    const context: DecisionContext = {
      policy,
      rule,
      payloadHash,
      requestedBy: [payload.facts, finalFacts],
    };
    for (const decision of record.decisions) {
      const judgement = judgeApproval(decision, context);
      if (!judgement.ok) return stop(judgement.objection);
      people.add(judgement.person);
    }
  } else {
    for (const { approver } of record.decisions) people.add(approver);
  }

  // Step 12.
  const untimely = timeObjection({
    payload,
    decisions: record.decisions,
    now: evidence.now,
    maxAgeMinutes: rule?.max_age_minutes,
  });
  if (untimely !== undefined) return stop(untimely);

  // Step 13. A service that is believed without signatures gives no quorum to count.
  if (assurance === 'signature') {
    if (rule === undefined) return stop(noPolicy);
    const short = quorumObjection(people, rule, payload.facts);
    if (short !== undefined) return stop(short);
  }
  return { ok: true, payload, payloadHash, approvers: [...people] };
}

/**
 * The verdict on an approval, and the only place where `approved` is made. Pure.
 * In step `verify` the record has to say that it was redeemed by this run, or that the policy asks for no redemption.
 */
export function verifyApproval(evidence: ApprovalEvidence): Verdict {
  const check = checkApproval(evidence);
  if (!check.ok) return check.verdict;
  const { payload, payloadHash, approvers } = check;
  const assurance = evidence.assurance ?? 'signature';
  const redemption = redemptionObjection(evidence, assurance);
  const policySha256 = hashOf(evidence.policy);
  if (redemption !== undefined) {
    return refuse(redemption.code, redemption.message, {
      payload_hash: payloadHash,
      policy_sha256: policySha256,
      assurance,
    });
  }
  const { state } = evidence.record.redemption;
  const verdict = ownCopy({
    schema: 'verdict/v1',
    reason_code: 'approved',
    exit_code: 0,
    message: approvedMessage({ payload, payloadHash, approvers, assurance, state }),
    payload_hash: payloadHash,
    approvers,
    differences: [],
    problems: [],
    ...(policySha256 === undefined ? {} : { policy_sha256: policySha256 }),
    assurance,
    redemption: state,
  }) as Verdict;
  approvedVerdicts.add(verdict);
  return verdict;
}

interface CheckedInputs {
  readonly policy: Policy | undefined;
  readonly record: ApprovalRecord;
  readonly finalFacts: DeployFacts;
}

/** Step 5 for what comes in as objects. Checked here too, because a type is no check; the copies have no prototype. */
function checkInputs(evidence: ApprovalEvidence): { readonly value: CheckedInputs } | Objection {
  const policy = evidence.policy === undefined ? undefined : checkPolicy(evidence.policy);
  if (policy?.ok === false) return { ...unacceptable('The policy', policy), code: 'configuration' };
  const record = checkRecord(evidence.record);
  if (!record.ok) return unacceptable('The approval record', record);
  const finalFacts = checkFacts(ownCopy(evidence.finalFacts));
  if (!finalFacts.ok) return unacceptable('What is about to run', finalFacts);
  return {
    value: { policy: policy?.value, record: record.value, finalFacts: finalFacts.value },
  };
}

function unacceptable(
  what: string,
  { problems }: Extract<Checked<never>, { ok: false }>,
): Objection {
  return {
    code: 'payload_invalid',
    message: `${what} is not acceptable:\n${listProblems(problems)}`,
    details: { problems },
  };
}

const noPolicy: Objection = {
  code: 'configuration',
  message:
    'Without a policy no signature can be trusted: it names the people and their keys. Set the input policy.',
};

/** One person's no closes the gate for all, signed or not: evidence can only take away. */
function rejectionObjection(
  record: ApprovalRecord,
  policy: Policy | undefined,
): Objection | undefined {
  const rejection = record.decisions.find(({ decision }) => decision === 'rejected');
  if (rejection === undefined) return undefined;
  const who = visible(rejection.approver);
  const payloadHash = sha256Hex(record.payload);
  const isSigned = policy !== undefined && isSignedRejection(rejection, { policy, payloadHash });
  return {
    code: 'rejected',
    message: isSigned
      ? `${who} rejected this deploy at ${rejection.decided_at}, signed with their passkey. Ask ${who} what has to change before you ask again.`
      : `The service says that ${who} rejected this deploy at ${rejection.decided_at}; no signature confirms it. Ask ${who} what has to change before you ask again.`,
  };
}

/** Whether there is a rule that this step can hold the deploy to. */
function ruleObjection({
  policy,
  rule,
  record,
  finalFacts,
  assurance,
}: CheckedInputs & {
  readonly rule: EnvironmentRule | undefined;
  readonly assurance: 'signature' | 'service';
}): Objection | undefined {
  const configuration = (message: string): Objection => ({ code: 'configuration', message });
  const environment = visible(finalFacts.environment);
  if (record.assurance !== assurance) {
    return configuration(
      `The approval was asked for with assurance "${record.assurance}" and is verified with "${assurance}". Give the input assurance the same value in both steps.`,
    );
  }
  if (policy === undefined) return assurance === 'service' ? undefined : noPolicy;
  if (rule === undefined) {
    return configuration(
      `The policy has no rule for the environment "${environment}", so nothing may be deployed there. Add a rule under "environments", or correct the name.`,
    );
  }
  if (assurance === 'service' && rule.assurance !== 'service') {
    return configuration(
      `The policy asks for signatures in "${environment}", and this step would believe the service without any. Remove assurance: service, or allow it in the rule by "assurance": "service".`,
    );
  }
  if (rule.require_oidc) {
    return configuration(
      `The policy asks for an OIDC identity in "${environment}" (require_oidc), which this version can't check. Set it to false, knowing that the environment is then only declared.`,
    );
  }
  const policySha256 = policyHash(policy);
  if (record.policy_sha256 !== undefined && record.policy_sha256 !== policySha256) {
    return configuration(
      `The record was made under another policy (SHA-256 ${record.policy_sha256}) than this step's (${policySha256}). Give both steps the same policy, or ask for a new approval under the new one.`,
    );
  }
  const problems = missingFacts(rule, finalFacts);
  if (problems.length === 0) return undefined;
  return {
    code: 'payload_invalid',
    message: `The policy requires more facts in "${environment}":\n${listProblems(problems)}\nGive the inputs of these names a value; an expression that is empty counts as absent.`,
    details: { problems },
  };
}

function quorumObjection(
  people: ReadonlySet<string>,
  rule: EnvironmentRule,
  facts: DeployFacts,
): Objection | undefined {
  const destructive = isDestructive(facts);
  const needed = destructive ? Math.max(rule.quorum, rule.quorum_if_destructive) : rule.quorum;
  if (people.size >= needed) return undefined;
  const others = rule.approvers.filter((name) => !people.has(name));
  return {
    code: 'quorum_unmet',
    message: `${needed} different people have to approve${destructive ? ' (the migration counts as destructive)' : ''}, and ${people.size} did: ${[...people].join(', ')}. Ask ${others.join(' or ')} too.`,
  };
}

/** Step 14 as far as a record can tell: that this run used the approval, where the policy wants it used once. */
function redemptionObjection(
  { policy, record, finalFacts, step }: ApprovalEvidence,
  assurance: 'signature' | 'service',
): Objection | undefined {
  const {
    state,
    run_id: runId,
    run_attempt: runAttempt,
    redeemed_at: redeemedAt,
  } = record.redemption;
  switch (state) {
    case 'pending':
      if (step === 'request') return undefined;
      return {
        code: 'configuration',
        message:
          'This approval was not redeemed, so that it could be used again. Give the step api-url and api-key, or set "redemption": "run" in the policy.',
      };
    case 'redeemed':
      if (
        redeemedAt !== undefined &&
        runId === finalFacts.run_id &&
        runAttempt === finalFacts.run_attempt
      ) {
        return undefined;
      }
      return {
        code: 'already_used',
        message: `This approval was used by run ${runId ?? 'unknown'}, attempt ${runAttempt ?? 'unknown'}, and this is run ${finalFacts.run_id}, attempt ${finalFacts.run_attempt}. Ask for a new approval.`,
      };
    case 'run': {
      if (assurance === 'service') return undefined;
      const rule = policy && environmentRule(policy, finalFacts.environment);
      if (rule?.redemption === 'run') return undefined;
      return {
        code: 'configuration',
        message:
          'The policy asks for a redemption, and this approval is bound to its run only. Give the step api-url and api-key, or set "redemption": "run" in the policy.',
      };
    }
    case 'service':
      if (assurance === 'service') return undefined;
      return {
        code: 'configuration',
        message:
          'Only with assurance: service may an approval stay without redemption at our own service.',
      };
  }
}

function approvedMessage(o: {
  readonly payload: ApprovalPayload;
  readonly payloadHash: string;
  readonly approvers: readonly string[];
  readonly assurance: 'signature' | 'service';
  readonly state: ApprovalRecord['redemption']['state'];
}): string {
  const { facts } = o.payload;
  const names = o.approvers.map((name) => visible(name)).join(' and ');
  const what = `"${payloadAction(facts)}" at commit ${facts.commit} (${fingerprint(o.payloadHash)})`;
  const first =
    o.assurance === 'signature'
      ? `${names} approved ${what}.`
      : `The service says that ${names} approved ${what}. NO SIGNATURE WAS CHECKED (assurance: service): no claim is made about who approved, how many, or how often this approval is used.`;
  const second =
    o.assurance === 'signature' && o.state === 'run'
      ? ' It was NOT REDEEMED (redemption: run): only run, attempt and commit bind it.'
      : '';
  return first + second;
}

function hashOf(policy: Policy | undefined): string | undefined {
  return policy === undefined ? undefined : policyHash(policy);
}
