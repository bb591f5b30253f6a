import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Proxy } from '../../scripts/demo/proxy.ts';
import { approvedRequest } from './flow.ts';
import { startJob, type Job } from './job.ts';
import {
  callsOf,
  expectApproved,
  expectRefusal,
  missing,
  startWorld,
  type World,
} from './world.ts';

jest.setTimeout(90_000);

const describeHere = missing === undefined ? describe : describe.skip;

/** The facts that the proxy saw being put to people. */
function askedFacts(proxy: Proxy): unknown {
  const { body } = proxy.requests.find(({ method }) => method === 'POST')!;
  return (JSON.parse(body) as { payload: { facts: unknown } }).payload.facts;
}

describeHere('the SQL of a migration', () => {
  let world: World;
  let policy: string;
  beforeAll(async () => {
    world = await startWorld();
    policy = world.policy({ quorum_if_destructive: 2, migration_paths: ['db/**'] });
  });
  afterAll(() => world.close());

  const verify = (job: Job, proxy: Proxy, id: string) =>
    job.start('verify', { ...world.access(proxy, policy), 'approval-id': id }).result;

  test('that destroys is signed statement by statement, and takes two people', async () => {
    const job = world.job();
    const proxy = await world.proxy();
    const result = await approvedRequest({
      ...{ world, job, proxy, policy },
      people: [world.alex, world.dana],
    });
    expectApproved(result);
    expect(askedFacts(proxy)).toMatchObject({
      migration: { destructive: true, statements: ['db/002.sql:1 drop table carts'] },
    });
    expectApproved(await verify(job, proxy, result.outputs['approval-id']!));
  });

  test('that is harmless takes one', async () => {
    const job = world.job({ facts: { 'migration-files': 'db/001.sql' } });
    const proxy = await world.proxy();
    // A policy that knows migrations wants to see every one of them.
    job.git('rm', '--quiet', 'db/002.sql');
    job.git('commit', '--quiet', '-m', 'Keep carts');
    const commit = job.git('rev-parse', 'HEAD');
    const env = { GITHUB_SHA: commit, GITHUB_WORKFLOW_SHA: commit };
    const step = job.start('request', { ...world.access(proxy, policy), approver: 'alex' }, env);
    const [, link = ''] = await step.sees(/(http:\/\/localhost:\d+\/approve\/[0-9a-f-]{36})/);
    await world.alex.decide(link, 'approved');
    expectApproved(await step.result);
    expect(askedFacts(proxy)).toMatchObject({ migration: { destructive: false } });
  });

  test('without its parser nobody is asked', async () => {
    const bundles = mkdtempSync(join(tmpdir(), 'deploy-warrant-without-'));
    try {
      cpSync(world.bundles, bundles, { recursive: true });
      rmSync(join(bundles, 'sql'), { recursive: true });
      const job = startJob({ bundles });
      const proxy = await world.proxy();
      const result = await job.start('request', world.access(proxy, policy)).result;
      expectRefusal(result, 'facts_uncollectable', world);
      expect(result.stdout).toContain('The parser for migration-dialect: postgresql');
      expect(callsOf(proxy)).toEqual([]);
    } finally {
      rmSync(bundles, { recursive: true, force: true });
    }
  });
});
