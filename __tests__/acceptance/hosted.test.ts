import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { refusalOutputs } from '../../src/gate/vocabulary.ts';
import { createPasskey } from '../support/authenticator.ts';
import { builtBundles } from '../support/bundles.ts';
import { startHostedService, type HostedService } from './hosted-service.ts';
import { endJobs, startJob, type Inputs, type Job, type StepResult } from './job.ts';

// Each step is a process and each decision a page: seconds here, more where two cores do all at once.
jest.setTimeout(90_000);

const apiKey = 'hosted-key-0123456789abcdef0123456789abcdef';

/** No browser and no signature here: that is what `assurance: service` means. The steps are the built ones. */
describe.each([
  { givesPayload: true, handedOver: 'approval-id' },
  { givesPayload: false, handedOver: 'record' },
] as const)('a hosted service with only the documented calls, by $handedOver', (o) => {
  let bundles: string;
  let hosted: HostedService;
  let job: Job;
  let access: Inputs;

  beforeAll(async () => {
    bundles = await builtBundles();
  });
  beforeEach(async () => {
    hosted = await startHostedService({ apiKey, givesPayload: o.givesPayload });
    job = startJob({ bundles });
    access = { 'api-url': hosted.apiUrl, 'api-key': apiKey, assurance: 'service' };
  });
  afterEach(async () => {
    endJobs();
    await hosted.close();
  });

  const request = async (status: string, inputs: Inputs = {}): Promise<StepResult> => {
    const { result } = job.start('request', { ...access, approver: 'alex', ...inputs });
    await hosted.decide(status);
    return await result;
  };
  const verify = (asked: StepResult, inputs: Inputs = {}): Promise<StepResult> => {
    const handed = asked.outputs[o.handedOver] ?? '';
    return job.start('verify', { ...access, [o.handedOver]: handed, ...inputs }).result;
  };
  const expectShut = ({ exitCode, outputs }: StepResult, expected: number): void => {
    expect({ exitCode, outputs: Object.keys(outputs).sort() }).toEqual({
      exitCode: expected,
      outputs: [...refusalOutputs].sort(),
    });
    expect(outputs.status).not.toBe('approved');
  };

  test('is believed, loudly, and asked for nothing that it does not document', async () => {
    const asked = await request('approved');
    // Without a policy there is nothing that says who may approve: the request only ends.
    expect(asked.outputs.status).toBe('decided');
    const result = await verify(asked);
    expect({ code: result.exitCode, log: result.exitCode === 0 ? '' : result.stdout }).toEqual({
      code: 0,
      log: '',
    });
    expect(result.outputs.status).toBe('approved');
    for (const { stdout } of [asked, result]) expect(stdout).toMatch(/no signature/i);

    const folder = result.outputs['record-path']!;
    const read = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), 'utf8'));
    expect(read('verdict.json')).toMatchObject({ assurance: 'service', redemption: 'service' });
    expect(read('record.json')).toMatchObject({
      assurance: 'service',
      redemption: { state: 'service' },
    });

    expect(new Set(hosted.calls)).toEqual(
      new Set(['POST /api/confirmations', 'GET /api/confirmations/:id']),
    );
    expect(hosted.members).toEqual(new Set(['username', 'action', 'payload']));
  });

  test.each([
    ['rejected', 10],
    ['expired', 11],
    ['cancelled', 11],
    ['superseded', 11],
    ['maybe', 32],
  ])('closes the gate when it says %s (exit %i)', async (status, exitCode) => {
    const refused = await request(status);
    expectShut(refused, exitCode);
    // A verify step that runs all the same has only the id.
    const id = refused.outputs['approval-id']!;
    expectShut(await job.start('verify', { ...access, 'approval-id': id }).result, exitCode);
  });

  test('closes the gate when it takes an approval back', async () => {
    const asked = await request('approved');
    hosted.change('cancelled');
    expectShut(await verify(asked), 11);
  });

  test('is not believed without being asked to', async () => {
    expectShut(await verify(await request('approved'), { assurance: '' }), 40);
  });

  test('is not believed where the policy does not allow it', async () => {
    const { pinned } = createPasskey();
    const policy = JSON.stringify({
      schema: 'approval-policy/v1',
      relying_party: { id: 'cosignet.example', origin: 'https://cosignet.example' },
      approvers: {
        alex: {
          accounts: [{ provider: 'github', id: '1234567', login: 'alexdoe' }],
          passkeys: [pinned],
        },
      },
      environments: { production: { approvers: ['alex'], require_oidc: false } },
    });
    const asked = await request('approved');
    expectShut(await verify(asked, { policy }), 40);
    expectShut(await job.start('request', { ...access, policy }).result, 40);
  });

  test('approves what was asked, not what runs in its place', async () => {
    expectShut(await verify(await request('approved'), { region: 'elsewhere' }), 20);
  });
});

test('a hosted service that does not say what was approved needs the record', async () => {
  const hosted = await startHostedService({ apiKey, givesPayload: false });
  try {
    const job = startJob({ bundles: await builtBundles() });
    const access = { 'api-url': hosted.apiUrl, 'api-key': apiKey, assurance: 'service' };
    const step = job.start('request', { ...access, approver: 'alex' });
    await hosted.decide('approved');
    const id = (await step.result).outputs['approval-id']!;
    const verify = await job.start('verify', { ...access, 'approval-id': id }).result;
    expect({ exitCode: verify.exitCode, reason: verify.outputs['reason-code'] }).toEqual({
      exitCode: 22,
      reason: 'evidence_invalid',
    });
    expect(verify.stdout).toContain('Pass the record');
  } finally {
    endJobs();
    await hosted.close();
  }
});
