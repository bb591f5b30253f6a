import { describe, expect, test } from '@jest/globals';
import { rejectionObjection } from '../../src/core/rejection.ts';
import { createPayload, createRecord, createWorld, decide, without } from '../support/approvals.ts';

const { policy, passkeys } = createWorld();
const decisions = () => {
  const payload = createPayload();
  const no = decide(payload, passkeys.dana, { approver: 'dana', decision: 'rejected' });
  return { payload, yes: decide(payload, passkeys.alex), no };
};
const advice = 'Ask dana what has to change before you ask again.';
const hearsay =
  'The service says that dana rejected this deploy at 2026-11-22T10:05:00Z; no signature confirms it.';

test('nobody rejected: no objection', () => {
  const { payload, yes } = decisions();
  expect(rejectionObjection({ policy, record: createRecord(payload, [yes]) })).toBeUndefined();
});

describe('one no among others', () => {
  test('with a signature', () => {
    const { payload, yes, no } = decisions();
    expect(rejectionObjection({ policy, record: createRecord(payload, [yes, no]) })).toEqual({
      code: 'rejected',
      message: 'dana rejected this deploy at 2026-11-22T10:05:00Z, signed with their passkey.',
      advice,
    });
  });

  test('without a signature', () => {
    const { payload, yes, no } = decisions();
    const record = createRecord(payload, [yes, without(no, 'assertion')]);
    expect(rejectionObjection({ policy, record })).toEqual({
      code: 'rejected',
      message: hearsay,
      advice,
    });
  });

  test('with a signature, and no policy that says whose it is', () => {
    const { payload, no } = decisions();
    const record = createRecord(payload, [no]);
    expect(rejectionObjection({ policy: undefined, record })?.message).toBe(hearsay);
  });

  test('of a name that hides something', () => {
    const { payload, no } = decisions();
    const record = createRecord(payload, [{ ...no, approver: 'dana\u202e' }]);
    expect(rejectionObjection({ policy, record })).toEqual({
      code: 'rejected',
      message: hearsay.replace('dana', 'dana\\u{202E}'),
      advice: advice.replace('dana', 'dana\\u{202E}'),
    });
  });
});
