import { randomBytes, randomUUID } from 'node:crypto';
import { afterEach, describe, expect, test } from '@jest/globals';
import { canonicalText } from '../../src/core/canonical.ts';
import type { DeployFacts } from '../../src/core/facts.ts';
import type { Policy } from '../../src/core/policy.ts';
import { policyHash } from '../../src/core/policy.ts';
import type { Decision } from '../../src/core/record.ts';
import type { Verdict } from '../../src/core/verdict.ts';
import { verdictSchema } from '../../src/core/verdict.ts';
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
  destructiveMigration,
  expiresAt,
  facts,
  requestedAt,
  without,
} from '../support/approvals.ts';
import { createPasskey, otherForm } from '../support/authenticator.ts';

const world = createWorld();
const { alex, dana, kim } = world.passkeys;
const payload = createPayload();
const minutes = (count: number) => count * 60_000;

/** A refusal: whatever else, it is not approved. */
function refusal(evidence: ApprovalEvidence): Verdict {
  const verdict = verifyApproval(evidence);
  expect(isApproved(verdict)).toBe(false);
  expect(verdict.exit_code).not.toBe(0);
  expect(verdict.redemption).toBe('none');
  expect(verdict.approvers).toEqual([]);
  expect(verdictSchema.safeParse(verdict).success).toBe(true);
  return verdict;
}

const codeOf = (evidence: ApprovalEvidence) => refusal(evidence).reason_code;

/** The refusal of an otherwise good record with these decisions. */
const judged = (...decisions: Decision[]) => refusal(createEvidence(world, { decisions }));

function approvers(evidence: ApprovalEvidence): readonly string[] {
  const verdict = verifyApproval(evidence);
  expect(verdict).toMatchObject({ reason_code: 'approved', exit_code: 0 });
  expect(isApproved(verdict)).toBe(true);
  return verdict.approvers;
}

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
    });
  });

  test('by each of the pinned passkeys and algorithms', () => {
    const rs256 = createPasskey('RS256');
    const policy: Policy = structuredClone(world.policy);
    Object.assign(policy.approvers.dana!.passkeys[0]!, rs256.pinned);
    expect(approvers(createEvidence(world, { decisions: [decide(payload, world.spare)] }))).toEqual(
      ['alex'],
    );
    const byDana = [decide(payload, dana, { approver: 'dana' })];
    expect(approvers(createEvidence(world, { decisions: byDana }))).toEqual(['dana']);
    const byRsa = [decide(payload, rs256, { approver: 'dana' })];
    expect(approvers(createEvidence(world, { policy, decisions: byRsa }))).toEqual(['dana']);
  });

  test('without a nonce where the service gives none, whatever nonce was signed', () => {
    const decision = without(decide(payload, alex), 'nonce');
    expect(approvers(createEvidence(world, { decisions: [decision] }))).toEqual(['alex']);
  });

  test('in step request while it is pending', () => {
    const record = createRecord(payload, [decide(payload, alex)], {
      redemption: { state: 'pending' },
    });
    expect(approvers(createEvidence(world, { record, step: 'request' }))).toEqual(['alex']);
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
    expect(verdict.message).toMatch(/^dana rejected this deploy at .*, signed with their passkey/);
  });

  const unsigned = without(no, 'assertion');

  test.each<[string, Partial<Decision> | null]>([
    ['without assertion', null],
    ['with the signature of an approval', { assertion: decide(payload, dana).assertion! }],
    ['signed by another', { approver: 'alex' }],
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
    expect(verdict.message).toMatch(/^The service says that \w+ rejected this deploy/);
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

describe('step 6: facts', () => {
  test.each<[string, Partial<DeployFacts>]>([
    ['commit', { commit: '0123456789012345678901234567890123456789' }],
    ['environment', { environment: 'staging' }],
    ['environment', { environment: 'Production' }],
    ['environment', { environment: 'constructor' }],
    ['service', { service: 'web' }],
    ['region', { region: 'us-east-1' }],
    ['digest', { digest: `sha256:${'0'.repeat(64)}` }],
    ['run_id', { run_id: '9876543211' }],
    ['repository_id', { repository_id: '123456780' }],
    ['migration.kind', { migration: destructiveMigration }],
  ])('another %s is facts_mismatch with both values', (field, changes) => {
    const verdict = refusal(createEvidence(world, { finalFacts: { ...facts, ...changes } }));
    expect(verdict.reason_code).toBe('facts_mismatch');
    expect(verdict.differences.map((difference) => difference.field)).toContain(field);
    expect(verdict.message).toContain(`${field}: approved `);
  });

  test('an optional fact that is gone, or new, is facts_mismatch', () => {
    const bare = without(facts, 'digest');
    const gone = refusal(createEvidence(world, { finalFacts: bare }));
    expect(gone.differences).toEqual([{ field: 'digest', signed: facts.digest, final: null }]);
    const signed = { ...payload, facts: bare };
    const decisions = [decide(signed, alex)];
    const added = refusal(createEvidence(world, { payload: signed, decisions, finalFacts: facts }));
    expect(added.differences).toEqual([{ field: 'digest', signed: null, final: facts.digest }]);
    expect(added.reason_code).toBe('facts_mismatch');
  });

  test('another value is shown escaped, and shortened in the middle', () => {
    const rollback = { kind: 'command', value: `echo ${'x'.repeat(400)} done` } as const;
    const verdict = refusal(createEvidence(world, { finalFacts: { ...facts, rollback } }));
    expect(verdict.message.length).toBeLessThan(900);
    expect(verdict.message).toMatch(/now "echo x+…x+ done"/);
  });

  test('only another attempt says: choose Re-run all jobs', () => {
    const verdict = refusal(createEvidence(world, { finalFacts: { ...facts, run_attempt: '2' } }));
    expect(verdict.reason_code).toBe('facts_mismatch');
    expect(verdict.message).toMatch(
      /attempt 1 of run 9876543210, and this is attempt 2.*"Re-run all jobs"/,
    );
  });

  describe('with "rerun": "same_run"', () => {
    const rerunWorld = createWorld({ rerun: 'same_run' });
    const rerun = (finalFacts: DeployFacts) => {
      const evidence = createEvidence(rerunWorld, { finalFacts });
      const { run_attempt } = finalFacts;
      const redemption = { ...evidence.record.redemption, run_attempt };
      return { ...evidence, record: { ...evidence.record, redemption } };
    };

    test('a later attempt of the same run is approved, whoever started it again', () => {
      const actor = { ...facts.actor, triggered_by: 'somebody' };
      expect(approvers(rerun({ ...facts, run_attempt: '2' }))).toEqual(['alex']);
      expect(approvers(rerun({ ...facts, run_attempt: '10', actor }))).toEqual(['alex']);
    });

    test('another run, another commit, an earlier attempt or only another starter is facts_mismatch', () => {
      const actor = { ...facts.actor, triggered_by: 'somebody' };
      for (const changes of [
        { run_id: '9876543211', run_attempt: '2' },
        { run_attempt: '2', commit: '0123456789012345678901234567890123456789' },
        { run_attempt: '0' },
        { actor },
        { run_attempt: '2', actor: { ...facts.actor, login: 'somebody' } },
      ]) {
        expect(codeOf(rerun({ ...facts, ...changes }))).toBe('facts_mismatch');
      }
    });

    test('who started it again still counts for self-approval', () => {
      const actor = { ...facts.actor, triggered_by: 'AlexDoe' };
      expect(codeOf(rerun({ ...facts, run_attempt: '2', actor }))).toBe('self_approval');
    });
  });
});

describe('the rule of the environment', () => {
  test('no policy is configuration', () => {
    expect(codeOf(createEvidence(world, { policy: undefined }))).toBe('configuration');
  });

  test.each(['canary', 'constructor', 'toString', 'hasOwnProperty'])(
    'no rule for %s is configuration, though it was approved',
    (environment) => {
      const other = createPayload({ environment });
      const verdict = refusal(createEvidence(world, { payload: other }));
      expect(verdict.reason_code).toBe('configuration');
      expect(verdict.message).toContain(`no rule for the environment "${environment}"`);
    },
  );

  test('require_oidc can’t be met yet and is configuration', () => {
    const strict = createWorld({ require_oidc: true });
    const verdict = refusal(createEvidence(strict));
    expect(verdict.reason_code).toBe('configuration');
    expect(verdict.message).toContain('require_oidc');
  });

  test('a required fact that is absent on both sides is payload_invalid', () => {
    const bare = without(facts, 'digest');
    const strict = createWorld({ required_facts: ['digest', 'tenant', 'rollback.note'] });
    expect(approvers(createEvidence(strict))).toEqual(['alex']);
    const poor = {
      ...payload,
      facts: { ...bare, rollback: { kind: 'version', value: 'v1' } as const },
    };
    const decisions = [decide(poor, strict.passkeys.alex)];
    const verdict = refusal(createEvidence(strict, { payload: poor, decisions }));
    expect(verdict.reason_code).toBe('payload_invalid');
    expect(verdict.problems.map(({ field }) => field)).toEqual(['digest', 'rollback.note']);
  });

  test('a record that was made under another policy is configuration', () => {
    const { record } = createEvidence(world);
    const right = { ...record, policy_sha256: policyHash(world.policy) };
    expect(approvers(createEvidence(world, { record: right }))).toEqual(['alex']);
    const wrong = { ...record, policy_sha256: policyHash(createWorld().policy) };
    expect(codeOf(createEvidence(world, { record: wrong }))).toBe('configuration');
  });
});

describe('step 7: hash and challenge', () => {
  test('a record whose hash is not its payload’s is payload_invalid', () => {
    const { record } = createEvidence(world);
    const other = createRecord(createPayload({ region: 'us' }), []).payload_hash;
    const verdict = refusal(createEvidence(world, { record: { ...record, payload_hash: other } }));
    expect(verdict.reason_code).toBe('payload_invalid');
    expect(verdict.message).toContain(record.payload_hash);
  });

  test('a signature over another payload is evidence_invalid: an approval can’t be moved', () => {
    for (const other of [
      createPayload({ region: 'us' }),
      { ...payload, request_id: 'f'.repeat(32) },
    ]) {
      expect(judged(decide(other, alex)).reason_code).toBe('evidence_invalid');
      const bare = without(decide(other, alex), 'nonce');
      expect(judged(bare).reason_code).toBe('evidence_invalid');
    }
  });

  test('a signature over another nonce than the service gave is evidence_invalid', () => {
    const nonce = randomBytes(32).toString('base64url');
    expect(judged({ ...decide(payload, alex), nonce }).reason_code).toBe('evidence_invalid');
  });

  test('a sign-in, or a challenge of any other length, is evidence_invalid', () => {
    const hash = Buffer.from(createEvidence(world).record.payload_hash, 'hex');
    for (const challenge of [
      randomBytes(32),
      hash,
      Buffer.concat([randomBytes(31), hash]),
      Buffer.concat([randomBytes(64), hash]),
      Buffer.concat([randomBytes(32), hash, Buffer.of(0)]),
      Buffer.alloc(0),
    ]) {
      const decision = without(decide(payload, alex, { challenge }), 'nonce');
      expect(judged(decision).reason_code).toBe('evidence_invalid');
    }
  });
});

describe('steps 8, 9 and 11: the assertion', () => {
  test.each([
    ['the type of an enrolment', { clientData: { type: 'webauthn.create' } }],
    ['another origin', { origin: 'https://evil.example' }],
    ['an embedded page', { clientData: { crossOrigin: true } }],
    ['a top origin', { clientData: { topOrigin: 'https://evil.example' } }],
    ['another relying party', { rpId: 'evil.example' }],
    ['nobody present', { flags: 0x04 }],
    ['an unverified user', { flags: 0x01 }],
    ['backup without eligibility', { flags: 0x15 }],
    ['extensions', { flags: 0x85, extra: Buffer.of(0xa0) }],
    ['bytes left over', { extra: Buffer.of(0) }],
    ['another person’s user handle', { userHandle: dana.pinned.user_handle }],
    ['another key', { signWith: createPasskey().privateKey }],
    ['a broken signature', { tamper: (signature: Buffer) => signature.fill(1, 8, 9) }],
  ])('with %s is evidence_invalid', (_, options) => {
    const verdict = judged(decide(payload, alex, options));
    expect(verdict.reason_code).toBe('evidence_invalid');
    expect(verdict.problems).toHaveLength(1);
  });

  test('none at all is evidence_invalid: a status is no evidence', () => {
    const unsigned = without(decide(payload, alex), 'assertion');
    expect(judged(unsigned).reason_code).toBe('evidence_invalid');
  });

  test('one bad decision refuses, beside a good one', () => {
    const bad = decide(payload, dana, { approver: 'dana', flags: 0x01 });
    expect(judged(decide(payload, alex), bad).reason_code).toBe('evidence_invalid');
    expect(judged(bad, decide(payload, alex)).reason_code).toBe('evidence_invalid');
  });
});

describe('step 10: the person', () => {
  test('a passkey that the policy does not pin is approver_untrusted', () => {
    expect(judged(decide(payload, createPasskey())).reason_code).toBe('approver_untrusted');
  });

  test('a planted key under a pinned id is evidence_invalid', () => {
    const planted = createPasskey();
    const disguised = {
      ...planted,
      pinned: { ...planted.pinned, id: alex.pinned.id, user_handle: alex.pinned.user_handle },
    };
    expect(judged(decide(payload, disguised)).reason_code).toBe('evidence_invalid');
  });

  test('a key of somebody else than the service says is approver_untrusted', () => {
    const verdict = judged(decide(payload, alex, { approver: 'dana' }));
    expect(verdict.reason_code).toBe('approver_untrusted');
    expect(verdict.message).toContain("the passkey is alex's");
  });

  test('a person of the policy who is not named for this environment is approver_untrusted', () => {
    const verdict = judged(decide(payload, kim, { approver: 'kim' }));
    expect(verdict.reason_code).toBe('approver_untrusted');
    expect(verdict.message).toContain('the policy names alex, dana');
  });

  const own = (actor: Partial<DeployFacts['actor']>) =>
    createPayload({ actor: { login: 'somebody', id: '1', type: 'human', ...actor } });

  test.each<[string, Partial<DeployFacts['actor']>]>([
    ['the same id', { id: '1234567' }],
    ['the same id with its provider', { id: 'github:1234567' }],
    ['the same login', { login: 'alexdoe' }],
    ['the same login in another case', { login: 'AlexDoe' }],
    ['the login of who started it again', { triggered_by: 'ALEXDOE' }],
  ])('who asked for it may not approve: %s is self_approval', (_, actor) => {
    const verdict = refusal(createEvidence(world, { payload: own(actor) }));
    expect(verdict.reason_code).toBe('self_approval');
    expect(verdict.message).toMatch(
      /^alex approved a deploy that they asked for themselves.*Ask dana\.$/,
    );
  });

  test('another’s request is no self-approval, and the policy may allow it', () => {
    const byAlex = own({ id: '1234567', login: 'alexdoe' });
    const decisions = [decide(byAlex, dana, { approver: 'dana' })];
    expect(approvers(createEvidence(world, { payload: byAlex, decisions }))).toEqual(['dana']);
    const lax = createWorld({ self_approval: true });
    expect(approvers(createEvidence(lax, { payload: byAlex }))).toEqual(['alex']);
  });

  test('the requester’s signature refuses even where others make the quorum', () => {
    const byAlex = own({ id: '1234567' });
    const decisions = [decide(byAlex, dana, { approver: 'dana' }), decide(byAlex, alex)];
    expect(codeOf(createEvidence(world, { payload: byAlex, decisions }))).toBe('self_approval');
  });
});

describe('step 12: times, to the millisecond', () => {
  const at = (now: number, decidedAt?: number) => {
    const decision = decide(payload, alex, decidedAt === undefined ? {} : { decidedAt });
    return createEvidence(world, { decisions: [decision], now });
  };

  test('now is before expires_at', () => {
    expect(approvers(at(expiresAt - 1))).toEqual(['alex']);
    expect(codeOf(at(expiresAt))).toBe('expired');
    expect(codeOf(at(expiresAt + 1))).toBe('expired');
  });

  test('requested_at is at most 60 s ahead of now', () => {
    const early = requestedAt - 60_000;
    expect(approvers(at(early, early))).toEqual(['alex']);
    expect(codeOf(at(early - 1, early))).toBe('expired');
  });

  test('decided_at is at most 60 s before requested_at', () => {
    expect(approvers(at(requestedAt, requestedAt - 60_000))).toEqual(['alex']);
    expect(codeOf(at(requestedAt, requestedAt - 61_000))).toBe('evidence_invalid');
  });

  test('decided_at is at most 60 s ahead of now', () => {
    const decidedAt = requestedAt + minutes(10);
    expect(approvers(at(decidedAt - 60_000, decidedAt))).toEqual(['alex']);
    expect(codeOf(at(decidedAt - 60_001, decidedAt))).toBe('evidence_invalid');
  });

  test('decided_at is before expires_at', () => {
    expect(approvers(at(expiresAt - 1, expiresAt - 1000))).toEqual(['alex']);
    expect(codeOf(at(expiresAt - 1, expiresAt))).toBe('expired');
  });

  test('the window is within the policy’s maximum', () => {
    const exact = createPayload({}, { expiresAt: requestedAt + minutes(60) });
    const long = createPayload({}, { expiresAt: requestedAt + minutes(60) + 1000 });
    expect(approvers(createEvidence(world, { payload: exact }))).toEqual(['alex']);
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
    expect(approvers(of(byDana, byAlex))).toEqual(['dana', 'alex']);
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
      approvers(
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
    const careful = createWorld({ quorum_if_destructive: 2 });
    const heavy = createPayload({ migration });
    const one = [decide(heavy, careful.passkeys.alex)];
    const both = [...one, decide(heavy, careful.passkeys.dana, { approver: 'dana' })];
    const verdict = refusal(createEvidence(careful, { payload: heavy, decisions: one }));
    expect(verdict.reason_code).toBe('quorum_unmet');
    expect(verdict.message).toContain('destructive');
    expect(approvers(createEvidence(careful, { payload: heavy, decisions: both }))).toEqual([
      'alex',
      'dana',
    ]);
  });

  test('another migration does not', () => {
    const careful = createWorld({ quorum_if_destructive: 2 });
    const light = createPayload({
      migration: {
        kind: 'sql',
        command: 'npm run migrate',
        destructive: false,
        files: [{ path: 'db/001.sql', sha256: '0'.repeat(64) }],
      },
    });
    expect(approvers(createEvidence(careful, { payload: light }))).toEqual(['alex']);
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

  test('and only by people whom the rule names', () => {
    const stranger = { ...unsigned, approver: 'mallory' };
    expect(codeOf(believed({ policy: lax.policy }, [stranger]))).toBe('approver_untrusted');
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
    expect(approvers(signedBy)).toEqual(['alex']);
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
