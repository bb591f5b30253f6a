import { describe, expect, test } from '@jest/globals';
import { policyHash } from '../../src/core/policy.ts';
import type { ApprovalRecord } from '../../src/core/record.ts';
import { everyObjection, type ApprovalEvidence } from '../../src/core/verify.ts';
import {
  createEvidence,
  createPayload,
  createWorld,
  decide,
  expiresAt,
  facts,
  without,
} from '../support/approvals.ts';
import { approversOf, refusal } from '../support/judging.ts';

/** What a rule refuses, and the whole of what the gate says of it. */

const world = createWorld();
const lax = createWorld({ assurance: 'service' });
const otherPolicy = policyHash(lax.policy);

/** Evidence whose record says something else. */
const recorded = (changes: Partial<ApprovalRecord>, in_ = world): ApprovalEvidence => {
  const evidence = createEvidence(in_);
  return { ...evidence, record: { ...evidence.record, ...changes } };
};
const redeemed = (
  redemption: ApprovalRecord['redemption'],
  changes: Partial<ApprovalRecord> = {},
): ApprovalEvidence => recorded({ redemption, ...changes });
/** Evidence for a step that believes the service. */
const believing = (evidence: ApprovalEvidence): ApprovalEvidence => ({
  ...evidence,
  assurance: 'service',
});

const sameAssurance = 'Give the input assurance the same value in both steps.';
const askAgain = 'Ask for a new approval.';
const toRedeem = 'Give the step api-url and api-key, or set "redemption": "run" in the policy.';
const byRun = { ...createEvidence(world).record.redemption };
const { run_id: run, run_attempt: attempt } = facts;
const used = (by: string) =>
  `This approval was used by ${by}, and this is run ${run}, attempt ${attempt}. ${askAgain}`;

test.each<[string, ApprovalEvidence, string, string]>([
  [
    'asked for with less than is verified',
    recorded({ assurance: 'service' }),
    'configuration',
    `The approval was asked for with assurance "service" and is verified with "signature". ${sameAssurance}`,
  ],
  [
    'asked for with more than is verified',
    believing(createEvidence(lax)),
    'configuration',
    `The approval was asked for with assurance "signature" and is verified with "service". ${sameAssurance}`,
  ],
  [
    'no policy',
    createEvidence(world, { policy: undefined }),
    'configuration',
    'Without a policy no signature can be trusted: it names the people and their keys. Set the input policy.',
  ],
  [
    'an environment without a rule',
    createEvidence(world, { payload: createPayload({ environment: 'canary' }) }),
    'configuration',
    'The policy has no rule for the environment "canary", so nothing may be deployed there. Add a rule under "environments", or correct the name.',
  ],
  [
    'a service that is believed where signatures are asked for',
    believing(recorded({ assurance: 'service', redemption: { state: 'service' } })),
    'configuration',
    'The policy asks for signatures in "production", and this step would believe the service without any. Remove assurance: service, or allow it in the rule by "assurance": "service".',
  ],
  [
    'a record of another policy',
    recorded({ policy_sha256: otherPolicy }),
    'configuration',
    `The record was made under another policy (SHA-256 ${otherPolicy}) than this step's (${policyHash(world.policy)}). Give both steps the same policy, or ask for a new approval under the new one.`,
  ],
  [
    'an approval that was not redeemed',
    redeemed({ state: 'pending' }),
    'configuration',
    `This approval was not redeemed, so that it could be used again. ${toRedeem}`,
  ],
  [
    'an approval that another run used',
    redeemed({ ...byRun, run_id: '7' }),
    'already_used',
    used(`run 7, attempt ${attempt}`),
  ],
  [
    'an approval that another attempt used',
    redeemed({ ...byRun, run_attempt: '9' }),
    'already_used',
    used(`run ${run}, attempt 9`),
  ],
  [
    'an approval that was used by nobody knows whom',
    redeemed({ state: 'redeemed' }),
    'already_used',
    used('run unknown, attempt unknown'),
  ],
  [
    'an approval that is bound to its run only',
    redeemed({ state: 'run' }),
    'configuration',
    `The policy asks for a redemption, and this approval is bound to its run only. ${toRedeem}`,
  ],
  [
    'an approval that only a service vouches for',
    redeemed({ state: 'service' }),
    'configuration',
    'Only with assurance: service may an approval stay without redemption at our own service.',
  ],
])('%s is refused', (_, evidence, code, message) => {
  const { reason_code, message: told } = refusal(evidence);
  expect({ reason_code, message: told }).toEqual({ reason_code: code, message });
});

test('that there is no policy is said before the times are looked at', () => {
  const late = createEvidence(world, { policy: undefined, now: expiresAt });
  expect(refusal(late).reason_code).toBe('configuration');
});

test('a record of the same policy is good', () => {
  expect(approversOf(recorded({ policy_sha256: policyHash(world.policy) }))).toEqual(['alex']);
});

test('an approval need not be redeemed yet in the step that asks for it', () => {
  const evidence = redeemed({ state: 'pending' });
  expect(everyObjection({ ...evidence, step: 'request' })).toEqual([]);
  expect(everyObjection({ ...evidence, step: 'verify' })).toHaveLength(1);
});

test('without a policy no approval may be bound to its run only', () => {
  const evidence = { ...redeemed({ state: 'run' }), policy: undefined };
  expect(everyObjection(evidence).map(({ message }) => message)).toEqual([
    'Without a policy no signature can be trusted: it names the people and their keys.',
    'The policy asks for a redemption, and this approval is bound to its run only.',
  ]);
});

describe('required facts', () => {
  const asked = ['tenant', 'region', 'rollback.note'] as const;
  const strict = createWorld({ required_facts: asked });
  const poor = {
    ...createPayload(),
    facts: {
      ...without(without(facts, 'tenant'), 'region'),
      rollback: { kind: 'version', value: 'v1' } as const,
    },
  };

  test('that are missing are refused, each by its name', () => {
    const verdict = refusal(createEvidence(strict, { payload: poor }));
    expect(verdict.reason_code).toBe('payload_invalid');
    expect(verdict.message.split('\n')).toEqual([
      'The policy requires more facts in "production":',
      ...asked.map((path) => `${path}: is required by the policy and missing`),
      'Give the inputs of these names a value; an expression that is empty counts as absent.',
    ]);
    expect(verdict.problems).toEqual(
      asked.map((field) => ({ field, message: 'is required by the policy and missing' })),
    );
  });

  test('are not missing because every object has a member of that name', () => {
    for (const [member, value] of [
      ['tenant', 'acme'],
      ['region', 'eu'],
      ['note', 'see the wiki'],
    ] as const) {
      Object.defineProperty(Object.prototype, member, { value, configurable: true });
    }
    try {
      expect(refusal(createEvidence(strict, { payload: poor })).problems).toHaveLength(3);
    } finally {
      for (const member of ['tenant', 'region', 'note']) {
        Reflect.deleteProperty(Object.prototype, member);
      }
    }
  });
});

describe('a service that is believed', () => {
  const record = { assurance: 'service', redemption: { state: 'service' } } as const;

  test('is enough where the rule allows it, redeemed or not', () => {
    expect(approversOf(believing(recorded(record, lax)))).toEqual(['alex']);
    const run = { ...record, redemption: { state: 'run' } } as const;
    expect(approversOf(believing(recorded(run, lax)))).toEqual(['alex']);
  });

  test('counts nobody, and asks for no policy to count by', () => {
    const two = createWorld({ assurance: 'service', quorum: 2 });
    expect(approversOf(believing(recorded(record, two)))).toEqual(['alex']);
    const evidence = believing({ ...recorded(record), policy: undefined });
    expect(approversOf(evidence)).toEqual(['alex']);
    expect(everyObjection(evidence)).toEqual([]);
  });

  test('has to be redeemed by this run where it was redeemed at all', () => {
    const other = { ...record, redemption: { ...byRun, run_id: '7' } };
    expect(refusal(believing(recorded(other, lax))).reason_code).toBe('already_used');
  });
});

describe('a quorum that is not met', () => {
  test('says how many are missing, and who could be asked', () => {
    const two = createWorld({ quorum: 2, approvers: ['alex', 'dana', 'kim'] });
    const message = '2 different people have to approve, and 1 did: alex. Ask dana or kim too.';
    expect(refusal(createEvidence(two)).message).toBe(message);
  });

  test('says so where the migration is destructive', () => {
    const careful = createWorld({ quorum_if_destructive: 2, migration_paths: ['db/**'] });
    const payload = createPayload({
      migration: {
        kind: 'sql',
        command: 'npm run migrate',
        destructive: true,
        files: [{ path: 'db/001.sql', sha256: '0'.repeat(64) }],
      },
    });
    const decisions = [decide(payload, careful.passkeys.alex)];
    expect(refusal(createEvidence(careful, { payload, decisions })).message).toBe(
      '2 different people have to approve (the migration counts as destructive), and 1 did: alex. Ask dana too.',
    );
  });
});
