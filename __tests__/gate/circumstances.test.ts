import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createTransport } from '../../src/client/transport.ts';
import { collectFacts, type CollectedFacts } from '../../src/collect/collect.ts';
import { readDeclaredFacts } from '../../src/collect/declared.ts';
import { documentHash } from '../../src/core/hash.ts';
import { buildPayload } from '../../src/core/payload.ts';
import { learnCircumstances } from '../../src/gate/circumstances.ts';
import { systemDependencies } from '../../src/gate/dependencies.ts';
import { openJob } from '../../src/gate/job-access.ts';
import { endJobs, type Job } from '../acceptance/job.ts';
import { createWorld } from '../support/approvals.ts';
import { json } from '../support/faulty-server.ts';
import { apiKey, startPlainJob } from './step-bench.ts';
import { startStubService, type StubService } from './stub-service.ts';

describe('the circumstances', () => {
  let job: Job;
  let env: Readonly<Record<string, string>>;
  let collected: CollectedFacts;
  let service: StubService;
  beforeAll(async () => {
    job = startPlainJob();
    env = job.variables('request', {});
    const declared = readDeclaredFacts((name) => job.facts[name] ?? '');
    collected = await collectFacts({ declared, env, cwd: job.workspace });
  });
  afterAll(endJobs);
  beforeEach(async () => {
    service = await startStubService(createWorld(), () => Date.now());
  });
  afterEach(() => service.close());

  type Given = Parameters<typeof learnCircumstances>[0];

  /** What is learned under this rule, for a job without a token. */
  async function learn(
    rule: Parameters<typeof createWorld>[0] = {},
    other: Partial<Given> = {},
  ): ReturnType<typeof learnCircumstances> {
    const { signal } = new AbortController();
    const transport = createTransport({ apiUrl: service.apiUrl, apiKey });
    return learnCircumstances({
      collected,
      policy: createWorld({ require_oidc: false, ...rule }).policy,
      assurance: 'signature',
      client: { ...systemDependencies({ log: () => undefined, signal }), transport },
      access: openJob({ env, signal }),
      now: () => Date.now(),
      showChanges: false,
      ...other,
    });
  }

  /** The service answers that the commit before was deployed last. */
  function deployedBefore() {
    const commit = job.git('rev-parse', 'HEAD~1');
    const payload = buildPayload({
      facts: { ...collected.facts, commit },
      requestId: '0'.repeat(32),
      requestedAt: Date.parse('2026-11-20T08:00:00Z'),
      expiresAt: Date.parse('2026-11-20T10:00:00Z'),
    });
    const payloadHash = documentHash(payload);
    const redeemedAt = '2026-11-20T09:00:00Z';
    service.faults.set('latest', json(200, { payload, payloadHash, redeemedAt }));
    return { commit, redeemed_at: redeemedAt, payload_hash: payloadHash };
  }

  const known = () => ({
    provider: 'github',
    trigger: 'workflow_dispatch',
    runner: 'github-hosted',
    event_commit: job.commit,
  });

  describe('what is known of a job', () => {
    test('is what the job says, where nobody asks what is new', async () => {
      deployedBefore();
      expect(await learn()).toEqual({ circumstances: known() });
      expect(await learn({}, { policy: undefined, assurance: 'service' })).toEqual({
        circumstances: known(),
      });
      expect(service.calls).toEqual([]);
    });

    test('is judged before the service is asked for the last deploy', async () => {
      const refused = learn({ triggers: ['push'], migration_paths: ['db/**'] });
      await expect(refused).rejects.toMatchObject({ code: 'configuration' });
      expect(service.calls).toEqual([]);
    });

    test('is judged by the time that it is', async () => {
      const rule = {
        no_deploys: [
          { from: '2026-12-24T00:00:00Z', to: '2026-12-27T00:00:00Z', reason: 'Holidays' },
        ],
      };
      const at = (time: string) => learn(rule, { now: () => Date.parse(time) });
      await expect(at('2026-12-25T12:00:00Z')).rejects.toMatchObject({ code: 'configuration' });
      expect(await at('2026-12-27T00:00:00Z')).toEqual({ circumstances: known() });
    });
  });

  describe('what is new since the last deploy', () => {
    const shown = { showChanges: true };

    test('is learned to be shown, and is no circumstance but for the deploy itself', async () => {
      const last_deploy = deployedBefore();
      const { circumstances, lastDeploy, changes } = await learn({}, shown);
      expect(circumstances).toEqual({ ...known(), last_deploy });
      expect(lastDeploy?.facts.commit).toBe(last_deploy.commit);
      expect(changes).toMatchObject({ commits: [{ commit: job.commit }], more: 0 });
      expect(service.calls).toEqual(['latest']);
    });

    test('is learned without a policy too', async () => {
      const { changes } = await learn(
        {},
        { ...shown, policy: undefined, assurance: 'service', client: undefined },
      );
      expect(changes?.commits).toHaveLength(1);
      expect(changes).not.toHaveProperty('newMigrations');
    });

    test('is learned without a service, from the commit itself', async () => {
      const { circumstances, lastDeploy, changes } = await learn(
        {},
        { ...shown, client: undefined },
      );
      expect(circumstances).toEqual(known());
      expect(lastDeploy).toBeUndefined();
      expect(changes?.commits).toHaveLength(1);
      expect(service.calls).toEqual([]);
    });

    test('are the migrations, where a rule names their paths', async () => {
      const last_deploy = deployedBefore();
      const { circumstances } = await learn({ migration_paths: ['db/002*'] });
      expect(circumstances).toEqual({ ...known(), last_deploy, new_migrations: ['db/002.sql'] });
    });

    test('are no migrations where no deploy is known', async () => {
      const { circumstances } = await learn({ migration_paths: ['db/**'] });
      expect(circumstances).toEqual({ ...known(), new_migrations: [] });
      expect(service.calls).toEqual(['latest']);
    });

    test('are the authors, where a rule asks for them', async () => {
      const last_deploy = deployedBefore();
      const { circumstances } = await learn({ not_by_commit_authors: true });
      const commit_authors = [{ name: 'Ada', email: 'ada@example.com' }];
      expect(circumstances).toEqual({ ...known(), last_deploy, commit_authors });
    });
  });
});
