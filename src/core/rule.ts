import type { Circumstances } from './circumstances.ts';
import type { DeployFacts } from './facts.ts';
import { isDestructive } from './facts.ts';
import { listProblems } from './fault.ts';
import type { Objection } from './objection.ts';
import { policyHash } from './policy.ts';
import type { Policy } from './policy-format.ts';
import type { EnvironmentRule } from './policy-rule.ts';
import { quorumsOf, unmetQuorums } from './quorum.ts';
import type { ApprovalRecord } from './record.ts';
import { visible } from './text.ts';
import type { Problem } from './verdict.ts';

/** What a step has in hand when it asks what the rule of an environment demands. */
export interface RuleContext {
  readonly policy: Policy | undefined;
  readonly rule: EnvironmentRule | undefined;
  readonly record: ApprovalRecord;
  readonly finalFacts: DeployFacts;
  readonly assurance: 'signature' | 'service';
  /** Undefined: nothing is known of the job. */
  readonly circumstances: Circumstances | undefined;
  /** Epoch milliseconds. */
  readonly now: number;
}

export const noPolicy: Objection = {
  code: 'configuration',
  message: 'Without a policy no signature can be trusted: it names the people and their keys.',
  advice: 'Set the input policy.',
};

/** The facts that the rule requires and these do not have: a mistyped expression must not drop a guard in silence. */
function missingFacts(rule: EnvironmentRule, facts: DeployFacts): readonly Problem[] {
  return rule.required_facts
    .filter((path) => !hasFact(facts, path.split('.')))
    .map((field) => ({ field, message: 'is required by the policy and missing' }));
}

function hasFact(facts: unknown, [key, ...rest]: readonly string[]): boolean {
  if (key === undefined) return true;
  if (typeof facts !== 'object' || facts === null || !Object.hasOwn(facts, key)) return false;
  return hasFact((facts as Readonly<Record<string, unknown>>)[key], rest);
}

/** Whether there is a rule that this step can hold the deploy to, the same as when it was asked for. */
export function* policyObjections({
  policy,
  rule,
  record,
  finalFacts,
  assurance,
}: RuleContext): Generator<Objection> {
  const environment = visible(finalFacts.environment);
  if (record.assurance !== assurance) {
    yield {
      code: 'configuration',
      message: `The approval was asked for with assurance "${record.assurance}" and is verified with "${assurance}".`,
      advice: 'Give the input assurance the same value in both steps.',
    };
  }
  if (policy === undefined) {
    if (assurance !== 'service') yield noPolicy;
    return;
  }
  if (rule === undefined) {
    yield noRule(policy, finalFacts);
    return;
  }
  if (assurance === 'service' && rule.assurance !== 'service') {
    yield {
      code: 'configuration',
      message: `The policy asks for signatures in "${environment}", and this step would believe the service without any.`,
      advice: 'Remove assurance: service, or allow it in the rule by "assurance": "service".',
    };
  }
  const policySha256 = policyHash(policy);
  if (record.policy_sha256 !== undefined && record.policy_sha256 !== policySha256) {
    yield {
      code: 'configuration',
      message: `The record was made under another policy (SHA-256 ${record.policy_sha256}) than this step's (${policySha256}).`,
      advice: 'Give both steps the same policy, or ask for a new approval under the new one.',
    };
  }
  const problems = missingFacts(rule, finalFacts);
  if (problems.length === 0) return;
  yield {
    code: 'payload_invalid',
    message: `The policy requires more facts in "${environment}":\n${listProblems(problems)}`,
    advice: 'Give the inputs of these names a value; an expression that is empty counts as absent.',
    details: { problems },
  };
}

function noRule(policy: Policy, facts: DeployFacts): Objection {
  const environment = visible(facts.environment);
  const { environments } = policy;
  const written = Object.hasOwn(environments, facts.environment)
    ? environments[facts.environment]
    : undefined;
  if (written?.services === undefined) {
    return {
      code: 'configuration',
      message: `The policy has no rule for the environment "${environment}", so nothing may be deployed there.`,
      advice: 'Add a rule under "environments", or correct the name.',
    };
  }
  const named = Object.keys(written.services);
  return {
    code: 'configuration',
    message: `The policy names the services that may be deployed to "${environment}" (${named.join(', ')}), and "${visible(facts.service)}" is not among them.`,
    advice: `Add it under "services", or correct the name.`,
  };
}

/** Step 13 of DESIGN 5. A service that is believed without signatures gives no people to count. */
export function* quorumObjections(
  people: ReadonlySet<string>,
  { rule, finalFacts, assurance }: RuleContext,
): Generator<Objection> {
  if (assurance === 'service') return;
  if (rule === undefined) {
    yield noPolicy;
    return;
  }
  const because = isDestructive(finalFacts) ? ' (the migration counts as destructive)' : '';
  for (const { group, people: asked, count } of unmetQuorums(quorumsOf(rule, finalFacts), people)) {
    const approved = asked.filter((name) => people.has(name));
    const others = asked.filter((name) => !people.has(name));
    const of = group === undefined ? '' : ` of the group "${group}"`;
    const needed = count === 1 ? `1 person${of} has` : `${count} different people${of} have`;
    yield {
      code: 'quorum_unmet',
      message: `${needed} to approve${because}, and ${approved.length} did${approved.length === 0 ? '' : `: ${approved.join(', ')}`}.`,
      advice: `Ask ${others.join(' or ')} too.`,
    };
  }
}

/** Step 14 as far as a record can tell: that this run used the approval, where the policy wants it used once. */
export function redemptionObjection(
  { rule, record, finalFacts, assurance }: RuleContext,
  step: 'request' | 'verify',
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
        message: 'This approval was not redeemed, so that it could be used again.',
        advice: 'Give the step api-url and api-key, or set "redemption": "run" in the policy.',
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
        message: `This approval was used by run ${runId ?? 'unknown'}, attempt ${runAttempt ?? 'unknown'}, and this is run ${finalFacts.run_id}, attempt ${finalFacts.run_attempt}.`,
        advice: 'Ask for a new approval.',
      };
    case 'run':
      if (assurance === 'service') return undefined;
      if (rule?.redemption === 'run') return undefined;
      return {
        code: 'configuration',
        message: 'The policy asks for a redemption, and this approval is bound to its run only.',
        advice: 'Give the step api-url and api-key, or set "redemption": "run" in the policy.',
      };
    case 'service':
      if (assurance === 'service') return undefined;
      return {
        code: 'configuration',
        message:
          'Only with assurance: service may an approval stay without redemption at our own service.',
      };
  }
}
