import { authorAmong } from '../core/authors.ts';
import type { DeployFacts } from '../core/facts.ts';
import { Fault } from '../core/fault.ts';
import type { Policy } from '../core/policy.ts';
import type { Account } from '../core/policy-format.ts';
import type { EnvironmentRule } from '../core/policy-rule.ts';
import { quorumsOf, unmetQuorums, type Quorum } from '../core/quorum.ts';
import { freeTextProblem, visible } from '../core/text.ts';

export interface ToAsk {
  readonly approvers: readonly string[];
  /** How many of whom have to approve; each has to be met. */
  readonly quorums: readonly Quorum[];
  /** Who is not asked, since they asked for the deploy themselves, or wrote a commit of it where the rule minds. */
  readonly requesters: readonly string[];
}

/**
 * Whom to ask, and how many approvals open the gate. Without a policy each named person has to approve: how few would do is
 * for a policy to say.
 * @throws Fault configuration, or `self_approval` when only the requester is left
 */
export function approversToAsk(options: {
  readonly named: readonly string[];
  readonly facts: DeployFacts;
  readonly policy: Policy | undefined;
  readonly rule: EnvironmentRule | undefined;
  /** Of the commits since the last deploy, as far as they are known. */
  readonly authors: readonly { readonly email: string }[];
}): ToAsk {
  const { named, facts, policy, rule, authors } = options;
  checkNames(named);
  if (policy === undefined || rule === undefined) {
    if (named.length === 0) {
      throw new Fault(
        'configuration',
        'There is nobody to ask. Set approver, or a policy that lists the approvers.',
      );
    }
    const all = { people: named, count: named.length };
    return { approvers: named, quorums: [all], requesters: [] };
  }
  const environment = `"${facts.environment}"`;
  const listed = rule.approvers.join(', ');
  const stranger = named.find((name) => !rule.approvers.includes(name));
  if (stranger !== undefined) {
    throw new Fault(
      'configuration',
      `approver names ${visible(stranger)}, who may not approve for ${environment}; the policy lists ${listed}.`,
    );
  }
  const people = named.length > 0 ? named : rule.approvers;
  const quorums = quorumsOf(rule, facts);
  const [tooFew] = unmetQuorums(quorums, people);
  if (tooFew !== undefined) {
    throw new Fault(
      'configuration',
      `${countOf(tooFew)} must approve for ${environment}, and approver names ${namedIn(tooFew, people)}. Name more of ${tooFew.people.join(', ')}, or leave approver empty to ask all of them.`,
    );
  }
  const requesters = people.filter((name) => {
    const owned = policy.approvers[name]?.accounts ?? [];
    const isAuthor = rule.not_by_commit_authors && authorAmong(owned, authors) !== undefined;
    return isAuthor || (!rule.self_approval && isRequester(owned, facts));
  });
  const approvers = people.filter((name) => !requesters.includes(name));
  const [unmet] = unmetQuorums(quorums, approvers);
  if (unmet !== undefined) {
    const left = namedIn(unmet, approvers);
    throw new Fault(
      'self_approval',
      `${countOf(unmet)} other than the requester must approve for ${environment}, and without ${requesters.join(' and ')}, who asked for this deploy${rule.not_by_commit_authors ? ' or wrote commits of it' : ''}, there ${left === 1 ? 'is' : 'are'} ${left}. Let somebody else start the deploy, or add approvers to the policy.`,
    );
  }
  return { approvers, quorums, requesters };
}

function countOf({ count, group }: Quorum): string {
  return `${count} ${count === 1 ? 'person' : 'people'}${group === undefined ? '' : ` of the group "${group}"`}`;
}

function namedIn({ people }: Quorum, names: readonly string[]): number {
  return names.filter((name) => people.includes(name)).length;
}

function checkNames(names: readonly string[]): void {
  for (const name of names) {
    if (freeTextProblem(name) !== undefined || name.length > 255) {
      throw new Fault('configuration', `approver names "${visible(name)}", which is no user name.`);
    }
  }
  if (new Set(names).size !== names.length) {
    throw new Fault('configuration', 'approver names the same person twice.');
  }
}

/** Only about whom to bother: whether an approval counts is decided by `verifyApproval`, by the same comparison. */
function isRequester(accounts: readonly Account[], { actor }: DeployFacts): boolean {
  const logins = [actor.login, actor.triggered_by].map((login) => login?.toLowerCase());
  return accounts.some(
    ({ provider, id, login }) =>
      actor.id === id || actor.id === `${provider}:${id}` || logins.includes(login.toLowerCase()),
  );
}
