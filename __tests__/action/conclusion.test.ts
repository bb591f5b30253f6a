import { describe, expect, test } from '@jest/globals';
import { createEvidence, createWorld } from '../support/approvals.ts';
import { refuse, type Verdict } from '../../src/core/verdict.ts';
import { verifyApproval } from '../../src/core/verify.ts';
import { concludeRequest, concludeVerify } from '../../src/gate/conclusion.ts';
import type { RequestOutcome } from '../../src/gate/request.ts';
import type { VerifyOutcome } from '../../src/gate/verify.ts';
import { refusalOutputs, stepOutputs } from '../../src/gate/vocabulary.ts';

const world = createWorld();
const evidence = createEvidence(world);
const approved = verifyApproval(evidence);
const forged: Verdict = { ...approved };
const quiet = new AbortController().signal;
const aborted = AbortSignal.abort();
const id = '11111111-1111-4111-8111-111111111111';

const verified = (verdict: Verdict, overrides: Partial<VerifyOutcome> = {}): VerifyOutcome => ({
  verdict,
  status: 'approved',
  approvalIds: [id],
  payloadHash: 'f'.repeat(64),
  fingerprint: 'ffff-ffff',
  approvers: ['alex'],
  facts: evidence.finalFacts,
  record: evidence.record,
  recordPath: '/tmp/record',
  spent: true,
  ...overrides,
});
const requested = (
  verdict: Verdict | undefined,
  overrides: Partial<RequestOutcome> = {},
): RequestOutcome => ({
  ...verified(approved),
  verdict,
  status: 'approved',
  approvalUrl: 'https://approve.example.com/approve/1',
  ...overrides,
});

describe('exit code 0', () => {
  test('is for a verdict that verifyApproval made', () => {
    expect(approved.reason_code).toBe('approved');
    expect(concludeVerify(verified(approved), quiet).exitCode).toBe(0);
    expect(concludeRequest(requested(approved), quiet).exitCode).toBe(0);
  });

  test.each([
    ['a copy of one', forged],
    [
      'a refusal that says approved',
      { ...refuse('rejected', ''), reason_code: 'approved' as const },
    ],
    ['one with exit code 0', { ...refuse('rejected', ''), exit_code: 0 }],
    ['one read from JSON', JSON.parse(JSON.stringify(approved)) as Verdict],
  ])('is not for %s', (_name, verdict) => {
    for (const conclusion of [
      concludeVerify(verified(verdict), quiet),
      concludeRequest(requested(verdict), quiet),
    ]) {
      expect(conclusion.exitCode).not.toBe(0);
      expect(conclusion.outputs.status).not.toBe('approved');
      expect(conclusion.outputs['reason-code']).not.toBe('approved');
    }
  });

  test('is not for a step that was stopped by a signal in the last moment', () => {
    const verify = concludeVerify(verified(approved), aborted);
    expect(verify).toMatchObject({ exitCode: 130, outputs: { status: 'interrupted' } });
    expect(verify.verdict?.message).toContain('needs a new one');
    expect(concludeRequest(requested(approved), aborted).exitCode).toBe(130);
    const decided = requested(undefined, { status: 'decided' });
    expect(concludeRequest(decided, aborted).exitCode).toBe(130);
  });

  test('is not for a request without a verdict, unless it is decided', () => {
    expect(concludeRequest(requested(undefined), quiet).exitCode).toBe(70);
    const decided = concludeRequest(requested(undefined, { status: 'decided' }), quiet);
    expect(decided).toMatchObject({ exitCode: 0, verdict: undefined });
    expect(decided.outputs).toMatchObject({ status: 'decided', 'reason-code': '' });
  });
});

describe('the outputs', () => {
  test('of an approval are all there are', () => {
    const names = (outputs: object) => Object.keys(outputs).sort();
    expect(names(concludeVerify(verified(approved), quiet).outputs)).toEqual(
      names(stepOutputs.verify),
    );
    expect(names(concludeRequest(requested(approved), quiet).outputs)).toEqual(
      names(stepOutputs.request),
    );
  });

  test('of a refusal are exactly four, whatever is known', () => {
    const refusal = refuse('already_used', 'used');
    for (const { outputs } of [
      concludeVerify(verified(refusal), quiet),
      concludeRequest(requested(refusal), quiet),
      concludeVerify(verified(approved), aborted),
    ]) {
      expect(Object.keys(outputs).sort()).toEqual([...refusalOutputs].sort());
    }
  });
});
