import { describe, expect, test } from '@jest/globals';
import type { DeployFacts } from '../../src/core/facts.ts';
import { policyHash } from '../../src/core/policy.ts';
import {
  createEvidence,
  createPayload,
  createWorld,
  decide,
  destructiveMigration,
  facts,
  without,
} from '../support/approvals.ts';
import { approversOf, codeOf, refusal } from '../support/judging.ts';

const world = createWorld();
const { alex } = world.passkeys;
const payload = createPayload();

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
      expect(approversOf(rerun({ ...facts, run_attempt: '2' }))).toEqual(['alex']);
      expect(approversOf(rerun({ ...facts, run_attempt: '10', actor }))).toEqual(['alex']);
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

  test('require_oidc without a token is configuration', () => {
    const strict = createWorld({ require_oidc: true });
    const verdict = refusal(createEvidence(strict));
    expect(verdict.reason_code).toBe('configuration');
    expect(verdict.message).toContain('require_oidc');
  });

  test('a required fact that is absent on both sides is payload_invalid', () => {
    const bare = without(facts, 'digest');
    const strict = createWorld({ required_facts: ['digest', 'tenant', 'rollback.note'] });
    expect(approversOf(createEvidence(strict))).toEqual(['alex']);
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
    expect(approversOf(createEvidence(world, { record: right }))).toEqual(['alex']);
    const wrong = { ...record, policy_sha256: policyHash(createWorld().policy) };
    expect(codeOf(createEvidence(world, { record: wrong }))).toBe('configuration');
  });
});
