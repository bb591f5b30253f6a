import { isDestructive, type DeployFacts } from '../core/facts.ts';
import { Fault } from '../core/fault.ts';
import type { EnvironmentRule, Policy } from '../core/policy.ts';
import { freeTextProblem, visible } from '../core/text.ts';

export interface ToAsk {
  readonly approvers: readonly string[];
  /** How many of them have to approve. */
  readonly quorum: number;
  /** Who is not asked, since they asked for the deploy themselves. */
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
}): ToAsk {
  const { named, facts, policy, rule } = options;
  checkNames(named);
  if (policy === undefined || rule === undefined) {
    if (named.length === 0) {
      throw new Fault(
        'configuration',
        'There is nobody to ask. Set approver, or a policy that lists the approvers.',
      );
    }
    return { approvers: named, quorum: named.length, requesters: [] };
  }
  const listed = rule.approvers.join(', ');
  const stranger = named.find((name) => !rule.approvers.includes(name));
  if (stranger !== undefined) {
    throw new Fault(
      'configuration',
      `approver names ${visible(stranger)}, who may not approve for "${facts.environment}"; the policy lists ${listed}.`,
    );
  }
  const people = named.length > 0 ? named : rule.approvers;
  const needed = isDestructive(facts)
    ? Math.max(rule.quorum, rule.quorum_if_destructive)
    : rule.quorum;
  if (people.length < needed) {
    throw new Fault(
      'configuration',
      `${needed} people have to approve for "${facts.environment}", and approver names ${people.length}. Name more of ${listed}, or leave approver empty to ask all of them.`,
    );
  }
  const requesters = rule.self_approval
    ? []
    : people.filter((name) => isRequester(policy, name, facts));
  const approvers = people.filter((name) => !requesters.includes(name));
  if (approvers.length < needed) {
    throw new Fault(
      'self_approval',
      `${needed} people other than the requester have to approve for "${facts.environment}", and without ${requesters.join(' and ')}, who asked for this deploy, there ${approvers.length === 1 ? 'is' : 'are'} ${approvers.length}. Let somebody else start the deploy, or add approvers to the policy.`,
    );
  }
  return { approvers, quorum: needed, requesters };
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
function isRequester(policy: Policy, name: string, { actor }: DeployFacts): boolean {
  const accounts = Object.hasOwn(policy.approvers, name) ? policy.approvers[name]?.accounts : [];
  const logins = [actor.login, actor.triggered_by].map((login) => login?.toLowerCase());
  return (accounts ?? []).some(
    ({ provider, id, login }) =>
      actor.id === id || actor.id === `${provider}:${id}` || logins.includes(login.toLowerCase()),
  );
}
