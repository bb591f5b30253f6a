import { canonicalText } from '../core/canonical.ts';
import type { DeployFacts } from '../core/facts.ts';

/** The facts that say where a deploy goes. */
export type TargetFacts = Pick<
  DeployFacts,
  | 'repository'
  | 'repository_id'
  | 'service'
  | 'environment'
  | 'region'
  | 'account'
  | 'tenant'
  | 'cluster'
>;

/** What a newer deploy takes the place of (DESIGN 3.5). A repository is its id where it has one: names are given anew. */
export function targetOf(facts: TargetFacts): string {
  const { service, environment, region, account, tenant, cluster } = facts;
  const repository =
    facts.repository_id === undefined ? { name: facts.repository } : { id: facts.repository_id };
  const optional = [region, account, tenant, cluster].map((value) => value ?? null);
  return canonicalText([repository, service, environment, ...optional]);
}
