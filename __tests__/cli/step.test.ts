import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startCommandWorld, type CommandWorld } from './command-world.ts';

let world: CommandWorld;
beforeAll(async () => {
  world = await startCommandWorld();
}, 90_000);
afterAll(() => world.close());

let runs = 8_000;
const newRun = () => ({ DEPLOY_WARRANT_RUN_ID: String((runs += 1)) });

describe('a request without a policy', () => {
  const decided = async (...flags: readonly string[]) => {
    const [facts, env] = [world.facts.slice(0, world.facts.indexOf('--policy')), newRun()];
    const running = world.start(['request', ...facts, '--approver', 'alex', ...flags], env);
    const id = await running.asked();
    await world.decide(id);
    const verify = () => world.start(['verify', ...facts, '--approval-id', id], env).result;
    return { ...(await running.result), id, verify };
  };

  test('ends decided, and says that this approves nothing', async () => {
    const { exitCode, stdout, stderr, id } = await decided();
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`approval-id: ${id}\n`);
    expect(stdout).toContain('status: decided\n');
    expect(stdout).toMatch(/^reason-code: ?$/m);
    expect(stdout).not.toContain('approved');
    expect(stderr).toContain('no signature was checked and nothing is approved');
  });

  test('as JSON too, with all that is known and no record', async () => {
    const { exitCode, stdout, stderr, id } = await decided('--json');
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      schema: 'request/v1',
      status: 'decided',
      approval_id: id,
      approval_url: `${world.service.url}/approve/${id}`,
      payload_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      fingerprint: expect.stringMatching(/^[0-9a-f]{4}-[0-9a-f]{4}$/),
      approvers: ['alex'],
      record_path: '',
      exit_code: 0,
    });
    expect(stderr).toContain('no signature was checked and nothing is approved');
  });

  test('opens no verify', async () => {
    const { verify } = await decided();
    const { exitCode, stdout, stderr } = await verify();
    expect([exitCode, stdout]).toEqual([40, '']);
    expect(stderr).toContain('policy');
  });
});

test('a request with a policy says as JSON where its record is', async () => {
  const running = world.start(['request', ...world.facts, '--json'], newRun());
  await world.decide(await running.asked());
  const { exitCode, stdout, stderr } = await running.result;
  expect(exitCode).toBe(0);
  const { status, record_path } = JSON.parse(stdout) as Record<string, string>;
  expect(status).toBe('approved');
  expect(record_path!.startsWith(world.records)).toBe(true);
  expect(stderr).not.toContain('no signature was checked');
});
