import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { canonicalText } from '../../src/core/canonical.ts';
import { sha256Hex } from '../../src/core/hash.ts';
import { policyHash } from '../../src/core/policy.ts';
import type { RefusalCode } from '../../src/core/verdict.ts';
import { isApproved } from '../../src/core/verify.ts';
import type { RequestCreated, RequestInput } from '../../src/gate/request.ts';
import { destructiveMigration, facts, plainJob, requestedAt } from '../support/approvals.ts';
import { cut, json, silence } from '../support/faulty-server.ts';
import { createBench, expectNoSecret, expectRefused, recordFolders, type Bench } from './bench.ts';
import type { Reaction } from './stub-service.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await createBench();
});
afterEach(() => bench.close());

const approves: Reaction = { status: 'approved' };
const minute = 60_000;

describe('an approval', () => {
  test('of one person is approved by its evidence, and recorded', async () => {
    const { service, world } = bench;
    service.reactions.set('alex', approves);
    const created: RequestCreated[] = [];
    const outcome = await bench.request({
      approvers: ['alex'],
      reason: 'Release 1.42',
      recordParent: bench.recordParent,
      onCreated: (one) => {
        expect(service.calls).toEqual(['create']);
        created.push(one);
      },
    });
    const { id, payload, payloadHash } = service.stored[0]!;
    expect(isApproved(outcome.verdict!)).toBe(true);
    expect(outcome).toMatchObject({
      status: 'approved',
      approvalIds: [id],
      approvalUrl: `https://approve.example.com/approve/${id}`,
      payloadHash,
      fingerprint: `${payloadHash.slice(0, 4)}-${payloadHash.slice(4, 8)}`,
      approvers: ['alex'],
      verdict: { redemption: 'pending' },
      record: {
        payload: canonicalText(payload),
        policy_sha256: policyHash(world.policy),
        assurance: 'signature',
        redemption: { state: 'pending' },
        decisions: [{ id, approver: 'alex', decision: 'approved' }],
      },
    });
    expect(payload).toMatchObject({
      facts,
      requested_at: '2026-11-22T10:00:00Z',
      expires_at: '2026-11-22T11:00:00Z',
      context: { reason: 'Release 1.42' },
    });
    expect(created).toEqual([
      {
        ids: [id],
        url: outcome.approvalUrl,
        payloadHash,
        fingerprint: outcome.fingerprint,
        requests: [{ id, approver: 'alex', url: outcome.approvalUrl }],
      },
    ]);
    expect(service.calls).toEqual(['create', 'poll', 'fetch']);
    expect(bench.lines).toEqual([
      `Approval request ${outcome.fingerprint} (payload hash ${payloadHash}): decide by 2026-11-22T10:30:00Z, deploy by 2026-11-22T11:00:00Z.`,
      `alex decides at ${outcome.approvalUrl}`,
    ]);
    const record: unknown = JSON.parse(
      readFileSync(join(outcome.recordPath!, 'record.json'), 'utf8'),
    );
    expect(record).toEqual(outcome.record);
    expectNoSecret(bench);
  });

  test('is asked for with the action of the facts, a deadline for display and a key of its own', async () => {
    bench.service.reactions.set('alex', approves);
    await bench.request({ approvers: ['alex'], waitMinutes: 20 });
    const { body, headers } = bench.service.seen[0]!;
    expect(JSON.parse(body)).toEqual({
      username: 'alex',
      action: 'Deploy api to production',
      decideBy: '2026-11-22T10:20:00Z',
      payload: bench.service.stored[0]!.payload,
    });
    const { payloadHash } = bench.service.stored[0]!;
    const key = [facts.run_id, facts.run_attempt, 'deploy', payloadHash, 'alex'];
    expect(headers['idempotency-key']).toBe(sha256Hex(canonicalText(key)));
  });

  test('is put to all whom the policy lists, and the rest is withdrawn when one has approved', async () => {
    bench.service.reactions.set('dana', approves);
    const outcome = await bench.request();
    const [alex, dana] = bench.service.stored;
    expect(outcome).toMatchObject({
      status: 'approved',
      approvers: ['dana'],
      approvalIds: [dana!.id],
    });
    expect(alex).toMatchObject({ username: 'alex', status: 'cancelled' });
    expect(dana!.status).toBe('approved');
    expect(new Set(bench.service.stored.map(({ payloadHash }) => payloadHash)).size).toBe(1);
    const keys = bench.service.seen.slice(0, 2).map(({ headers }) => headers['idempotency-key']);
    expect(new Set(keys).size).toBe(2);
  });

  test('of two people, where the policy asks for two', async () => {
    await bench.close();
    bench = await createBench({ quorum: 2 });
    bench.service.reactions.set('alex', approves).set('dana', approves);
    const outcome = await bench.request();
    expect(outcome).toMatchObject({ status: 'approved', approvers: ['alex', 'dana'] });
    expect(outcome.approvalIds).toHaveLength(2);
  });

  test('of two people, where the migration is destructive', async () => {
    await bench.close();
    bench = await createBench({ quorum_if_destructive: 2, migration_paths: ['db/**'] });
    bench.service.reactions.set('alex', approves);
    const destructive = { ...facts, migration: destructiveMigration };
    expectRefused(bench, await bench.request({ facts: destructive }), 'timed_out');
  });

  test('of somebody of each group, where the policy has groups', async () => {
    await bench.close();
    const groups = { owners: { people: ['alex'] }, data: { people: ['dana'] } };
    bench = await createBench({ groups });
    bench.service.reactions.set('alex', approves);
    const message = expectRefused(bench, await bench.request(), 'timed_out');
    expect(message).toBe(
      'Nobody decided in time: 1 of alex, dana and 1 of alex and 1 of dana had to approve by 2026-11-22T10:30:00Z. Check that they got the link, then ask again; wait-minutes sets how long the gate waits.',
    );
    bench.service.reactions.set('dana', approves);
    const outcome = await bench.request();
    expect(outcome).toMatchObject({ status: 'approved', approvers: ['alex', 'dana'] });
    const few = await bench.request({ approvers: ['alex'] });
    expect(expectRefused(bench, few, 'configuration')).toContain('of the group "data"');
  });

  test('of nobody who wrote a commit of it, where the policy minds', async () => {
    const { policy } = bench.world;
    const approvers = Object.fromEntries(
      Object.entries(policy.approvers).map(([name, { accounts, passkeys }]) => {
        const emails = [`${name}@example.com`];
        return [name, { accounts: accounts.map((one) => ({ ...one, emails })), passkeys }];
      }),
    );
    const production = { approvers: ['alex', 'dana'], not_by_commit_authors: true };
    const strict = { ...policy, approvers, environments: { production } };
    const by = (...emails: readonly string[]) => ({
      policy: strict,
      circumstances: { ...plainJob, commit_authors: emails.map((email) => ({ name: '', email })) },
    });
    bench.service.reactions.set('alex', approves).set('dana', approves);
    const outcome = await bench.request(by('Alex@example.com'));
    expect(outcome).toMatchObject({ status: 'approved', approvers: ['dana'] });
    expect(bench.service.stored.map(({ username }) => username)).toEqual(['dana']);
    const both = await bench.request(by('alex@example.com', 'dana@example.com'));
    expect(expectRefused(bench, both, 'self_approval')).toContain('wrote commits of it');
    expect(bench.service.stored).toHaveLength(1);
  });

  test('without a policy is decided, never approved', async () => {
    const outcome = await bench.approved({ policy: undefined });
    expect(outcome).toMatchObject({ status: 'decided', approvers: ['alex'] });
    expect(outcome.verdict).toBeUndefined();
    expect(outcome.approvalIds).toEqual([bench.service.stored[0]!.id]);
    expect(outcome.record).toMatchObject({
      decisions: [{ id: bench.service.stored[0]!.id, approver: 'alex', decision: 'approved' }],
    });
    expect(outcome.record).not.toHaveProperty('policy_sha256');
    expect(recordFolders(bench)).toEqual([]);
    // Which links are right is for a policy to say.
    expect(bench.lines).toHaveLength(2);
  });

  test('of somebody whose name the service leaves out is that of whom it was asked', async () => {
    const outcome = await bench.approved({}, { change: { username: undefined } });
    expect(outcome).toMatchObject({ status: 'approved', approvers: ['alex'] });
  });

  test('without a policy takes everybody who was named', async () => {
    bench.service.reactions.set('alex', approves);
    const both = { policy: undefined, approvers: ['alex', 'dana'] };
    expectRefused(bench, await bench.request(both), 'timed_out');
    bench.service.reactions.set('dana', approves);
    expect(await bench.request(both)).toMatchObject({
      status: 'decided',
      approvers: ['alex', 'dana'],
    });
  });
});

describe('evidence that does not hold is no approval, whatever the status says', () => {
  test.each<[string, Partial<Reaction>, RefusalCode]>([
    ['no signature', { change: { rawAssertion: undefined } }, 'evidence_invalid'],
    ['null as signature', { change: { rawAssertion: null } }, 'evidence_invalid'],
    ['true as signature', { change: { rawAssertion: true } }, 'evidence_invalid'],
    ['an empty signature', { change: { rawAssertion: {} } }, 'evidence_invalid'],
    [
      'a signature of another payload',
      { sign: { payloadHash: 'f'.repeat(64) } },
      'evidence_invalid',
    ],
    ['a signature for another nonce', { sign: { nonce: Buffer.alloc(32) } }, 'evidence_invalid'],
    ['a rejection told as approval', { sign: { decision: 'rejected' } }, 'evidence_invalid'],
    ['another origin', { sign: { origin: 'https://evil.example' } }, 'evidence_invalid'],
    ['no user verification', { sign: { flags: 0x01 } }, 'evidence_invalid'],
    ['another user name', { change: { username: 'dana' } }, 'service_misbehaved'],
  ])('%s', async (_name, reaction, code) => {
    expectRefused(
      bench,
      await bench.approved({ recordParent: bench.recordParent }, reaction),
      code,
    );
    expect(recordFolders(bench)).toEqual([]);
  });

  test("another person's key, and a key that nobody pinned", async () => {
    const { passkeys } = bench.world;
    expectRefused(
      bench,
      await bench.approved({}, { passkey: passkeys.dana }),
      'approver_untrusted',
    );
    expectRefused(bench, await bench.approved({}, { passkey: passkeys.kim }), 'approver_untrusted');
  });

  test('the open approval is withdrawn then', async () => {
    await bench.approved({}, { change: { rawAssertion: null } });
    expect(bench.service.stored[0]!.status).toBe('cancelled');
  });

  test('the nonce is that of create, not one that the answer brings along', async () => {
    const nonce = Buffer.alloc(32, 9);
    const change = { nonce: nonce.toString('base64url') };
    expectRefused(bench, await bench.approved({}, { sign: { nonce }, change }), 'evidence_invalid');
  });

  test('another user name is told with both', async () => {
    const outcome = await bench.approved({}, { change: { username: 'da\u202Ena' } });
    expect(outcome.verdict!.message).toBe(
      `${bench.service.host} says that da\\u{202E}na decided request ${outcome.approvalIds[0]!}, but alex was asked. Look into the service before you ask again.`,
    );
  });

  test('approved and then pending is a service that contradicts itself', async () => {
    bench.service.faults.set('fetch', (exchange, right) => {
      bench.service.stored[0]!.status = 'pending';
      right(exchange);
    });
    expect(expectRefused(bench, await bench.approved(), 'service_misbehaved')).toBe(
      `${bench.service.host} said that request ${bench.service.stored[0]!.id} is approved, and then that it is pending. Look into the service before you ask again.`,
    );
    expect(bench.service.calls).toEqual(['create', 'poll', 'fetch']);
  });

  test.each([
    ['rejected', 'rejected'],
    ['expired', 'expired'],
    ['cancelled', 'cancelled'],
    ['superseded', 'superseded'],
    ['redeemed', 'already_used'],
  ] as const)('approved and then %s is not approved', async (status, code) => {
    bench.service.faults.set('fetch', (exchange, right) => {
      bench.service.stored[0]!.status = status;
      right(exchange);
    });
    expectRefused(bench, await bench.approved(), code);
    // What is over need not be withdrawn; a rejection is, by a call that the service refuses.
    const withdrawn = status === 'rejected' ? ['withdraw'] : [];
    expect(bench.service.calls).toEqual(['create', 'poll', 'fetch', ...withdrawn]);
  });
});

describe('a decision against it', () => {
  test('closes it with the name of who rejected, and withdraws the others', async () => {
    bench.service.reactions.set('alex', { status: 'rejected' });
    const message = expectRefused(bench, await bench.request(), 'rejected');
    expect(message).toMatch(/^alex rejected this deploy .* signed with their passkey/);
    expect(bench.service.stored.map(({ status }) => status)).toEqual(['rejected', 'cancelled']);
    expect(bench.service.calls).toEqual(['create', 'create', 'poll', 'withdraw']);
  });

  test('counts unsigned too, but is told as hearsay', async () => {
    bench.service.reactions.set('alex', { status: 'rejected', change: { rawAssertion: null } });
    const message = expectRefused(bench, await bench.request({ approvers: ['alex'] }), 'rejected');
    expect(message).toMatch(/^The service says that alex rejected/);
    expect(bench.service.calls).toEqual(['create', 'poll']);
  });

  test.each([
    ['expired', 'expired'],
    ['cancelled', 'cancelled'],
    ['superseded', 'superseded'],
    ['redeemed', 'already_used'],
  ] as const)('or an end as %s', async (status, code) => {
    bench.service.reactions.set('alex', { status });
    const outcome = await bench.request({ approvers: ['alex'] });
    expectRefused(bench, outcome, code);
    expect(outcome.approvalIds).toEqual([bench.service.stored[0]!.id]);
    expect(bench.service.calls).toEqual(['create', 'poll']);
  });
});

describe('time runs out', () => {
  test('while the service says pending: timed out, and withdrawn', async () => {
    const outcome = await bench.request({ approvers: ['alex'] });
    expect(expectRefused(bench, outcome, 'timed_out')).toBe(
      'Nobody decided in time: 1 of alex had to approve by 2026-11-22T10:30:00Z. Check that they got the link, then ask again; wait-minutes sets how long the gate waits.',
    );
    const { payloadHash } = bench.service.stored[0]!;
    expect(outcome).toMatchObject({
      payloadHash,
      fingerprint: `${payloadHash.slice(0, 4)}-${payloadHash.slice(4, 8)}`,
      verdict: { payload_hash: payloadHash, assurance: 'signature' },
    });
    expect(bench.clock.now()).toBe(requestedAt + 30 * minute);
    expect(bench.service.stored[0]!.status).toBe('cancelled');
    expect(bench.service.calls.at(-1)).toBe('withdraw');
  });

  test('while the service is away: unknown, not timed out', async () => {
    bench.service.faults.set('poll', cut);
    expectRefused(bench, await bench.request({ approvers: ['alex'] }), 'service_unreachable');
    expect(bench.service.calls.at(-1)).toBe('withdraw');
  });

  test('a service without a DELETE is a warning', async () => {
    bench.service.faults.set(
      'withdraw',
      json(404, { code: 'not_found', message: 'no such route' }),
    );
    expectRefused(bench, await bench.request({ approvers: ['alex'] }), 'timed_out');
    expect(bench.lines.join('\n')).toMatch(
      /Warning: .* did not withdraw request .* \(it answered 404\)/,
    );
  });

  test('a service that hangs in DELETE holds nobody', async () => {
    await bench.close();
    bench = await createBench({}, 200);
    bench.service.faults.set('withdraw', silence);
    const before = Date.now();
    expectRefused(bench, await bench.request({ waitMinutes: 1 }), 'timed_out');
    expect(Date.now() - before).toBeLessThan(3_000);
    expect(bench.lines.filter((line) => line.includes('could not be withdrawn'))).toHaveLength(2);
  });
});

describe('an interruption', () => {
  test('while waiting withdraws what was asked, exit 130', async () => {
    bench.service.faults.set('poll', () => bench.stop.abort());
    const outcome = await bench.request();
    expectRefused(bench, outcome, 'interrupted');
    expect(outcome.approvalIds).toHaveLength(2);
    expect(bench.service.stored.map(({ status }) => status)).toEqual(['cancelled', 'cancelled']);
  });

  test('while creating takes the answer and withdraws', async () => {
    bench.service.faults.set('create', (exchange, right) => {
      bench.stop.abort();
      setTimeout(() => right(exchange), 50);
    });
    expect(expectRefused(bench, await bench.request(), 'interrupted')).toBe(
      'The request was interrupted.',
    );
    expect(bench.service.stored).toHaveLength(1);
    expect(bench.service.stored[0]!.status).toBe('cancelled');
  });

  test.each([
    ['', {}],
    [' without a policy', { policy: undefined }],
  ])('after the approval%s is no success', async (_name, input) => {
    // Seen only once all answers are there, so that none of them can be lost to it.
    const { signal } = new AbortController();
    const isOver = () => bench.service.calls.at(-1) === 'fetch';
    Object.defineProperty(signal, 'aborted', { get: isOver });
    bench.service.reactions.set('alex', approves);
    const outcome = await bench.request({ approvers: ['alex'], ...input }, { signal });
    expect(expectRefused(bench, outcome, 'interrupted')).toBe('The request was interrupted.');
    expect(bench.service.stored[0]!.status).toBe('cancelled');
  });
});

describe('a fault', () => {
  test('at the second person withdraws the first', async () => {
    let creates = 0;
    bench.service.faults.set('create', (exchange, right) => {
      creates += 1;
      if (creates === 1) right(exchange);
      else json(422, { code: 'unknown_user', message: 'nobody is called dana' })(exchange);
    });
    const message = expectRefused(bench, await bench.request(), 'payload_invalid');
    expect(message).toContain('nobody is called dana');
    expect(bench.service.stored[0]!.status).toBe('cancelled');
  });

  test.each([
    ['a refused key', json(401, {}), 'service_unauthorized'],
    ['a redirect', json(302, {}, { location: 'https://evil.example/' }), 'service_misbehaved'],
    [
      'another hash',
      json(201, {
        id: '11111111-2222-4333-8444-555555555555',
        url: 'https://a.example/',
        payloadHash: 'e'.repeat(64),
        expiresAt: '2026-11-22T11:00:00Z',
      }),
      'service_misbehaved',
    ],
  ] as const)('%s sends nothing more', async (_name, act, code) => {
    bench.service.faults.set('create', act);
    expectRefused(bench, await bench.request(), code);
    expect(bench.service.calls).toEqual(['create']);
  });

  test.each([
    ['a redirect', json(307, {}, { location: 'https://evil.example/' }), 'service_misbehaved'],
    ['a key that was revoked', json(401, {}), 'service_unauthorized'],
    ['a call that is not known', json(405, {}), 'configuration'],
  ] as const)(
    '%s while waiting sends nothing more, no withdrawal either',
    async (_name, act, code) => {
      bench.service.faults.set('poll', act);
      expectRefused(bench, await bench.request({ approvers: ['alex'] }), code);
      expect(bench.service.calls).toEqual(['create', 'poll']);
    },
  );

  test('of the policy, in which deploys were stopped meanwhile, withdraws all', async () => {
    await bench.close();
    const stop = { from: '2026-11-22T10:10:00Z', to: '2026-11-22T10:20:00Z', reason: 'Sale' };
    bench = await createBench({ no_deploys: [stop] });
    bench.service.reactions.set('alex', approves);
    const now = () => bench.clock.now() + (bench.service.calls.includes('fetch') ? 10 * minute : 0);
    const outcome = await bench.request({}, { now });
    expect(expectRefused(bench, outcome, 'configuration')).toContain('Sale');
    expect(bench.service.stored.map(({ status }) => status)).toEqual(['cancelled', 'cancelled']);
    expect(bench.service.calls.filter((route) => route === 'withdraw')).toHaveLength(2);
  });

  test('the same confirmation for two people', async () => {
    bench.service.faults.set('create', (exchange, right) => {
      if (bench.service.stored.length === 0) {
        right(exchange);
        return;
      }
      const { id, payloadHash } = bench.service.stored[0]!;
      json(201, { id, payloadHash, url: 'https://a.example/', expiresAt: '2026-11-22T11:00:00Z' })(
        exchange,
      );
    });
    expect(expectRefused(bench, await bench.request(), 'service_misbehaved')).toBe(
      `${bench.service.host} gave request ${bench.service.stored[0]!.id} to two people. Look into the service before you ask again.`,
    );
  });

  test('of the front end after create withdraws, 70', async () => {
    const onCreated = (): never => {
      throw new Error('The state file can not be written.');
    };
    expectRefused(bench, await bench.request({ onCreated }), 'internal');
    expect(bench.service.stored.map(({ status }) => status)).toEqual(['cancelled', 'cancelled']);
  });

  test('of the front end between two creates withdraws both, before anybody hears of them', async () => {
    const heard: (readonly string[])[] = [];
    const onAsked = (ids: readonly string[]): void => {
      heard.push(ids);
      expect(bench.lines.join('\n')).not.toContain('https://');
      if (heard.length === 2) throw new Error('The state file can not be written.');
    };
    expectRefused(bench, await bench.request({ onAsked }), 'internal');
    const { stored } = bench.service;
    expect(heard).toEqual([[stored[0]!.id], [stored[0]!.id, stored[1]!.id]]);
    expect(stored.map(({ status }) => status)).toEqual(['cancelled', 'cancelled']);
    expect(bench.lines.join('\n')).not.toContain('https://');
  });

  test('of the disk is no approval, 70', async () => {
    const recordParent = join(bench.recordParent, 'missing');
    const message = expectRefused(bench, await bench.approved({ recordParent }), 'internal');
    expect(message).toContain('record folder');
    expect(bench.service.stored[0]!.status).toBe('cancelled');
  });
});

describe('what is refused before anybody is asked', () => {
  const refusedFirst = async (
    input: Partial<RequestInput>,
    code: RefusalCode,
    rule?: Parameters<typeof createBench>[0],
  ): Promise<string> => {
    if (rule !== undefined) {
      await bench.close();
      bench = await createBench(rule);
    }
    const outcome = await bench.request(input);
    const message = expectRefused(bench, outcome, code);
    expect(bench.service.seen).toEqual([]);
    expect(outcome).toEqual({
      ...{ verdict: outcome.verdict, status: code, approvers: [] },
      ...{ approvalIds: [], approvalUrl: '', payloadHash: '', fingerprint: '' },
    });
    return message;
  };

  test.each(['Production', 'production ', 'prod', 'constructor', '__proto__', 'toString'])(
    'an environment that the policy does not name: %s',
    async (environment) => {
      const message = await refusedFirst({ facts: { ...facts, environment } }, 'configuration');
      expect(message).toContain('no rule');
    },
  );

  test('require_oidc without a token', async () => {
    const message = await refusedFirst({}, 'configuration', { require_oidc: true });
    expect(message).toContain('require_oidc');
  });

  test('a fact that the policy requires and that is missing', async () => {
    const rest: Record<string, unknown> = { ...facts };
    delete rest.digest;
    const message = await refusedFirst({ facts: rest as typeof facts }, 'payload_invalid', {
      required_facts: ['digest'],
    });
    expect(message).toContain('digest');
  });

  test('assurance: service where the policy asks for signatures', async () => {
    await refusedFirst({ assurance: 'service' }, 'configuration');
  });

  test.each([
    ['waiting longer than it is valid', { waitMinutes: 60, validMinutes: 60 }],
    ['less than 10 minutes between the two', { waitMinutes: 51, validMinutes: 60 }],
    ['more than the policy allows', { waitMinutes: 30, validMinutes: 61 }],
  ])('%s', async (_name, minutes) => {
    await refusedFirst(minutes, 'configuration');
  });

  test('a policy so strict that nobody could deploy in time', async () => {
    const message = await refusedFirst({}, 'configuration', { max_age_minutes: 10 });
    expect(message).toContain('max_age_minutes');
  });

  test('an approver whom the policy does not list', async () => {
    for (const name of ['kim', 'constructor', 'ALEX', 'al\u202Eex', '']) {
      await refusedFirst({ approvers: [name] }, 'configuration');
    }
  });

  test('the same approver twice, fewer than the quorum, nobody', async () => {
    await refusedFirst({ approvers: ['alex', 'alex'] }, 'configuration');
    await refusedFirst({ approvers: [], policy: undefined }, 'configuration');
    await refusedFirst({ approvers: ['alex'] }, 'configuration', { quorum: 2 });
  });

  test('a secret in the reason', async () => {
    const token = `ghp_${'a1B2'.repeat(9)}`;
    const message = await refusedFirst({ reason: `use ${token}` }, 'payload_invalid');
    expect(message).not.toContain(token);
    expect(message).toContain('context.reason');
  });

  test('no service', async () => {
    const outcome = await bench.request({}, { transport: undefined });
    expect(expectRefused(bench, outcome, 'configuration')).toBe(
      'There is no approval service to ask. Set api-url and api-key.',
    );
  });
});

describe('the requester', () => {
  const alexs = { ...facts, actor: { login: 'alexdoe', id: '1234567', type: 'human' as const } };

  test.each([
    ['by id', { ...facts.actor, id: '1234567' }],
    ['by provider and id', { ...facts.actor, id: 'github:1234567' }],
    ['by login in any case', { ...facts.actor, login: 'AlexDoe' }],
    ['by who ran it again', { ...facts.actor, triggered_by: 'alexdoe' }],
  ])('known %s is not asked', async (_name, actor) => {
    bench.service.reactions.set('alex', approves).set('dana', approves);
    const outcome = await bench.request({ facts: { ...facts, actor } });
    expect(outcome).toMatchObject({ status: 'approved', approvers: ['dana'] });
    expect(bench.service.stored.map(({ username }) => username)).toEqual(['dana']);
    expect(bench.lines.slice(1)).toEqual([
      `dana decides at ${bench.service.links.origin}/approve/${bench.service.stored[0]!.id}`,
      'Not asked, since the deploy was started by them: alex.',
    ]);
  });

  test('of whom there are two is named with both', async () => {
    await bench.close();
    bench = await createBench({ approvers: ['alex', 'dana', 'kim'] });
    bench.service.reactions.set('kim', approves);
    await bench.request({
      facts: { ...facts, actor: { ...facts.actor, login: 'danaroe', triggered_by: 'alexdoe' } },
    });
    expect(bench.lines.at(-1)).toBe('Not asked, since the deploy was started by them: alex, dana.');
  });

  test('alone can not approve, and is not bothered', async () => {
    bench.service.reactions.set('alex', approves);
    expectRefused(
      bench,
      await bench.request({ facts: alexs, approvers: ['alex'] }),
      'self_approval',
    );
    expect(bench.service.seen).toEqual([]);
  });

  test('may, where the policy says so', async () => {
    await bench.close();
    bench = await createBench({ self_approval: true });
    bench.service.reactions.set('alex', approves);
    const outcome = await bench.request({ facts: alexs, approvers: ['alex'] });
    expect(outcome).toMatchObject({ status: 'approved', approvers: ['alex'] });
  });
});

describe('minutes that are not given', () => {
  test.each([
    [60, '10:30', '11:00'],
    [1440, '10:30', '11:00'],
    [45, '10:30', '10:45'],
    [20, '10:10', '10:20'],
  ])('fit a policy of %i minutes', async (max, decideBy, deployBy) => {
    await bench.close();
    bench = await createBench({ max_age_minutes: max });
    await bench.approved();
    expect(JSON.parse(bench.service.seen[0]!.body)).toMatchObject({
      decideBy: `2026-11-22T${decideBy}:00Z`,
      payload: { expires_at: `2026-11-22T${deployBy}:00Z` },
    });
  });
});

describe('assurance: service', () => {
  test('is loud, and uses only documented members', async () => {
    const outcome = await bench.approved({ assurance: 'service', policy: undefined });
    expect(outcome).toMatchObject({ status: 'decided', record: { assurance: 'service' } });
    expect(bench.lines.slice(2)).toEqual([
      'ASSURANCE: SERVICE. No signature will be checked; what the service says is believed.',
    ]);
    expect(Object.keys(JSON.parse(bench.service.seen[0]!.body) as object).sort()).toEqual([
      'action',
      'payload',
      'username',
    ]);
  });

  test('believes no status but approved, and no form of signature matters', async () => {
    await bench.close();
    bench = await createBench({ assurance: 'service' });
    const change = { rawAssertion: 'of a form that nobody documented' };
    const outcome = await bench.approved({ assurance: 'service' }, { change });
    expect(outcome).toMatchObject({ status: 'approved', verdict: { assurance: 'service' } });
    bench.service.reactions.set('alex', { status: 'rejected' });
    const rejected = await bench.request({ approvers: ['alex'], assurance: 'service' });
    expectRefused(bench, rejected, 'rejected');
  });

  test('is in the verdict of a request that nobody answered', async () => {
    await bench.close();
    bench = await createBench({ assurance: 'service' });
    const outcome = await bench.request({ approvers: ['alex'], assurance: 'service' });
    expectRefused(bench, outcome, 'timed_out');
    expect(outcome.verdict!.assurance).toBe('service');
  });
});

test('a link that is not at the relying party of the policy is a warning', async () => {
  bench.service.links.origin = 'https://phish.example.com';
  await bench.approved();
  expect(bench.lines.slice(2)).toEqual([
    'Warning: the link is not at https://approve.example.com, the relying party of the policy: a passkey used elsewhere will be refused.',
  ]);
});

test('one of two links that is not at the relying party is a warning too', async () => {
  const { origin } = bench.service.links;
  bench.service.faults.set('create', (exchange, right) => {
    bench.service.links.origin = exchange.body.includes('"alex"')
      ? 'https://other.example'
      : origin;
    right(exchange);
  });
  bench.service.reactions.set('dana', approves);
  await bench.request();
  expect(bench.lines.at(-1)).toMatch(
    /^Warning: the link is not at https:\/\/approve\.example\.com,/,
  );
});

test('clocks that are far apart are a warning, once', async () => {
  await bench.close();
  bench = await createBench();
  const late = { now: () => bench.clock.now() + 5 * minute };
  bench.service.reactions.set('alex', approves);
  await bench.request({ approvers: ['alex'] }, late);
  const warnings = bench.lines.filter((line) => line.includes('300 s ahead'));
  expect(warnings).toHaveLength(1);
});
