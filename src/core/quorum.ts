import { isDestructive, type DeployFacts } from './facts.ts';
import type { EnvironmentRule } from './policy-rule.ts';

/** So many of these people have to approve. */
export interface Quorum {
  /** The group's name; absent for the quorum of all the rule's approvers. */
  readonly group?: string;
  readonly people: readonly string[];
  readonly count: number;
}

/** Every quorum that a deploy needs: that of the rule first, then that of each group. A person counts in each of theirs. */
export function quorumsOf(
  rule: EnvironmentRule,
  facts: Pick<DeployFacts, 'migration'>,
): readonly Quorum[] {
  const destructive = isDestructive(facts);
  const count = (quorum = 1, ifDestructive = quorum): number =>
    destructive ? Math.max(quorum, ifDestructive) : quorum;
  return [
    { people: rule.approvers, count: count(rule.quorum, rule.quorum_if_destructive) },
    ...Object.entries(rule.groups).map(([group, { people, quorum, quorum_if_destructive }]) => ({
      ...{ group, people, count: count(quorum, quorum_if_destructive) },
    })),
  ];
}

/** The quorums that these people, each counted once, do not make up. */
export function unmetQuorums(
  quorums: readonly Quorum[],
  approved: Iterable<string>,
): readonly Quorum[] {
  const distinct = [...new Set(approved)];
  return quorums.filter(
    ({ people, count }) => !(distinct.filter((name) => people.includes(name)).length >= count),
  );
}
