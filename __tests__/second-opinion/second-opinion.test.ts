import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { auditRecord } from '../../src/core/audit.ts';
import { policyHash, type Policy } from '../../src/core/policy.ts';
import { recordFiles, type RecordFileName } from '../../src/core/record-files.ts';
import { verifyApproval, type ApprovalEvidence } from '../../src/core/verify.ts';
import {
  createEvidence,
  createPayload,
  createWorld,
  decide,
  destructiveMigration,
  facts,
  requestedAt,
} from '../support/approvals.ts';

const vectorFolder = '__tests__/vectors';
const world = createWorld();

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'second-opinion-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the verifier in Python says. It has to be there: an opinion that is not asked agrees with everything. */
function ask(...args: readonly string[]): { readonly code: number | null; readonly said: string } {
  const { status, stdout, stderr, error } = spawnSync(
    'python3',
    ['-B', 'scripts/second_opinion', ...args],
    { encoding: 'utf8' },
  );
  if (error !== undefined) throw new Error(`python3 is needed for this test: ${error.message}`);
  return { code: status, said: stdout + stderr };
}

interface VectorFile {
  readonly vectors?: readonly { reason_code?: string }[];
  readonly documents?: readonly unknown[];
}

const readVectors = (name: string): VectorFile =>
  JSON.parse(readFileSync(join(vectorFolder, name), 'utf8')) as VectorFile;

const vectorNames = readdirSync(vectorFolder).filter((name) => name.endsWith('.json'));

describe('the frozen vectors', () => {
  test('are judged alike, every one of them', () => {
    const count = vectorNames
      .map(readVectors)
      .map(({ vectors = [], documents = [] }) => vectors.length + documents.length)
      .reduce((sum, one) => sum + one, 0);
    expect(count).toBeGreaterThan(190);
    expect(ask('vectors', vectorFolder)).toEqual({ code: 0, said: `${count} agree, 0 disagree\n` });
  });

  test('are not judged alike once one of them says something else', () => {
    const copy = join(folder, 'wrong');
    cpSync(vectorFolder, copy, { recursive: true });
    const evidence = readVectors('evidence.json');
    const first = evidence.vectors?.find(({ reason_code: code }) => code === 'quorum_unmet');
    first!.reason_code = 'approved';
    writeFileSync(join(copy, 'evidence.json'), JSON.stringify(evidence));
    const { code, said } = ask('vectors', copy);
    expect(code).toBe(1);
    expect(said).toMatch(
      /^DISAGREES: evidence: [^\n]*quorum_unmet[^\n]*\n\d+ agree, 1 disagree\n$/,
    );
  });
});

type Rule = Policy['environments'][string];

/** One member of a rule, or none. */
const someRule: fc.Arbitrary<Partial<Rule>> = fc.constantFrom<Partial<Rule>>(
  {},
  { quorum: 2 },
  { quorum_if_destructive: 2, migration_paths: ['db/**'] },
  { groups: { dba: { people: ['dana'] } } },
  { groups: { dba: { people: ['dana'], quorum_if_destructive: 1 } }, migration_paths: ['db/*'] },
  { max_age_minutes: 59 },
  { rerun: 'same_run' },
  { redemption: 'run' },
  { require_oidc: true },
  { require_oidc: false },
  { required_facts: ['digest', 'rollback.note'] },
  { refs: ['refs/heads/main'] },
  { refs: ['refs/tags/**'] },
  { workflows: ['acme/*/.github/workflows/deploy.yml@refs/heads/main'] },
  { workflows: ['**/other.yml@refs/heads/main'] },
  { triggers: ['push'] },
  { runners: ['self-hosted'] },
  { other_commit: true },
  { pull_request: true },
  {
    no_deploys: [
      { from: '2026-11-22T10:05:00Z', to: '2026-11-22T10:20:00Z', reason: 'the autumn sale' },
    ],
  },
  { services: { api: { approvers: ['dana'] } } },
  { services: { web: {} } },
  { self_approval: true },
);

const someCircumstances = fc.record(
  {
    provider: fc.constantFrom('github', 'gitlab', 'local'),
    trigger: fc.constantFrom('push', 'schedule', 'pull_request', 'merge_request_event'),
    runner: fc.constantFrom('github-hosted', 'self-hosted'),
    event_commit: fc.constantFrom(facts.commit, 'd0941e68da8f38151ff86a61fc59f7c5cf9fcaa2'),
    identity: fc.constantFrom(
      { issuer: 'https://gitlab.com', attested: ['environment'] },
      {
        ...{ issuer: 'https://token.actions.githubusercontent.com', attested: [] },
        job_workflow_ref: 'acme/shared/.github/workflows/deploy.yml@refs/heads/main',
      },
    ),
    commit_authors: fc.constantFrom([], [{ name: 'Alex', email: 'alex@example.com' }]),
    new_migrations: fc.constantFrom([], ['db/002.sql'], ['db/009.sql']),
  },
  { requiredKeys: ['provider'] },
);

const somePeople = fc.constantFrom(['alex'], ['dana'], ['alex', 'dana'], ['alex', 'alex'], ['kim']);

/** Evidence that is often good and often not, in one or two ways at once. */
const someEvidence = fc
  .record({
    rules: fc.tuple(someRule, someRule),
    // Some of them no circumstances at all, which is not the same as none known.
    circumstances: fc.option(
      fc.oneof({ arbitrary: someCircumstances, weight: 9 }, fc.constant({})),
      { nil: undefined },
    ),
    people: somePeople,
    isDestructive: fc.boolean(),
    final: fc.constantFrom({}, {}, {}, { run_attempt: '2' }, { service: 'web' }, { region: 'x' }),
    minutes: fc.constantFrom(-2, 10, 10, 10, 59, 60),
    state: fc.constantFrom('redeemed', 'redeemed', 'run', 'pending'),
    step: fc.constantFrom('verify', 'verify', 'request'),
  })
  .map((given): ApprovalEvidence => {
    const rule: Partial<Rule> = { ...given.rules[0], ...given.rules[1] };
    const { policy } = createWorld(rule);
    const pinned = { ...policy, approvers: world.policy.approvers };
    const payload = createPayload({
      ...(given.isDestructive ? { migration: destructiveMigration } : {}),
      run_attempt: '1',
    });
    const decisions = given.people.map((name) =>
      decide(payload, world.passkeys[name], { approver: name }),
    );
    const evidence = createEvidence(world, { policy: pinned, payload, decisions });
    const { redemption } = evidence.record;
    return {
      ...evidence,
      record: {
        ...evidence.record,
        redemption: { ...redemption, state: given.state },
      },
      finalFacts: { ...payload.facts, ...given.final },
      circumstances: given.circumstances as ApprovalEvidence['circumstances'],
      now: requestedAt + given.minutes * 60_000,
      step: given.step,
    };
  });

test('evidence under rules of every kind is judged alike', () => {
  const samples = fc.sample(someEvidence, { numRuns: 300, seed: 20_261_122 });
  const policies = new Map<string, Policy>();
  const vectors = samples.map((evidence, index) => {
    const { policy, record, finalFacts, circumstances, step, now } = evidence;
    const hash = policyHash(policy!);
    policies.set(hash, policy!);
    const { reason_code, approvers } = verifyApproval(evidence);
    return {
      ...{ name: `sample ${index}`, policy: hash, record, final_facts: finalFacts, circumstances },
      ...{ now: new Date(now).toISOString(), assurance: 'signature', step, reason_code, approvers },
    };
  });
  const codes = new Set(vectors.map(({ reason_code: code }) => code));
  expect([...codes].sort()).toEqual(
    expect.arrayContaining(['approved', 'configuration', 'facts_mismatch', 'quorum_unmet']),
  );
  const copy = join(folder, 'random');
  cpSync(vectorFolder, copy, { recursive: true });
  const document = { policies: Object.fromEntries(policies), vectors };
  writeFileSync(join(copy, 'evidence.json'), JSON.stringify(document));
  const { code, said } = ask('vectors', copy);
  expect([code, said.split('\n').filter((line) => line.startsWith('DISAGREES'))]).toEqual([0, []]);
});

describe('a record folder', () => {
  const evidence = createEvidence(world);
  const { record, finalFacts, policy } = evidence;
  const verdict = verifyApproval(evidence);
  const good = recordFiles({ record, facts: finalFacts, policy, verdict });
  const names = Object.keys(good) as RecordFileName[];

  const opinion = (files: Readonly<Partial<Record<RecordFileName, Uint8Array>>>) => {
    const place = mkdtempSync(join(folder, 'record-'));
    for (const [name, content] of Object.entries(files)) writeFileSync(join(place, name), content);
    return ask('audit', place);
  };
  const bytesOf = () =>
    Object.fromEntries(names.map((name) => [name, Buffer.from(good[name] ?? '')])) as Record<
      RecordFileName,
      Buffer
    >;

  test('holds', () => {
    expect(opinion(bytesOf())).toEqual({ code: 0, said: 'The record holds.\n' });
  });

  test.each(['record.json', 'facts.json', 'policy.json', 'verdict.json'] as const)(
    'does not hold once a bit of %s is flipped, by either opinion',
    (name) => {
      const size = bytesOf()[name].length;
      const places = fc.sample(fc.tuple(fc.nat(size - 1), fc.nat(7)), { numRuns: 8, seed: 7 });
      for (const [at, bit] of places) {
        const files = bytesOf();
        files[name].writeUInt8(files[name].readUInt8(at) ^ (1 << bit), at);
        const ours = auditRecord({ files: new Map(Object.entries(files)) as never, now: 0 });
        expect([name, at, bit, ours.faults.length > 0]).toEqual([name, at, bit, true]);
        expect([name, at, bit, opinion(files).code]).toEqual([name, at, bit, 1]);
      }
    },
  );

  test('does not hold without one of its files', () => {
    for (const name of names) {
      const { [name]: gone, ...files } = bytesOf();
      expect(gone).toBeDefined();
      expect(opinion(files).code).toBe(1);
    }
  });

  test('of a command that is none is not looked at', () => {
    expect(ask('audit').code).toBe(2);
    expect(ask('audit', folder, '--at', 'noon').code).toBe(2);
  });
});
