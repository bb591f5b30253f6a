import { describe, expect, test } from '@jest/globals';
import type { CollectedChanges } from '../../src/collect/changes.ts';
import type { DeployFacts } from '../../src/core/facts.ts';
import { changesLines, payloadChanges } from '../../src/gate/changes.ts';
import { checkPayload } from '../../src/core/payload.ts';
import { exampleFacts, examplePayload, minimalFacts } from '../support/deploy.ts';

const commit = { commit: 'c'.repeat(40), subject: 'Fix the checkout', author: 'Alex Doe' };
const lastDeploy = {
  facts: { ...exampleFacts(), commit: 'a'.repeat(40) },
  payloadHash: 'b'.repeat(64),
  redeemedAt: '2026-11-20T10:00:00.250Z',
};
const none = { commits: [], more: 0 };

function problemsOf(changes: unknown): readonly string[] {
  const checked = checkPayload({ ...examplePayload(), context: { changes } });
  return checked.ok ? [] : checked.problems.map(({ field }) => field);
}

describe('what is new, as it is signed', () => {
  test.each<[string, CollectedChanges, typeof lastDeploy | undefined, object]>([
    [
      'since a last deploy',
      { commits: [commit], more: 12 },
      lastDeploy,
      { since: 'a'.repeat(40), deployed_at: '2026-11-20T10:00:00Z', commits: [commit], more: '12' },
    ],
    ['without one', { commits: [commit], more: 0 }, undefined, { commits: [commit] }],
    [
      'a history with a gap',
      { ...none, gap: 'it is cut' },
      undefined,
      { commits: [], incomplete: true },
    ],
  ])('%s', (_, changes, last, expected) => {
    const signed = payloadChanges({ changes, lastDeploy: last });
    expect(signed).toEqual(expected);
    expect(problemsOf(signed)).toEqual([]);
  });

  const good = payloadChanges({ changes: { commits: [commit], more: 1 }, lastDeploy });
  test.each<[string, object, string]>([
    ['an unknown member', { ...good, branch: 'main' }, 'context.changes.branch'],
    ['a short id', { ...good, since: 'abc1234' }, 'context.changes.since'],
    [
      'a time of a deploy that is not named',
      { commits: [], deployed_at: good.deployed_at },
      'context.changes.deployed_at',
    ],
    ['no list', { since: good.since }, 'context.changes.commits'],
    [
      'more than 20',
      { commits: Array.from({ length: 21 }, () => commit) },
      'context.changes.commits',
    ],
    ['none more', { ...good, more: '0' }, 'context.changes.more'],
    ['a number', { ...good, more: 3 }, 'context.changes.more'],
    ['not incomplete', { ...good, incomplete: false }, 'context.changes.incomplete'],
    [
      'two lines',
      { commits: [{ ...commit, subject: 'a\nb' }] },
      'context.changes.commits[0].subject',
    ],
    [
      'a hidden character',
      { commits: [{ ...commit, author: 'a\u202Eb' }] },
      'context.changes.commits[0].author',
    ],
    [
      'a secret',
      { commits: [{ ...commit, subject: ['-----BEGIN', 'PRIVATE KEY-----'].join(' ') }] },
      'context.changes.commits[0].subject',
    ],
  ])('%s is refused', (_, changes, field) => {
    expect(problemsOf(changes)).toEqual([field]);
  });
});

describe('what is new, in the job log', () => {
  test('commits, and the facts that are others than last time', () => {
    const facts = {
      ...exampleFacts(),
      digest: `sha256:${'d'.repeat(64)}`,
      migration: {
        ...exampleFacts().migration,
        files: [
          { path: 'db/002.sql', sha256: 'e'.repeat(64) },
          { path: 'db/003.sql', sha256: 'f'.repeat(64) },
        ],
        command: 'npm run other',
      },
      rollback: { kind: 'runbook', value: 'docs/back.md' } as const,
    };
    const lines = changesLines({ changes: { commits: [commit], more: 4 }, lastDeploy }, facts);
    expect(lines).toEqual([
      `Since the last deploy (${'a'.repeat(40)}, 2026-11-20T10:00:00Z): 5 commits:`,
      '  cccccccccccc Fix the checkout (Alex Doe)',
      '  and 4 more',
      `  Digest: sha256:${'d'.repeat(64)} (was ${exampleFacts().digest})`,
      '  Migration: sql, 2 files, destructive, by npm run other (was sql, 2 files, destructive, by npm run migrate)',
      '  Rollback: runbook docs/back.md (was version d0941e68da8f38151ff86a61fc59f7c5cf9fcaa2 (the release of Tuesday))',
      '  Changed migration file: db/002.sql',
      '  New migration file: db/003.sql',
    ]);
  });

  test('nothing new, and nothing else than last time', () => {
    expect(changesLines({ changes: none, lastDeploy }, exampleFacts())).toEqual([
      `Since the last deploy (${'a'.repeat(40)}, 2026-11-20T10:00:00Z): 0 commits.`,
    ]);
  });

  test('a migration where there was none, and none where there was one', () => {
    const file = (number: number) => ({ path: `db/${number}.sql`, sha256: 'e'.repeat(64) });
    const one = {
      ...minimalFacts(),
      migration: { kind: 'sql', command: 'a\u202Eb', destructive: false, files: [file(1)] },
    } as const;
    const plain = minimalFacts();
    const text = 'sql, 1 file, not destructive, by a\\u{202E}b';
    const since = (last: DeployFacts) => ({
      changes: none,
      lastDeploy: { ...lastDeploy, facts: last },
    });
    expect(changesLines(since(plain), one).slice(1)).toEqual([
      `  Migration: ${text} (was none)`,
      '  New migration file: db/1.sql',
    ]);
    expect(changesLines(since(one), plain).slice(1)).toEqual([`  Migration: none (was ${text})`]);
    expect(changesLines(since(plain), { ...plain, digest: 'sha256:d' }).slice(1)).toEqual([
      '  Digest: sha256:d (was none)',
    ]);
    expect(changesLines(since({ ...plain, digest: 'sha256:d' }), plain).slice(1)).toEqual([
      '  Digest: none (was sha256:d)',
    ]);
  });

  test.each([
    [20, []],
    [21, ['  More migration files: 1']],
    [25, ['  More migration files: 5']],
  ])('of %i new migration files 20 are named', (count, rest) => {
    const files = Array.from({ length: count }, (_, at) => ({
      path: `db/${at + 1}.sql`,
      sha256: 'e'.repeat(64),
    }));
    const migration = { ...exampleFacts().migration, files };
    const last = { ...exampleFacts(), migration: { ...migration, files: [] } };
    const lines = changesLines(
      { changes: none, lastDeploy: { ...lastDeploy, facts: last } },
      { ...exampleFacts(), migration },
    );
    const named = Array.from({ length: 20 }, (_, at) => `  New migration file: db/${at + 1}.sql`);
    expect(lines.slice(2)).toEqual([...named, ...rest]);
  });

  test('no last deploy, and a checkout that does not tell', () => {
    const changes = { commits: [commit], more: 0, gap: 'the history is cut' };
    expect(changesLines({ changes, lastDeploy: undefined }, minimalFacts())).toEqual([
      'No deploy of api to production is known that was approved before. The commit, and what it merged:',
      '  cccccccccccc Fix the checkout (Alex Doe)',
      '  There may be others: the history is cut. With fetch-depth: 0 in actions/checkout the history is there.',
    ]);
    expect(changesLines({ changes, lastDeploy }, exampleFacts())[0]).toContain(
      'at least 1 commit:',
    );
  });
});
