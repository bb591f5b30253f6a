import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { approvedRequest } from './flow.ts';
import { expectApproved, missing, startWorld, type World } from './world.ts';

// Each step is a process and each decision a page: seconds here, more where two cores do all at once.
jest.setTimeout(90_000);

const describeHere = missing === undefined ? describe : describe.skip;

describeHere('what is new since the last deploy', () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld();
  });
  afterAll(() => world.close());

  /** A deploy to one region, in a checkout of its own; what was signed of the changes, and the log of the request. */
  async function deploy(region: string) {
    const [job, proxy] = [world.job({ facts: { region } }), await world.proxy()];
    const request = await approvedRequest({ world, job, proxy });
    expectApproved(request);
    const access = {
      ...world.access(proxy, world.policy()),
      'approval-id': request.outputs['approval-id']!,
    };
    expectApproved(await job.start('verify', access).result);
    const record = JSON.parse(request.outputs.record!) as { readonly payload: string };
    const payload = JSON.parse(record.payload) as {
      readonly context: { readonly changes: object };
    };
    return { commit: job.commit, signed: payload.context.changes, log: request.stdout };
  }

  test('is signed and logged: the commit itself at first, then what the last deploy did not hold', async () => {
    const region = `changes-${process.pid}`;
    const first = await deploy(region);
    const own = (commit: string) => ({ commit, subject: 'Add orders, drop carts', author: 'Ada' });
    expect(first.signed).toEqual({ commits: [own(first.commit)] });
    expect(first.log).toContain('No deploy of api to production is known');

    const second = await deploy(region);
    expect(second.log).toContain(`Since the last deploy (${first.commit}, 20`);
    expect(second.signed).toMatchObject({
      since: first.commit,
      deployed_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    });
    // Made a second later, the same history has other ids: then this checkout does not hold the last deploy.
    const isSame = first.commit === second.commit;
    expect(second.signed).toMatchObject(
      isSame ? { commits: [] } : { commits: [own(second.commit)], incomplete: true },
    );
  });
});
