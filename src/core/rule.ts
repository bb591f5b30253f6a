import { isDestructive, type DeployFacts } from './facts.ts';
import { listProblems } from './fault.ts';
import type { Objection } from './objection.ts';
import { policyHash, type EnvironmentRule } from './policy.ts';
import type { Policy } from './policy-format.ts';
import type { ApprovalRecord } from './record.ts';
import { visible } from './text.ts';
import type { Problem } from './verdict.ts';

/** What a step has in hand when it asks what the environment's rule demands. */
export interface RuleContext {
  readonly policy: Policy | undefined;
  readonly rule: EnvironmentRule | undefined;
  readonly record: ApprovalRecord;
  readonly finalFacts: DeployFacts;
  readonly assurance: 'signature' | 'service';
}

export const noPolicy: Objection = {
  code: 'configuration',
  message:
    'Without a policy no signature can be trusted: it names the people and their keys. Set the input policy.',
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

/** Whether there is a rule that this step can hold the deploy to. */
export function ruleObjection({
  policy,
  rule,
  record,
  finalFacts,
  assurance,
}: RuleContext): Objection | undefined {
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

/** Step 13 of DESIGN 5. A service that is believed without signatures gives no people to count. */
export function quorumObjection(
  people: ReadonlySet<string>,
  { rule, finalFacts, assurance }: RuleContext,
): Objection | undefined {
  if (assurance === 'service') return undefined;
  if (rule === undefined) return noPolicy;
  const destructive = isDestructive(finalFacts);
  const needed = destructive ? Math.max(rule.quorum, rule.quorum_if_destructive) : rule.quorum;
  if (people.size >= needed) return undefined;
  const others = rule.approvers.filter((name) => !people.has(name));
  return {
    code: 'quorum_unmet',
    message: `${needed} different people have to approve${destructive ? ' (the migration counts as destructive)' : ''}, and ${people.size} did${people.size === 0 ? '' : `: ${[...people].join(', ')}`}. Ask ${others.join(' or ')} too.`,
  };
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
    case 'run':
      if (assurance === 'service') return undefined;
      if (rule?.redemption === 'run') return undefined;
      return {
        code: 'configuration',
        message:
          'The policy asks for a redemption, and this approval is bound to its run only. Give the step api-url and api-key, or set "redemption": "run" in the policy.',
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
