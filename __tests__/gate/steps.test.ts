import { writeFileSync } from 'node:fs';
import { getEventListeners } from 'node:events';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { canonicalText } from '../../src/core/canonical.ts';
import { documentHash } from '../../src/core/hash.ts';
import { buildPayload } from '../../src/core/payload.ts';
import { exitCodes } from '../../src/core/verdict.ts';
import { isApproved } from '../../src/core/verify.ts';
import type { RequestStepOutcome } from '../../src/gate/steps.ts';
import type { VerifyOutcome } from '../../src/gate/verify.ts';
import { endJobs, type Job } from '../acceptance/job.ts';
import { json } from '../support/faulty-server.ts';
import { claimsFor, startIssuer } from '../support/issuer.ts';
import { createStepBench, startPlainJob, type StepBench } from './step-bench.ts';

describe('both steps in this process', () => {
  let job: Job;
  let bench: StepBench;
  beforeAll(() => {
    job = startPlainJob();
  });
  afterAll(endJobs);
  beforeEach(async () => {
    bench = await createStepBench(job);
  });
  afterEach(() => bench.close());

  async function withRule(rule: Parameters<typeof createStepBench>[1]): Promise<void> {
    await bench.close();
    bench = await createStepBench(job, rule);
  }

  /** A request that alex approves at once. */
  async function approved(inputs: Record<string, string> = {}): Promise<RequestStepOutcome> {
    bench.service.reactions.set('alex', { status: 'approved' });
    const outcome = await bench.request({ approver: 'alex', ...inputs });
    expect(outcome.verdict?.message ?? '').not.toContain('bug');
    return outcome;
  }

  /** The id of an approval, and nothing remembered of how it came about. */
  async function approvalId(inputs: Record<string, string> = {}): Promise<string> {
    const { approvalIds, status } = await approved(inputs);
    expect(status).toBe('approved');
    (bench.service.calls as string[]).length = 0;
    return approvalIds.join(',');
  }

  const nothing = { payloadHash: '', fingerprint: '', approvers: [] };
  const refusal = (reason_code: keyof typeof exitCodes, message: unknown) => ({
    ...nothing,
    status: reason_code,
    verdict: { reason_code, exit_code: exitCodes[reason_code], message, redemption: 'none' },
  });
  const stopped = 'The step was stopped by a signal before it came to a verdict.';

  describe('the request step', () => {
    test('collects the facts of the job, has them approved, and records that', async () => {
      const asked: string[][] = [];
      const created: unknown[] = [];
      bench.service.reactions.set('alex', { status: 'approved' });
      const outcome = await bench.request(
        { approver: 'alex', reason: 'Release 1.42', 'wait-minutes': '5', 'valid-minutes': '20' },
        {
          onAsked: (ids) => asked.push([...ids]),
          onCreated: (one, facts) => Promise.resolve(void created.push(one.ids, facts)),
        },
      );
      const { id, payload } = bench.service.stored[0]!;
      expect(isApproved(outcome.verdict!)).toBe(true);
      expect(outcome).toMatchObject({
        status: 'approved',
        approvalIds: [id],
        approvers: ['alex'],
        recordPath: expect.stringContaining(bench.recordParent),
        facts: { service: 'api', environment: 'production', commit: job.commit, run_id: job.runId },
      });
      expect(payload.facts).toEqual(outcome.facts);
      expect(payload.context).toMatchObject({
        reason: 'Release 1.42',
        changes: { commits: [{ commit: job.commit, subject: 'Add orders, drop carts' }] },
      });
      const { decideBy } = JSON.parse(bench.service.seen[1]!.body) as { decideBy: string };
      const minutesTo = (time: string) =>
        (Date.parse(time) - Date.parse(payload.requested_at)) / 60_000;
      expect([decideBy, payload.expires_at].map(minutesTo)).toEqual([5, 20]);
      expect(asked).toEqual([[id]]);
      expect(created).toEqual([[id], outcome.facts]);
      expect(bench.service.calls).toEqual(['latest', 'create', 'poll', 'fetch']);
      expect(bench.service.seen.map(({ headers }) => headers['x-api-key'])).toContain(
        bench.inputs['api-key'],
      );
      expect(bench.lines.slice(0, 2)).toEqual([
        'No deploy of api to production is known that was approved before. The commit, and what it merged:',
        `  ${job.commit.slice(0, 12)} Add orders, drop carts (Ada)`,
      ]);
      expect(bench.warnings).toEqual([]);
    });

    test('shows and has signed what is new since the last deploy', async () => {
      const before = job.git('rev-parse', 'HEAD~1');
      const { facts } = await bench.request({ approver: 'nobody' });
      const payload = buildPayload({
        facts: { ...facts!, commit: before },
        requestId: '0'.repeat(32),
        requestedAt: Date.parse('2026-11-20T08:00:00Z'),
        expiresAt: Date.parse('2026-11-20T10:00:00Z'),
      });
      const last = {
        payload,
        payloadHash: documentHash(payload),
        redeemedAt: '2026-11-20T09:00:00Z',
      };
      bench.service.faults.set('latest', json(200, last));
      await approved();
      expect(bench.service.stored[0]!.payload.context.changes).toMatchObject({
        since: before,
        deployed_at: '2026-11-20T09:00:00Z',
        commits: [{ commit: job.commit }],
      });
      expect(bench.lines[0]).toBe(
        `Since the last deploy (${before}, 2026-11-20T09:00:00Z): 1 commit:`,
      );
    });

    test('ends decided without a policy', async () => {
      const outcome = await approved({ policy: '' });
      expect(outcome).toMatchObject({ status: 'decided', verdict: undefined, approvers: ['alex'] });
    });

    test('makes no call but the documented ones where the service is believed', async () => {
      await withRule({ assurance: 'service' });
      const outcome = await approved({ assurance: 'service' });
      expect(outcome).toMatchObject({ status: 'approved', verdict: { assurance: 'service' } });
      expect(bench.service.calls).toEqual(['create', 'poll', 'fetch']);
    });

    test('makes no record folder where there is no place for one', async () => {
      bench.service.reactions.set('alex', { status: 'approved' });
      const outcome = await bench.request({ approver: 'alex' }, { recordParent: undefined });
      expect(outcome).toMatchObject({ status: 'approved', recordPath: undefined });
    });

    test('refuses to ask nobody: without a service', async () => {
      const outcome = await bench.request({ 'api-url': '', 'api-key': '' });
      expect(outcome).toMatchObject(
        refusal(
          'configuration',
          'api-url and api-key are empty; a request needs both, or a job that may have OIDC tokens in place of a key.',
        ),
      );
      expect(outcome).toMatchObject({ approvalIds: [], approvalUrl: '', facts: undefined });
    });

    test('says what it does not find, with the facts that it knows', async () => {
      const outcome = await bench.request({ policy: '/nowhere/policy.json' });
      expect(outcome).toMatchObject(
        refusal('configuration', expect.stringContaining('/nowhere/policy.json')),
      );
      expect(outcome).toMatchObject({ approvalUrl: '', facts: { commit: job.commit } });
    });

    test.each([
      ['somebody whom the policy does not know', { approver: 'mallory' }, {}, 'mallory'],
      ['too long a wait', { 'wait-minutes': '55' }, {}, 'wait-minutes (55)'],
      ['a ref that the rule does not allow', {}, { refs: ['refs/tags/*'] }, 'refs/tags/*'],
    ])('asks the service nothing for %s', async (_name, inputs, rule, word) => {
      await withRule(rule);
      const outcome = await bench.request(inputs);
      expect(outcome).toMatchObject(refusal('configuration', expect.stringContaining(word)));
      expect(bench.service.calls).toEqual([]);
    });
  });

  describe('the verify step', () => {
    test('uses an approval of the same facts, and says what the rules were held to', async () => {
      const id = await approvalId();
      const outcome = await bench.verify({ 'approval-id': id });
      expect(outcome).toMatchObject({
        status: 'approved',
        approvalIds: [id],
        approvers: ['alex'],
        spent: true,
        recordPath: expect.stringContaining(bench.recordParent),
        facts: { commit: job.commit },
        record: { redemption: { state: 'redeemed', job: 'deploy', run_id: job.runId } },
        verdict: {
          circumstances: {
            provider: 'github',
            trigger: 'workflow_dispatch',
            runner: 'github-hosted',
            event_commit: job.commit,
          },
        },
      });
      expect(isApproved(outcome.verdict)).toBe(true);
      expect(bench.service.calls).toEqual(['fetch', 'redeem']);
    });

    test('refuses other facts, and does not use the approval', async () => {
      const id = await approvalId();
      const outcome = await bench.verify({ 'approval-id': id, service: 'web' });
      expect(outcome).toMatchObject({
        status: 'facts_mismatch',
        spent: false,
        verdict: { differences: [{ field: 'service', signed: 'api', final: 'web' }] },
      });
      expect(bench.service.calls).toEqual(['fetch']);
    });

    test('takes a record from the folder that it runs in, without a service', async () => {
      await withRule({ redemption: 'run' });
      const { record } = await approved();
      writeFileSync(join(bench.cwd, 'record.json'), canonicalText(record!));
      (bench.service.calls as string[]).length = 0;
      const offline = { record: 'record.json', 'api-url': '', 'api-key': '' };
      const outcome = await bench.verify(offline);
      expect(outcome).toMatchObject({
        status: 'approved',
        record: { redemption: { state: 'run' } },
      });
      expect(bench.service.calls).toEqual([]);
    });

    test('asks for the last deploy where a rule needs it, and nothing but documented calls where the service is believed', async () => {
      await withRule({ migration_paths: ['db/**'], assurance: 'service' });
      const signed = await approvalId();
      await bench.verify({ 'approval-id': signed });
      expect(bench.service.calls).toEqual(['latest', 'fetch', 'redeem']);
      const believed = await approvalId({ assurance: 'service' });
      const outcome = await bench.verify({ 'approval-id': believed, assurance: 'service' });
      expect(outcome).toMatchObject({ status: 'approved', verdict: { assurance: 'service' } });
      expect(bench.service.calls).toEqual(['fetch']);
    });

    test('names the approval also where it refuses before it looks at it', async () => {
      const id = '11111111-1111-4111-8111-111111111111';
      const outcome = await bench.verify({ 'approval-id': id, policy: '{}' });
      expect(outcome).toMatchObject(
        refusal('configuration', expect.stringContaining('The policy is not acceptable')),
      );
      expect(outcome).toMatchObject({ approvalIds: [id], spent: false });
      const none = await bench.verify({ 'approval-id': 'latest' });
      expect(none).toMatchObject({ status: 'configuration', approvalIds: [] });
      const record = await bench.verify({ record: '{}', policy: '{}' });
      expect(record).toMatchObject({ status: 'configuration', approvalIds: [] });
    });
  });

  const id = '11111111-1111-4111-8111-111111111111';
  describe.each(['request', 'verify'] as const)('both steps: %s', (step) => {
    type Given = Parameters<StepBench['verify']>;
    const run = (...[inputs, context]: Given): Promise<RequestStepOutcome | VerifyOutcome> =>
      bench[step](step === 'verify' ? { 'approval-id': id, ...inputs } : inputs, context);

    test('refuse a weakened environment before all else', async () => {
      const env = { ...bench.env, NODE_TLS_REJECT_UNAUTHORIZED: '0' };
      const outcome = await run({}, { env });
      expect(outcome).toMatchObject(
        refusal('configuration', expect.stringContaining('NODE_TLS_REJECT_UNAUTHORIZED is set')),
      );
      expect(outcome.facts).toBeUndefined();
      expect(outcome.approvalIds).toEqual([]);
    });

    test('warn of what others may see through', async () => {
      await run({ policy: '{}' }, { env: { ...bench.env, NODE_EXTRA_CA_CERTS: '/ca.pem' } });
      expect(bench.warnings).toEqual([
        'NODE_EXTRA_CA_CERTS is set: the connection to the approval service depends on it.',
      ]);
    });

    test('refuse a policy in the workspace or in the folder that they run in', async () => {
      for (const folder of [job.workspace, bench.cwd]) {
        const policy = join(folder, 'policy.json');
        const text = folder === job.workspace ? undefined : bench.inputs.policy!;
        if (text !== undefined) writeFileSync(policy, text);
        const path = text === undefined ? join(folder, 'README.md') : policy;
        const outcome = await run({ policy: path });
        expect(outcome).toMatchObject(
          refusal('configuration', expect.stringContaining(`lies inside ${folder}`)),
        );
      }
      expect(bench.service.calls).toEqual([]);
    });

    test('say what a checkout leaves out', async () => {
      const other = startPlainJob();
      other.git('sparse-checkout', 'set', '--no-cone', '/*', '!/db/');
      await bench.close();
      bench = await createStepBench(other);
      await run({ policy: '{}' });
      expect(bench.lines[0]).toContain('This checkout leaves out 2 of the commit');
    });

    test('call a bug a bug', async () => {
      const read = (): never => {
        throw new TypeError('no such thing');
      };
      expect(await run({}, { read })).toMatchObject(
        refusal(
          'internal',
          'This is a bug of Deploy Warrant, please report it: TypeError: no such thing',
        ),
      );
    });

    test('are held to what a token says of the job, which takes the place of a key', async () => {
      const issuer = await startIssuer('github');
      try {
        const { facts } = await bench.request({ approver: 'nobody' });
        await withRule({ require_oidc: true });
        const policy = JSON.stringify({
          ...bench.world.policy,
          issuers: [{ provider: 'github', issuer: issuer.issuer }],
        });
        const env = { ...bench.env, ...issuer.variables() };
        issuer.says(claimsFor('github', facts!));
        bench.service.reactions.set('alex', { status: 'approved' });
        const inputs = { policy, 'api-key': '', approver: 'alex' };
        const asked = await bench.request(inputs, { env });
        expect(asked.verdict?.message).toContain('alex approved');
        const outcome =
          step === 'request'
            ? asked
            : await bench.verify({ ...inputs, 'approval-id': asked.approvalIds.join() }, { env });
        expect(outcome.verdict).toMatchObject({
          reason_code: 'approved',
          circumstances: { identity: { issuer: issuer.issuer } },
        });
        const tokens = bench.service.seen.map(({ headers }) => headers.authorization?.slice(7));
        for (const token of tokens) expect(bench.masked).toContain(token);

        issuer.says({ ...claimsFor('github', facts!), environment: 'staging' });
        expect(await run(inputs, { env })).toMatchObject({ status: 'facts_mismatch' });
        issuer.says(claimsFor('github', facts!));
        expect(await run({ policy })).toMatchObject(
          refusal('configuration', expect.stringContaining('require_oidc')),
        );
      } finally {
        await issuer.close();
      }
    });

    test('do nothing any more after a signal', async () => {
      bench.stop.abort();
      expect(await run()).toMatchObject(refusal('interrupted', stopped));
      expect(bench.service.calls).toEqual([]);
    });

    test('hear a signal while files are hashed, and do not wait for that', async () => {
      const other = startPlainJob();
      other.git('sparse-checkout', 'set', '--no-cone', '/*', '!/db/');
      await bench.close();
      bench = await createStepBench(other);
      // What is looked up when the files are about to be read.
      const path = bench.env.PATH;
      const env = {
        ...bench.env,
        get PATH() {
          bench.stop.abort();
          return path;
        },
      };
      expect(await run({}, { env })).toMatchObject(refusal('interrupted', stopped));
      // Of all the files the log would say that some are left out.
      expect(bench.lines).toEqual([]);
    });

    test('hear a signal while nothing comes from the forge', async () => {
      const issuer = await startIssuer('github');
      try {
        issuer.misbehave(() => {
          bench.stop.abort();
          return true;
        });
        const outcome = await run({}, { env: { ...bench.env, ...issuer.variables() } });
        expect(outcome).toMatchObject(refusal('interrupted', stopped));
      } finally {
        await issuer.close();
      }
    });

    test('leave nothing behind that listens for a signal', async () => {
      await withRule({ refs: ['refs/tags/*'] });
      expect(await run()).toMatchObject({ status: 'configuration' });
      expect(getEventListeners(bench.stop.signal, 'abort')).toEqual([]);
    });
  });
});
