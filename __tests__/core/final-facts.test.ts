import { describe, expect, test } from '@jest/globals';
import type { DeployFacts } from '../../src/core/facts.ts';
import { factsObjection } from '../../src/core/final-facts.ts';
import { exampleFacts } from '../support/deploy.ts';
import { withValue } from '../support/paths.ts';

const attempt = (run_attempt: string): DeployFacts => ({ ...exampleFacts(), run_attempt });

describe('what is about to run', () => {
  test('is what was approved', () => {
    expect(factsObjection(exampleFacts(), exampleFacts(), 'never')).toBeUndefined();
    expect(factsObjection(exampleFacts(), exampleFacts(), 'same_run')).toBeUndefined();
  });

  test.each(['never', 'same_run'] as const)('is not: each difference in a line (%s)', (rerun) => {
    const signed = withValue(exampleFacts(), ['region'], undefined);
    const final = withValue(
      { ...exampleFacts(), service: `a${'b'.repeat(200)}c`, commit: 'a\u202eb' },
      ['digest'],
      undefined,
    );
    const differences = [
      { field: 'commit', signed: signed.commit, final: final.commit },
      { field: 'digest', signed: signed.digest, final: null },
      { field: 'region', signed: null, final: 'eu-west-1' },
      { field: 'service', signed: 'api', final: final.service },
    ];
    expect(factsObjection(signed, final, rerun)).toEqual({
      code: 'facts_mismatch',
      message: [
        'What is about to run is not what was approved:',
        `commit: approved "${signed.commit}", now "a\\u{202E}b"`,
        `digest: approved "${signed.digest}", now (absent)`,
        'region: approved (absent), now "eu-west-1"',
        `service: approved "api", now "a${'b'.repeat(59)}…${'b'.repeat(58)}c"`,
      ].join('\n'),
      advice: 'Undo the change, or ask for a new approval of what runs now.',
      details: { differences },
    });
  });
});

describe('a later attempt of the same run', () => {
  test('says how to ask again, unless the policy takes it', () => {
    expect(factsObjection(attempt('9'), attempt('10'), 'never')).toEqual({
      code: 'facts_mismatch',
      message: 'This approval is for attempt 9 of run 9876543210, and this is attempt 10.',
      advice:
        'In GitHub choose "Re-run all jobs", so that the request is made again; "Re-run failed jobs" needs "rerun": "same_run" in the policy.',
      details: { differences: [{ field: 'run_attempt', signed: '9', final: '10' }] },
    });
    expect(factsObjection(attempt('9'), attempt('10'), 'same_run')).toBeUndefined();
  });

  test('may be started by somebody else, and nothing more may be another', () => {
    const started = withValue(attempt('2'), ['actor', 'triggered_by'], 'somebody');
    expect(factsObjection(attempt('1'), started, 'same_run')).toBeUndefined();
    const other = { ...started, region: 'us-east-1' };
    expect(factsObjection(attempt('1'), other, 'same_run')?.message).toBe(
      [
        'What is about to run is not what was approved:',
        'actor.triggered_by: approved "alexdoe", now "somebody"',
        'region: approved "eu-west-1", now "us-east-1"',
        'run_attempt: approved "1", now "2"',
      ].join('\n'),
    );
  });

  test.each([
    ['an earlier one', attempt('10'), attempt('9')],
    [
      'the same one, started by somebody else',
      attempt('1'),
      withValue(attempt('1'), ['actor', 'triggered_by'], 'somebody'),
    ],
  ])('is none: %s', (_, signed, final) => {
    expect(factsObjection(signed, final, 'same_run')?.message).toMatch(
      /^What is about to run is not what was approved:\n/,
    );
  });
});
