import { afterEach, describe, expect, test } from '@jest/globals';
import { canonicalText } from '../../src/core/canonical.ts';
import type { DeployFacts } from '../../src/core/facts.ts';
import { policyHash, type Policy } from '../../src/core/policy.ts';
import type { Decision } from '../../src/core/record.ts';
import { verdictSchema, type Verdict } from '../../src/core/verdict.ts';
import {
  checkApproval,
  isApproved,
  verifyApproval,
  type ApprovalEvidence,
} from '../../src/core/verify.ts';
import {
  createEvidence,
  createPayload,
  createRecord,
  createWorld,
  decide,
  expiresAt,
  facts,
  plainJob,
  without,
} from '../support/approvals.ts';
import { createPasskey } from '../support/authenticator.ts';
import { approversOf, codeOf, refusal } from '../support/judging.ts';

const world = createWorld();
const { alex, dana } = world.passkeys;
const payload = createPayload();
const minutes = (count: number) => count * 60_000;
/** The refusal of an otherwise good record with these decisions. */
const judged = (...decisions: Decision[]) => refusal(createEvidence(world, { decisions }));

describe('an approval is approved', () => {
  test('when alex signed exactly this payload and this run redeemed it', () => {
    const evidence = createEvidence(world);
    const verdict = verifyApproval(evidence);
    expect(isApproved(verdict)).toBe(true);
    expect(verdictSchema.parse(verdict)).toEqual({
      schema: 'verdict/v1',
      reason_code: 'approved',
      exit_code: 0,
      message: expect.stringMatching(/^alex approved "Deploy api to production" at commit fc19318/),
      payload_hash: evidence.record.payload_hash,
      approvers: ['alex'],
      differences: [],
      problems: [],
      policy_sha256: policyHash(world.policy),
      assurance: 'signature',
      redemption: 'redeemed',
      circumstances: plainJob,
    });
  });

  test('by each of the pinned passkeys and algorithms', () => {
    const rs256 = createPasskey('RS256');
    const policy: Policy = structuredClone(world.policy);
    Object.assign(policy.approvers.dana!.passkeys[0]!, rs256.pinned);
    expect(
      approversOf(createEvidence(world, { decisions: [decide(payload, world.spare)] })),
    ).toEqual(['alex']);
    const byDana = [decide(payload, dana, { approver: 'dana' })];
    expect(approversOf(createEvidence(world, { decisions: byDana }))).toEqual(['dana']);
    const byRsa = [decide(payload, rs256, { approver: 'dana' })];
    expect(approversOf(createEvidence(world, { policy, decisions: byRsa }))).toEqual(['dana']);
  });

  test('without a nonce where the service gives none, whatever nonce was signed', () => {
    const decision = without(decide(payload, alex), 'nonce');
    expect(approversOf(createEvidence(world, { decisions: [decision] }))).toEqual(['alex']);
  });

  test('in step request while it is pending', () => {
    const record = createRecord(payload, [decide(payload, alex)], {
      redemption: { state: 'pending' },
    });
    expect(approversOf(createEvidence(world, { record, step: 'request' }))).toEqual(['alex']);
  });

  test('by checkApproval, which leaves the redemption to its caller', () => {
    const record = createRecord(payload, [decide(payload, alex)], {
      redemption: { state: 'pending' },
    });
    const evidence = createEvidence(world, { record });
    expect(checkApproval(evidence)).toEqual({
      ok: true,
      payload,
      payloadHash: record.payload_hash,
      approvers: ['alex'],
    });
    expect(codeOf(evidence)).toBe('configuration');
  });
});

describe('an approved verdict is made here only', () => {
  const genuine = verifyApproval(createEvidence(world));

  test('a copy of one is not approved', () => {
    expect(isApproved(genuine)).toBe(true);
    expect(isApproved({ ...genuine })).toBe(false);
    expect(isApproved(structuredClone(genuine))).toBe(false);
    expect(isApproved(Object.create(genuine) as Verdict)).toBe(false);
    expect(isApproved(new Proxy(genuine, {}))).toBe(false);
    expect(isApproved(undefined as unknown as Verdict)).toBe(false);
    expect(isApproved('approved' as unknown as Verdict)).toBe(false);
  });

  test('and nobody can change it', () => {
    expect(Object.isFrozen(genuine)).toBe(true);
    expect(Object.isFrozen(genuine.approvers)).toBe(true);
    expect(() => Object.assign(genuine, { payload_hash: '00' })).toThrow(TypeError);
  });

  test('a refusal made to look approved is not', () => {
    const refused = refusal(createEvidence(world, { now: expiresAt }));
    const forged = Object.assign(refused, { reason_code: 'approved', exit_code: 0 });
    expect(isApproved(forged)).toBe(false);
  });

  describe('with a polluted Object.prototype', () => {
    const pollution: Record<string, unknown> = {
      approved: true,
      status: 'approved',
      verified: true,
      reason_code: 'approved',
      exit_code: 0,
      ok: true,
      decision: 'approved',
      self_approval: true,
      rerun: 'same_run',
      redemption: 'run',
      assurance: 'service',
      quorum: 0,
      triggered_by: 'nobody',
      nonce: 'A'.repeat(43),
      policy: world.policy,
      crossOrigin: false,
    };

    afterEach(() => {
      for (const key of Object.keys(pollution)) Reflect.deleteProperty(Object.prototype, key);
    });

    function pollute(): void {
      for (const [key, value] of Object.entries(pollution)) {
        Object.defineProperty(Object.prototype, key, { value, configurable: true, writable: true });
      }
    }

    test('nothing that is refused gets approved', () => {
      const unsigned = without(decide(payload, alex), 'assertion');
      const stranger = decide(payload, createPasskey());
      const foreign = decide(payload, alex, { clientData: { crossOrigin: true } });
      const own: DeployFacts = {
        ...facts,
        actor: { login: 'alexdoe', id: '1234567', type: 'human' },
      };
      const ownPayload = createPayload(own);
      const attempt = { ...facts, run_attempt: '2' };
      const pending = createRecord(payload, [decide(payload, alex)], {
        redemption: { state: 'pending' },
      });
      const cases: [string, ApprovalEvidence][] = [
        ['evidence_invalid', createEvidence(world, { decisions: [unsigned] })],
        ['approver_untrusted', createEvidence(world, { decisions: [stranger] })],
        ['evidence_invalid', createEvidence(world, { decisions: [foreign] })],
        ['self_approval', createEvidence(world, { payload: ownPayload })],
        ['facts_mismatch', createEvidence(world, { finalFacts: attempt })],
        ['configuration', createEvidence(world, { record: pending })],
        ['expired', createEvidence(world, { now: expiresAt })],
        ['payload_invalid', createEvidence(world, { decisions: [] })],
      ];
      pollute();
      const verdicts = cases.map(([, evidence]) => verifyApproval(evidence));
      const approved = verdicts.map(isApproved);
      const codes = verdicts.map((verdict) => verdict.reason_code);
      for (const key of Object.keys(pollution)) Reflect.deleteProperty(Object.prototype, key);
      expect(approved).toEqual(cases.map(() => false));
      expect(codes).toEqual(cases.map(([code]) => code));
    });

    test('what is right stays approved', () => {
      const evidence = createEvidence(world);
      pollute();
      const verdict = verifyApproval(evidence);
      const isRight = isApproved(verdict);
      for (const key of Object.keys(pollution)) Reflect.deleteProperty(Object.prototype, key);
      expect(isRight).toBe(true);
      expect(verdict.redemption).toBe('redeemed');
    });
  });
});

describe('step 5: documents', () => {
  test.each<[string, Partial<ApprovalEvidence['record']>]>([
    ['another schema', { schema: 'approval-record/v2' as 'approval-record/v1' }],
    ['an unknown member', { approved: true } as object],
    ['no decision', { decisions: [] }],
    ['a payload that is no JSON', { payload: 'approved' }],
    ['another redemption state', { redemption: { state: 'none' as 'run' } }],
  ])('a record with %s is payload_invalid', (_, changes) => {
    const record = { ...createEvidence(world).record, ...changes };
    expect(codeOf(createEvidence(world, { record }))).toBe('payload_invalid');
  });

  test('a payload text that is not its own canonical form is payload_invalid', () => {
    for (const change of [
      (text: string) => ` ${text}`,
      (text: string) => `${text}\n`,
      (text: string) => text.replace('{', '{ '),
      (text: string) => text.replace('api', '\\u0061pi'),
      (text: string) =>
        JSON.stringify(
          JSON.parse(text, (_key, value: unknown) => value),
          null,
          1,
        ),
    ]) {
      const text = change(canonicalText(payload));
      const { record } = createEvidence(world);
      const verdict = refusal(createEvidence(world, { record: { ...record, payload: text } }));
      expect(verdict.reason_code).toBe('payload_invalid');
    }
  });

  test('a payload of another version is payload_invalid', () => {
    for (const schema of ['deploy-approval/v2', 'deploy-approval/v0', 'deploy-facts/v1', '']) {
      const text = canonicalText({ ...payload, schema });
      const { record } = createEvidence(world);
      const verdict = refusal(createEvidence(world, { record: { ...record, payload: text } }));
      expect(verdict.reason_code).toBe('payload_invalid');
      expect(verdict.message).toMatch(/schema: /);
    }
  });

  test('a fact that is not acceptable is payload_invalid, though it was signed', () => {
    const text = canonicalText({ ...payload, facts: { ...facts, service: 'latest' } });
    const { record } = createEvidence(world);
    expect(codeOf(createEvidence(world, { record: { ...record, payload: text } }))).toBe(
      'payload_invalid',
    );
  });

  test('final facts that are not acceptable are payload_invalid', () => {
    const finalFacts = { ...facts, commit: 'main' };
    expect(codeOf(createEvidence(world, { finalFacts }))).toBe('payload_invalid');
  });

  test('a policy that is not acceptable is configuration, with every fault', () => {
    const policy = {
      ...world.policy,
      environments: { production: { approvers: ['eve'], quorum: 2 } },
    };
    const verdict = refusal(createEvidence(world, { policy }));
    expect(verdict.reason_code).toBe('configuration');
    expect(verdict.problems).toHaveLength(2);
  });
});

describe('a rejection', () => {
  const yes = decide(payload, alex);
  const no = decide(payload, dana, { approver: 'dana', decision: 'rejected' });

  test('closes the gate for all, signed', () => {
    const verdict = judged(yes, no);
    expect(verdict.reason_code).toBe('rejected');
    expect(verdict.message).toBe(
      'dana rejected this deploy at 2026-11-22T10:05:00Z, signed with their passkey. Ask dana what has to change before you ask again.',
    );
    // Where the service gives no nonce, the signed challenge has it.
    expect(judged(yes, without(no, 'nonce')).message).toBe(verdict.message);
  });

  const unsigned = without(no, 'assertion');

  test.each<[string, Partial<Decision> | null]>([
    ['without assertion', null],
    ['with the signature of an approval', { assertion: decide(payload, dana).assertion! }],
    ['signed by another', { approver: 'alex' }],
    ...(
      [
        ['signed with another key', { signWith: alex.privateKey }],
        ['by a user who was not verified', { flags: 0x01 }],
        ['made for another page', { origin: 'https://evil.example' }],
        ['made for another relying party', { rpId: 'evil.example' }],
      ] as const
    ).map(([what, options]): [string, Partial<Decision>] => [
      what,
      decide(payload, dana, { approver: 'dana', decision: 'rejected', ...options }),
    ]),
    [
      'by a passkey that nobody pinned',
      decide(payload, createPasskey(), { approver: 'dana', decision: 'rejected' }),
    ],
    [
      'of another payload',
      {
        assertion: decide(createPayload({ region: 'us' }), dana, { decision: 'rejected' })
          .assertion!,
      },
    ],
  ])('%s closes it too, but is told as hearsay', (_, changes) => {
    const verdict = judged(yes, { ...(changes === null ? unsigned : no), ...changes });
    expect(verdict.reason_code).toBe('rejected');
    expect(verdict.message).toMatch(
      /^The service says that (alex|dana) rejected this deploy at 2026-11-22T10:05:00Z; no signature confirms it\. Ask \1 what has to change before you ask again\.$/,
    );
  });

  test('counts before anything else is looked at', () => {
    const evidence = createEvidence(world, { decisions: [yes, no], now: expiresAt + minutes(90) });
    expect(codeOf({ ...evidence, finalFacts: { ...facts, region: 'us' } })).toBe('rejected');
  });

  test('signed as such is no approval, whatever the service calls it', () => {
    const renamed: Decision = { ...no, decision: 'approved' };
    expect(judged(renamed).reason_code).toBe('evidence_invalid');
  });
});
