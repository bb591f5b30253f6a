import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestService } from '../support/service.ts';
import { startCommandWorld, type CommandWorld } from './command-world.ts';

let world: CommandWorld;
beforeAll(async () => {
  world = await startCommandWorld();
}, 90_000);
afterAll(() => world.close());

const repository = (args: readonly string[], key = world.service.adminKey) =>
  world.start(['repository', ...args], { DEPLOY_WARRANT_API_KEY: key }).result;
const shop = ['--provider', 'github', '--id', '123456789'];
const scope = ['--services', 'api,web', '--environments', 'production'];

test('adds, lists and removes', async () => {
  const empty = await repository(['list']);
  expect([empty.exitCode, empty.stdout]).toEqual([0, '']);
  const added = await repository(['add', ...shop, ...scope, '--note', 'shop']);
  expect([added.exitCode, added.stdout]).toEqual([0, 'Added repository 123456789 of github.\n']);
  const { stdout } = await repository(['list']);
  expect(stdout).toBe(
    'github 123456789; services api,web; environments production; issuer https://token.actions.githubusercontent.com; shop\n',
  );
  const removed = await repository(['remove', ...shop]);
  expect([removed.exitCode, removed.stdout]).toEqual([
    0,
    'Removed repository 123456789 of github: its tokens are refused.\n',
  ]);
  expect((await repository(['list'])).stdout).toBe('');
}, 30_000);

test('lists one without a note, and says that there is none', async () => {
  await repository(['add', ...shop, ...scope]);
  const { stdout } = await repository(['list']);
  expect(stdout).toMatch(/; issuer https:\/\/token\.actions\.githubusercontent\.com\n$/);
  await repository(['remove', ...shop]);
  expect((await repository(['list'])).stderr).toBe('There is no repository on the list.\n');
}, 30_000);

test('of several issuers is removed only by naming one', async () => {
  const issuers = ['https://one.example.com', 'https://other.example.com'];
  const service = await startTestService({
    oidcIssuers: issuers.map((issuer) => ({ provider: 'github', issuer })),
  });
  const there = (args: readonly string[]) =>
    repository([...args, '--api-url', service.apiUrl], service.adminKey);
  for (const issuer of issuers) {
    expect((await there(['add', ...shop, ...scope, '--issuer', issuer])).exitCode).toBe(0);
  }
  const refused = await there(['remove', ...shop]);
  expect([refused.exitCode, refused.stdout]).toEqual([40, '']);
  expect(refused.stderr).toContain('Repository 123456789 of github is there of several issuers.');
  expect((await there(['remove', ...shop, '--issuer', issuers[0]!])).exitCode).toBe(0);
  const { stdout } = await there(['list']);
  expect(stdout.split('\n')).toEqual([expect.stringContaining(issuers[1]!), '']);
  await service.close();
}, 30_000);

test('prints JSON', async () => {
  const gitlab = ['--provider', 'gitlab', '--id', '7', '--issuer', 'https://gitlab.com'];
  const added = JSON.parse((await repository(['add', ...gitlab, ...scope, '--json'])).stdout) as {
    readonly id: string;
  };
  expect(added).toEqual({ schema: 'repository/v1', id: added.id, exit_code: 0 });
  expect(JSON.parse((await repository(['list', '--json'])).stdout)).toMatchObject({
    schema: 'repositories/v1',
    repositories: [{ id: added.id, provider: 'gitlab', repository_id: '7' }],
  });
  const removed = await repository(['remove', ...gitlab, '--json']);
  expect(JSON.parse(removed.stdout)).toEqual(added);
}, 30_000);

describe('is refused', () => {
  test.each([
    ['without an action', [], /ACTION is missing/],
    ['with another action', ['delete', ...shop], /add, list, remove/],
    ['with a flag of another action', ['list', ...shop], /takes no --provider/],
    ['with services to remove', ['remove', ...shop, ...scope], /takes no --services/],
    ['without a provider', ['add', '--id', '1', ...scope], /--provider is github or gitlab/],
    [
      'with a name for a number',
      ['add', '--provider', 'github', '--id', 'a/b'],
      /--id is the number/,
    ],
    ['without services', ['add', ...shop, '--environments', 'x'], /--services is missing/],
    [
      'with an empty environment',
      ['add', ...shop, '--services=a', '--environments='],
      /environments/,
    ],
    [
      'of an issuer that is not trusted',
      ['add', ...shop, ...scope, '--issuer=https://x.example'],
      /422/,
    ],
    ['that is not on the list', ['remove', ...shop], /is not on the list/],
  ] as [string, string[], RegExp][])('%s', async (_name, args, message) => {
    const { exitCode, stdout, stderr } = await repository(args);
    expect([exitCode, stdout]).toEqual([40, '']);
    expect(stderr).toMatch(message);
  });

  test('twice', async () => {
    await repository(['add', ...shop, ...scope]);
    const { exitCode, stderr } = await repository([
      'add',
      ...shop,
      '--services=*',
      '--environments=*',
    ]);
    expect(exitCode).toBe(40);
    expect(stderr).toMatch(/is on the list/);
    await repository(['remove', ...shop]);
  });

  test('with a request key', async () => {
    for (const args of [['list'], ['add', ...shop, ...scope], ['remove', ...shop]]) {
      expect((await repository(args, world.key)).exitCode).toBe(31);
    }
  });
});
