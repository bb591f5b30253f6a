import { describe, expect, test } from '@jest/globals';
import { createEvidence, createWorld, without } from '../support/approvals.ts';
import { canonicalText } from '../../src/core/canonical.ts';
import { exitCodes, refuse, type Verdict } from '../../src/core/verdict.ts';
import { verifyApproval } from '../../src/core/verify.ts';
import { concludeRequest, concludeUnwritten, concludeVerify } from '../../src/gate/conclusion.ts';
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
const other = '22222222-2222-4222-8222-222222222222';
const { finalFacts: facts } = evidence;

const verified = (verdict: Verdict, overrides: Partial<VerifyOutcome> = {}): VerifyOutcome => ({
  verdict,
  status: 'approved',
  approvalIds: [id],
  payloadHash: 'f'.repeat(64),
  fingerprint: 'ffff-ffff',
  approvers: ['alex'],
  facts,
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
      expect(conclusion).toMatchObject({
        exitCode: exitCodes.internal,
        outputs: { status: 'internal', 'reason-code': 'internal' },
        verdict: { message: 'The step ended with an approval that nothing proves.' },
      });
    }
  });

  test('is not for a step that was stopped by a signal in the last moment', () => {
    const stopped = 'The step was stopped by a signal after it was approved.';
    const unused = `${stopped} The approval was not used.`;
    const decided = requested(undefined, { status: 'decided' });
    for (const [conclusion, message] of [
      [
        concludeVerify(verified(approved), aborted),
        `${stopped} The approval is used up: another try needs a new one.`,
      ],
      [concludeVerify(verified(approved, { spent: false }), aborted), unused],
      [concludeRequest(requested(approved), aborted), unused],
      [concludeRequest(decided, aborted), unused],
    ] as const) {
      expect(conclusion).toMatchObject({
        exitCode: exitCodes.interrupted,
        outputs: { status: 'interrupted', 'reason-code': 'interrupted' },
        verdict: { reason_code: 'interrupted', message },
      });
    }
  });

  test('is not for a request without a verdict, unless it is decided', () => {
    expect(concludeRequest(requested(undefined), quiet).exitCode).toBe(70);
    const decided = concludeRequest(requested(undefined, { status: 'decided' }), quiet);
    expect(decided).toMatchObject({ exitCode: 0, verdict: undefined });
    expect(decided.outputs).toMatchObject({ status: 'decided', 'reason-code': '' });
    // A refusal that calls itself decided is none the less one.
    const refused = requested(refuse('rejected', 'no'), { status: 'decided' });
    expect(concludeRequest(refused, quiet).exitCode).toBe(exitCodes.rejected);
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

  test('of a verify step say what was checked, and by whom', () => {
    const two = verified(approved, { approvalIds: [id, other], approvers: ['alex', 'dana'] });
    expect(concludeVerify(two, quiet).outputs).toEqual({
      'approval-id': `${id},${other}`,
      'approval-url': '',
      status: 'approved',
      'reason-code': 'approved',
      'payload-hash': 'f'.repeat(64),
      fingerprint: 'ffff-ffff',
      approvers: 'alex,dana',
      record: canonicalText(evidence.record),
      'record-path': '/tmp/record',
      service: facts.service,
      environment: facts.environment,
      commit: facts.commit,
      digest: facts.digest,
    });
  });

  test('of a verify step are empty where there is nothing to say', () => {
    const bare = verified(approved, { facts: undefined, record: undefined, recordPath: undefined });
    expect(concludeVerify(bare, quiet).outputs).toMatchObject({
      record: '',
      'record-path': '',
      service: '',
      environment: '',
      commit: '',
      digest: '',
    });
    const undigested = without(facts, 'digest');
    expect(concludeVerify(verified(approved, { facts: undigested }), quiet).outputs.digest).toBe(
      '',
    );
  });

  test('of a request are those of the approval, with its link', () => {
    const two = requested(approved, { approvalIds: [id, other] });
    expect(concludeRequest(two, quiet).outputs).toEqual({
      'approval-id': `${id},${other}`,
      'approval-url': 'https://approve.example.com/approve/1',
      status: 'approved',
      'reason-code': 'approved',
      'payload-hash': 'f'.repeat(64),
      fingerprint: 'ffff-ffff',
      approvers: 'alex',
      record: canonicalText(evidence.record),
      'record-path': '/tmp/record',
    });
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

  test('of a refusal name the request, and the reason twice', () => {
    const refusal = refuse('already_used', 'used');
    const outputs = { status: 'already_used', 'reason-code': 'already_used' };
    const two = [id, other];
    expect(concludeVerify(verified(refusal, { approvalIds: two }), quiet)).toEqual({
      verdict: refusal,
      exitCode: exitCodes.already_used,
      outputs: { ...outputs, 'approval-id': `${id},${other}`, 'approval-url': '' },
    });
    expect(concludeRequest(requested(refusal, { approvalIds: two }), quiet).outputs).toEqual({
      ...outputs,
      'approval-id': `${id},${other}`,
      'approval-url': 'https://approve.example.com/approve/1',
    });
  });

  test('that can not be written are those of a refusal, of the same request', () => {
    const full = refuse('internal', 'The disk is full.');
    expect(concludeUnwritten(full, concludeRequest(requested(approved), quiet))).toEqual({
      verdict: full,
      exitCode: exitCodes.internal,
      outputs: {
        'approval-id': id,
        'approval-url': 'https://approve.example.com/approve/1',
        status: 'internal',
        'reason-code': 'internal',
      },
    });
    const none = concludeUnwritten(full, { verdict: approved, outputs: {}, exitCode: 0 });
    expect(none.outputs).toMatchObject({ 'approval-id': '', 'approval-url': '' });
  });
});
