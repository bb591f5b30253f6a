import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Group } from '../../src/core/policy-format.ts';
import { environmentRule } from '../../src/core/policy-rule.ts';
import { quorumsOf, unmetQuorums } from '../../src/core/quorum.ts';
import { isApproved, verifyApproval } from '../../src/core/verify.ts';
import {
  createEvidence,
  createPayload,
  createWorld,
  decide,
  destructiveMigration,
  type World,
} from '../support/approvals.ts';
import { approversOf, refusal } from '../support/judging.ts';

const people = ['alex', 'dana', 'kim'] as const;
type Person = (typeof people)[number];

const heavy = createPayload({ migration: destructiveMigration });

const approvedBy = (world: World, names: readonly Person[], payload = createPayload()) =>
  createEvidence(world, {
    payload,
    decisions: names.map((name) => decide(payload, world.passkeys[name], { approver: name })),
  });

const grouped = (groups: Readonly<Record<string, Group>>, quorum = 1) =>
  createWorld({ approvers: people, quorum, groups, migration_paths: ['db/**'] });

describe('each group has to be met', () => {
  const world = grouped({ owners: { people: ['alex', 'dana'] }, data: { people: ['kim'] } });

  test('by one of its people', () => {
    expect(approversOf(approvedBy(world, ['alex', 'kim']))).toEqual(['alex', 'kim']);
    expect(approversOf(approvedBy(world, ['kim', 'dana']))).toEqual(['kim', 'dana']);
  });

  test.each<[string, Person[], string]>([
    ['data', ['alex', 'dana'], 'and 0 did. Ask kim too.'],
    ['owners', ['kim'], 'and 0 did. Ask alex or dana too.'],
  ])('or the approval is quorum_unmet: %s', (group, names, rest) => {
    const { reason_code, message } = refusal(approvedBy(world, names));
    expect(reason_code).toBe('quorum_unmet');
    expect(message).toBe(`1 person of the group "${group}" has to approve, ${rest}`);
  });

  test('by as many as it asks for', () => {
    const two = grouped({ owners: { people: ['alex', 'dana'], quorum: 2 } });
    expect(refusal(approvedBy(two, ['alex', 'kim']))).toMatchObject({
      reason_code: 'quorum_unmet',
      message:
        '2 different people of the group "owners" have to approve, and 1 did: alex. Ask dana too.',
    });
    expect(approversOf(approvedBy(two, ['alex', 'dana']))).toHaveLength(2);
  });

  test('and so has the quorum of the rule', () => {
    const three = grouped({ owners: { people: ['alex', 'dana'] } }, 3);
    expect(refusal(approvedBy(three, ['alex', 'dana'])).message).toBe(
      '3 different people have to approve, and 2 did: alex, dana. Ask kim too.',
    );
    expect(approversOf(approvedBy(three, people))).toHaveLength(3);
  });

  test('by one person in both', () => {
    const both = grouped({ owners: { people: ['alex'] }, data: { people: ['alex', 'kim'] } });
    expect(approversOf(approvedBy(both, ['alex']))).toEqual(['alex']);
  });

  test('by two passkeys of one person only once', () => {
    const two = grouped({ owners: { people: ['alex', 'dana'], quorum: 2 } });
    const payload = createPayload();
    const decisions = [decide(payload, two.passkeys.alex), decide(payload, two.spare)];
    expect(refusal(createEvidence(two, { payload, decisions })).reason_code).toBe('quorum_unmet');
  });

  test('by more where the migration is destructive', () => {
    const careful = grouped({ data: { people: ['dana', 'kim'], quorum_if_destructive: 2 } });
    expect(approversOf(approvedBy(careful, ['dana']))).toEqual(['dana']);
    expect(refusal(approvedBy(careful, ['dana'], heavy))).toMatchObject({
      reason_code: 'quorum_unmet',
      message:
        '2 different people of the group "data" have to approve (the migration counts as destructive), and 1 did: dana. Ask kim too.',
    });
    expect(approversOf(approvedBy(careful, ['dana', 'kim'], heavy))).toHaveLength(2);
  });
});

test('no deploy needs fewer people because its migration is destructive', () => {
  const written = {
    quorum: 2,
    quorum_if_destructive: 1,
    groups: { owners: { people: ['alex'], quorum: 2, quorum_if_destructive: 1 } },
  };
  const { policy } = createWorld(written);
  const rule = environmentRule(policy, { environment: 'production', service: 'api' })!;
  expect(quorumsOf(rule, { migration: destructiveMigration })).toEqual([
    { people: ['alex', 'dana'], count: 2 },
    { group: 'owners', people: ['alex'], count: 2 },
  ]);
});

test('a quorum that is no number is not met', () => {
  const strange = { people: ['alex'], count: Number.NaN };
  expect(unmetQuorums([strange, { people: ['alex'], count: 1 }], ['alex'])).toEqual([strange]);
});

test('whatever the groups, an approval is enough people of each', () => {
  const some = fc.uniqueArray(fc.constantFrom(...people), { minLength: 1 });
  const group = some.chain((names) =>
    fc.record({
      people: fc.constant(names),
      quorum: fc.integer({ min: 1, max: names.length }),
    }),
  );
  const groups = fc.dictionary(fc.constantFrom('a', 'b', 'constructor'), group, { minKeys: 1 });
  let approved = 0;
  fc.assert(
    fc.property(groups, some, fc.integer({ min: 1, max: 3 }), (required, names, quorum) => {
      const verdict = verifyApproval(approvedBy(grouped({ ...required }, quorum), names));
      const enough = Object.values(required).every(
        (one) => one.people.filter((name) => names.includes(name)).length >= one.quorum,
      );
      expect(isApproved(verdict)).toBe(enough && names.length >= quorum);
      if (isApproved(verdict)) approved += 1;
    }),
    { numRuns: 60 },
  );
  expect(approved).toBeGreaterThan(5);
});
