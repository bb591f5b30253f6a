import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startFaultyServer, type FaultyServer } from '../support/faulty-server.ts';
import { call, currentPayload, decide, requestApproval } from '../support/service.ts';
import {
  commandsIn,
  createdId,
  runBundle,
  savedState,
  startActionWorld,
  type ActionWorld,
} from './runner.ts';

let world: ActionWorld;
let server: FaultyServer;

beforeAll(async () => {
  world = await startActionWorld();
  server = await startFaultyServer();
}, 120_000);
afterAll(async () => {
  await world.close();
  await server.close();
});

/** The post step, with the state that the request step left. */
const cleanUp = (
  state: Readonly<Record<string, string>>,
  apiUrl = world.service.apiUrl,
  apiKey = world.apiKey,
) =>
  runBundle(join(world.bundles, 'cleanup.js'), {
    env: {
      'INPUT_API-URL': apiUrl,
      'INPUT_API-KEY': apiKey,
      ...Object.fromEntries(Object.entries(state).map(([name, value]) => [`STATE_${name}`, value])),
    },
  });

/** Each for a target of its own, so that none supersedes another. */
async function asked(region: string): Promise<string> {
  const { status, body } = await requestApproval(world.service, {
    key: world.apiKey,
    username: 'alex',
    payload: currentPayload({ region }),
  });
  if (status !== 201) throw new Error(JSON.stringify(body));
  return body.id;
}

describe('the post step', () => {
  test('withdraws what a killed request step left waiting', async () => {
    const job = world.job();
    const step = job.start('request', world.access);
    const id = await createdId(job);
    step.kill('SIGKILL');
    await step.result;
    expect(await world.statusOf(id)).toBe('pending');
    const { exitCode, stdout } = await cleanUp(savedState(job));
    expect(exitCode).toBe(0);
    expect(commandsIn(stdout)[0]).toEqual({ name: 'add-mask', data: world.apiKey });
    expect(await world.statusOf(id)).toBe('cancelled');
  });

  test('leaves what was approved, also when the step could not say so', async () => {
    const [granted, waiting] = [await asked('one'), await asked('two')];
    await decide(world.service, granted, world.alex);
    expect((await cleanUp({ confirmations: `${granted},${waiting}` })).exitCode).toBe(0);
    expect(await world.statusOf(granted)).toBe('approved');
    expect(await world.statusOf(waiting)).toBe('cancelled');
  });

  test('asks nothing after a request that ended well', async () => {
    const state = { confirmations: '11111111-1111-4111-8111-111111111111', granted: 'true' };
    const { exitCode, stdout } = await cleanUp(state, server.apiUrl);
    expect({ exitCode, seen: server.seen }).toEqual({ exitCode: 0, seen: [] });
    expect(commandsIn(stdout).map(({ name }) => name)).not.toContain('warning');
  });

  test('asks nothing after a request that never came to be', async () => {
    expect((await cleanUp({}, server.apiUrl)).exitCode).toBe(0);
    expect(server.seen).toEqual([]);
  });

  test('never fails a job: what it can not do is a warning', async () => {
    const id = await asked('three');
    const state = { confirmations: id };
    for (const apiUrl of ['http://127.0.0.1:9/api', 'ftp://nowhere']) {
      const { exitCode, stdout } = await cleanUp(state, apiUrl);
      expect(exitCode).toBe(0);
      expect(commandsIn(stdout).map(({ name }) => name)).toContain('warning');
    }
    expect(await world.statusOf(id)).toBe('pending');
    await call(world.service, `/api/confirmations/${id}`, { method: 'DELETE', key: world.apiKey });
  });

  test('says so where it is no longer told whom to ask', async () => {
    const id = await asked('four');
    const { exitCode, stdout } = await cleanUp({ confirmations: id }, '', '');
    expect(exitCode).toBe(0);
    expect(commandsIn(stdout)).toEqual([
      {
        name: 'warning',
        data: 'The request could not be withdrawn, and waits until it lapses: api-url and api-key are empty.',
      },
    ]);
    expect(await world.statusOf(id)).toBe('pending');
    await cleanUp({ confirmations: id });
  });

  test('puts nothing but ids into a path', async () => {
    const { exitCode } = await cleanUp({ confirmations: '../redemptions' }, server.apiUrl);
    expect(exitCode).toBe(0);
    expect(server.seen).toEqual([]);
  });
});
