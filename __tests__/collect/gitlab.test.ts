import { describe, expect, test } from '@jest/globals';
import { gitlabOrigin } from '../../src/collect/gitlab.ts';
import { faultOf } from './git-repository.ts';

const commit = 'fc19318dd13128ce14344d066510a982269c241b';
const job: Readonly<Record<string, string>> = {
  GITLAB_CI: 'true',
  CI_PIPELINE_SOURCE: 'push',
  CI_SERVER_URL: 'https://gitlab.example.com',
  CI_PROJECT_PATH: 'acme/web/shop',
  CI_PROJECT_ID: '20',
  CI_PROJECT_DIR: '/builds/acme/web/shop',
  CI_COMMIT_REF_NAME: 'main',
  CI_COMMIT_BRANCH: 'main',
  CI_COMMIT_SHA: commit,
  CI_PIPELINE_ID: '574',
  CI_JOB_NAME: 'deploy',
  GITLAB_USER_LOGIN: 'alexdoe',
  GITLAB_USER_ID: '1234567',
};
const origin = (env: Readonly<Record<string, string | undefined>> = {}) =>
  gitlabOrigin({ ...job, ...env }, undefined);
const refusal = (env: Readonly<Record<string, string | undefined>>) => faultOf(() => origin(env));

describe('a job of GitLab', () => {
  test('who asks, and which pipeline this is', () => {
    expect(origin()).toEqual({
      facts: {
        server: 'https://gitlab.example.com',
        repository: 'acme/web/shop',
        repository_id: '20',
        ref: 'refs/heads/main',
        workflow: 'gitlab.example.com/acme/web/shop//.gitlab-ci.yml@refs/heads/main',
        actor: { login: 'alexdoe', id: '1234567', type: 'human' },
        run_id: '574',
        run_attempt: '1',
      },
      circumstances: { provider: 'gitlab', trigger: 'push' },
      job: 'deploy',
      workspace: { path: '/builds/acme/web/shop', variable: 'CI_PROJECT_DIR' },
      expected: { id: commit, source: 'event' },
    });
  });

  test('a tag', () => {
    const tag = { CI_COMMIT_TAG: 'v1.2.0', CI_COMMIT_REF_NAME: 'v1.2.0', CI_COMMIT_BRANCH: '' };
    const { facts } = origin(tag);
    expect(facts.ref).toBe('refs/tags/v1.2.0');
    expect(facts.workflow).toMatch(/@refs\/tags\/v1\.2\.0$/);
  });

  test.each([
    [
      { CI_CONFIG_PATH: 'ci/deploy.yml' },
      'gitlab.example.com/acme/web/shop//ci/deploy.yml@refs/heads/main',
    ],
    [
      { CI_SERVER_FQDN: 'git.example:8443' },
      'git.example:8443/acme/web/shop//.gitlab-ci.yml@refs/heads/main',
    ],
    [
      { CI_SERVER_URL: 'https://git.example:8443/forge' },
      'git.example:8443/acme/web/shop//.gitlab-ci.yml@refs/heads/main',
    ],
    [{ CI_CONFIG_REF_URI: 'as/gitlab/says//it@refs/heads/x' }, 'as/gitlab/says//it@refs/heads/x'],
    [{ CI_CONFIG_PATH: '.gitlab-ci.yml@acme/pipelines:main' }, undefined],
    [{ CI_CONFIG_PATH: 'https://example.com/ci.yml' }, undefined],
    [{ CI_SERVER_URL: 'no url' }, undefined],
  ])('the file of the pipeline: %j', (env, workflow) => {
    expect(origin(env).facts.workflow).toBe(workflow);
  });

  test.each([
    [{ CI_JOB_NAME: 'deploy', CI_NODE_INDEX: '2', CI_NODE_TOTAL: '3' }, 'deploy 2/3'],
    [{ CI_JOB_NAME: 'deploy 2/3', CI_NODE_INDEX: '2', CI_NODE_TOTAL: '3' }, 'deploy 2/3'],
    [{ CI_JOB_NAME: 'deploy: [eu]', CI_NODE_INDEX: '1', CI_NODE_TOTAL: '2' }, 'deploy: [eu] 1/2'],
  ])('parallel jobs are told apart: %j', (env, name) => expect(origin(env).job).toBe(name));
});

describe('the type of the actor', () => {
  test.each([
    'project_20_bot',
    'project_20_bot1',
    'project_20_bot_0123456789abcdef',
    'group_7_bot_0123456789abcdef',
    'service_account_group_7_0123456789abcdef',
    'ghost',
    'ghost1',
  ])('%s is an agent, in a schedule too', (login) => {
    for (const source of ['push', 'schedule']) {
      const env = { GITLAB_USER_LOGIN: login, CI_PIPELINE_SOURCE: source };
      expect(origin(env).facts.actor.type).toBe('agent');
    }
  });

  test.each(['alexdoe', 'ghostwriter', 'project_bot', 'my_project_20_bot', 'bot'])(
    '%s may be a person',
    (login) => expect(origin({ GITLAB_USER_LOGIN: login }).facts.actor.type).toBe('human'),
  );

  test('a schedule is a pipeline', () => {
    expect(origin({ CI_PIPELINE_SOURCE: 'schedule' }).facts.actor.type).toBe('pipeline');
  });

  test('the input can only move it towards agent', async () => {
    expect(gitlabOrigin(job, 'agent').facts.actor.type).toBe('agent');
    const bot = { ...job, GITLAB_USER_LOGIN: 'project_20_bot' };
    expect((await faultOf(() => gitlabOrigin(bot, 'human'))).code).toBe('configuration');
  });
});

describe('what started the pipeline', () => {
  test.each(['push', 'web', 'api', 'schedule', 'trigger', 'pipeline', 'parent_pipeline', 'chat'])(
    '%s may deploy',
    (source) => {
      expect(origin({ CI_PIPELINE_SOURCE: source }).circumstances.trigger).toBe(source);
    },
  );

  test.each([
    'external_pull_request_event',
    'external',
    'ondemand_dast_scan',
    'security_orchestration_policy',
    'webide',
    'constructor',
    'Push',
    'push ',
  ])('%s may not', async (source) => {
    const { code, message } = await refusal({ CI_PIPELINE_SOURCE: source });
    expect(code).toBe('configuration');
    expect(message).toContain(`A pipeline that was started by ${source} (CI_PIPELINE_SOURCE)`);
  });

  const mergeRequest = {
    CI_PIPELINE_SOURCE: 'merge_request_event',
    CI_MERGE_REQUEST_IID: '1',
    CI_MERGE_REQUEST_REF_PATH: 'refs/merge-requests/1/head',
    CI_COMMIT_BRANCH: '',
  };

  test('a merge request has its own ref, whatever its source branch is called', () => {
    const { facts, circumstances } = origin(mergeRequest);
    expect(facts.ref).toBe('refs/merge-requests/1/head');
    expect(circumstances).toEqual({ provider: 'gitlab', trigger: 'merge_request_event' });
  });

  test('a merge request without that ref', async () => {
    for (const ref of ['', undefined, 'refs/heads/main', 'refs/merge-requests/']) {
      const { code } = await refusal({ ...mergeRequest, CI_MERGE_REQUEST_REF_PATH: ref });
      expect(code).toBe('facts_uncollectable');
    }
  });

  test('a child pipeline of a merge request does not pass for something else', async () => {
    const { code, message } = await refusal({
      ...mergeRequest,
      CI_PIPELINE_SOURCE: 'parent_pipeline',
    });
    expect(code).toBe('configuration');
    expect(message).toContain('out of the pipeline of a merge request');
  });
});

describe('missing variables', () => {
  const needed = Object.keys(job).filter(
    (name) => name !== 'GITLAB_CI' && name !== 'CI_COMMIT_BRANCH',
  );

  test.each(needed)('%s', async (name) => {
    for (const value of ['', undefined]) {
      const { code, details } = await refusal({ [name]: value });
      expect(code).toBe('facts_uncollectable');
      expect(details.problems).toEqual([{ field: name, message: 'is missing or empty' }]);
    }
  });

  test('all of them are named at once', async () => {
    const { details } = await faultOf(() => gitlabOrigin({}, undefined));
    expect(details.problems?.map(({ field }) => field).sort()).toEqual([...needed].sort());
  });
});
