import { describe, expect, test } from '@jest/globals';
import { Fault, listProblems, refusalOf } from '../../src/core/fault.ts';

describe('a fault', () => {
  test('is an error with a reason, what is known of the deploy, and no cause where there was none', () => {
    const fault = new Fault('service_unreachable', 'The service did not answer.', {
      payload_hash: 'ab',
    });
    expect(fault).toBeInstanceOf(Error);
    expect(String(fault)).toBe('Fault: The service did not answer.');
    expect([fault.code, fault.details]).toEqual(['service_unreachable', { payload_hash: 'ab' }]);
    expect(new Fault('service_unreachable', 'x').details).toEqual({});
    expect('cause' in fault).toBe(false);
  });

  test('keeps its cause, apart from what is known of the deploy', () => {
    const cause = new Error('ECONNRESET');
    const fault = new Fault('service_unreachable', 'x', { cause, policy_sha256: 'cd' });
    expect(fault.cause).toBe(cause);
    expect(fault.details).toEqual({ policy_sha256: 'cd' });
  });
});

describe('the refusal of what was thrown', () => {
  test('is that of a fault, with all that it knows', () => {
    const problems = [{ field: 'service', message: 'is "latest"' }];
    const details = { payload_hash: 'ab', policy_sha256: 'cd', assurance: 'service' } as const;
    expect(
      refusalOf(new Fault('configuration', 'The inputs are wrong.', { ...details, problems })),
    ).toEqual({
      schema: 'verdict/v1',
      reason_code: 'configuration',
      exit_code: 40,
      message: 'The inputs are wrong.',
      approvers: [],
      differences: [],
      redemption: 'none',
      ...details,
      problems,
    });
  });

  test.each<[unknown, string]>([
    [new TypeError('x is not a function'), 'TypeError: x is not a function'],
    ['a text', 'a text'],
    [undefined, 'undefined'],
    [null, 'null'],
  ])('is a bug of ours otherwise: %p', (thrown, shown) => {
    const verdict = refusalOf(thrown);
    expect([verdict.reason_code, verdict.exit_code]).toEqual(['internal', 70]);
    expect(verdict.message).toBe(`This is a bug of Deploy Warrant, please report it: ${shown}`);
  });
});

test('problems are told one a line, by their fields; one of the whole document has none', () => {
  expect(
    listProblems([
      { field: 'service', message: 'is missing' },
      { field: '', message: 'A byte order mark is not allowed' },
      { field: 'migration.files[0].path', message: 'must be a string' },
    ]),
  ).toBe(
    'service: is missing\nA byte order mark is not allowed\nmigration.files[0].path: must be a string',
  );
  expect(listProblems([])).toBe('');
});
