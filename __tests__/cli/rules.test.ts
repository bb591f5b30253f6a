import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Circumstances } from '../../src/core/circumstances.ts';
import { startCommandWorld, type CommandWorld } from './command-world.ts';

/** Rules of the policy, in the command line against a real service and a real repository. */
let world: CommandWorld;
beforeAll(async () => {
  world = await startCommandWorld();
}, 90_000);
afterEach(() => {
  world.writePolicy();
});
afterAll(() => world.close());

let runs = 7_000;

/** One whole gate with a run of its own; the command prints where the record is. Other flags of the migration replace "none". */
function start(migration: readonly string[] = []) {
  runs += 1;
  const at = world.facts.indexOf('--migration');
  const flags = migration.length === 0 ? world.facts : world.facts.toSpliced(at, 2, ...migration);
  const command = ['-e', 'console.log(process.env.DEPLOY_WARRANT_RECORD_PATH)'];
  return world.start(['run', ...flags, '--', process.execPath, ...command], {
    DEPLOY_WARRANT_RUN_ID: String(runs),
  });
}

/** What the verdict of an approved run says of the job. */
async function approved(flags: readonly string[] = []): Promise<Circumstances> {
  const running = start(flags);
  await world.decide(await running.asked());
  const { exitCode, stdout, stderr } = await running.result;
  expect({ exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ exitCode: 0, stderr: '' });
  const verdict = readFileSync(join(stdout.trim(), 'verdict.json'), 'utf8');
  return (JSON.parse(verdict) as { circumstances: Circumstances }).circumstances;
}

/** The message of a run that is refused before anybody is asked. */
async function refused(expected: number, flags: readonly string[] = []): Promise<string> {
  const { exitCode, stdout, stderr } = await start(flags).result;
  expect({ exitCode, stdout, stderr }).toEqual({
    exitCode: expected,
    stdout: '',
    stderr: expect.not.stringContaining('/approve/'),
  });
  return stderr;
}

function commit(author: string, path: string, content: string): void {
  const git = (...args: readonly string[]) =>
    execFileSync('git', ['-c', 'user.name=A', '-c', `user.email=${author}`, ...args], {
      cwd: world.checkout,
      env: {
        PATH: process.env.PATH,
        GIT_CONFIG_GLOBAL: '/dev/null',
        GIT_CONFIG_SYSTEM: '/dev/null',
      },
    });
  mkdirSync(join(world.checkout, 'db'), { recursive: true });
  writeFileSync(join(world.checkout, path), content);
  git('add', '--all');
  git('commit', '--quiet', '-m', `Change ${path}`);
}

describe('a rule about the job', () => {
  test.each<[string, object, string]>([
    ['refs', { refs: ['refs/tags/*'] }, 'The ref is refs/heads/main'],
    [
      'triggers',
      { triggers: ['push'] },
      "(triggers), and here the event of this run can't be told",
    ],
    ['runners', { runners: ['github-hosted'] }, "the kind of runner can't be told"],
    ['workflows', { workflows: ['acme/**'] }, "the workflow can't be told"],
    ['require_oidc', { require_oidc: true }, '(require_oidc), and there was none'],
    ['services', { services: { web: {} } }, '"api" is not among them'],
    [
      'no_deploys',
      {
        no_deploys: [
          { from: '2020-01-01T00:00:00Z', to: '2120-01-01T00:00:00Z', reason: 'Closed' },
        ],
      },
      'Closed (no_deploys)',
    ],
  ])('%s refuses before anybody is asked', async (_, rule, message) => {
    world.writePolicy(rule);
    expect(await refused(40)).toContain(message);
  });

  test('lets through what it allows, and the verdict says what it was held to', async () => {
    world.writePolicy({ refs: ['refs/heads/*'], services: { api: {} } });
    expect(await approved()).toEqual({ provider: 'local' });
  });
});

describe('migration_paths', () => {
  const rule = { migration_paths: ['db/**'] };
  const sql = (files: string): readonly string[] => [
    ...['--migration', 'other', '--migration-files', files, '--migration-command', 'migrate'],
  ];

  test('a new migration since the last deploy has to run', async () => {
    world.writePolicy(rule);
    commit('kim@example.com', 'db/001.sql', 'CREATE TABLE a (id int);');
    // No deploy of it is known in this service, or the one before it: then this is the first with a migration.
    await approved(sql('db/001.sql'));
    commit('kim@example.com', 'db/002.sql', 'CREATE TABLE b (id int);');
    expect(await refused(40)).toContain('db/002.sql');
    expect(await refused(40, sql('db/001.sql'))).toContain('db/002.sql');
    const { new_migrations: added, last_deploy: last } = await approved(sql('db/002.sql'));
    expect(added).toEqual(['db/002.sql']);
    expect(last?.commit).toMatch(/^[0-9a-f]{40}$/);
    expect(await approved()).toMatchObject({ new_migrations: [] });
  });

  test('one that nobody committed is facts_mismatch', async () => {
    world.writePolicy(rule);
    const path = join(world.checkout, 'db/003.sql');
    writeFileSync(path, 'DROP TABLE a;');
    try {
      expect(await refused(20)).toContain('db/003.sql');
    } finally {
      rmSync(path);
    }
    await approved();
  });
});

test('who wrote a commit since the last deploy is not asked to approve it', async () => {
  await approved();
  world.writePolicy({ not_by_commit_authors: true });
  const policy = JSON.parse(readFileSync(world.policyPath, 'utf8')) as {
    readonly approvers: { readonly alex: { readonly accounts: { emails?: string[] }[] } };
  };
  policy.approvers.alex.accounts[0]!.emails = ['alex@example.com'];
  writeFileSync(world.policyPath, JSON.stringify(policy));
  commit('kim@example.com', 'shop.txt', 'by Kim');
  expect((await approved()).commit_authors).toEqual([{ name: 'A', email: 'kim@example.com' }]);
  commit('Alex@Example.com', 'shop.txt', 'by Alex');
  expect(await refused(22)).toContain('wrote commits of it');
});
