import { randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import type { DeployFacts } from '../../src/core/facts.ts';
import type { Policy } from '../../src/core/policy.ts';
import type { Decision } from '../../src/core/record.ts';
import { isApproved, verifyApproval, type ApprovalEvidence } from '../../src/core/verify.ts';
import {
  createEvidence,
  createPayload,
  createRecord,
  createWorld,
  decide,
  destructiveMigration,
  expiresAt,
  facts,
  requestedAt,
  without,
} from '../support/approvals.ts';
import { otherForm } from '../support/authenticator.ts';
import { approversOf, codeOf, refusal } from '../support/judging.ts';

const world = createWorld();
const { alex, dana } = world.passkeys;
const payload = createPayload();
const minutes = (count: number) => count * 60_000;

describe('step 12: times, to the millisecond', () => {
  const at = (now: number, decidedAt?: number) => {
    const decision = decide(payload, alex, decidedAt === undefined ? {} : { decidedAt });
    return createEvidence(world, { decisions: [decision], now });
  };

  test('now is before expires_at', () => {
    expect(approversOf(at(expiresAt - 1))).toEqual(['alex']);
    expect(codeOf(at(expiresAt))).toBe('expired');
    expect(codeOf(at(expiresAt + 1))).toBe('expired');
  });

  test('requested_at is at most 60 s ahead of now', () => {
    const early = requestedAt - 60_000;
    expect(approversOf(at(early, early))).toEqual(['alex']);
    expect(codeOf(at(early - 1, early))).toBe('expired');
  });

  test('decided_at is at most 60 s before requested_at', () => {
    expect(approversOf(at(requestedAt, requestedAt - 60_000))).toEqual(['alex']);
    expect(codeOf(at(requestedAt, requestedAt - 61_000))).toBe('evidence_invalid');
  });

  test('decided_at is at most 60 s ahead of now', () => {
    const decidedAt = requestedAt + minutes(10);
    expect(approversOf(at(decidedAt - 60_000, decidedAt))).toEqual(['alex']);
    expect(codeOf(at(decidedAt - 60_001, decidedAt))).toBe('evidence_invalid');
  });

  test('decided_at is before expires_at', () => {
    expect(approversOf(at(expiresAt - 1, expiresAt - 1000))).toEqual(['alex']);
    expect(codeOf(at(expiresAt - 1, expiresAt))).toBe('expired');
  });

  test('the window is within the policy’s maximum', () => {
    const exact = createPayload({}, { expiresAt: requestedAt + minutes(60) });
    const long = createPayload({}, { expiresAt: requestedAt + minutes(60) + 1000 });
    expect(approversOf(createEvidence(world, { payload: exact }))).toEqual(['alex']);
    const verdict = refusal(createEvidence(world, { payload: long }));
    expect(verdict.reason_code).toBe('payload_invalid');
    expect(verdict.message).toContain('the policy allows 60');
    const short = createWorld({ max_age_minutes: 59 });
    expect(codeOf(createEvidence(short, { payload: exact }))).toBe('payload_invalid');
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, undefined])(
    'a clock that says %p approves nothing',
    (now) => {
      expect(['expired', 'evidence_invalid']).toContain(codeOf(at(now!)));
    },
  );

  test('each decision is looked at', () => {
    const late = decide(payload, dana, { approver: 'dana', decidedAt: expiresAt });
    const decisions = [decide(payload, alex), late];
    expect(codeOf(createEvidence(world, { decisions, now: expiresAt - 1 }))).toBe('expired');
  });
});

describe('step 13: people', () => {
  const two = createWorld({ quorum: 2 });
  const byAlex = decide(payload, two.passkeys.alex);
  const byDana = decide(payload, two.passkeys.dana, { approver: 'dana' });
  const of = (...decisions: Decision[]) => createEvidence(two, { decisions });

  test('two people make a quorum of two, in the order of their decisions', () => {
    expect(approversOf(of(byDana, byAlex))).toEqual(['dana', 'alex']);
  });

  test('one of two is quorum_unmet, and the message says who is left', () => {
    const verdict = refusal(of(byAlex));
    expect(verdict.reason_code).toBe('quorum_unmet');
    expect(verdict.message).toMatch(
      /^2 different people have to approve, and 1 did: alex\. Ask dana too\.$/,
    );
  });

  test('two passkeys of one person are one person', () => {
    expect(codeOf(of(byAlex, decide(payload, two.spare)))).toBe('quorum_unmet');
  });

  test('the same decision under two ids is one person', () => {
    expect(codeOf(of(byAlex, { ...byAlex, id: randomUUID() }))).toBe('quorum_unmet');
  });

  test('the same confirmation twice is payload_invalid', () => {
    expect(codeOf(of(byAlex, byAlex))).toBe('payload_invalid');
  });

  test('both forms of an ES256 signature, (r, s) and (r, n - s), are the same approval and counted once', () => {
    const nonce = randomBytes(32);
    const first = decide(payload, two.passkeys.alex, { nonce });
    const raw = Buffer.from(first.assertion!.response.signature, 'base64url');
    const signature = otherForm(raw).toString('base64url');
    const response = { ...first.assertion!.response, signature };
    const second = { ...first, id: randomUUID(), assertion: { ...first.assertion!, response } };
    expect(signature).not.toBe(first.assertion!.response.signature);
    expect(codeOf(of(first, second))).toBe('quorum_unmet');
    expect(
      approversOf(
        createEvidence({ ...two, policy: createWorldPolicy(two.policy) }, { decisions: [second] }),
      ),
    ).toEqual(['alex']);
  });

  test.each<[string, DeployFacts['migration']]>([
    ['destructive', destructiveMigration],
    [
      'of kind other',
      {
        kind: 'other',
        destructive: true,
        command: 'make migrate',
        files: [{ path: 'db/x', sha256: '0'.repeat(64) }],
      },
    ],
  ])('a migration that is %s asks for quorum_if_destructive', (_, migration) => {
    const careful = createWorld({ quorum_if_destructive: 2, migration_paths: ['db/**'] });
    const heavy = createPayload({ migration });
    const one = [decide(heavy, careful.passkeys.alex)];
    const both = [...one, decide(heavy, careful.passkeys.dana, { approver: 'dana' })];
    const verdict = refusal(createEvidence(careful, { payload: heavy, decisions: one }));
    expect(verdict.reason_code).toBe('quorum_unmet');
    expect(verdict.message).toContain('destructive');
    expect(approversOf(createEvidence(careful, { payload: heavy, decisions: both }))).toEqual([
      'alex',
      'dana',
    ]);
  });

  test('another migration does not', () => {
    const careful = createWorld({ quorum_if_destructive: 2, migration_paths: ['db/**'] });
    const light = createPayload({
      migration: {
        kind: 'sql',
        command: 'npm run migrate',
        destructive: false,
        files: [{ path: 'db/001.sql', sha256: '0'.repeat(64) }],
      },
    });
    expect(approversOf(createEvidence(careful, { payload: light }))).toEqual(['alex']);
  });
});

function createWorldPolicy(policy: Policy): Policy {
  return { ...policy, environments: { production: { approvers: ['alex', 'dana'] } } };
}

describe('step 14: redemption', () => {
  const withState = (redemption: ApprovalEvidence['record']['redemption'], in_ = world) => {
    const evidence = createEvidence(in_);
    return { ...evidence, record: { ...evidence.record, redemption } };
  };
  const redeemed = createEvidence(world).record.redemption;

  test('pending is not enough to deploy', () => {
    expect(codeOf(withState({ state: 'pending' }))).toBe('configuration');
  });

  test.each(['run_id', 'run_attempt'] as const)(
    'redeemed by another %s is already_used',
    (member) => {
      expect(codeOf(withState({ ...redeemed, [member]: '7' }))).toBe('already_used');
    },
  );

  test.each(['run_id', 'run_attempt', 'redeemed_at'] as const)(
    'redeemed without %s is already_used',
    (member) => {
      expect(codeOf(withState(without(redeemed, member)))).toBe('already_used');
    },
  );

  test('no redemption only where the policy says "run", and then it is loud', () => {
    expect(codeOf(withState({ state: 'run' }))).toBe('configuration');
    const lax = createWorld({ redemption: 'run' });
    const verdict = verifyApproval(withState({ state: 'run' }, lax));
    expect(isApproved(verdict)).toBe(true);
    expect(verdict.redemption).toBe('run');
    expect(verdict.message).toContain('NOT REDEEMED');
  });

  test('service only with assurance service', () => {
    expect(codeOf(withState({ state: 'service' }))).toBe('configuration');
  });
});

describe('assurance: service', () => {
  const unsigned = without(decide(payload, alex), 'assertion');
  const lax = createWorld({ assurance: 'service' });
  const believed = (
    overrides: Partial<ApprovalEvidence> = {},
    decisions: Decision[] = [unsigned],
  ) =>
    createEvidence(lax, {
      policy: undefined,
      record: createRecord(payload, decisions, {
        assurance: 'service',
        redemption: { state: 'service' },
      }),
      assurance: 'service',
      ...overrides,
    });

  test('believes the service, and says so loudly', () => {
    const verdict = verifyApproval(believed());
    expect(isApproved(verdict)).toBe(true);
    expect(verdict).toMatchObject({
      assurance: 'service',
      redemption: 'service',
      approvers: ['alex'],
    });
    expect(verdict.message).toMatch(/^The service says that .*NO SIGNATURE WAS CHECKED/);
  });

  test('with a policy only where the rule allows it', () => {
    expect(isApproved(verifyApproval(believed({ policy: lax.policy })))).toBe(true);
    const verdict = refusal(believed({ policy: world.policy }));
    expect(verdict.reason_code).toBe('configuration');
    expect(verdict.assurance).toBe('service');
  });

  test('who approved is the service’s word, which may be nobody we know', () => {
    const unknown = { ...unsigned, approver: 'unknown' };
    expect(isApproved(verifyApproval(believed({ policy: lax.policy }, [unknown])))).toBe(true);
  });

  test('has to be asked for in both steps', () => {
    const signed = createEvidence(world).record;
    expect(codeOf(believed({ record: signed }))).toBe('configuration');
    const { record } = believed();
    expect(codeOf(createEvidence(world, { record }))).toBe('configuration');
    expect(codeOf(createEvidence(lax, { record }))).toBe('configuration');
  });

  test('a rule that allows it still takes signatures, and checks them', () => {
    const signedBy = createEvidence(lax);
    expect(approversOf(signedBy)).toEqual(['alex']);
    expect(codeOf(createEvidence(lax, { decisions: [unsigned] }))).toBe('evidence_invalid');
  });

  test.each<[string, Partial<ApprovalEvidence>, string]>([
    ['other facts', { finalFacts: { ...facts, region: 'us' } }, 'facts_mismatch'],
    ['an approval that is over', { now: expiresAt }, 'expired'],
    [
      'another hash',
      {
        record: {
          ...createRecord(payload, [unsigned], {
            assurance: 'service',
            redemption: { state: 'service' },
          }),
          payload_hash: 'ab'.repeat(32),
        },
      },
      'payload_invalid',
    ],
    [
      'a rejection',
      {
        record: createRecord(payload, [{ ...unsigned, decision: 'rejected' }], {
          assurance: 'service',
          redemption: { state: 'service' },
        }),
      },
      'rejected',
    ],
    [
      'a redemption by another run',
      {
        record: createRecord(payload, [unsigned], {
          assurance: 'service',
          redemption: {
            state: 'redeemed',
            run_id: '1',
            run_attempt: '1',
            redeemed_at: '2026-11-22T10:10:00Z',
          },
        }),
      },
      'already_used',
    ],
  ])('refuses %s', (_case, overrides, code) => {
    expect(codeOf(believed(overrides))).toBe(code);
  });
});
