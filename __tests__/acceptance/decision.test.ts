import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { requestShortLived } from '../../scripts/demo/short-lived.ts';
import { approvedRequest, ask, statusOf } from './flow.ts';
import {
  callsOf,
  expectApproved,
  expectRefusal,
  missing,
  startWorld,
  type World,
} from './world.ts';
import type { StepResult } from './job.ts';

// Each step is a process and each decision a page: seconds here, more where two cores do all at once.
jest.setTimeout(90_000);

const describeHere = missing === undefined ? describe : describe.skip;
const idOf = (link: string): string => link.split('/').at(-1)!;

describeHere('a deploy that nobody may make', () => {
  let world: World;
  /** Takes a minute, the least that the input allows: it runs while the others do. */
  let timedOut: { readonly result: Promise<StepResult>; readonly calls: () => readonly string[] };

  beforeAll(async () => {
    world = await startWorld();
    const [job, proxy] = [world.job(), await world.proxy()];
    const { step } = ask({
      world,
      job,
      proxy,
      inputs: { 'wait-minutes': '1', 'valid-minutes': '15', approver: 'dana' },
    });
    timedOut = { result: step.result, calls: () => callsOf(proxy) };
  });
  afterAll(() => world.close());

  test('was rejected: one person says no for all, and the others are not asked any more', async () => {
    const [job, proxy] = [world.job(), await world.proxy()];
    const { step, linkFor } = ask({ world, job, proxy });
    const [alexs, danas] = [await linkFor(world.alex), await linkFor(world.dana)];
    await world.alex.decide(alexs, 'rejected');
    const request = await step.result;
    expectRefusal(request, 'rejected', world);
    expect(request.stdout).toContain('alex');
    expect(await statusOf(world, idOf(danas))).toBe('cancelled');

    const access = { ...world.access(proxy, world.policy()), 'approval-id': idOf(alexs) };
    expectRefusal(await job.start('verify', access).result, 'rejected', world);
    expect(callsOf(proxy)).not.toContain('POST /api/redemptions');
  });

  test('was approved, and the approval expired', async () => {
    const [job, proxy] = [world.job(), await world.proxy()];
    const { outputs } = await approvedRequest({ world, job, proxy });
    const { id, url, expiresAt } = await requestShortLived({
      apiUrl: world.service.apiUrl,
      apiKey: world.apiKey,
      username: 'alex',
      earlierId: outputs['approval-id']!,
      validSeconds: 8,
    });
    await world.alex.decide(url, 'approved');
    expect(await statusOf(world, id)).toBe('approved');
    await new Promise((resolve) => setTimeout(resolve, expiresAt - Date.now() + 500));
    const access = world.access(proxy, world.policy());
    const verify = await job.start('verify', { ...access, 'approval-id': id }).result;
    expectRefusal(verify, 'expired', world);
    expect(callsOf(proxy)).not.toContain('POST /api/redemptions');

    // A service that calls it approved all the same does not make it longer.
    const lying = await world.proxy((_request, answer) => ({
      ...answer,
      body: answer.body.replace('"status":"expired"', '"status":"approved"'),
    }));
    const late = { ...world.access(lying, world.policy()), 'approval-id': id };
    const believed = await job.start('verify', late).result;
    expectRefusal(believed, 'expired', world);
    expect(believed.stdout).toContain('could be deployed until');
    expect(callsOf(lying)).toEqual(['GET /api/confirmations/:id']);
  });

  test.each(['SIGTERM', 'SIGINT'] as const)(
    'was cancelled by %s: the request is withdrawn',
    async (signal) => {
      const [job, proxy] = [world.job(), await world.proxy()];
      const { step, linkFor } = ask({ world, job, proxy });
      const links = [await linkFor(world.alex), await linkFor(world.dana)];
      await step.sees(new RegExp(links[1]!));
      step.kill(signal);
      const request = await step.result;
      expectRefusal(request, 'interrupted', world);
      for (const link of links) expect(await statusOf(world, idOf(link))).toBe('cancelled');
      await expect(world.alex.decide(links[0]!, 'approved')).rejects.toThrow('is cancelled');
    },
  );

  test('was killed: the post step withdraws what the step left waiting, and nobody can decide it any more', async () => {
    const [job, proxy] = [world.job(), await world.proxy()];
    const { step, linkFor } = ask({ world, job, proxy, inputs: { approver: 'alex' } });
    const link = await linkFor(world.alex);
    await job.kept();
    step.kill('SIGKILL');
    await step.result;
    expect(await statusOf(world, idOf(link))).toBe('pending');
    const post = await job.startPost().result;
    expect({ exitCode: post.exitCode, outputs: post.outputs }).toEqual({
      exitCode: 0,
      outputs: {},
    });
    expect(await statusOf(world, idOf(link))).toBe('cancelled');
  });

  test('leaves an approval to the job that deploys: the post step does not withdraw it', async () => {
    const [job, proxy] = [world.job(), await world.proxy()];
    const { outputs } = await approvedRequest({ world, job, proxy });
    const before = proxy.requests.length;
    expect((await job.startPost().result).exitCode).toBe(0);
    expect(proxy.requests).toHaveLength(before);
    expect(await statusOf(world, outputs['approval-id']!)).toBe('approved');
  });

  test('was withdrawn after the approval', async () => {
    const [job, proxy] = [world.job(), await world.proxy()];
    const { outputs } = await approvedRequest({ world, job, proxy });
    const id = outputs['approval-id']!;
    await fetch(`${world.service.apiUrl}/confirmations/${id}`, {
      method: 'DELETE',
      headers: { 'x-api-key': world.apiKey },
    });
    const access = { ...world.access(proxy, world.policy()), 'approval-id': id };
    expectRefusal(await job.start('verify', access).result, 'cancelled', world);
    expect(callsOf(proxy)).not.toContain('POST /api/redemptions');
  });

  test('was superseded by a newer request for the same target, before and after the approval', async () => {
    const [older, newer] = [world.job(), world.job()];
    const [waiting, proxy] = [await world.proxy(), await world.proxy()];
    const { step } = ask({ world, job: older, proxy: waiting, inputs: { approver: 'dana' } });
    await step.sees(/\/approve\//);
    const sameTarget = { region: older.facts.region! };
    const { outputs } = await approvedRequest({ world, job: newer, proxy, inputs: sameTarget });
    expectRefusal(await step.result, 'superseded', world);

    await approvedRequest({ world, job: older, proxy: waiting });
    const verify = await newer.start('verify', {
      ...world.access(proxy, world.policy()),
      ...sameTarget,
      'approval-id': outputs['approval-id']!,
    }).result;
    expectRefusal(verify, 'superseded', world);
    expect(callsOf(proxy)).not.toContain('POST /api/redemptions');
  });

  test('was asked by the person who approved it', async () => {
    const job = world.job({ actor: { login: 'alex', id: '1234567', type: 'User' } });
    const proxy = await world.proxy();
    const { result } = ask({ world, job, proxy, inputs: { approver: 'alex' } }).step;
    expectRefusal(await result, 'self_approval', world);
    expect(proxy.requests).toEqual([]);
    const allowing = world.policy({ self_approval: true });
    const asked = await approvedRequest({ world, job, proxy, policy: allowing });
    expectApproved(asked);
    const access = {
      ...world.access(proxy, world.policy()),
      'approval-id': asked.outputs['approval-id']!,
    };
    expectRefusal(await job.start('verify', access).result, 'self_approval', world);
    expect(callsOf(proxy)).not.toContain('POST /api/redemptions');
  });

  test('met nobody: the gate gives up after its own deadline and withdraws the request', async () => {
    const result = await timedOut.result;
    expectRefusal(result, 'timed_out', world);
    expect(await statusOf(world, result.outputs['approval-id']!)).toBe('cancelled');
    const calls = timedOut.calls();
    expect(calls.at(-1)).toBe('DELETE /api/confirmations/:id');
    // At most 3 requests a minute while nothing happens (issue: client), and the last read at the deadline.
    expect(calls.filter((call) => call.startsWith('GET')).length).toBeLessThanOrEqual(4);
  }, 90_000);
});
