import { appendFileSync, chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Proxy } from '../../scripts/demo/proxy.ts';
import { approvedRequest, statusOf } from './flow.ts';
import { repository, type Inputs, type Job } from './job.ts';
import {
  callsOf,
  expectApproved,
  expectRefusal,
  missing,
  startWorld,
  type World,
} from './world.ts';

// Each step is a process and each decision a page: seconds here, more where two cores do all at once.
jest.setTimeout(90_000);

const describeHere = missing === undefined ? describe : describe.skip;

/** One approval for all: each refusal leaves it unused, and in the end it opens for what was approved. */
describeHere('facts that change between request and verify', () => {
  let world: World;
  let job: Job;
  let proxy: Proxy;
  let policy: string;
  let approvalId: string;

  beforeAll(async () => {
    world = await startWorld();
    job = world.job();
    proxy = await world.proxy();
    // It names staging too: another environment must fail because it is another one, not because it has no rule.
    const { environments, ...rest } = JSON.parse(world.policy()) as {
      environments: { production: object };
    };
    policy = JSON.stringify({
      ...rest,
      environments: { ...environments, staging: environments.production },
    });
    const { outputs } = await approvedRequest({ world, job, proxy, policy });
    approvalId = outputs['approval-id']!;
  });
  afterAll(() => world.close());
  afterEach(() => {
    job.git('update-index', '--no-skip-worktree', 'deploy.sh');
    job.git('update-index', '--no-assume-unchanged', 'deploy.sh');
    job.git('reset', '--quiet', '--hard', job.commit);
  });

  const verify = (inputs: Inputs = {}, env: Inputs = {}): ReturnType<Job['start']>['result'] =>
    job.start(
      'verify',
      { ...world.access(proxy, policy), 'approval-id': approvalId, ...inputs },
      env,
    ).result;

  test.each<[fact: string, inputs: Inputs]>([
    ['environment', { environment: 'staging' }],
    ['service', { service: 'web' }],
    ['region', { region: 'elsewhere' }],
    ['region', { region: '' }],
    ['account', { account: '123456789012' }],
    ['tenant', { tenant: 'acme' }],
    ['cluster', { cluster: 'blue' }],
    ['digest', { digest: `sha256:${'ab'.repeat(32)}` }],
    ['migration.command', { 'migration-command': 'npm run migrate -- --force' }],
    ['migration.files', { 'migration-files': 'db/001.sql' }],
    ['migration.files', { 'migration-files': 'db/002.sql\ndb/001.sql' }],
    [
      'migration',
      {
        migration: 'none',
        'migration-files': '',
        'migration-command': '',
        'migration-dialect': '',
      },
    ],
    ['rollback.value', { 'rollback-version': 'v1.41.1' }],
    ['rollback.note', { 'rollback-note': 'warn the shop first' }],
    ['rollback', { 'rollback-version': '', 'rollback-command': 'v1.41.2' }],
  ])('refuses another %s: %j', async (fact, inputs) => {
    const result = await verify(inputs);
    expectRefusal(result, 'facts_mismatch', world);
    expect(result.stdout).toContain(fact);
  });

  test.each<[fact: string, env: Inputs]>([
    ['run_id', { GITHUB_RUN_ID: '1' }],
    ['attempt 2', { GITHUB_RUN_ATTEMPT: '2' }],
    ['ref', { GITHUB_REF: 'refs/heads/hotfix' }],
    ['actor', { GITHUB_ACTOR: 'mallory', GITHUB_ACTOR_ID: '666' }],
  ])('refuses another %s of the run', async (fact, env) => {
    const result = await verify({}, env);
    expectRefusal(result, 'facts_mismatch', world);
    expect(result.stdout).toContain(fact);
  });

  test('refuses another repository, by name or by id', async () => {
    for (const env of [{ GITHUB_REPOSITORY_ID: '2' }, { GITHUB_REPOSITORY: 'acme/other' }]) {
      const result = await verify({}, env);
      // The event file still names the right one: contradictory surroundings are refused as such.
      expect([20, 40]).toContain(result.exitCode);
      expect(Object.keys(result.outputs)).not.toContain('payload-hash');
    }
    expect(repository.id).not.toBe('2');
  });

  test('refuses another commit, checked out or in the event', async () => {
    job.write('deploy.sh', '#!/bin/sh\necho deployed something else\n');
    job.git('commit', '--quiet', '--all', '-m', 'One more thing');
    const other = job.git('rev-parse', 'HEAD');
    const checkedOut = await verify();
    expectRefusal(checkedOut, 'facts_mismatch', world);
    expect(checkedOut.stdout).toContain(other);
    const both = await verify({}, { GITHUB_SHA: other, GITHUB_WORKFLOW_SHA: other });
    expectRefusal(both, 'facts_mismatch', world);
    expect(both.stdout).toContain('commit');
  });

  test('asks nobody about a commit that is not the one of the run, or not the one in the input', async () => {
    const [other, unheard] = [world.job(), await world.proxy()];
    const access = { ...world.access(unheard, policy), approver: 'alex' };
    const parent = other.git('rev-parse', 'HEAD^');
    const ofAnotherRun = await other.start('request', access, { GITHUB_SHA: parent }).result;
    expectRefusal(ofAnotherRun, 'facts_mismatch', world);
    const ofAnotherInput = await other.start('request', { ...access, commit: parent }).result;
    expectRefusal(ofAnotherInput, 'facts_mismatch', world);
    expect(unheard.requests).toEqual([]);
  });

  test('refuses a migration file that was changed after the approval', async () => {
    appendFileSync(join(job.workspace, 'db/001.sql'), 'drop table orders;\n');
    const result = await verify();
    expectRefusal(result, 'facts_mismatch', world);
    expect(result.stdout).toContain('db/001.sql');
  });

  test.each<[how: string, change: (job: Job) => void]>([
    ['edited', ({ write }) => write('deploy.sh', '#!/bin/sh\necho owned\n')],
    [
      'edited behind skip-worktree',
      ({ git, write }) => {
        git('update-index', '--skip-worktree', 'deploy.sh');
        write('deploy.sh', '#!/bin/sh\necho owned\n');
      },
    ],
    [
      'edited behind assume-unchanged',
      ({ git, write }) => {
        git('update-index', '--assume-unchanged', 'deploy.sh');
        write('deploy.sh', '#!/bin/sh\necho owned\n');
      },
    ],
    ['made executable', ({ workspace }) => chmodSync(join(workspace, 'deploy.sh'), 0o755)],
    ['deleted', ({ workspace }) => rmSync(join(workspace, 'deploy.sh'))],
  ])('refuses a checked-out file that was %s', async (_how, change) => {
    change(job);
    const result = await verify();
    expectRefusal(result, 'facts_mismatch', world);
    expect(result.stdout).toContain('deploy.sh');
  });

  test('and the approved deploy itself opens after all that, with what a build has left beside it', async () => {
    expect(callsOf(proxy)).not.toContain('POST /api/redemptions');
    expect(await statusOf(world, approvalId)).toBe('approved');
    job.write('build/output.js', '');
    expectApproved(await verify());
  });
});
