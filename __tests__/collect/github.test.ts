import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ActorType } from '../../src/collect/declared.ts';
import { githubOrigin } from '../../src/collect/github.ts';
import { faultOf, temporaryFolder } from './git-repository.ts';

const root = temporaryFolder();
afterAll(() => rmSync(root, { recursive: true, force: true }));
const eventFile = join(root, 'event.json');

const job: Readonly<Record<string, string>> = {
  GITHUB_ACTIONS: 'true',
  GITHUB_EVENT_NAME: 'push',
  GITHUB_EVENT_PATH: eventFile,
  GITHUB_SERVER_URL: 'https://github.com',
  GITHUB_REPOSITORY: 'acme/shop',
  GITHUB_REPOSITORY_ID: '123456789',
  GITHUB_REF: 'refs/heads/main',
  GITHUB_SHA: 'fc19318dd13128ce14344d066510a982269c241b',
  GITHUB_RUN_ID: '9876543210',
  GITHUB_RUN_ATTEMPT: '1',
  GITHUB_ACTOR: 'alexdoe',
  GITHUB_ACTOR_ID: '1234567',
  GITHUB_TRIGGERING_ACTOR: 'alexdoe',
  GITHUB_WORKFLOW: 'Deploy (a title)',
  GITHUB_WORKFLOW_REF: 'acme/shop/.github/workflows/deploy.yml@refs/heads/main',
  GITHUB_WORKFLOW_SHA: 'fc19318dd13128ce14344d066510a982269c241b',
  GITHUB_JOB: 'deploy',
  RUNNER_ENVIRONMENT: 'github-hosted',
  GITHUB_WORKSPACE: root,
};

function writeEvent(event: unknown): void {
  writeFileSync(eventFile, typeof event === 'string' ? event : JSON.stringify(event));
}
beforeEach(() =>
  writeEvent({ sender: { login: 'alexdoe', type: 'User' }, ref: 'refs/heads/main' }),
);

const typeOf = (env: Readonly<Record<string, string>>, declared?: ActorType) =>
  githubOrigin({ ...job, ...env }, declared).facts.actor.type;

describe('who asks, and which run this is', () => {
  test('all from the variables of the job', () => {
    expect(githubOrigin(job, undefined)).toEqual({
      facts: {
        server: 'https://github.com',
        repository: 'acme/shop',
        repository_id: '123456789',
        ref: 'refs/heads/main',
        workflow: 'acme/shop/.github/workflows/deploy.yml@refs/heads/main',
        workflow_sha: 'fc19318dd13128ce14344d066510a982269c241b',
        actor: { login: 'alexdoe', id: '1234567', type: 'human' },
        run_id: '9876543210',
        run_attempt: '1',
      },
      circumstances: { provider: 'github', trigger: 'push', runner: 'github-hosted' },
      job: 'deploy',
      workspace: { path: job.GITHUB_WORKSPACE, variable: 'GITHUB_WORKSPACE' },
      expected: { id: 'fc19318dd13128ce14344d066510a982269c241b', source: 'event' },
    });
  });

  test('a runner that does not say whose it is: nobody knows, and a rule that asks refuses', () => {
    for (const runner of ['', undefined]) {
      const { circumstances } = githubOrigin({ ...job, RUNNER_ENVIRONMENT: runner }, undefined);
      expect(circumstances).toEqual({ provider: 'github', trigger: 'push' });
    }
  });

  test('whoever re-ran it, if that is another', () => {
    const again = { ...job, GITHUB_RUN_ATTEMPT: '2', GITHUB_TRIGGERING_ACTOR: 'dana' };
    expect(githubOrigin(again, undefined).facts.actor).toEqual({
      login: 'alexdoe',
      id: '1234567',
      type: 'human',
      triggered_by: 'dana',
    });
  });
});

describe('the type of the actor', () => {
  test('a sender of type Bot is an agent', () => {
    writeEvent({ sender: { type: 'Bot' } });
    expect(typeOf({})).toBe('agent');
  });

  test('so is a login that only an app can have, whatever an earlier step wrote into the event file', () => {
    expect(typeOf({ GITHUB_ACTOR: 'release-agent[bot]' })).toBe('agent');
    expect(typeOf({ GITHUB_ACTOR: 'release-agent[bot]', GITHUB_EVENT_NAME: 'schedule' })).toBe(
      'agent',
    );
  });

  test('a schedule is a pipeline: its event has no sender', () => {
    writeEvent({ schedule: '0 0 * * *' });
    expect(typeOf({ GITHUB_EVENT_NAME: 'schedule' })).toBe('pipeline');
  });

  test('the input can only move it towards agent', async () => {
    expect(typeOf({}, 'agent')).toBe('agent');
    expect(typeOf({}, 'human')).toBe('human');
    expect(typeOf({}, 'pipeline')).toBe('pipeline');
    writeEvent({ sender: { type: 'Bot' } });
    expect(typeOf({}, 'agent')).toBe('agent');
    for (const declared of ['human', 'pipeline', 'service-account'] as const) {
      const { code, message } = await faultOf(() => typeOf({}, declared));
      expect(code).toBe('configuration');
      expect(message).toContain(
        `says ${declared}, but this run was started by an actor of the type agent`,
      );
    }
    const { code } = await faultOf(() => typeOf({ GITHUB_EVENT_NAME: 'schedule' }, 'human'));
    expect(code).toBe('configuration');
  });

  test.each([
    ['no sender', {}],
    ['a sender without a type', { sender: { login: 'alexdoe' } }],
    ['a type that is no text', { sender: { type: true } }],
    ['an empty type', { sender: { type: '' } }],
    ['no object', []],
    ['null', null],
    ['a sender only in the prototype', '{"__proto__":{"sender":{"type":"User"}}}'],
  ])('is not guessed from an event with %s', async (_, event) => {
    writeEvent(event);
    const { code, message } = await faultOf(() => typeOf({}));
    expect(code).toBe('facts_uncollectable');
    expect(message).toContain(
      `The event file ${eventFile} (GITHUB_EVENT_PATH) does not say of which type`,
    );
  });

  test.each([
    ['missing', () => rmSync(eventFile)],
    ['not JSON', () => writeEvent('{"sender":')],
    ['empty', () => writeEvent('')],
    ['not UTF-8', () => writeFileSync(eventFile, Buffer.from([0x22, 0xff, 0x22]))],
    ['too large', () => writeFileSync(eventFile, Buffer.alloc(25 * 1024 * 1024 + 1, 0x20))],
  ])('is not guessed from an event file that is %s', async (_, spoil) => {
    spoil();
    const { code, message } = await faultOf(() => typeOf({}));
    expect(code).toBe('facts_uncollectable');
    expect(message).toContain("(GITHUB_EVENT_PATH) can't be read: ");
  });
});

describe('events', () => {
  test.each([
    'push',
    'workflow_dispatch',
    'release',
    'repository_dispatch',
    'merge_group',
    'workflow_call',
    'pull_request',
  ])('%s may deploy, as far as this is concerned', (event) => {
    expect(typeOf({ GITHUB_EVENT_NAME: event })).toBe('human');
  });

  test.each([
    ['pull_request_target', 'it runs with the secrets of the base branch'],
    ['workflow_run', 'it runs with the secrets of the default branch'],
    ['issue_comment', 'which is not known here'],
    ['constructor', 'which is not known here'],
    ['Push', 'which is not known here'],
    ['push ', 'which is not known here'],
  ])('%s may not', async (event, reason) => {
    const { code, message } = await faultOf(() => typeOf({ GITHUB_EVENT_NAME: event }));
    expect(code).toBe('configuration');
    expect(message).toContain(`The event ${event} may not deploy`);
    expect(message).toContain(reason);
    expect(message).toContain('Deploy on one of: push, workflow_dispatch, schedule,');
  });
});

describe('missing variables', () => {
  const needed = Object.keys(job).filter(
    (name) => !['GITHUB_ACTIONS', 'GITHUB_WORKFLOW', 'RUNNER_ENVIRONMENT'].includes(name),
  );

  test.each(needed)('%s', async (name) => {
    for (const env of [
      { ...job, [name]: '' },
      { ...job, [name]: undefined },
    ]) {
      const { code, details } = await faultOf(() => githubOrigin(env, undefined));
      expect(code).toBe('facts_uncollectable');
      expect(details.problems).toEqual([{ field: name, message: 'is missing or empty' }]);
    }
  });

  test('all of them are named at once', async () => {
    const { details, message } = await faultOf(() => githubOrigin({}, undefined));
    expect(details.problems?.map(({ field }) => field).sort()).toEqual([...needed].sort());
    expect(message).toContain('GITHUB_JOB: is missing or empty\n');
  });
});
