import { describe, expect, test } from '@jest/globals';
import { sha256Hex } from '../../src/core/hash.ts';
import { Fault } from '../../src/core/fault.ts';
import { checkRequest, planRequest, type RequestInput } from '../../src/gate/request-plan.ts';
import { createWorld, facts, plainJob, requestedAt } from '../support/approvals.ts';

const { policy } = createWorld();
const input: RequestInput = {
  ...{ facts, policy, circumstances: plainJob, approvers: [], job: 'deploy' },
  assurance: 'signature',
};

function refused(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof Fault) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'nothing';
}

describe('before anything is collected', () => {
  test.each<[string, Partial<RequestInput>, string]>([
    ['whom to ask', { approvers: ['kim'] }, 'approver names kim, who may not approve'],
    ['that there is nobody', { policy: undefined }, 'There is nobody to ask.'],
    ['how long', { waitMinutes: 51 }, 'valid-minutes (60) must exceed wait-minutes (51)'],
    ['what the policy allows', { validMinutes: 61 }, 'the policy allows at most 60'],
  ])('%s is checked', (_, change, message) => {
    const said = refused(() => checkRequest({ ...input, ...change }));
    expect(said).toMatch(/^configuration: /);
    expect(said).toContain(message);
  });

  test('that the policy has no rule is not said yet', () => {
    const elsewhere = { ...facts, environment: 'elsewhere' };
    expect(refused(() => checkRequest({ ...input, facts: elsewhere }))).toBe('nothing');
  });

  test('what is good, with all that is not given, passes', () => {
    const production = { approvers: ['alex', 'dana'], not_by_commit_authors: true };
    const strict = { ...policy, environments: { production } };
    const early = { ...input, policy: strict, circumstances: undefined };
    expect(refused(() => checkRequest(early))).toBe('nothing');
    expect(refused(() => checkRequest({ ...early, policy: undefined, approvers: ['x'] }))).toBe(
      'nothing',
    );
  });
});

test('a plan holds the payload, its hash and both deadlines', () => {
  const plan = planRequest(
    { ...input, reason: 'Release 1.42', waitMinutes: 5, validMinutes: 20 },
    { now: () => requestedAt, randomBytes: (size) => new Uint8Array(size).fill(0xab) },
  );
  expect(plan.payload).toEqual({
    schema: 'deploy-approval/v1',
    request_id: 'ab'.repeat(16),
    facts,
    requested_at: '2026-11-22T10:00:00Z',
    expires_at: '2026-11-22T10:20:00Z',
    context: { reason: 'Release 1.42' },
  });
  expect(JSON.parse(plan.payloadText)).toEqual(plan.payload);
  expect(plan).toMatchObject({
    payloadHash: sha256Hex(plan.payloadText),
    decideBy: requestedAt + 5 * 60_000,
    approvers: ['alex', 'dana'],
  });
});
