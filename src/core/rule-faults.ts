import type { Account, Group, WrittenServiceRule } from './policy-format.ts';
import { fieldPath } from './problems.ts';
import { parseTime } from './time.ts';
import type { Problem } from './verdict.ts';

/** A rule without the members that have a fault of their own, and where it stands. */
export interface PlacedRule {
  readonly rule: Partial<WrittenServiceRule>;
  readonly field: string;
}

/** The accounts of each person of the policy, by name, as far as they are sound. */
export type AccountsByName = ReadonlyMap<string, readonly Account[]>;

/** Whether a rule can be met, and guards what it says. */
export function ruleFaults(placed: PlacedRule, accounts: AccountsByName): Problem[] {
  return [
    ...approverFaults(placed, accounts),
    ...quorumFaults(placed),
    ...groupFaults(placed),
    ...guardFaults(placed),
  ];
}

function approverFaults({ rule, field }: PlacedRule, accounts: AccountsByName): Problem[] {
  const { approvers = [] } = rule;
  const problems = twiceOrUnknown(approvers, {
    field: `${field}.approvers`,
    isKnown: (name) => accounts.has(name),
    among: 'the approvers',
  });
  for (const name of new Set(approvers)) {
    const owned = accounts.get(name);
    if (owned === undefined) continue;
    const at = `approvers.${name}.accounts`;
    if (owned.length === 0 && rule.self_approval !== true) {
      problems.push({
        field: at,
        message: `must name ${name}'s account (provider, id, login), or self-approval can't be seen; or allow it in ${field} by "self_approval": true`,
      });
    }
    if (rule.not_by_commit_authors === true && !owned.some(({ emails }) => emails !== undefined)) {
      problems.push({
        field: at,
        message: `must give the addresses under which ${name} commits ("emails"), or ${field} can't tell commits of theirs (not_by_commit_authors)`,
      });
    }
  }
  return problems;
}

function twiceOrUnknown(
  names: readonly string[],
  list: {
    readonly field: string;
    readonly isKnown: (name: string) => boolean;
    readonly among: string;
  },
): Problem[] {
  return names.flatMap((name, index) => {
    const field = fieldPath([index], list.field);
    if (names.indexOf(name) < index) return [{ field, message: `names ${name} twice` }];
    if (list.isKnown(name)) return [];
    return [{ field, message: `names ${name}, who is not among ${list.among}` }];
  });
}

function quorumFaults({ rule, field }: PlacedRule): Problem[] {
  const { approvers, quorum, quorum_if_destructive } = rule;
  const numbers = { quorum, quorum_if_destructive };
  return approvers === undefined ? [] : countFaults(numbers, approvers, field, 'the rule');
}

function countFaults(
  numbers: Readonly<Record<'quorum' | 'quorum_if_destructive', number | undefined>>,
  people: readonly string[],
  field: string,
  who: string,
): Problem[] {
  const problems: Problem[] = [];
  const { size } = new Set(people);
  for (const key of ['quorum', 'quorum_if_destructive'] as const) {
    const needed = numbers[key];
    if (needed !== undefined && needed > size) {
      const message = `asks for ${needed} people, but ${who} names ${size}`;
      problems.push({ field: `${field}.${key}`, message });
    }
  }
  const { quorum = 1, quorum_if_destructive: ifDestructive } = numbers;
  if (ifDestructive !== undefined && ifDestructive < quorum) {
    const message = `must not be below the quorum of ${quorum}`;
    problems.push({ field: `${field}.quorum_if_destructive`, message });
  }
  return problems;
}

function groupFaults({ rule, field }: PlacedRule): Problem[] {
  const { approvers, groups = {} } = rule;
  return Object.entries(groups).flatMap(([name, group]) => {
    const at = fieldPath(['groups', name], field);
    const { people, quorum, quorum_if_destructive }: Group = group;
    return [
      ...twiceOrUnknown(people, {
        field: `${at}.people`,
        isKnown: (person) => approvers?.includes(person) ?? true,
        among: `the rule's approvers`,
      }),
      ...countFaults({ quorum, quorum_if_destructive }, people, at, 'the group'),
    ];
  });
}

/** Members that look as if they guarded something, and would not. */
function guardFaults({ rule, field }: PlacedRule): Problem[] {
  const problems: Problem[] = [];
  const asksMore = [rule, ...Object.values(rule.groups ?? {})].some(
    ({ quorum_if_destructive: more }) => more !== undefined,
  );
  if (asksMore && rule.migration_paths === undefined) {
    problems.push({
      field: `${field}.migration_paths`,
      message:
        'is missing. With quorum_if_destructive, say where migrations lie (such as "db/migrations/**"), so that none is left out of the facts unnoticed',
    });
  }
  if (rule.triggers?.includes('pull_request') === true && rule.pull_request !== true) {
    problems.push({
      field: `${field}.triggers`,
      message:
        'names pull_request, which the rule refuses; take it out, or allow it by "pull_request": true',
    });
  }
  for (const [index, { from, to }] of (rule.no_deploys ?? []).entries()) {
    if (parseTime(from) < parseTime(to)) continue;
    const message = `must be later than from (${from})`;
    problems.push({ field: fieldPath(['no_deploys', index, 'to'], field), message });
  }
  return problems;
}
