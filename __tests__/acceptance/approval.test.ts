import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { sha256Hex } from '../../src/core/hash.ts';
import { approvedRequest, ask, statusOf } from './flow.ts';
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

describeHere('an approved deploy', () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld();
  });
  afterAll(() => world.close());

  test('goes through request, passkey, verify and redemption, and a second verify step in the job does not', async () => {
    const [job, proxy] = [world.job(), await world.proxy()];
    const policy = world.policy();
    const { step, linkFor } = ask({ world, job, proxy, policy, inputs: { approver: 'alex' } });
    const link = await linkFor(world.alex);
    await step.sees(new RegExp(link));
    await world.alex.decide(link, 'approved');
    const request = await step.result;
    expectApproved(request);
    const { outputs } = request;
    expect(link).toBe(outputs['approval-url']);
    expect(link).toContain(outputs['approval-id']);
    expect(request.stdout).toContain(outputs.fingerprint);
    expect(outputs.fingerprint?.replace('-', '')).toBe(outputs['payload-hash']?.slice(0, 8));
    expect(await statusOf(world, outputs['approval-id']!)).toBe('approved');

    const access = { ...world.access(proxy, policy), 'approval-id': outputs['approval-id']! };
    const verify = await job.start('verify', access).result;
    expectApproved(verify);
    expect(verify.outputs).toMatchObject({
      'approval-id': outputs['approval-id'],
      'payload-hash': outputs['payload-hash'],
      approvers: 'alex',
      service: 'api',
      environment: 'production',
      commit: job.commit,
      digest: '',
    });
    expect(await statusOf(world, outputs['approval-id']!)).toBe('redeemed');

    const folder = verify.outputs['record-path']!;
    expect(readdirSync(folder).sort()).toEqual([
      'facts.json',
      'policy.json',
      'record.json',
      'verdict.json',
    ]);
    const read = (name: string): Record<string, unknown> =>
      JSON.parse(readFileSync(join(folder, name), 'utf8')) as Record<string, unknown>;
    expect(read('record.json')).toEqual(JSON.parse(verify.outputs.record!));
    expect(sha256Hex(read('record.json').payload as string)).toBe(outputs['payload-hash']);
    expect(read('verdict.json')).toMatchObject({ reason_code: 'approved', redemption: 'redeemed' });
    expect(read('facts.json')).toMatchObject({ commit: job.commit, run_id: job.runId });

    const before = callsOf(proxy).length;
    const second = await job.start('verify', access).result;
    expectRefusal(second, 'already_used', world);
    expect(callsOf(proxy).slice(before)).not.toContain('DELETE /api/confirmations/:id');
  });

  test('needs two people where the policy says two', async () => {
    const [job, proxy] = [world.job(), await world.proxy()];
    const policy = world.policy({ quorum: 2 });
    const { step, linkFor } = ask({ world, job, proxy, policy });
    let ended = false;
    void step.result.then(() => (ended = true));
    await world.alex.decide(await linkFor(world.alex), 'approved');
    // One of two is no approval: the step still waits when the service has the first decision.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(ended).toBe(false);
    await world.dana.decide(await linkFor(world.dana), 'approved');
    const request = await step.result;
    expectApproved(request);
    expect(request.outputs.approvers?.split(',').sort()).toEqual(['alex', 'dana']);

    const ids = request.outputs['approval-id']!.split(',');
    expect(ids).toHaveLength(2);
    const access = world.access(proxy, policy);
    expectRefusal(
      await job.start('verify', { ...access, 'approval-id': ids[0]! }).result,
      'quorum_unmet',
      world,
    );
    const twice = await job.start('verify', { ...access, 'approval-id': `${ids[0]!},${ids[0]!}` })
      .result;
    expect(twice.exitCode).not.toBe(0);
    const verify = await job.start('verify', { ...access, 'approval-id': ids.join() }).result;
    expectApproved(verify);
    expect(await Promise.all(ids.map((id) => statusOf(world, id)))).toEqual([
      'redeemed',
      'redeemed',
    ]);
  });

  test('withdraws what nobody needs to answer any more', async () => {
    const [job, proxy] = [world.job(), await world.proxy()];
    const { step, linkFor } = ask({ world, job, proxy });
    const danas = (await linkFor(world.dana)).split('/').at(-1)!;
    await world.alex.decide(await linkFor(world.alex), 'approved');
    const request = await step.result;
    expectApproved(request);
    expect(request.outputs['approval-id']).not.toContain(danas);
    expect(await statusOf(world, danas)).toBe('cancelled');
    const access = {
      ...world.access(proxy, world.policy()),
      'approval-id': request.outputs['approval-id']!,
    };
    expectApproved(await job.start('verify', access).result);
  });

  test('opens for one of two matrix legs, whichever comes first', async () => {
    const [job, proxy] = [world.job(), await world.proxy()];
    const { outputs } = await approvedRequest({ world, job, proxy });
    const access = {
      ...world.access(proxy, world.policy()),
      'approval-id': outputs['approval-id']!,
    };
    const legs = [job, world.job({ sameRunAs: job })];
    const results = await Promise.all(legs.map((leg) => leg.start('verify', access).result));
    const [opened, shut] = results.sort((a, b) => a.exitCode! - b.exitCode!);
    expectApproved(opened!);
    expectRefusal(shut!, 'already_used', world);
  });

  test('hands a record from one step to the next, once', async () => {
    const [job, proxy] = [world.job(), await world.proxy()];
    const { outputs } = await approvedRequest({ world, job, proxy });
    const access = { ...world.access(proxy, world.policy()), record: outputs.record! };
    expectApproved(await job.start('verify', access).result);
    expectRefusal(await job.start('verify', access).result, 'already_used', world);
  });

  test('holds for the attempt that asked, not for the next one', async () => {
    const [job, proxy] = [world.job(), await world.proxy()];
    const { outputs } = await approvedRequest({ world, job, proxy });
    const access = {
      ...world.access(proxy, world.policy()),
      'approval-id': outputs['approval-id']!,
    };
    const rerun = await world.job({ sameRunAs: job, attempt: '2' }).start('verify', access).result;
    expectRefusal(rerun, 'facts_mismatch', world);
    expect(rerun.stdout).toContain('attempt 1 of run');
    expect(rerun.stdout).toContain('Re-run all jobs');
    expect(callsOf(proxy)).not.toContain('POST /api/redemptions');
    expectApproved(await job.start('verify', access).result);
  });

  test('is only `decided` without a policy, and verify refuses to go on without one', async () => {
    const [job, proxy] = [world.job(), await world.proxy()];
    const { step, linkFor } = ask({ world, job, proxy, policy: '', inputs: { approver: 'alex' } });
    await world.alex.decide(await linkFor(world.alex), 'approved');
    const { outputs } = await step.result;
    expect(outputs.status).toBe('decided');
    expect(outputs['reason-code']).not.toBe('approved');
    const access = { ...world.access(proxy), 'approval-id': outputs['approval-id']! };
    expectRefusal(await job.start('verify', access).result, 'configuration', world);
    expect(callsOf(proxy)).not.toContain('POST /api/redemptions');
  });
});
