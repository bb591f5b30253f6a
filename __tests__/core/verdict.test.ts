import { describe, expect, test } from '@jest/globals';
import { exitCodes, refuse, verdictSchema, type RefusalCode } from '../../src/core/verdict.ts';
import { without } from '../support/approvals.ts';

const bare = refuse('expired', 'It is over.');

describe('a refusal', () => {
  test('holds its code, its exit code and its message, and redeems nothing', () => {
    expect(bare).toEqual({
      schema: 'verdict/v1',
      reason_code: 'expired',
      exit_code: 11,
      message: 'It is over.',
      approvers: [],
      differences: [],
      problems: [],
      assurance: 'signature',
      redemption: 'none',
    });
    expect(Object.keys(bare)).not.toContain('payload_hash');
    expect(Object.keys(bare)).not.toContain('policy_sha256');
  });

  test('holds what is known beside them', () => {
    const details = {
      payload_hash: 'ab'.repeat(32),
      policy_sha256: 'cd'.repeat(32),
      differences: [{ field: 'region', signed: 'eu', final: null }],
      problems: [{ field: 'region', message: 'is gone' }],
      assurance: 'service',
    } as const;
    expect(refuse('expired', 'It is over.', details)).toEqual({ ...bare, ...details });
  });

  test('never ends a process with success', () => {
    const codes = Object.keys(exitCodes).filter((code) => code !== 'approved');
    for (const code of codes) {
      expect(refuse(code as RefusalCode, '').exit_code).toBeGreaterThan(0);
    }
  });
});

describe('the form of a verdict', () => {
  const full = {
    ...bare,
    payload_hash: 'ab'.repeat(32),
    policy_sha256: 'cd'.repeat(32),
    approvers: ['alex'],
    differences: [{ field: 'region', signed: 'eu', final: null }],
    problems: [{ field: 'region', message: 'is gone', line: 1, column: 1 }],
    circumstances: { provider: 'local' },
    files: {
      'record.json': '0'.repeat(64),
      'facts.json': '1'.repeat(64),
      'policy.json': '2'.repeat(64),
      'verdict.json': '3'.repeat(64),
    },
  };
  /** What is wrong with a verdict, as paths. */
  const wrong = (verdict: object) =>
    verdictSchema.safeParse(verdict).error?.issues.map(({ path }) => path.join('.')) ?? [];

  test('is that of each refusal, with all that may stand in it or without', () => {
    expect(verdictSchema.parse(bare)).toEqual(bare);
    expect(verdictSchema.parse(full)).toEqual(full);
    const { files } = full;
    expect(wrong({ ...full, files: without(files, 'policy.json') })).toEqual([]);
  });

  test.each(['none', 'pending', 'redeemed', 'run', 'service'])('knows %s', (redemption) => {
    expect(wrong({ ...bare, redemption })).toEqual([]);
  });

  test.each(['signature', 'service'])('knows %s', (assurance) => {
    expect(wrong({ ...bare, assurance })).toEqual([]);
  });

  test.each(Object.keys(exitCodes))('knows %s', (reason_code) => {
    expect(wrong({ ...bare, reason_code })).toEqual([]);
  });

  test.each<[string, object, string]>([
    ['of another version', { schema: 'verdict/v2' }, 'schema'],
    ['with an unknown member', { approved: true }, ''],
    ['with another reason', { reason_code: 'fine' }, 'reason_code'],
    ['with half an exit code', { exit_code: 0.5 }, 'exit_code'],
    ['with another assurance', { assurance: '' }, 'assurance'],
    ['with another redemption', { redemption: 'used' }, 'redemption'],
    ['with approvers that are no names', { approvers: [7] }, 'approvers.0'],
    ['with a problem of nothing', { problems: [{}] }, 'problems.0.field,problems.0.message'],
    [
      'with a problem in line 0',
      { problems: [{ field: '', message: '', line: 0 }] },
      'problems.0.line',
    ],
    [
      'with a problem in column 0',
      { problems: [{ field: '', message: '', column: 0 }] },
      'problems.0.column',
    ],
    [
      'with an unknown member of a problem',
      { problems: [{ field: '', message: '', code: 1 }] },
      'problems.0',
    ],
    [
      'with a difference of nothing',
      { differences: [{}] },
      'differences.0.field,differences.0.signed,differences.0.final',
    ],
    [
      'with an unknown member of a difference',
      { differences: [{ field: '', signed: null, final: null, also: '' }] },
      'differences.0',
    ],
    ['with circumstances that are none', { circumstances: {} }, 'circumstances.provider'],
    ['with an unknown file', { files: { ...full.files, 'more.json': '0'.repeat(64) } }, 'files'],
    ['without a file', { files: without(full.files, 'facts.json') }, 'files.facts.json'],
    [
      'with a hash in capitals',
      { files: { ...full.files, 'record.json': 'A'.repeat(64) } },
      'files.record.json',
    ],
    [
      'with more than a hash',
      { files: { ...full.files, 'record.json': `${'0'.repeat(64)}\n` } },
      'files.record.json',
    ],
    [
      'with something before a hash',
      { files: { ...full.files, 'policy.json': ` ${'0'.repeat(64)}` } },
      'files.policy.json',
    ],
  ])('refuses one %s', (_, changes, fields) => {
    expect(wrong({ ...full, ...changes }).join()).toBe(fields);
  });
});
