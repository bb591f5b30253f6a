import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { startProxy, type Proxy } from '../../scripts/demo/proxy.ts';
import { breaksOf } from '../support/breaks.ts';
import { startActionWorld, type ActionWorld } from '../action/runner.ts';
import { refusalOutputs } from '../../src/gate/vocabulary.ts';

jest.setTimeout(120_000);

/** Many calls break here, by fixed seeds, so that each of the ways in which they break is met. */
describe('a network that breaks a quarter of the calls', () => {
  let world: ActionWorld;
  beforeAll(async () => {
    world = await startActionWorld();
  }, 120_000);
  afterAll(() => world.close());

  async function through<T>(seed: string, work: (proxy: Proxy) => Promise<T>): Promise<T> {
    const breaks = breaksOf('', { seed, rate: 0.25 });
    const proxy = await startProxy({ target: world.service.url, breaks });
    try {
      return await work(proxy);
    } finally {
      await proxy.close();
    }
  }
  const broken = ({ requests }: Proxy) => requests.filter(({ broken }) => broken !== undefined);

  test.each(['1', '2'])('opens for an approval all the same, once (seed %s)', async (seed) => {
    await through(seed, async (proxy) => {
      const job = world.job();
      const access = { ...world.access, 'api-url': `${proxy.origin}/api` };
      const step = job.start('request', access);
      const id = await world.decideNext(job, 'approved');
      const request = await step.result;
      expect({ exitCode: request.exitCode, id: request.outputs['approval-id'] }).toEqual({
        ...{ exitCode: 0, id },
      });
      const inputs = { ...access, 'approval-id': id };
      const verify = await job.start('verify', inputs).result;
      expect({ exitCode: verify.exitCode, status: verify.outputs.status }).toEqual({
        ...{ exitCode: 0, status: 'approved' },
      });
      expect(broken(proxy).length).toBeGreaterThan(0);
      // Asked again and redeemed again, it is one request and one use.
      expect(await world.statusOf(id)).toBe('redeemed');
      const again = await job.start('verify', inputs).result;
      expect(again.outputs.status).toBe('already_used');
    });
  });

  test.each(['1', '2'])('stays shut after a rejection (seed %s)', async (seed) => {
    await through(seed, async (proxy) => {
      const job = world.job();
      const access = { ...world.access, 'api-url': `${proxy.origin}/api` };
      const step = job.start('request', access);
      const id = await world.decideNext(job, 'rejected');
      const request = await step.result;
      const verify = await job.start('verify', { ...access, 'approval-id': id }).result;
      for (const { exitCode, outputs } of [request, verify]) {
        expect({ exitCode, status: outputs.status }).toEqual({ exitCode: 10, status: 'rejected' });
        expect(Object.keys(outputs).sort()).toEqual([...refusalOutputs].sort());
      }
      expect(broken(proxy).length).toBeGreaterThan(0);
    });
  });

  test('breaks the same calls for the same seed, others for another, and about as many as it should', () => {
    const call = { method: 'GET', path: '/api/confirmations/x', headers: {}, body: '' };
    const pattern = (seed: string) => {
      const breaks = breaksOf('', { seed, rate: 0.05 });
      return Array.from({ length: 2_000 }, () => breaks(call));
    };
    expect(pattern('a')).toEqual(pattern('a'));
    expect(pattern('a')).not.toEqual(pattern('b'));
    const count = pattern('a').filter((one) => one !== undefined).length;
    expect(count).toBeGreaterThan(60);
    expect(count).toBeLessThan(140);
    const ways = new Set(pattern('a'));
    expect(ways.size).toBe(6);
  });
});
