import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { builtBundles } from '../support/bundles.ts';
import { startHostedService, type HostedService } from './hosted-service.ts';
import { startJob, type Inputs, type Job, type StepResult } from './job.ts';

const apiKey = 'hosted-key-0123456789abcdef0123456789abcdef';

/** No browser and no signature here: that is the point of `assurance: service`. The steps are the built ones. */
describe('a hosted service that has only the documented calls', () => {
  let bundles: string;
  let hosted: HostedService;
  let job: Job;
  let access: Inputs;

  beforeAll(async () => {
    bundles = await builtBundles();
  });
  beforeEach(async () => {
    hosted = await startHostedService(apiKey);
    job = startJob({ bundles });
    access = { 'api-url': hosted.apiUrl, 'api-key': apiKey, assurance: 'service' };
  });
  afterEach(() => hosted.close());

  const request = async (status: string): Promise<StepResult> => {
    const { result } = job.start('request', { ...access, approver: 'alex' });
    await hosted.decide(status);
    return await result;
  };

  test('is believed, loudly, and asked for nothing that it does not document', async () => {
    const asked = await request('approved');
    expect({ code: asked.exitCode, log: asked.exitCode === 0 ? '' : asked.stdout }).toEqual({
      code: 0,
      log: '',
    });
    const verify = await job.start('verify', {
      ...access,
      'approval-id': asked.outputs['approval-id']!,
    }).result;
    expect({ code: verify.exitCode, log: verify.exitCode === 0 ? '' : verify.stdout }).toEqual({
      code: 0,
      log: '',
    });
    expect(verify.outputs.status).toBe('approved');
    expect(verify.stdout).toMatch(/NO SIGNATURE/);

    const folder = verify.outputs['record-path']!;
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
    ['superseded', 11],
    ['maybe', 32],
  ])('closes the gate when it says %s (exit %i)', async (status, exitCode) => {
    const asked = await request(status);
    expect(asked.exitCode).toBe(exitCode);
    const id = asked.outputs['approval-id']!;
    const verify = await job.start('verify', { ...access, 'approval-id': id }).result;
    expect(verify.exitCode).toBe(exitCode);
    expect(verify.outputs.status).not.toBe('approved');
  });

  test('is not believed without being asked to', async () => {
    const asked = await request('approved');
    const id = asked.outputs['approval-id']!;
    const verify = await job.start('verify', { ...access, assurance: '', 'approval-id': id })
      .result;
    expect([22, 40]).toContain(verify.exitCode);
    expect(verify.outputs.status).not.toBe('approved');
  });

  test('is not believed when it answers another hash or other facts run', async () => {
    const asked = await request('approved');
    const id = asked.outputs['approval-id']!;
    const verify = await job.start('verify', { ...access, region: 'elsewhere', 'approval-id': id })
      .result;
    expect([20, 32]).toContain(verify.exitCode);
    expect(verify.outputs.status).not.toBe('approved');
  });
});
