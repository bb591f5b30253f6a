import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  cut,
  json,
  silence,
  startFaultyServer,
  type FaultyServer,
} from '../support/faulty-server.ts';
import { commandsIn, createdId, startActionWorld, type ActionWorld } from './runner.ts';

let world: ActionWorld;
let github: FaultyServer;

beforeAll(async () => {
  world = await startActionWorld();
  github = await startFaultyServer();
}, 120_000);
afterAll(async () => {
  await world.close();
  await github.close();
});

const token = 'ghs_status';
const env = () => ({ GITHUB_API_URL: github.apiUrl.replace(/\/api$/, '') });
const inputs = () => ({ ...world.access, 'github-token': token });
const states = () => github.seen.map(({ body }) => (JSON.parse(body) as { state: string }).state);
const warningsIn = (log: string) => commandsIn(log).filter(({ name }) => name === 'warning');

describe('the commit status', () => {
  test('is pending with the link, then success, on the commit of the facts', async () => {
    github.script(json(201, {}));
    const job = world.job();
    const step = job.start('request', inputs(), env());
    const id = await world.decideNext(job, 'approved');
    expect((await step.result).exitCode).toBe(0);
    const link = `${world.service.url}/approve/${id}`;
    expect(github.seen.map(({ method, path }) => `${method} ${path}`)).toEqual(
      Array(2).fill(`POST /repos/acme/shop/statuses/${job.commit}`),
    );
    expect(github.seen.map(({ body }) => JSON.parse(body) as unknown)).toMatchObject([
      { state: 'pending', context: 'deploy-warrant/production', target_url: link },
      { state: 'success', context: 'deploy-warrant/production', target_url: link },
    ]);
    expect(github.seen[0]!.headers.authorization).toBe(`token ${token}`);
  });

  test('says whose word it is where no signature was checked', async () => {
    github.script(json(201, {}));
    const job = world.job();
    const believed = { assurance: 'service', policy: world.policy({ assurance: 'service' }) };
    const step = job.start('request', { ...inputs(), ...believed }, env());
    await world.decideNext(job, 'approved');
    const { exitCode, outputs, stdout } = await step.result;
    expect({ exitCode, status: outputs.status }).toEqual({ exitCode: 0, status: 'approved' });
    expect(JSON.parse(github.seen.at(-1)!.body)).toMatchObject({
      state: 'success',
      description: 'Approved by alex, says the service',
    });
    const said = warningsIn(stdout).filter(({ data }) => data.startsWith('approved: '));
    expect(said.map(({ data }) => data)).toEqual([
      expect.stringContaining('NO SIGNATURE WAS CHECKED'),
    ]);
  });

  test('is a failure after a rejection', async () => {
    github.script(json(201, {}));
    const job = world.job();
    const step = job.start('request', inputs(), env());
    await world.decideNext(job, 'rejected');
    await step.result;
    expect(states()).toEqual(['pending', 'failure']);
  });

  test('is a failure after a signal', async () => {
    github.script(json(201, {}));
    const job = world.job();
    const step = job.start('request', inputs(), env());
    await createdId(job);
    step.kill('SIGTERM');
    expect((await step.result).exitCode).toBe(130);
    expect(states().at(-1)).toBe('failure');
  });

  test('stays pending where nothing was proven', async () => {
    github.script(json(201, {}));
    const job = world.job();
    const undecided = { ...inputs(), policy: '', approver: 'alex' };
    const step = job.start('request', undecided, env());
    await world.decideNext(job, 'approved');
    expect((await step.result).outputs.status).toBe('decided');
    expect(states()).toEqual(['pending', 'pending']);
  });

  test.each([
    ['without the permission', json(403, { message: '\n::set-output name=x::y ##[error]z' }), 1],
    ['on a commit that GitHub does not know', json(422, { message: 'No commit found' }), 1],
    ['while GitHub is down', json(500, {}), 3],
    ['while GitHub has too much to do', json(429, {}, { 'retry-after': '1' }), 3],
    ['while it asks for more time than there is', json(503, {}, { 'retry-after': '30' }), 1],
    ['while connections break', cut, 3],
    ['while it does not answer', silence, 3],
  ])('is one warning and no failed gate %s', async (_name, act, tries) => {
    const heard: number[] = [];
    github.script((exchange) => {
      heard.push(Date.now());
      act(exchange);
    });
    const job = world.job();
    const step = job.start('request', inputs(), env());
    const id = await world.decideNext(job, 'approved');
    const { exitCode, outputs, stdout } = await step.result;
    expect({ exitCode, status: outputs.status }).toEqual({ exitCode: 0, status: 'approved' });
    expect(github.seen).toHaveLength(tries);
    expect(states()).toEqual(Array(tries).fill('pending'));
    expect(heard.at(-1)! - heard[0]!).toBeLessThan(10_000);
    const warnings = warningsIn(stdout).filter(({ data }) => data.includes('commit status'));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]!.data).toContain('statuses: write');
    expect(commandsIn(stdout).map(({ name }) => name)).not.toContain('set-output');
    expect(stdout.replace(`::add-mask::${token}`, '')).not.toContain(token);
    expect(stdout).toContain(id);
  });

  test('is set all the same when the fault has passed', async () => {
    github.script(cut, json(503, {}), json(201, {}));
    const job = world.job();
    const step = job.start('request', inputs(), env());
    await world.decideNext(job, 'approved');
    const { exitCode, stdout } = await step.result;
    expect(exitCode).toBe(0);
    expect(states()).toEqual(['pending', 'pending', 'pending', 'success']);
    expect(warningsIn(stdout).filter(({ data }) => data.includes('commit status'))).toEqual([]);
  });

  test('does not hold up the end after a signal', async () => {
    github.script(silence);
    const job = world.job();
    const step = job.start('request', inputs(), env());
    const id = await createdId(job);
    const start = Date.now();
    step.kill('SIGINT');
    expect((await step.result).exitCode).toBe(130);
    expect(Date.now() - start).toBeLessThan(7_000);
    expect(await world.statusOf(id)).toBe('cancelled');
  });

  test('is not asked for without a token', async () => {
    github.script(json(201, {}));
    const job = world.job();
    const step = job.start('request', world.access, env());
    await world.decideNext(job, 'approved');
    await step.result;
    expect(github.seen).toEqual([]);
  });
});
