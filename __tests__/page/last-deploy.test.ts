import { describe, expect, test } from '@jest/globals';
import { commitsOf, compareDeploys } from '../../src/service/page/last-deploy.ts';
import type { Json } from '../../src/service/page/leaves.ts';
import { exampleFacts, minimalFacts } from '../support/deploy.ts';

type Facts = ReturnType<typeof exampleFacts>;

const older = 'd0941e68da8f38151ff86a61fc59f7c5cf9fcaa2';
const now: Json = { facts: exampleFacts() };
const with_ = (change: (facts: Facts) => unknown): Json => {
  const facts = exampleFacts();
  change(facts);
  return { facts };
};
const differs = (then: Json, today: Json = now): Readonly<Record<string, string>> =>
  Object.fromEntries(compareDeploys(then, today).differs.map(({ label, text }) => [label, text]));

describe('what differs from the last deploy', () => {
  test('is nothing where all is the same, whatever the order of the keys', () => {
    const { kind, value, note } = exampleFacts().rollback;
    const same = with_((facts) => (facts.rollback = { note, value, kind }));
    expect(compareDeploys(same, now)).toEqual({
      differs: [],
      same: ['Ref', 'Image digest', 'Migration', 'Rollback'],
    });
  });

  test('is told of ref, digest and rollback by what was', () => {
    expect(
      differs(
        with_((facts) => {
          facts.ref = 'refs/heads/hotfix';
          facts.digest = `sha256:${'4e'.repeat(32)}`;
          facts.rollback.value = 'v1.41.1';
        }),
      ),
    ).toEqual({
      Ref: 'was refs/heads/hotfix',
      'Image digest': 'was sha256:4e4e4e4e…',
      Rollback: 'was version: v1.41.1',
    });
    expect(differs({ facts: minimalFacts() })).toMatchObject({ 'Image digest': 'was not given' });
    expect(differs(with_((facts) => (facts.rollback.note = 'another')))).toEqual({
      Rollback: 'another note',
    });
  });

  test('counts new, changed and absent migration files', () => {
    const then = with_((facts) => {
      facts.migration.files = [
        { path: 'db/000.sql', sha256: 'c'.repeat(64) },
        { path: 'db/001.sql', sha256: 'd'.repeat(64) },
      ];
      facts.migration.command = 'make migrate';
    });
    expect(differs(then)).toEqual({
      Migration:
        '1 file not in the last deploy; 1 file with other content; 1 file of the last deploy not in this one; the command was make migrate',
    });
    expect(differs({ facts: { ...exampleFacts(), migration: { kind: 'none' } } })).toEqual({
      Migration: 'was none; 2 files not in the last deploy',
    });
    const order = with_((facts) => facts.migration.files.reverse());
    expect(differs(order).Migration).toBe('the same files, in another order or judged otherwise');
  });

  test.each([
    null,
    'text',
    7,
    [],
    {},
    { facts: null },
    { facts: { migration: { files: 'x' } } },
    { facts: { migration: { files: [7, null, {}] } } },
  ])('survives a last deploy that is none: %j', (then) => {
    expect(Object.keys(differs(then as Json))).toContain('Migration');
    expect(commitsOf(then as Json, now)).toBeUndefined();
  });
});

describe('the commits', () => {
  const last = (commit: string, rollback: Json): Json => ({ facts: { commit, rollback } });
  const { commit } = exampleFacts();

  test('go back where the last deploy named this commit as its rollback', () => {
    for (const value of [commit, commit.slice(0, 7), commit.toUpperCase()]) {
      expect(commitsOf(last(older, { kind: 'version', value }), now)).toEqual({
        from: older,
        to: commit,
        isRollback: true,
      });
    }
  });

  test.each([
    { kind: 'version', value: 'v1.41.2' },
    { kind: 'version', value: commit.slice(0, 6) },
    { kind: 'version', value: '' },
    { kind: 'command', value: commit },
    { kind: 'version', value: older },
  ])('are not said to go back by %j', (rollback) => {
    expect(commitsOf(last(older, rollback), now)?.isRollback).toBe(false);
  });

  test.each(['', 'main', 'FC19318D', `${older}/../x`, 'a'.repeat(41)])(
    'are not compared with what is no commit: %j',
    (from) => {
      expect(commitsOf(last(from, {}), now)).toBeUndefined();
    },
  );
});
