import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { callApi } from '../../scripts/demo/service.ts';
import type { Proxy } from '../../scripts/demo/proxy.ts';
import type { RefusalCode } from '../../src/core/verdict.ts';
import { newIssuerKey, startIssuer, type Claims, type Issuer } from '../support/issuer.ts';
import { approvedRequest, statusOf } from './flow.ts';
import { repository, type Inputs, type Job, type StepResult } from './job.ts';
import {
  callsOf,
  expectApproved,
  expectRefusal,
  missing,
  startWorld,
  type World,
} from './world.ts';

// Each step is a process and each decision a page: seconds here, more where two cores do all at once.
jest.setTimeout(120_000);

const describeHere = missing === undefined ? describe : describe.skip;

describeHere('the identity of a job, by tokens of an issuer with real keys', () => {
  let world: World;
  let forge: Issuer;
  let stranger: Issuer;

  beforeAll(async () => {
    [forge, stranger] = await Promise.all([startIssuer('github'), startIssuer('github')]);
    world = await startWorld({ DEPLOY_WARRANT_OIDC_ISSUER: `github=${forge.issuer}` });
  });
  afterAll(async () => {
    await world.close();
    await Promise.all([forge.close(), stranger.close()]);
  });
  afterEach(() => {
    for (const issuer of [forge, stranger]) {
      issuer.misbehave(undefined);
      issuer.publish([issuer.key.jwk]);
    }
  });

  /** A policy that asks for a token of this forge, for staging as for production. */
  const policy = (issuer = forge.issuer): string => {
    const { environments, ...rest } = JSON.parse(world.policy()) as {
      environments: { production: object };
    };
    const rule = { ...environments.production, require_oidc: true };
    return JSON.stringify({
      ...rest,
      issuers: [{ provider: 'github', issuer }],
      environments: { production: rule, staging: rule },
    });
  };

  /** What the forge knows of a job. */
  const claimsOf = (job: Job, changes: Claims = {}): Claims => {
    const variables = job.variables('request', {});
    return {
      sub: `repo:${repository.name}:environment:production`,
      environment: 'production',
      ref: variables.GITHUB_REF,
      sha: job.commit,
      repository: repository.name,
      repository_id: repository.id,
      actor: variables.GITHUB_ACTOR,
      actor_id: variables.GITHUB_ACTOR_ID,
      run_id: job.runId,
      run_attempt: variables.GITHUB_RUN_ATTEMPT,
      event_name: variables.GITHUB_EVENT_NAME,
      workflow_ref: variables.GITHUB_WORKFLOW_REF,
      workflow_sha: variables.GITHUB_WORKFLOW_SHA,
      job_workflow_ref: variables.GITHUB_WORKFLOW_REF,
      runner_environment: variables.RUNNER_ENVIRONMENT,
      ...changes,
    };
  };

  /** Where a token shows: in the runner's mask command, and nowhere else. */
  const expectNoToken = ({ stdout, stderr, files }: StepResult): void => {
    const lines = (stdout + stderr).split('\n').filter((line) => !line.startsWith('::add-mask::'));
    expect(lines.join('\n') + JSON.stringify(files)).not.toMatch(/eyJ[\w-]{10,}\.[\w-]{10,}/);
  };
  const expectMasked = ({ stdout }: StepResult): void => {
    expect(stdout).toMatch(/^::add-mask::eyJ[\w-]+\.[\w-]+\.[\w-]+$/m);
  };

  const elsewhere = 'd0941e68da8f38151ff86a61fc59f7c5cf9fcaa2';
  const past = Math.floor(Date.now() / 1000) - 600;
  const answering = (at: string, status: number) => () =>
    forge.misbehave((request, response) => {
      if (request.at !== at) return false;
      response.writeHead(status, { location: `${stranger.issuer}/token` }).end('{}');
      return true;
    });

  test.each<[case_: string, reason: RefusalCode, text: string, claims: Claims]>([
    ['another environment', 'facts_mismatch', 'says "staging"', { environment: 'staging' }],
    ['no environment', 'facts_uncollectable', 'names no environment', { environment: undefined }],
    ['another commit', 'facts_mismatch', `says "${elsewhere}"`, { sha: elsewhere }],
    ['another repository id', 'facts_mismatch', 'says "9"', { repository_id: '9' }],
    ['another repository', 'facts_mismatch', 'says "acme/x"', { repository: 'acme/x' }],
    ['another ref', 'facts_mismatch', 'says "refs/heads/x"', { ref: 'refs/heads/x' }],
    ['another run', 'facts_mismatch', 'says "1"', { run_id: '1' }],
    ['another attempt', 'facts_mismatch', 'says "2"', { run_attempt: '2' }],
    ['another actor', 'facts_mismatch', 'says "dana"', { actor: 'dana' }],
    ['another id of the actor', 'facts_mismatch', 'says "1"', { actor_id: '1' }],
    ['another event', 'facts_mismatch', 'says "push"', { event_name: 'push' }],
    ['another kind of runner', 'facts_mismatch', 'self-h', { runner_environment: 'self-hosted' }],
    ['another audience', 'facts_uncollectable', 'is meant for https://a', { aud: 'https://a' }],
    ['another issuer', 'facts_uncollectable', 'the issuer "https://b"', { iss: 'https://b' }],
    ['an end in the past', 'facts_uncollectable', 'has expired', { exp: past }],
    ['a beginning to come', 'facts_uncollectable', 'valid only in', { nbf: past + 1200 }],
  ])('a token with %s: nobody is asked', async (_, reason, text, claims) => {
    const [job, proxy] = [world.job(), await world.proxy(undefined, 'steady')];
    forge.says(claimsOf(job, claims));
    const inputs = world.access(proxy, policy());
    const result = await job.start('request', inputs, forge.variables()).result;
    expectRefusal(result, reason, world);
    expect(result.stdout).toContain(text);
    expect(callsOf(proxy)).toEqual([]);
    expectNoToken(result);
    expectMasked(result);
  });

  test.each<[case_: string, text: string, prepare: () => unknown]>([
    [
      'an endpoint that is down',
      'it answered 500, 3 times in a row',
      () => answering('token', 500)(),
    ],
    [
      'an endpoint that redirects',
      'redirect 302, which is not followed',
      () => answering('token', 302)(),
    ],
    [
      'keys that can not be had',
      'it answered 503, 3 times in a row',
      () => answering('keys', 503)(),
    ],
    ['keys that redirect', 'redirect 307, which is not followed', () => answering('keys', 307)()],
    [
      'keys without that of the token',
      'a key that its issuer does not publish',
      async () => forge.publish([(await newIssuerKey('key-2', 2048)).jwk]),
    ],
    [
      'another key by that name',
      'has no valid signature',
      async () => forge.publish([(await newIssuerKey('key-1', 2048)).jwk]),
    ],
  ])('%s: nobody is asked', async (_, text, prepare) => {
    const [job, proxy] = [world.job(), await world.proxy(undefined, 'steady')];
    forge.says(claimsOf(job));
    await prepare();
    const strangers = stranger.seen.length;
    const inputs = world.access(proxy, policy());
    const result = await job.start('request', inputs, forge.variables()).result;
    expectRefusal(result, 'facts_uncollectable', world);
    expect(result.stdout).toContain(text);
    expect(callsOf(proxy)).toEqual([]);
    expect(stranger.seen).toHaveLength(strangers);
    expectNoToken(result);
  });

  test('a stranger who signs with a key of its own and names the pinned issuer', async () => {
    const [job, proxy] = [world.job(), await world.proxy(undefined, 'steady')];
    stranger.says(claimsOf(job, { iss: forge.issuer }));
    const inputs = world.access(proxy, policy());
    const result = await job.start('request', inputs, stranger.variables()).result;
    expectRefusal(result, 'facts_uncollectable', world);
    expect(result.stdout).toContain('has no valid signature of its issuer');
    expect(callsOf(proxy)).toEqual([]);
  });

  test('no permission for a token, where the policy requires one', async () => {
    const [job, proxy] = [world.job(), await world.proxy(undefined, 'steady')];
    const result = await job.start('request', world.access(proxy, policy())).result;
    expectRefusal(result, 'configuration', world);
    expect(result.stdout).toContain('id-token: write');
    expect(callsOf(proxy)).toEqual([]);
  });

  test('an approved deploy is attested in its record, and a token of another job redeems nothing', async () => {
    const job = world.job({ env: forge.variables() });
    const proxy: Proxy = await world.proxy();
    forge.says(claimsOf(job));
    const asked = await approvedRequest({ world, job, proxy, policy: policy() });
    expectApproved(asked);
    expectNoToken(asked);
    const approvalId = asked.outputs['approval-id']!;
    const verify = (): Promise<StepResult> =>
      job.start('verify', { ...world.access(proxy, policy()), 'approval-id': approvalId }).result;

    const before = callsOf(proxy).length;
    for (const changes of [{ environment: 'staging' }, { run_attempt: '2' }, { exp: past }]) {
      forge.says(claimsOf(job, changes));
      const reason = 'exp' in changes ? 'facts_uncollectable' : 'facts_mismatch';
      expectRefusal(await verify(), reason, world);
    }
    expect(callsOf(proxy)).toHaveLength(before);
    expect(await statusOf(world, approvalId)).toBe('approved');

    forge.says(claimsOf(job));
    const verified = await verify();
    expectApproved(verified);
    expectNoToken(verified);
    expect(await statusOf(world, approvalId)).toBe('redeemed');
  });

  describe('tokens in place of an API key', () => {
    beforeAll(async () => {
      await callApi({
        apiUrl: world.service.apiUrl,
        apiKey: world.service.adminKey,
        method: 'POST',
        path: '/repositories',
        body: {
          ...{ provider: 'github', repositoryId: repository.id, note: 'shop' },
          ...{ services: ['api'], environments: ['production'] },
        },
      });
    });
    const withoutKey = (): Inputs => ({ 'api-url': world.service.apiUrl, policy: policy() });
    const onlyAlex = { approver: 'alex' };
    const linkOf = (match: RegExpMatchArray): string => match[0];
    const link = /http:\/\/localhost:\d+\/approve\/[0-9a-f-]{36}/;

    test('a whole deploy: asked for, approved, redeemed', async () => {
      const job = world.job({ env: forge.variables() });
      forge.says(claimsOf(job));
      const step = job.start('request', { ...withoutKey(), ...onlyAlex });
      await world.alex.decide(linkOf(await step.sees(link)), 'approved');
      const asked = await step.result;
      expectApproved(asked);
      expectNoToken(asked);
      expectMasked(asked);
      const audience = encodeURIComponent(world.service.origin);
      expect(forge.seen).toContain(`/token?api-version=2.0&audience=${audience}`);

      const approvalId = asked.outputs['approval-id']!;
      const verified = await job.start('verify', { ...withoutKey(), 'approval-id': approvalId })
        .result;
      expectApproved(verified);
      expectNoToken(verified);
      expect(await statusOf(world, approvalId)).toBe('redeemed');
    });

    test('the post step of a cancelled job withdraws its request', async () => {
      const job = world.job({ env: forge.variables() });
      forge.says(claimsOf(job));
      const step = job.start('request', { ...withoutKey(), ...onlyAlex });
      const [url] = await step.sees(link);
      await job.kept();
      step.kill('SIGKILL');
      await step.result;
      const id = url.slice(-36);
      expect(await statusOf(world, id)).toBe('pending');
      const post = await job.startPost().result;
      expect(post.exitCode).toBe(0);
      expectNoToken(post);
      expectMasked(post);
      expect(await statusOf(world, id)).toBe('cancelled');
    });

    test('a repository that the service does not know', async () => {
      const id = '555';
      const job = world.job({ env: { ...forge.variables(), GITHUB_REPOSITORY_ID: id } });
      forge.says(claimsOf(job, { repository_id: id }));
      const result = await job.start('request', { ...withoutKey(), ...onlyAlex }).result;
      expectRefusal(result, 'service_unauthorized', world);
      expect(result.stdout).toContain('takes no tokens of repository 555');
      expectNoToken(result);
    });

    test('neither a key nor the permission: nothing is sent', async () => {
      const result = await world.job().start('request', withoutKey()).result;
      expectRefusal(result, 'configuration', world);
      expect(result.stdout).toContain('id-token: write');
    });
  });
});
