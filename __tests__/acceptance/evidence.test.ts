import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Alter, ProxyAnswer } from '../../scripts/demo/proxy.ts';
import { ask, approvedRequest, statusOf } from './flow.ts';
import type { Job, StepResult } from './job.ts';
import type { RefusalCode } from '../../src/core/verdict.ts';
import {
  callsOf,
  expectApproved,
  expectRefusal,
  missing,
  pinned,
  startWorld,
  type World,
} from './world.ts';

// Each step is a process and each decision a page: seconds here, more where two cores do all at once.
jest.setTimeout(90_000);

const describeHere = missing === undefined ? describe : describe.skip;

type Body = Record<string, unknown>;

/** Changes the JSON of a confirmation on its way from the real service. */
const changed =
  (change: (body: Body) => Body): Alter =>
  ({ path }, answer) =>
    path.startsWith('/api/confirmations/') ? rewritten(answer, change) : answer;

function rewritten(answer: ProxyAnswer, change: (body: Body) => Body): ProxyAnswer {
  return { ...answer, body: JSON.stringify(change(JSON.parse(answer.body) as Body)) };
}

/** One approval for all: the service between lies, or the policy disagrees, and nothing of it may open the gate or use it up. */
describeHere('evidence that is not an approval', () => {
  let world: World;
  let job: Job;
  let approvalId: string;
  /** Another approval by the same person, of another deploy; and a rejection of theirs. */
  let ofAnother: Body;
  let rejected: Body;

  const confirmation = async (id: string): Promise<Body> => {
    const response = await fetch(`${world.service.apiUrl}/confirmations/${id}`, {
      headers: { 'x-api-key': world.apiKey },
    });
    return (await response.json()) as Body;
  };

  beforeAll(async () => {
    world = await startWorld();
    const proxy = await world.proxy();
    const other = await approvedRequest({ world, job: world.job(), proxy });
    ofAnother = await confirmation(other.outputs['approval-id']!);
    const { step, linkFor } = ask({ world, job: world.job(), proxy, inputs: { approver: 'alex' } });
    await world.alex.decide(await linkFor(world.alex), 'rejected');
    rejected = await confirmation((await step.result).outputs['approval-id']!);
    job = world.job();
    approvalId = (await approvedRequest({ world, job, proxy })).outputs['approval-id']!;
  });
  afterAll(() => world.close());

  async function verify(o: { readonly alter?: Alter; readonly policy?: string }): Promise<{
    readonly result: StepResult;
    readonly calls: readonly string[];
  }> {
    const proxy = await world.proxy(o.alter);
    const result = await job.start('verify', {
      ...world.access(proxy, o.policy ?? world.policy()),
      'approval-id': approvalId,
    }).result;
    return { result, calls: callsOf(proxy) };
  }

  const flipped = (body: Body): Body => {
    const assertion = body.rawAssertion as { response: { signature: string } };
    const signature = Buffer.from(assertion.response.signature, 'base64url');
    signature[signature.length - 1]! ^= 1;
    const response = { ...assertion.response, signature: signature.toString('base64url') };
    return { ...body, rawAssertion: { ...assertion, response } };
  };

  test.each<[what: string, reason: RefusalCode, change: (body: Body) => Body]>([
    ['no signature at all', 'evidence_invalid', (body) => ({ ...body, rawAssertion: undefined })],
    [
      'a null in place of the signature',
      'evidence_invalid',
      (body) => ({ ...body, rawAssertion: null }),
    ],
    ['a signature with one bit changed', 'evidence_invalid', flipped],
    [
      'a good signature of the same person for another deploy',
      'evidence_invalid',
      (body) => ({ ...body, rawAssertion: ofAnother.rawAssertion }),
    ],
    [
      'that other approval whole, under the asked id',
      'facts_mismatch',
      (body) => ({ ...ofAnother, id: body.id }),
    ],
    [
      'the signature of a rejection, called an approval',
      'evidence_invalid',
      (body) => ({ ...body, nonce: rejected.nonce, rawAssertion: rejected.rawAssertion }),
    ],
    [
      'another nonce than the signed one',
      'evidence_invalid',
      (body) => ({ ...body, nonce: ofAnother.nonce }),
    ],
    [
      'the name of another person over the signature',
      'approver_untrusted',
      (body) => ({ ...body, username: 'dana' }),
    ],
    [
      'a payload hash that is not of the payload',
      'service_misbehaved',
      (body) => ({ ...body, payloadHash: ofAnother.payloadHash }),
    ],
    [
      'a payload that was changed with its facts as they now are',
      'service_misbehaved',
      (body) => ({
        ...body,
        payload: { ...(body.payload as Body), context: { reason: 'trust me' } },
      }),
    ],
    ['another id', 'service_misbehaved', (body) => ({ ...body, id: ofAnother.id })],
    ['a status of its own', 'service_misbehaved', (body) => ({ ...body, status: 'APPROVED' })],
    ['a rejection', 'rejected', (body) => ({ ...body, status: 'rejected' })],
    ['a cancellation', 'cancelled', (body) => ({ ...body, status: 'cancelled' })],
    ['that it was used before', 'already_used', (body) => ({ ...body, status: 'redeemed' })],
  ])('refuses %s: %s', async (_what, reason, change) => {
    const { result, calls } = await verify({ alter: changed(change) });
    expectRefusal(result, reason, world);
    expect(calls).toEqual(['GET /api/confirmations/:id']);
  });

  test('refuses a status without a decision: pending, called approved by the service', async () => {
    const waiting = world.job();
    const lying = await world.proxy(changed((body) => ({ ...body, status: 'approved' })));
    const { step } = ask({ world, job: waiting, proxy: lying, inputs: { approver: 'alex' } });
    const request = await step.result;
    expect([20, 21, 22, 32]).toContain(request.exitCode);
    expect(request.outputs.status).not.toBe('approved');
    expect(callsOf(lying)).not.toContain('POST /api/redemptions');
  });

  test.each<[what: string, reason: RefusalCode, policy: () => string]>([
    [
      'pins another key for the same id',
      'evidence_invalid',
      () => {
        const swapped = {
          ...world.alex,
          passkey: { ...world.alex.passkey, publicKey: world.dana.passkey.publicKey },
        };
        // Nobody else may have that key: dana is not in this policy.
        return world.policy(
          { approvers: ['alex'] },
          { alex: pinned(swapped, '1234567'), dana: undefined },
        );
      },
    ],
    [
      'pins other passkeys only',
      'approver_untrusted',
      () => {
        const other = {
          ...world.alex,
          passkey: { ...world.alex.passkey, id: 'AAAAAAAAAAAAAAAAAAAAAA' },
        };
        return world.policy({}, { alex: pinned(other, '1234567') });
      },
    ],
    [
      'lets only another person approve',
      'approver_untrusted',
      () => world.policy({ approvers: ['dana'] }),
    ],
    ['asks for two people', 'quorum_unmet', () => world.policy({ quorum: 2 })],
    [
      'asks for two people where data can be destroyed',
      'quorum_unmet',
      () => world.policy({ quorum_if_destructive: 2, migration_paths: ['db/**'] }),
    ],
    [
      'names another origin for the page',
      'evidence_invalid',
      () => world.policy().replace(world.service.origin, 'http://localhost:1'),
    ],
    [
      'knows the approver as the requester',
      'self_approval',
      () => world.policy({}, { alex: pinned(world.alex, '41898282') }),
    ],
    [
      'allows a shorter validity only',
      'payload_invalid',
      () => world.policy({ max_age_minutes: 30 }),
    ],
    [
      'asks for a fact that is missing',
      'payload_invalid',
      () => world.policy({ required_facts: ['digest'] }),
    ],
    [
      'has no rule for the environment',
      'configuration',
      () => world.policy().replace('"production"', '"staging"'),
    ],
  ])('refuses an approval where the policy %s: %s', async (_what, reason, policy) => {
    const { result, calls } = await verify({ policy: policy() });
    expectRefusal(result, reason, world);
    expect(calls).not.toContain('POST /api/redemptions');
  });

  test('refuses a redemption that the service made for another payload', async () => {
    const [another, asking] = [world.job(), await world.proxy()];
    const request = await approvedRequest({ world, job: another, proxy: asking });
    const lying = await world.proxy(({ path }, answer) =>
      path === '/api/redemptions'
        ? rewritten(answer, (body) => ({ ...body, payloadHash: ofAnother.payloadHash }))
        : answer,
    );
    const result = await another.start('verify', {
      ...world.access(lying, world.policy()),
      'approval-id': request.outputs['approval-id']!,
    }).result;
    expectRefusal(result, 'service_misbehaved', world);
  });

  test('and the same approval opens where nobody lies', async () => {
    expect(await statusOf(world, approvalId)).toBe('approved');
    const { result, calls } = await verify({});
    expectApproved(result);
    expect(calls).toEqual(['GET /api/confirmations/:id', 'POST /api/redemptions']);
  });
});
