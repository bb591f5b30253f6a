import { describe, expect, test } from '@jest/globals';
import { Fault } from '../../src/core/fault.ts';
import type { Policy } from '../../src/core/policy.ts';
import type { Account } from '../../src/core/policy-format.ts';
import { environmentRule } from '../../src/core/policy-rule.ts';
import { approversToAsk, type ToAsk } from '../../src/gate/approvers.ts';
import { createWorld, destructiveMigration, facts } from '../support/approvals.ts';

type Rule = Parameters<typeof createWorld>[0];

const { policy: plain } = createWorld();

interface Asking {
  readonly named?: readonly string[];
  readonly rule?: Rule;
  /** In place of those of alex. */
  readonly accounts?: readonly Account[];
  readonly actor?: Partial<typeof facts.actor>;
  readonly emails?: readonly string[];
  readonly destructive?: boolean;
}

function ask({ named = [], rule, accounts, actor, emails = [], destructive }: Asking): ToAsk {
  const alex = { ...plain.approvers.alex!, ...(accounts === undefined ? {} : { accounts }) };
  const policy: Policy = {
    ...plain,
    approvers: { ...plain.approvers, alex },
    environments: { production: { approvers: ['alex', 'dana'], ...rule } },
  };
  const asked = {
    ...facts,
    actor: { ...facts.actor, ...actor },
    ...(destructive === true ? { migration: destructiveMigration } : {}),
  };
  return approversToAsk({
    named,
    facts: asked,
    policy,
    rule: environmentRule(policy, asked),
    authors: emails.map((email) => ({ email })),
  });
}

function refused(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof Fault) return `${error.code}: ${error.message}`;
    throw error;
  }
  throw new Error('Nothing was refused.');
}

const quorum = (count: number) => ({ people: ['alex', 'dana'], count });

describe('who is asked', () => {
  test('all whom the rule lists, or those of them who are named', () => {
    const all = { approvers: ['alex', 'dana'], quorums: [quorum(1)], requesters: [] };
    expect(ask({})).toEqual(all);
    expect(ask({ named: ['dana'] })).toEqual({ ...all, approvers: ['dana'] });
    expect(ask({ named: ['dana', 'alex'] })).toEqual({ ...all, approvers: ['dana', 'alex'] });
  });

  test('as many as the rule wants, for what is destructive and in each group', () => {
    const groups = { data: { people: ['dana'], quorum: 1 } };
    expect(ask({ rule: { quorum_if_destructive: 2, groups } }).quorums).toEqual([
      quorum(1),
      { group: 'data', people: ['dana'], count: 1 },
    ]);
    expect(ask({ rule: { quorum_if_destructive: 2 }, destructive: true }).quorums).toEqual([
      quorum(2),
    ]);
  });

  test('without a policy each who is named, and each of them has to approve', () => {
    const given = { facts, policy: undefined, rule: undefined, authors: [] };
    expect(approversToAsk({ ...given, named: ['kim', 'unknown to us'] })).toEqual({
      approvers: ['kim', 'unknown to us'],
      quorums: [{ people: ['kim', 'unknown to us'], count: 2 }],
      requesters: [],
    });
    expect(refused(() => approversToAsk({ ...given, named: [] }))).toBe(
      'configuration: There is nobody to ask. Set approver, or a policy that lists the approvers.',
    );
  });

  test('where the rule is missing, nobody who is not named', () => {
    const given = { facts, policy: plain, rule: undefined, authors: [] };
    expect(refused(() => approversToAsk({ ...given, named: [] }))).toContain('nobody to ask');
  });
});

describe('names that are none are refused', () => {
  test.each<[string, readonly string[], string]>([
    ['an empty one', [''], 'approver names "", which is no user name.'],
    ['a blank one', ['alex', ' '], 'approver names " ", which is no user name.'],
    [
      'one with a hidden character',
      ['al\u202Eex'],
      'approver names "al\\u{202E}ex", which is no user name.',
    ],
    [
      'one that is too long',
      ['a'.repeat(256)],
      `approver names "${'a'.repeat(60)}…${'a'.repeat(59)}", which is no user name.`,
    ],
    ['one that stands twice', ['alex', 'dana', 'alex'], 'approver names the same person twice.'],
    [
      'one whom the policy does not list',
      ['alex', 'kim'],
      'approver names kim, who may not approve for "production"; the policy lists alex, dana.',
    ],
    [
      'one of the longest length that the policy does not list',
      ['a'.repeat(255)],
      `approver names ${'a'.repeat(60)}…${'a'.repeat(59)}, who may not approve for "production"; the policy lists alex, dana.`,
    ],
  ])('%s', (_, named, message) => {
    expect(refused(() => ask({ named }))).toBe(`configuration: ${message}`);
  });
});

describe('too few names are refused, with how many are wanted', () => {
  test('of all', () => {
    expect(refused(() => ask({ named: ['alex'], rule: { quorum: 2 } }))).toBe(
      'configuration: 2 people must approve for "production", and approver names 1. Name more of alex, dana, or leave approver empty to ask all of them.',
    );
  });

  test('of a group', () => {
    const groups = { data: { people: ['dana', 'kim'], quorum: 2 } };
    const rule = { approvers: ['alex', 'dana', 'kim'], groups };
    expect(refused(() => ask({ named: ['alex', 'dana'], rule }))).toBe(
      'configuration: 2 people of the group "data" must approve for "production", and approver names 1. Name more of dana, kim, or leave approver empty to ask all of them.',
    );
  });
});

describe('who started the deploy is not asked', () => {
  const nobodyElse = { actor: { id: '1', login: 'ci' } };
  const account = { provider: 'gitlab', id: '77', login: 'AlexDoe' };

  test.each<[string, Asking]>([
    ['by the id', { actor: { id: '1234567' } }],
    ['by provider and id', { actor: { id: 'github:1234567' } }],
    ['by the login, in any case of the facts', { actor: { login: 'ALEXDOE' } }],
    [
      'by the login, in any case of the policy',
      { accounts: [account], actor: { login: 'alexdoe' } },
    ],
    ['by who ran it again, in any case', { actor: { triggered_by: 'AlexDoe' } }],
    [
      'by one of two accounts',
      { accounts: [{ ...account, id: '1', login: 'a' }, account], actor: { id: 'gitlab:77' } },
    ],
  ])('%s', (_, asking) => {
    const { approvers, requesters } = ask(asking);
    expect({ approvers, requesters }).toEqual({ approvers: ['dana'], requesters: ['alex'] });
  });

  test.each<[string, Asking]>([
    ['another id and login', nobodyElse],
    ['the id at another provider', { actor: { id: 'gitlab:1234567' } }],
    ['a part of the id', { actor: { id: '123456' } }],
    ['no account', { accounts: [], actor: { id: '1234567', login: 'alexdoe' } }],
    [
      'a rule that lets requesters approve',
      { rule: { self_approval: true }, actor: { id: '1234567' } },
    ],
  ])('but who has %s is', (_, asking) => {
    const { approvers, requesters } = ask(asking);
    expect({ approvers, requesters }).toEqual({ approvers: ['alex', 'dana'], requesters: [] });
  });

  test('and where too few are left, nobody is', () => {
    const started = { actor: { id: '1234567' } };
    expect(refused(() => ask({ ...started, rule: { quorum: 2 } }))).toBe(
      'self_approval: 2 people other than the requester must approve for "production", and without alex, who asked for this deploy, there is 1. Let somebody else start the deploy, or add approvers to the policy.',
    );
    expect(refused(() => ask({ ...started, named: ['alex'] }))).toBe(
      'self_approval: 1 person other than the requester must approve for "production", and without alex, who asked for this deploy, there are 0. Let somebody else start the deploy, or add approvers to the policy.',
    );
  });
});

describe('who wrote a commit of the deploy is not asked where the rule minds', () => {
  const accounts = [
    { provider: 'github', id: '1234567', login: 'alexdoe', emails: ['alex@example.com'] },
  ];
  const emails = ['somebody@example.com', 'Alex@example.com'];

  test('by an address, whether or not requesters may approve', () => {
    for (const self_approval of [false, true]) {
      const rule = { not_by_commit_authors: true, self_approval };
      expect(ask({ accounts, emails, rule })).toEqual({
        approvers: ['dana'],
        quorums: [quorum(1)],
        requesters: ['alex'],
      });
    }
  });

  test('but is where it does not', () => {
    expect(ask({ accounts, emails }).approvers).toEqual(['alex', 'dana']);
  });

  test('and where nobody is left, it is said why', () => {
    const rule = { not_by_commit_authors: true };
    const noReply = '2345678+DanaRoe@users.noreply.github.com';
    expect(refused(() => ask({ accounts, rule, emails: [...emails, noReply] }))).toBe(
      'self_approval: 1 person other than the requester must approve for "production", and without alex and dana, who asked for this deploy or wrote commits of it, there are 0. Let somebody else start the deploy, or add approvers to the policy.',
    );
  });
});
