import { describe, expect, test } from '@jest/globals';
import { Fault } from '../../src/core/fault.ts';
import { ruleBeforeChanges, ruleFor } from '../../src/gate/rule.ts';
import { createWorld, facts, plainJob, requestedAt, without } from '../support/approvals.ts';

type Deploy = Parameters<typeof ruleFor>[0];
type Rule = Parameters<typeof createWorld>[0];

const deploy = (rule: Rule = {}, other: Partial<Deploy> = {}): Deploy => ({
  policy: createWorld(rule).policy,
  ...{ facts, assurance: 'signature', circumstances: plainJob, now: requestedAt },
  ...other,
});

function faultOf(work: () => unknown): object {
  try {
    work();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const { code, message, details } = error;
    return { code, message, details };
  }
  throw new Error('Nothing was refused.');
}

describe.each([
  ['before the changes are known', ruleBeforeChanges],
  ['with the changes', ruleFor],
])('the rule of a deploy, %s', (_name, rule) => {
  test('is the one of its environment', () => {
    expect(rule(deploy({ quorum: 2 }))).toMatchObject({ approvers: ['alex', 'dana'], quorum: 2 });
  });

  test('is none without a policy and without signatures, and a policy is asked for with them', () => {
    expect(rule(deploy({}, { policy: undefined, assurance: 'service' }))).toBeUndefined();
    expect(faultOf(() => rule(deploy({}, { policy: undefined })))).toEqual({
      code: 'configuration',
      message:
        'Without a policy no signature can be trusted: it names the people and their keys. Set the input policy.',
      details: { assurance: 'signature' },
    });
  });

  test('refuses an environment that it does not know, and says so first', () => {
    const elsewhere = { ...facts, environment: 'qa' };
    const ofOthers = { ...plainJob, trigger: 'pull_request' };
    for (const circumstances of [plainJob, ofOthers]) {
      expect(faultOf(() => rule(deploy({}, { facts: elsewhere, circumstances })))).toEqual({
        code: 'configuration',
        message:
          'The policy has no rule for the environment "qa", so nothing may be deployed there. Add a rule under "environments", or correct the name.',
        details: { assurance: 'signature' },
      });
    }
  });

  test('refuses facts that lack what it requires, with the problem', () => {
    const undigested = without(facts, 'digest');
    const given = deploy({ required_facts: ['digest'] }, { facts: undigested });
    expect(faultOf(() => rule(given))).toMatchObject({
      code: 'payload_invalid',
      details: {
        problems: [{ field: 'digest', message: 'is required by the policy and missing' }],
      },
    });
  });

  test('refuses a job that it does not allow', () => {
    expect(faultOf(() => rule(deploy({ triggers: ['push'] })))).toMatchObject({
      code: 'configuration',
      message: expect.stringContaining("here the event of this run can't be told"),
    });
  });

  test('refuses a step that believes the service where it asks for signatures', () => {
    expect(faultOf(() => rule(deploy({}, { assurance: 'service' })))).toMatchObject({
      code: 'configuration',
      details: { assurance: 'service' },
    });
  });
});

describe('what is new since the last deploy', () => {
  const unknown = without(plainJob, 'new_migrations');
  const given = deploy({ migration_paths: ['db/**'] }, { circumstances: unknown });

  test('is judged where it has to be known', () => {
    expect(faultOf(() => ruleFor(given))).toMatchObject({
      code: 'configuration',
      message: expect.stringContaining('(migration_paths)'),
    });
  });

  test('is not judged before', () => {
    expect(ruleBeforeChanges(given)?.migration_paths).toEqual(['db/**']);
  });
});
