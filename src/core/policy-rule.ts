import { publicIssuers } from './identity.ts';
import { ownCopy } from './own-copy.ts';
import type { DeployFacts } from './facts.ts';
import type { Issuer, Policy, WrittenRule, WrittenServiceRule } from './policy-format.ts';

/** Members without a default: where they are absent the rule asks for nothing of the kind. */
type Demand = 'migration_paths' | 'refs' | 'workflows' | 'triggers' | 'runners';

/** A rule with its defaults applied: what counts for one service in one environment. */
export type EnvironmentRule = Required<Omit<WrittenServiceRule, Demand | 'require_oidc'>> & {
  readonly [Name in Demand]: WrittenServiceRule[Name] | undefined;
} & {
  /** Undefined: as the provider of the job has it ({@link file://./rule-circumstances.ts}). */
  readonly require_oidc: boolean | undefined;
};

/**
 * The rule for exactly this environment and service, with its defaults. Undefined where the policy does not name the environment,
 * or names services there and not this one.
 */
export function environmentRule(
  policy: Policy,
  { environment, service }: Pick<DeployFacts, 'environment' | 'service'>,
): EnvironmentRule | undefined {
  if (!Object.hasOwn(policy.environments, environment)) return undefined;
  // Own members only: a missing one is the default, whatever Object.prototype may say.
  const { services, ...general } = ownCopy(policy.environments[environment]) as WrittenRule;
  if (services === undefined) return withDefaults(ownCopy(general) as WrittenRule);
  const own = services[service];
  return own && withDefaults(inPlaceOf(general, own));
}

/** A service's rule: its own members in place of the environment's. */
export function inPlaceOf<T extends WrittenServiceRule>(general: T, own: WrittenServiceRule): T {
  return ownCopy({ ...general, ...own }) as T;
}

function withDefaults(written: WrittenRule): EnvironmentRule {
  const quorum = written.quorum ?? 1;
  return {
    approvers: written.approvers,
    quorum,
    quorum_if_destructive: written.quorum_if_destructive ?? quorum,
    groups: written.groups ?? {},
    max_age_minutes: written.max_age_minutes ?? 60,
    self_approval: written.self_approval ?? false,
    not_by_commit_authors: written.not_by_commit_authors ?? false,
    rerun: written.rerun ?? 'never',
    redemption: written.redemption ?? 'required',
    require_oidc: written.require_oidc,
    required_facts: written.required_facts ?? [],
    migration_paths: written.migration_paths,
    refs: written.refs,
    workflows: written.workflows,
    triggers: written.triggers,
    runners: written.runners,
    other_commit: written.other_commit ?? false,
    pull_request: written.pull_request ?? false,
    no_deploys: written.no_deploys ?? [],
    assurance: written.assurance ?? 'signature',
  };
}

/** Whose tokens are believed: those of the policy, or the public ones of GitHub and GitLab. */
export function trustedIssuers(policy: Policy | undefined): readonly Issuer[] {
  const { issuers } = ownCopy(policy ?? {}) as Partial<Policy>;
  return issuers ?? publicIssuers;
}
