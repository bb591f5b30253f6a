import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ProcessResult } from '../action/runner.ts';
import { json, startFaultyServer, type FaultyServer } from '../support/faulty-server.ts';
import { startIssuer, type Claims, type Issuer } from '../support/issuer.ts';
import { call } from '../support/service.ts';
import { startCommandWorld, type CommandWorld } from './command-world.ts';

/** A job of GitLab: no key anywhere, only the ID token that GitLab gives the job. */
let forge: Issuer;
let world: CommandWorld;
let commit: string;
const project = { id: '20', path: 'acme/web/shop' };

beforeAll(async () => {
  forge = await startIssuer('gitlab');
  const { issuer } = forge;
  world = await startCommandWorld({ oidcIssuers: [{ provider: 'gitlab', issuer }] });
  commit = execFileSync('git', ['rev-parse', 'HEAD'], {
    cwd: world.checkout,
    encoding: 'utf8',
  }).trim();
  world.writePolicy({ require_oidc: true });
  const policy = JSON.parse(readFileSync(world.policyPath, 'utf8')) as object;
  writeFileSync(
    world.policyPath,
    JSON.stringify({ ...policy, issuers: [{ provider: 'gitlab', issuer }] }),
  );
  const body = {
    ...{ provider: 'gitlab', repositoryId: project.id, note: 'shop' },
    ...{ services: ['api'], environments: ['production'] },
  };
  const { service } = world;
  expect((await call(service, '/api/repositories', { key: service.adminKey, body })).status).toBe(
    201,
  );
});
afterAll(async () => {
  await world.close();
  await forge.close();
});

let pipelines = 570;
/** The variables of one more job, with a token that says these things, or says them of these audiences. */
function job(
  changes: Claims = {},
  audiences = ['deploy-warrant', world.service.origin],
): Readonly<Record<string, string>> {
  const pipeline = String((pipelines += 1));
  forge.says({
    ...{ project_id: project.id, project_path: project.path },
    ...{ user_id: '1', user_login: 'project_20_bot_0123456789abcdef' },
    ...{ pipeline_id: pipeline, pipeline_source: 'web', sha: commit },
    ...{ ref: 'main', ref_type: 'branch', environment: 'production' },
    ci_config_ref_uri: `${new URL(forge.issuer).host}/${project.path}//.gitlab-ci.yml@refs/heads/main`,
    ...{ ci_config_sha: commit, runner_environment: 'self-hosted' },
    ...changes,
  });
  return {
    DEPLOY_WARRANT_API_KEY: '',
    GITLAB_CI: 'true',
    CI_PIPELINE_SOURCE: 'web',
    CI_SERVER_URL: forge.issuer,
    CI_PROJECT_PATH: project.path,
    CI_PROJECT_ID: project.id,
    CI_PROJECT_DIR: world.checkout,
    CI_COMMIT_REF_NAME: 'main',
    CI_COMMIT_BRANCH: 'main',
    CI_COMMIT_SHA: commit,
    CI_PIPELINE_ID: pipeline,
    CI_JOB_NAME: 'deploy',
    GITLAB_USER_LOGIN: 'project_20_bot_0123456789abcdef',
    GITLAB_USER_ID: '1',
    ...forge.variables(...audiences),
  };
}

const request = (env: Readonly<Record<string, string>>): Promise<ProcessResult> =>
  world.start(['request', ...world.facts], env).result;
test('a whole deploy in one process, attested by GitLab, with one token', async () => {
  const env = job();
  const command = world.start(
    [
      'run',
      ...world.facts,
      '--',
      process.execPath,
      '-e',
      'console.log(JSON.stringify(process.env))',
    ],
    env,
  );
  await world.decide(await command.asked());
  const { exitCode, stdout, stderr } = await command.result;
  expect({ exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout + stderr).not.toContain(env.DEPLOY_WARRANT_ID_TOKEN!);
  const given = JSON.parse(
    stdout.split('\n').find((line) => line.startsWith('{')) ?? '{}',
  ) as object;
  expect(given).not.toHaveProperty('DEPLOY_WARRANT_ID_TOKEN');
  expect(given).toMatchObject({ DEPLOY_WARRANT_REPOSITORY: project.path });

  const folder = readdirSync(world.records)
    .map((name) => join(world.records, name))
    .at(-1)!;
  const facts = JSON.parse(readFileSync(join(folder, 'facts.json'), 'utf8')) as object;
  expect(facts).toMatchObject({
    ...{ repository_id: project.id, run_id: env.CI_PIPELINE_ID, run_attempt: '1' },
    actor: { type: 'agent', id: '1' },
  });
  const verdict = JSON.parse(readFileSync(join(folder, 'verdict.json'), 'utf8')) as object;
  expect(verdict).toMatchObject({
    circumstances: {
      ...{ provider: 'gitlab', trigger: 'web', runner: 'self-hosted' },
      identity: { issuer: forge.issuer },
    },
  });
  expect(JSON.stringify([facts, verdict])).not.toMatch(/eyJ[\w-]{10,}\./);
});

describe('refused before anybody is asked', () => {
  /** In place of the service: it would see any question. */
  let silent: FaultyServer;
  beforeAll(async () => {
    silent = await startFaultyServer();
  });
  afterAll(() => silent.close());

  const past = Math.floor(Date.now() / 1000) - 600;
  test.each<[case_: string, exitCode: number, text: string, claims: Claims]>([
    ['another environment', 20, 'says "staging"', { environment: 'staging' }],
    ['no environment', 40, 'names no environment', { environment: undefined }],
    ['another commit', 20, 'CI_COMMIT_SHA: is', { sha: 'd'.repeat(40) }],
    ['another project id', 20, 'says "21"', { project_id: '21' }],
    ['another branch', 20, 'says "refs/heads/x"', { ref: 'x' }],
    ['a tag of that name', 20, 'says "refs/tags/main"', { ref_type: 'tag' }],
    ['another pipeline', 20, 'says "1"', { pipeline_id: '1' }],
    ['another user', 20, 'says "7"', { user_id: '7' }],
    ['another file of the pipeline', 20, 'says "x//y"', { ci_config_ref_uri: 'x//y' }],
    ['another start', 20, 'says "push"', { pipeline_source: 'push' }],
    [
      'the start of a merge request',
      20,
      'of a merge request',
      { pipeline_source: 'merge_request_event' },
    ],
    ['an end in the past', 40, 'has expired', { exp: past }],
    ['another issuer', 40, 'is believed', { iss: 'https://gitlab.com' }],
  ])('a token with %s', async (_, exitCode, text, claims) => {
    silent.script(json(200, {}));
    const result = await request({ ...job(claims), DEPLOY_WARRANT_API_URL: silent.apiUrl });
    expect({ exitCode: result.exitCode, text: result.stderr }).toEqual({
      exitCode,
      text: expect.stringContaining(text),
    });
    expect(result.stdout + result.stderr).not.toMatch(/\/approve\/|eyJ[\w-]{10,}\./);
    expect(silent.seen).toEqual([]);
  });

  test('a token for the service alone', async () => {
    const { exitCode, stderr } = await request(job({}, [world.service.origin]));
    expect(exitCode).toBe(40);
    expect(stderr).toContain('aud: deploy-warrant');
  });

  test('a token that is not for the service', async () => {
    const { exitCode, stderr } = await request(job({}, ['deploy-warrant']));
    expect(exitCode).toBe(31);
    expect(stderr).toContain('is meant for');
  });

  test('no token, and no key either', async () => {
    const { exitCode, stderr } = await request({ ...job(), DEPLOY_WARRANT_ID_TOKEN: '' });
    expect(exitCode).toBe(40);
    expect(stderr).toContain('DEPLOY_WARRANT_API_KEY is not set');
  });

  test('no token where the policy requires one, with a key', async () => {
    const env = { ...job(), DEPLOY_WARRANT_ID_TOKEN: '', DEPLOY_WARRANT_API_KEY: world.key };
    const { exitCode, stderr } = await request(env);
    expect(exitCode).toBe(40);
    expect(stderr).toContain('require_oidc');
  });
});
