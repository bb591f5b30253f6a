import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Circumstances } from '../../src/core/circumstances.ts';
import type { DeployFacts } from '../../src/core/facts.ts';
import { checkJson } from '../../src/core/json.ts';
import { checkPolicy, type Policy } from '../../src/core/policy.ts';
import { isApproved, verifyApproval } from '../../src/core/verify.ts';
import { createEvidence, createPayload, createWorld, decide, facts } from '../support/approvals.ts';
import { leafPaths, withValue } from '../support/paths.ts';

/** A policy in which every rule asks for something, and a job that is exactly what it asks for. */
const workflow = 'acme/shop/.github/workflows/deploy.yml@refs/heads/main';
const world = createWorld();
const policy: Policy = {
  ...world.policy,
  approvers: Object.fromEntries(
    Object.entries(world.policy.approvers).map(([name, { accounts, passkeys }]) => [
      name,
      { accounts: accounts.map((one) => ({ ...one, emails: [`${name}@example.com`] })), passkeys },
    ]),
  ),
  environments: {
    production: {
      approvers: ['alex', 'dana'],
      quorum_if_destructive: 2,
      groups: { owners: { people: ['alex'] }, data: { people: ['dana'] } },
      not_by_commit_authors: true,
      require_oidc: true,
      required_facts: ['digest'],
      migration_paths: ['db/**'],
      refs: [facts.ref],
      workflows: [workflow],
      triggers: ['workflow_dispatch'],
      runners: ['github-hosted'],
      no_deploys: [{ from: '2026-11-22T10:30:00Z', to: '2026-11-22T10:40:00Z', reason: 'Sale' }],
      services: { api: {} },
    },
  },
};
const migration: DeployFacts['migration'] = {
  kind: 'sql',
  command: 'npm run migrate',
  destructive: false,
  files: [{ path: 'db/001.sql', sha256: 'a'.repeat(64) }],
};
const payload = createPayload({ migration });
const job: Circumstances = {
  provider: 'github',
  trigger: 'workflow_dispatch',
  runner: 'github-hosted',
  event_commit: facts.commit,
  identity: {
    issuer: 'https://token.actions.githubusercontent.com',
    attested: ['environment'],
    job_workflow_ref: workflow,
  },
  last_deploy: {
    commit: 'd'.repeat(40),
    redeemed_at: '2026-11-21T10:00:00Z',
    payload_hash: 'e'.repeat(64),
  },
  commit_authors: [{ name: 'Kim', email: 'kim@example.com' }],
  new_migrations: ['db/001.sql'],
};
const evidence = createEvidence(world, {
  policy,
  payload,
  circumstances: job,
  decisions: [
    decide(payload, world.passkeys.alex),
    decide(payload, world.passkeys.dana, { approver: 'dana' }),
  ],
});
const approvedWith = (circumstances: unknown): boolean =>
  isApproved(verifyApproval({ ...evidence, circumstances: circumstances as Circumstances }));

/** What the rules look at. The rest tells an auditor something. */
const judged = (circumstances: Circumstances): unknown => ({
  trigger: circumstances.trigger,
  runner: circumstances.runner,
  event_commit: circumstances.event_commit,
  file: circumstances.identity?.job_workflow_ref,
  authors: circumstances.commit_authors?.length,
  new_migrations: circumstances.new_migrations,
});

test('the job is approved as it is', () => {
  expect(checkPolicy(policy)).toMatchObject({ ok: true });
  expect(approvedWith(job)).toBe(true);
});

test('any other value of what a rule looks at is never approved', () => {
  const told = /^(provider|identity\.(issuer|attested.*)|last_deploy\..*|commit_authors\..*)$/;
  const paths = leafPaths(job).filter((path) => !told.test(path.join('.')));
  expect(paths.map((path) => path.join('.'))).toEqual([
    'trigger',
    'runner',
    'event_commit',
    'identity.job_workflow_ref',
    'new_migrations.0',
  ]);
  const values = fc.oneof(
    fc.string(),
    fc.constantFrom(...paths.map((path) => String(path.at(-1)))),
    fc.constantFrom('push', 'self-hosted', 'db/002.sql', 'f'.repeat(40), `${workflow}x`, null),
  );
  fc.assert(
    fc.property(fc.constantFrom(...paths), values, (path, value) => {
      const changed = withValue(job, path, value);
      fc.pre(JSON.stringify(changed) !== JSON.stringify(job));
      expect(approvedWith(changed)).toBe(false);
    }),
    { numRuns: 300 },
  );
});

test('what a rule looks at and is not there is never approved', () => {
  for (const member of ['trigger', 'runner', 'identity', 'commit_authors', 'new_migrations']) {
    expect([member, approvedWith(withValue(job, [member], undefined))]).toEqual([member, false]);
  }
  expect(approvedWith(undefined)).toBe(false);
});

test('a flipped bit in the text changes nothing that a rule looks at, or is never approved', () => {
  const bytes = Buffer.from(JSON.stringify(job));
  let refused = 0;
  fc.assert(
    fc.property(fc.nat(8 * bytes.length - 1), (bit) => {
      const copy = Buffer.from(bytes);
      copy.writeUInt8(copy.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      const read = checkJson(copy, { maxBytes: 65_536 });
      if (!read.ok || !approvedWith(read.value)) {
        refused += 1;
        return;
      }
      expect(judged(read.value as unknown as Circumstances)).toEqual(judged(job));
    }),
    { numRuns: 400 },
  );
  expect(refused).toBeGreaterThan(200);
});

test('an author who approved is found wherever they stand, and in any case', () => {
  const address = fc.constantFrom(
    'alex@example.com',
    'DANA@EXAMPLE.COM',
    'alexdoe@users.noreply.github.com',
    '2345678+danaroe@users.noreply.github.com',
  );
  const others = fc.array(fc.record({ name: fc.string(), email: fc.string() }), { maxLength: 5 });
  fc.assert(
    fc.property(others, others, address, (before, after, email) => {
      const authors = [...before, ...after];
      expect(approvedWith({ ...job, commit_authors: authors })).toBe(true);
      const found = verifyApproval({
        ...evidence,
        circumstances: { ...job, commit_authors: [...before, { name: '', email }, ...after] },
      });
      expect(found.reason_code).toBe('self_approval');
    }),
    { numRuns: 60 },
  );
});

test('any other fact under these rules is never approved', () => {
  const others: readonly Partial<DeployFacts>[] = [
    { ref: 'refs/heads/other' },
    { commit: 'd'.repeat(40) },
    { service: 'web' },
    { environment: 'staging' },
    { digest: `sha256:${'0'.repeat(64)}` },
    { migration: { kind: 'none' } },
    { migration: { ...migration, destructive: true } },
    { run_attempt: '2' },
  ];
  for (const changed of others) {
    const finalFacts = { ...payload.facts, ...changed };
    expect(isApproved(verifyApproval({ ...evidence, finalFacts }))).toBe(false);
  }
});

test.each<Partial<DeployFacts>>([
  { ref: 'refs/heads/other' },
  { commit: 'd'.repeat(40) },
  { service: 'web' },
  { environment: 'staging' },
  { migration: { kind: 'none' } },
])('not even signed so is a fact approved that a rule refuses: %j', (changed) => {
  const signed = createPayload({ migration, ...changed });
  const decisions = [
    decide(signed, world.passkeys.alex),
    decide(signed, world.passkeys.dana, { approver: 'dana' }),
  ];
  const { record } = createEvidence(world, { payload: signed, decisions });
  const verdict = verifyApproval({ ...evidence, record, finalFacts: signed.facts });
  expect(verdict.reason_code).toBe('configuration');
});
