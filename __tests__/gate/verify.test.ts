import { readFileSync, readdirSync, rmdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { canonicalText } from '../../src/core/canonical.ts';
import { sha256Hex } from '../../src/core/hash.ts';
import type { DeployFacts } from '../../src/core/facts.ts';
import { Fault } from '../../src/core/fault.ts';
import { checkPolicy, policyHash } from '../../src/core/policy.ts';
import { parseRecordText } from '../../src/core/record.ts';
import type { RefusalCode } from '../../src/core/verdict.ts';
import { isApproved } from '../../src/core/verify.ts';
import type { VerifyInput } from '../../src/gate/verify.ts';
import { facts, without } from '../support/approvals.ts';
import { cut, json, silence } from '../support/faulty-server.ts';
import {
  createBench,
  expectNoSecret,
  expectRefused,
  otherFacts,
  recordFolders,
  type Bench,
} from './bench.ts';
import type { Route } from './stub-service.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await createBench();
});
afterEach(() => bench.close());

const minute = 60_000;

async function rebuilt(rule: Parameters<typeof createBench>[0], tryMs?: number): Promise<void> {
  await bench.close();
  bench = await createBench(rule, tryMs);
}

/** The id of an approval that alex has given, and what the service is asked from here on. */
async function approvedId(): Promise<{
  readonly ids: readonly string[];
  readonly calls: () => readonly Route[];
}> {
  const { approvalIds } = await bench.approved();
  const before = bench.service.calls.length;
  return { ids: approvalIds, calls: () => bench.service.calls.slice(before) };
}

async function refusedVerify(input: Partial<VerifyInput>, code: RefusalCode): Promise<string> {
  const outcome = await bench.verify(input);
  const message = expectRefused(bench, outcome, code);
  expect(recordFolders(bench)).toEqual([]);
  return message;
}

describe('an approved deploy', () => {
  test('is fetched, checked, redeemed once and recorded, in this order', async () => {
    const { ids, calls } = await approvedId();
    const outcome = await bench.verify({ approvalIds: ids });
    expect(isApproved(outcome.verdict)).toBe(true);
    expect(calls()).toEqual(['fetch', 'redeem']);
    expect(outcome).toMatchObject({
      status: 'approved',
      approvalIds: ids,
      approvers: ['alex'],
      facts,
      spent: true,
      verdict: { redemption: 'redeemed', message: expect.stringContaining('alex approved') },
      record: {
        redemption: {
          state: 'redeemed',
          redeemed_at: '2026-11-22T10:00:00Z',
          run_id: facts.run_id,
          run_attempt: facts.run_attempt,
          job: 'deploy',
        },
      },
    });
    expect(JSON.parse(bench.service.seen.at(-1)!.body)).toEqual({
      payloadHash: outcome.payloadHash,
      redemptionKey: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
      runId: facts.run_id,
      runAttempt: facts.run_attempt,
      job: 'deploy',
    });
    expectNoSecret(bench);
  });

  test('leaves a record folder that an auditor can read, for its owner only', async () => {
    const { ids } = await approvedId();
    const { recordPath, record, verdict } = await bench.verify({ approvalIds: ids });
    expect(readdirSync(recordPath!).sort()).toEqual([
      'facts.json',
      'policy.json',
      'record.json',
      'verdict.json',
    ]);
    const read = (name: string) => readFileSync(join(recordPath!, name), 'utf8');
    expect(parseRecordText(read('record.json'))).toEqual({ ok: true, value: record });
    expect(JSON.parse(read('facts.json'))).toEqual(facts);
    expect(checkPolicy(JSON.parse(read('policy.json')))).toEqual({
      ok: true,
      value: bench.world.policy,
    });
    expect(JSON.parse(read('verdict.json'))).toMatchObject(verdict);
    expect(statSync(recordPath!).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(recordPath!)) {
      expect(statSync(join(recordPath!, name)).mode & 0o777).toBe(0o600);
    }
  });

  test('by a record that was handed over', async () => {
    const { record, approvalIds, fingerprint } = await bench.approved();
    const before = bench.service.calls.length;
    const outcome = await bench.verify({ recordText: canonicalText(record) });
    expect(outcome).toMatchObject({ status: 'approved', approvalIds, fingerprint });
    expect(bench.service.calls.slice(before)).toEqual(['redeem']);
  });

  test('is recorded with the hash of the policy that judged it, if the record says none', async () => {
    await rebuilt({ redemption: 'run' });
    const { record } = await bench.approved();
    const policy_sha256 = policyHash(bench.world.policy);
    const recordText = canonicalText(without(record!, 'policy_sha256'));
    const outcome = await bench.verify({ recordText });
    expect(outcome).toMatchObject({ status: 'approved', record: { policy_sha256 } });
  });

  test('by whose passkey signed, where the service names nobody', async () => {
    const { ids } = await approvedId();
    bench.service.stored[0]!.reaction = { status: 'approved', change: { username: undefined } };
    const outcome = await bench.verify({ approvalIds: ids });
    expect(outcome).toMatchObject({ status: 'approved', approvers: ['alex'] });
  });

  test('of two people', async () => {
    await rebuilt({ quorum: 2 });
    bench.service.reactions.set('alex', { status: 'approved' }).set('dana', { status: 'approved' });
    const { approvalIds } = await bench.request();
    const outcome = await bench.verify({ approvalIds });
    expect(outcome).toMatchObject({ status: 'approved', approvers: ['alex', 'dana'] });
    expect(bench.service.calls.filter((call) => call === 'redeem')).toHaveLength(1);
  });
});

describe('an approval is used once', () => {
  test('by approval id', async () => {
    const { ids } = await approvedId();
    expect((await bench.verify({ approvalIds: ids })).status).toBe('approved');
    const second = await bench.verify({ approvalIds: ids });
    expectRefused(bench, second, 'already_used');
    expect(second.spent).toBe(false);
  });

  test('by record, and by both', async () => {
    const { record, approvalIds } = await bench.approved();
    const recordText = canonicalText(record);
    expect((await bench.verify({ recordText })).status).toBe('approved');
    expectRefused(bench, await bench.verify({ recordText }), 'already_used');
    expectRefused(bench, await bench.verify({ approvalIds }), 'already_used');
  });

  test('a record that says it was redeemed is not believed', async () => {
    const { ids } = await approvedId();
    const { record, recordPath } = await bench.verify({ approvalIds: ids });
    expect(record!.redemption.state).toBe('redeemed');
    for (const recordText of [
      canonicalText(record),
      readFileSync(join(recordPath!, 'record.json'), 'utf8'),
    ]) {
      expectRefused(bench, await bench.verify({ recordText }), 'already_used');
    }
  });

  test('two at the same time: one of them', async () => {
    const { ids } = await approvedId();
    const outcomes = await Promise.all([1, 2, 3].map(() => bench.verify({ approvalIds: ids })));
    expect(outcomes.map(({ status }) => status).sort()).toEqual([
      'already_used',
      'already_used',
      'approved',
    ]);
  });

  test('a redemption whose answer was lost is repeated with the same key', async () => {
    const { ids, calls } = await approvedId();
    let lost = 0;
    bench.service.faults.set('redeem', (exchange, right) => {
      lost += 1;
      if (lost < 3) {
        // Made, but nobody hears of it.
        right({ ...exchange, response: mute(exchange.response) });
        cut(exchange);
      } else right(exchange);
    });
    expect((await bench.verify({ approvalIds: ids })).status).toBe('approved');
    expect(calls()).toEqual(['fetch', 'redeem', 'redeem', 'redeem']);
  });
});

/** A response that swallows everything. */
function mute<T extends object>(response: T): T {
  return new Proxy(response, {
    get: (_target, name) => (name === 'then' ? undefined : () => mute(response)),
  });
}

describe('nothing is redeemed unless every other check has passed', () => {
  const notRedeemed = async (input: Partial<VerifyInput>, code: RefusalCode): Promise<string> => {
    const message = await refusedVerify(input, code);
    expect(bench.service.calls).not.toContain('redeem');
    return message;
  };

  test('another commit, environment or migration', async () => {
    const { ids } = await approvedId();
    const changed: readonly Partial<DeployFacts>[] = [
      { commit: otherFacts.commit },
      {
        migration: {
          kind: 'sql',
          command: 'x',
          destructive: true,
          files: [{ path: 'a.sql', sha256: 'a'.repeat(64) }],
        },
      },
      { service: 'web' },
      { run_id: '1' },
      { run_attempt: '2' },
      { digest: `sha256:${'0'.repeat(64)}` },
    ];
    for (const change of changed) {
      const collect = () => Promise.resolve({ ...facts, ...change });
      const message = await notRedeemed({ approvalIds: ids, collect }, 'facts_mismatch');
      expect(message).toMatch(/approv/);
    }
    const staging = () => Promise.resolve({ ...facts, environment: 'staging' });
    await notRedeemed({ approvalIds: ids, collect: staging }, 'facts_mismatch');
  });

  test.each<[string, RefusalCode]>([
    ['rejected', 'rejected'],
    ['expired', 'expired'],
    ['cancelled', 'cancelled'],
    ['superseded', 'superseded'],
    ['redeemed', 'already_used'],
    ['pending', 'timed_out'],
  ])('a status %s decides', async (status, code) => {
    const { ids } = await approvedId();
    bench.service.stored[0]!.status = status as 'rejected';
    await notRedeemed({ approvalIds: ids }, code);
  });

  test('good evidence with a status of rejected is a rejection', async () => {
    const { ids } = await approvedId();
    const one = bench.service.stored[0]!;
    one.status = 'rejected';
    one.reaction = { status: 'approved' };
    await notRedeemed({ approvalIds: ids }, 'rejected');
  });

  test('a rejection needs no payload and no signature', async () => {
    const { ids } = await approvedId();
    const one = bench.service.stored[0]!;
    one.status = 'rejected';
    one.reaction = { status: 'rejected', change: { payload: undefined, rawAssertion: undefined } };
    const message = await notRedeemed({ approvalIds: ids }, 'rejected');
    expect(message).toBe(
      `${bench.service.host} says that request ${one.id} was rejected. Ask the approver what has to change before you ask again.`,
    );
  });

  test('a rejection whose payload is there is judged by it, and told with the name', async () => {
    const { ids } = await approvedId();
    const one = bench.service.stored[0]!;
    one.status = 'rejected';
    one.reaction = { status: 'rejected' };
    const message = await notRedeemed({ approvalIds: ids }, 'rejected');
    expect(message).toMatch(/^alex rejected this deploy .* signed with their passkey/);
  });

  test('where nobody has decided yet it is said what to do', async () => {
    const { ids } = await approvedId();
    bench.service.stored[0]!.status = 'pending';
    expect(await notRedeemed({ approvalIds: ids }, 'timed_out')).toBe(
      `${bench.service.host} says that nobody has decided request ${ids[0]!} yet. Run verify after the request step, which waits for the decision.`,
    );
  });

  test('one rejection among approvals closes it', async () => {
    bench.service.reactions.set('alex', { status: 'approved' }).set('dana', { status: 'approved' });
    await rebuilt({ quorum: 2 });
    bench.service.reactions.set('alex', { status: 'approved' }).set('dana', { status: 'approved' });
    const { approvalIds } = await bench.request();
    const dana = bench.service.stored[1]!;
    dana.status = 'rejected';
    dana.reaction = { status: 'rejected' };
    await notRedeemed({ approvalIds }, 'rejected');
  });

  test.each([
    ['no signature', { rawAssertion: null }, 'evidence_invalid'],
    ['a signature of another form', { rawAssertion: 'yes' }, 'evidence_invalid'],
    ['no payload', { payload: undefined }, 'evidence_invalid'],
    [
      'another payload than its hash says',
      { payload: { schema: 'deploy-approval/v1' } },
      'service_misbehaved',
    ],
    ['another person', { username: 'dana' }, 'approver_untrusted'],
    ['a decision before the request', { decidedAt: '2026-11-22T09:00:00Z' }, 'evidence_invalid'],
    ['a decision in the future', { decidedAt: '2026-11-22T10:30:00Z' }, 'evidence_invalid'],
  ] as const)('%s', async (_name, change, code) => {
    const { ids } = await approvedId();
    bench.service.stored[0]!.reaction = { status: 'approved', change };
    await notRedeemed({ approvalIds: ids }, code);
  });

  test('what is wrong with the payload is told', async () => {
    const { ids } = await approvedId();
    const one = bench.service.stored[0]!;
    const { host } = bench.service;
    one.reaction = { status: 'approved', change: { payload: undefined } };
    expect(await notRedeemed({ approvalIds: ids }, 'evidence_invalid')).toBe(
      `${host} says that request ${one.id} is approved, but not what was approved. Pass the record of the request step instead of approval-id, or ask for a new approval.`,
    );
    one.reaction = { status: 'approved', change: { payload: { schema: 'none' } } };
    const hash = sha256Hex('{"schema":"none"}');
    expect(await notRedeemed({ approvalIds: ids }, 'service_misbehaved')).toBe(
      `${host} gives a payload of request ${one.id} that has the hash ${hash}, not ${one.payloadHash} as it says. The service changed the payload: do not work around it, ask for a new approval.`,
    );
  });

  test('a payload with changed facts and a hash that fits it: the signature does not', async () => {
    const { ids } = await approvedId();
    const one = bench.service.stored[0]!;
    const payload = { ...one.payload, facts: { ...one.payload.facts, commit: otherFacts.commit } };
    const payloadHash = sha256Hex(canonicalText(payload));
    one.reaction = { status: 'approved', change: { payload, payloadHash } };
    const collect = () => Promise.resolve(otherFacts);
    await notRedeemed({ approvalIds: ids, collect }, 'evidence_invalid');
  });

  test('ids of two requests', async () => {
    const first = await approvedId();
    const second = await approvedId();
    const message = await notRedeemed(
      { approvalIds: [...first.ids, ...second.ids] },
      'evidence_invalid',
    );
    const [one, two] = bench.service.stored;
    expect(message).toBe(
      `Request ${two!.id} is about another payload (${two!.payloadHash}) than the first (${one!.payloadHash}). Pass the output approval-id of one request step unchanged.`,
    );
  });

  test('too few people', async () => {
    const { ids } = await approvedId();
    const production = { approvers: ['alex', 'dana'], quorum: 2 };
    const policy = { ...bench.world.policy, environments: { production } };
    await notRedeemed({ approvalIds: ids, policy }, 'quorum_unmet');
  });

  test('after it has expired, by our clock', async () => {
    const { ids } = await approvedId();
    await bench.clock.sleep(60 * minute);
    await notRedeemed({ approvalIds: ids }, 'expired');
  });

  test("after it has expired, by the service's clock", async () => {
    const { ids } = await approvedId();
    await bench.clock.sleep(61 * minute);
    const behind = { now: () => bench.clock.now() - 30 * minute };
    const outcome = await bench.verify({ approvalIds: ids }, behind);
    expectRefused(bench, outcome, 'expired');
    expect(bench.service.calls).not.toContain('redeem');
    expect(bench.lines.join('\n')).toContain('1800 s behind');
  });

  test('when the record folder can not be made', async () => {
    const { ids } = await approvedId();
    const recordParent = join(bench.recordParent, 'missing');
    const message = await notRedeemed({ approvalIds: ids, recordParent }, 'internal');
    expect(message).not.toContain('spent');
  });
});

describe('what is refused before the service is asked', () => {
  const silent = async (input: Partial<VerifyInput>, code: RefusalCode): Promise<string> => {
    const before = bench.service.seen.length;
    const message = await refusedVerify(input, code);
    expect(bench.service.seen).toHaveLength(before);
    return message;
  };
  const approvalIds = ['11111111-2222-4333-8444-555555555555'];

  test('facts that can not be collected', async () => {
    const collect = () => Promise.reject(new Fault('facts_uncollectable', 'There is no git here.'));
    await silent({ approvalIds, collect }, 'facts_uncollectable');
  });

  test('a bug while collecting', async () => {
    const collect = () => Promise.reject(new TypeError('x is not a function'));
    await silent({ approvalIds, collect }, 'internal');
  });

  test('no policy', async () => {
    await silent({ approvalIds, policy: undefined }, 'configuration');
  });

  test('an environment without a rule', async () => {
    const collect = () => Promise.resolve({ ...facts, environment: 'constructor' });
    await silent({ approvalIds, collect }, 'configuration');
  });

  test('both or none of approval id and record, an empty record', async () => {
    const both =
      'Give exactly one of approval-id and record, from the outputs of the request step.';
    expect(await silent({}, 'configuration')).toBe(both);
    expect(await silent({ approvalIds: [] }, 'configuration')).toBe(both);
    expect(await silent({ approvalIds, recordText: '{}' }, 'configuration')).toBe(both);
    expect(await silent({ approvalIds: [], recordText: '' }, 'configuration')).toBe(
      'record is empty. GitHub drops an output that holds a masked value: pass approval-id instead.',
    );
  });

  test('and what is known then is in the outcome, no more', async () => {
    const collect = () => Promise.reject(new Fault('facts_uncollectable', 'There is no git here.'));
    const outcome = {
      ...{ status: 'facts_uncollectable', payloadHash: '', fingerprint: '', approvers: [] },
      ...{ facts: undefined, spent: false },
      verdict: expect.objectContaining({ message: 'There is no git here.' }),
    };
    expect(await bench.verify({ approvalIds, collect })).toEqual({ ...outcome, approvalIds });
    expect(await bench.verify({ recordText: '{}', collect })).toEqual({
      ...outcome,
      approvalIds: [],
    });
  });

  test('an approval id without a service', async () => {
    const { approvalIds: ids } = await bench.approved();
    const outcome = await bench.verify({ approvalIds: ids }, { transport: undefined });
    expect(expectRefused(bench, outcome, 'configuration')).toBe(
      'There is no approval service to fetch the approval from. Set api-url and api-key.',
    );
  });

  test('a record that is none', async () => {
    const { record } = await bench.approved();
    const broken = [
      'null',
      '{}',
      '{"schema":"approval-record/v1"}',
      canonicalText({ ...record, schema: 'approval-record/v2' }),
      canonicalText({ ...record, approved: true }),
      canonicalText({ ...record, payload: `${record!.payload} ` }),
      canonicalText({ ...record, payload_hash: 'f'.repeat(64) }),
      canonicalText(record).replace('{', '{"schema":"approval-record/v1",'),
      `\uFEFF${canonicalText(record)}`,
    ];
    for (const recordText of broken) await silent({ recordText }, 'payload_invalid');
    const outcome = await bench.verify({ recordText: '{"schema":"approval-record/v1"}' });
    const { problems, message } = outcome.verdict;
    expect(problems.map(({ field }) => field)).toContain('payload');
    const lines = problems.map((problem) => `${problem.field}: ${problem.message}`);
    expect(message).toBe(
      [
        'The record is not acceptable:',
        ...lines,
        'Pass the output record of the request step unchanged, or approval-id.',
      ].join('\n'),
    );
  });

  test('redemption: required without a service', async () => {
    const { record } = await bench.approved();
    const outcome = await bench.verify(
      { recordText: canonicalText(record) },
      { transport: undefined },
    );
    expect(expectRefused(bench, outcome, 'configuration')).toBe(
      'The policy asks that each approval is used once at the approval service ("redemption": "required"), and no service is set. Set api-url and api-key.',
    );
    expect(outcome.spent).toBe(false);
    expect(recordFolders(bench)).toEqual([]);
  });

  test('require_oidc', async () => {
    await rebuilt({ require_oidc: true });
    await silent({ approvalIds }, 'configuration');
  });

  test('assurance: service where the policy asks for signatures', async () => {
    await silent({ approvalIds, assurance: 'service' }, 'configuration');
  });
});

describe('redemption: run', () => {
  test('makes no call, and says so in log, verdict and record', async () => {
    await rebuilt({ redemption: 'run' });
    const { record } = await bench.approved();
    const before = bench.service.calls.length;
    const outcome = await bench.verify({ recordText: canonicalText(record) });
    expect(outcome).toMatchObject({
      status: 'approved',
      verdict: { redemption: 'run', message: expect.stringContaining('NOT REDEEMED') },
      record: { redemption: { state: 'run' } },
      spent: false,
    });
    expect(bench.service.calls).toHaveLength(before);
    expect(bench.lines.at(-1)).toBe(
      'NOT REDEEMED (redemption: run in the policy): the approval is bound to this run, its attempt and its commit only, and may be used again there.',
    );
  });

  test('needs no service', async () => {
    await rebuilt({ redemption: 'run' });
    const { record } = await bench.approved();
    const outcome = await bench.verify(
      { recordText: canonicalText(record) },
      { transport: undefined },
    );
    expect(outcome.status).toBe('approved');
  });

  test('is bound to run, attempt and commit', async () => {
    await rebuilt({ redemption: 'run' });
    const { record } = await bench.approved();
    const recordText = canonicalText(record);
    for (const change of [{ run_id: '1' }, { run_attempt: '2' }, { commit: otherFacts.commit }]) {
      const collect = () => Promise.resolve({ ...facts, ...change });
      await refusedVerify({ recordText, collect }, 'facts_mismatch');
    }
  });

  test('is not to be had by a record that says so', async () => {
    const { record } = await bench.approved();
    const forged = { ...record, redemption: { state: 'run' } };
    const outcome = await bench.verify({ recordText: canonicalText(forged) });
    expect(outcome.verdict.redemption).toBe('redeemed');
    expect(bench.service.calls.filter((call) => call === 'redeem')).toHaveLength(1);
  });
});

describe('assurance: service', () => {
  beforeEach(() => rebuilt({ assurance: 'service' }));
  const service = { assurance: 'service' } as const;

  test('believes the service, redeems nothing and is loud', async () => {
    const { approvalIds } = await bench.approved(service, { change: { rawAssertion: null } });
    const outcome = await bench.verify({ ...service, approvalIds });
    expect(outcome).toMatchObject({
      status: 'approved',
      verdict: {
        assurance: 'service',
        redemption: 'service',
        message: expect.stringContaining('NO SIGNATURE WAS CHECKED'),
      },
      record: { assurance: 'service', redemption: { state: 'service' } },
    });
    expect(bench.service.calls).not.toContain('redeem');
    expect(bench.lines.at(-1)).toBe(
      'ASSURANCE: SERVICE. No signature was checked, and the approval was not used up: it may be used again.',
    );
  });

  test('without a policy too, where no policy can ask for more', async () => {
    const { approvalIds } = await bench.approved({ ...service, policy: undefined });
    const outcome = await bench.verify({ ...service, approvalIds, policy: undefined });
    expect(outcome.status).toBe('approved');
    expect(readdirSync(outcome.recordPath!)).not.toContain('policy.json');
  });

  test('a record is no evidence: the service is asked', async () => {
    const { record } = await bench.approved(service);
    const recordText = canonicalText(record);
    const change = { payload: undefined, username: undefined };
    bench.service.stored[0]!.reaction = { status: 'approved', change };
    const outcome = await bench.verify({ ...service, recordText });
    expect(outcome).toMatchObject({ status: 'approved', approvers: ['alex'] });
    const changed = { payload: { schema: 'none' } };
    bench.service.stored[0]!.reaction = { status: 'approved', change: changed };
    expectRefused(bench, await bench.verify({ ...service, recordText }), 'service_misbehaved');
    bench.service.stored[0]!.status = 'cancelled';
    expectRefused(bench, await bench.verify({ ...service, recordText }), 'cancelled');
  });

  test('a record names who decided what, where the service does not', async () => {
    const both = { approvers: ['alex', 'dana'], policy: undefined };
    bench.service.reactions.set('alex', { status: 'approved' }).set('dana', { status: 'approved' });
    const { record } = await bench.request({ ...service, ...both });
    const [alex, dana] = bench.service.stored;
    const change = { payload: undefined, username: undefined, rawAssertion: undefined };
    for (const one of [alex!, dana!]) one.reaction = { status: 'approved', change };
    const input = { ...service, policy: undefined, recordText: canonicalText(record) };
    expect((await bench.verify(input)).approvers).toEqual(['alex', 'dana']);
    dana!.status = 'rejected';
    dana!.reaction = { status: 'rejected', change };
    const outcome = await bench.verify(input);
    expect(expectRefused(bench, outcome, 'rejected')).toContain('dana rejected this deploy');
  });

  test('a record with another payload than the service has', async () => {
    const { record } = await bench.approved(service);
    const payload = record!.payload.replace(facts.commit, otherFacts.commit);
    const forged = { ...record, payload, payload_hash: sha256Hex(payload) };
    bench.service.stored[0]!.reaction = { status: 'approved', change: { payload: undefined } };
    const collect = () => Promise.resolve(otherFacts);
    const recordText = canonicalText(forged);
    await refusedVerify({ ...service, recordText, collect }, 'evidence_invalid');
  });

  test.each<[string, RefusalCode]>([
    ['rejected', 'rejected'],
    ['pending', 'timed_out'],
    ['superseded', 'superseded'],
  ])('a status %s is no approval', async (status, code) => {
    const { approvalIds } = await bench.approved(service);
    bench.service.stored[0]!.status = status as 'pending';
    bench.service.stored[0]!.reaction = { status: status as 'pending' };
    await refusedVerify({ ...service, approvalIds }, code);
  });

  test('facts are compared all the same', async () => {
    const { approvalIds } = await bench.approved(service);
    const collect = () => Promise.resolve(otherFacts);
    await refusedVerify({ ...service, approvalIds, collect }, 'facts_mismatch');
  });
});

describe('once the approval is used, a refusal says so', () => {
  test('when the record folder has vanished, 70', async () => {
    const { ids } = await approvedId();
    bench.service.faults.set('redeem', (exchange, right) => {
      rmdirSync(join(bench.recordParent, recordFolders(bench)[0]!));
      right(exchange);
    });
    const outcome = await bench.verify({ approvalIds: ids });
    expect(expectRefused(bench, outcome, 'internal')).toMatch(
      / Make room, or make the folder writable\. The approval is spent: it was redeemed before this happened\. Ask for a new one\.$/,
    );
    expect(outcome.spent).toBe(true);
  });

  test('when it expired meanwhile', async () => {
    const { ids } = await approvedId();
    bench.service.faults.set('redeem', (exchange, right) => {
      void bench.clock.sleep(61 * minute);
      setTimeout(() => right(exchange), 20);
    });
    const clock = {
      now: () => bench.clock.now() + (bench.service.calls.includes('redeem') ? 61 * minute : 0),
    };
    const outcome = await bench.verify({ approvalIds: ids }, clock);
    expect(expectRefused(bench, outcome, 'expired')).toContain('The approval is spent');
    expect(recordFolders(bench)).toEqual([]);
  });

  test('when it was interrupted, 130, and the answer is taken', async () => {
    const { ids } = await approvedId();
    bench.service.faults.set('redeem', (exchange, right) => {
      bench.stop.abort();
      setTimeout(() => right(exchange), 50);
    });
    const outcome = await bench.verify({ approvalIds: ids });
    expect(expectRefused(bench, outcome, 'interrupted')).toBe(
      'The verification was interrupted. The approval is spent: it was redeemed before this happened. Ask for a new one.',
    );
    expect(recordFolders(bench)).toEqual([]);
  });

  test('when it was interrupted while the record was written', async () => {
    const { ids } = await approvedId();
    const { signal } = new AbortController();
    const written = () =>
      recordFolders(bench).flatMap((name) => readdirSync(join(bench.recordParent, name)));
    Object.defineProperty(signal, 'aborted', { get: () => written().length > 0 });
    const outcome = await bench.verify({ approvalIds: ids }, { signal });
    expect(expectRefused(bench, outcome, 'interrupted')).toContain('The approval is spent');
    expect(written()).toContain('record.json');
  });
});

describe('when nobody knows whether it was used, a refusal says that', () => {
  test.each([
    ['an outage', json(503, {}), 'service_unreachable'],
    ['a redirect', json(302, {}, { location: 'https://evil.example/' }), 'service_misbehaved'],
    [
      'another hash',
      json(201, { payloadHash: 'f'.repeat(64), redeemedAt: '2026-11-22T10:00:00Z' }),
      'service_misbehaved',
    ],
  ] as const)('%s', async (_name, act, code) => {
    const { ids } = await approvedId();
    bench.service.faults.set('redeem', act);
    const outcome = await bench.verify({ approvalIds: ids });
    expect(expectRefused(bench, outcome, code)).toMatch(
      / The approval may be spent: ask for a new one if a second try says already_used\.$/,
    );
    expect(outcome.spent).toBe(true);
    expect(recordFolders(bench)).toEqual([]);
  });

  test('an outage, with each request that was not used', async () => {
    await rebuilt({ quorum: 2 });
    bench.service.reactions.set('alex', { status: 'approved' }).set('dana', { status: 'approved' });
    const { approvalIds } = await bench.request();
    bench.service.faults.set('redeem', json(503, {}));
    const { verdict } = await bench.verify({ approvalIds });
    expect(verdict.message).toContain(`(request ${approvalIds.join(',')}): it answered 503`);
  });

  test('an interruption without an answer', async () => {
    await rebuilt({}, 100);
    const { ids } = await approvedId();
    bench.service.faults.set('redeem', (exchange) => {
      bench.stop.abort();
      silence(exchange);
    });
    const outcome = await bench.verify({ approvalIds: ids });
    expect(expectRefused(bench, outcome, 'interrupted')).toMatch(
      / The approval may be spent: ask for a new one if a second try says already_used\.$/,
    );
  });
});

test.each([
  [409, 'already_used'],
  [410, 'expired'],
  [403, 'service_unauthorized'],
  [404, 'service_misbehaved'],
  [422, 'payload_invalid'],
] as const)('a redemption that is refused with %i leaves no folder', async (status, code) => {
  const { ids } = await approvedId();
  bench.service.faults.set('redeem', json(status, { code: 'no', message: 'no' }));
  await refusedVerify({ approvalIds: ids }, code);
});

test('an interruption while the facts are collected uses nothing', async () => {
  const { record } = await bench.approved();
  const collect = () => {
    bench.stop.abort();
    return Promise.resolve(facts);
  };
  const outcome = await bench.verify({ recordText: canonicalText(record), collect });
  expect(expectRefused(bench, outcome, 'interrupted')).toBe('The verification was interrupted.');
  expect(outcome.spent).toBe(false);
  expect(bench.service.calls).not.toContain('redeem');
  expect(recordFolders(bench)).toEqual([]);
});

test('an interruption before the redemption uses nothing', async () => {
  const { ids, calls } = await approvedId();
  bench.service.faults.set('fetch', (exchange, right) => {
    right(exchange);
    bench.stop.abort();
  });
  const outcome = await bench.verify({ approvalIds: ids });
  expectRefused(bench, outcome, 'interrupted');
  expect(outcome.spent).toBe(false);
  expect(calls()).toEqual(['fetch']);
});

test('polluting Object.prototype approves nothing', async () => {
  const { ids } = await approvedId();
  bench.service.stored[0]!.reaction = { status: 'approved', change: { rawAssertion: null } };
  const polluted = Object.prototype as unknown as Record<string, unknown>;
  polluted.approved = true;
  polluted.status = 'approved';
  polluted.ok = true;
  let outcome;
  try {
    outcome = await bench.verify({ approvalIds: ids });
  } finally {
    delete polluted.approved;
    delete polluted.status;
    delete polluted.ok;
  }
  expectRefused(bench, outcome, 'evidence_invalid');
});
