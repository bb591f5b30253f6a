import { existsSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { canonicalText } from '../src/core/canonical.ts';
import {
  approvalChallenge,
  rejectionChallenge,
  revocationChallenge,
} from '../src/core/challenge.ts';
import type { Circumstances } from '../src/core/circumstances.ts';
import type { DeployFacts } from '../src/core/facts.ts';
import { fingerprint } from '../src/core/fingerprint.ts';
import { sha256Hex } from '../src/core/hash.ts';
import { buildPayload } from '../src/core/payload.ts';
import { policyHash, type Policy } from '../src/core/policy.ts';
import type { ReasonCode } from '../src/core/verdict.ts';
import { verifyApproval, type ApprovalEvidence } from '../src/core/verify.ts';
import {
  createEvidence,
  createPayload,
  createRecord,
  createWorld,
  decide,
  destructiveMigration,
  expiresAt,
  facts,
  requestedAt,
  without,
} from '../__tests__/support/approvals.ts';
import { createPasskey, otherForm } from '../__tests__/support/authenticator.ts';
import { exampleFacts, minimalFacts } from '../__tests__/support/deploy.ts';
import { comparisonVectors, refusalVectors } from './vectors/refusals.ts';

/**
 * Makes the project's own vectors in `__tests__/vectors`: facts with their bytes and hash, challenges, and good and forged
 * evidence with the reason it must be refused for. They are frozen: other implementations may test against them, so that
 * a file that is there is left alone. A new version of a format gets new files beside the old ones.
 */
const folder = resolve(import.meta.dirname, '../__tests__/vectors');

function write(name: string, content: unknown): void {
  const path = resolve(folder, name);
  if (existsSync(path)) {
    console.log(`${name} is there and stays as it is.`);
    return;
  }
  writeFileSync(path, `${JSON.stringify(content, null, 1)}\n`);
  console.log(`${name} was made.`);
}

/** The same value with the members of every object in the reverse order, which is no fact. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, member]) => [key, reversed(member)] as const)
      .reverse(),
  );
}

function payloadVector(name: string, deployFacts: DeployFacts, reason?: string) {
  const payload = buildPayload({
    facts: deployFacts,
    requestId: sha256Hex(name).slice(0, 32),
    requestedAt,
    expiresAt,
    reason,
  });
  const canonical = canonicalText(payload);
  const payloadHash = sha256Hex(canonical);
  return {
    name,
    payload: reversed(payload),
    canonical,
    payload_hash: payloadHash,
    fingerprint: fingerprint(payloadHash),
  };
}

const other = {
  kind: 'other',
  destructive: true,
  command: 'make migrate',
  files: [
    { path: 'db/b.py', sha256: 'b'.repeat(64) },
    { path: 'db/a.py', sha256: 'a'.repeat(64) },
  ],
} as const;

write('payloads.json', {
  about:
    'deploy-approval/v1: each payload, its RFC 8785 text, the SHA-256 of that text in UTF-8, and the fingerprint. The members of the payloads stand in another order on purpose.',
  vectors: [
    payloadVector('minimal', minimalFacts()),
    payloadVector('every member', exampleFacts(), 'Release 1.42'),
    payloadVector('files in the order they run', { ...facts, migration: other }),
    payloadVector('text beyond ASCII', facts, 'Größe 38 für Kundin „Ana“ – 修正 🚢'),
    payloadVector('characters that JSON escapes', facts, 'say "hi" \\ back/slash'),
    payloadVector('inner blanks count', facts, 'two  blanks'),
    payloadVector('a commit of 64 digits', { ...facts, commit: 'c'.repeat(64) }),
    payloadVector('an environment with blanks and signs', {
      ...facts,
      environment: 'Production (EU) #1',
    }),
  ],
});

const nonces = ['00'.repeat(32), 'ff'.repeat(32), sha256Hex('nonce')];
const hashes = [sha256Hex(''), sha256Hex('payload'), 'ff'.repeat(32)];
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

write('challenges.json', {
  about: 'What a passkey signs, in hex: 64 bytes to approve, 96 to reject or to revoke.',
  vectors: nonces.flatMap((nonce) =>
    hashes.map((payloadHash) => {
      const bytes = Buffer.from(nonce, 'hex');
      return {
        nonce,
        payload_hash: payloadHash,
        approval: hex(approvalChallenge(bytes, payloadHash)),
        rejection: hex(rejectionChallenge(bytes, payloadHash)),
        revocation: hex(revocationChallenge(bytes, payloadHash)),
      };
    }),
  ),
});

const world = createWorld({
  quorum_if_destructive: 2,
  migration_paths: ['db/**'],
  required_facts: ['digest'],
});
const { alex, dana, kim } = world.passkeys;
const payload = createPayload();
const good = decide(payload, alex);
const byDana = decide(payload, dana, { approver: 'dana' });
const assertion = good.assertion ?? fail();
const heavy = createPayload({ migration: destructiveMigration });
const ownWish = createPayload({ actor: { login: 'AlexDoe', id: '77', type: 'human' } });
const long = createPayload({}, { expiresAt: expiresAt + 1000 });
const bare = { ...payload, facts: without(facts, 'digest') };
const base = createEvidence(world);

function fail(): never {
  throw new Error('The decision has no assertion.');
}

/** Evidence that differs in these decisions. */
const decided = (...decisions: Parameters<typeof createRecord>[1]) =>
  createEvidence(world, { decisions });
const defect = (options: Parameters<typeof decide>[2]) => decided(decide(payload, alex, options));
const recorded = (changes: Parameters<typeof createRecord>[2]) =>
  createEvidence(world, { record: createRecord(payload, [good], changes) });
const answered = (changes: Partial<typeof assertion>) =>
  decided({ ...good, assertion: { ...assertion, ...changes } });

const twin = {
  ...assertion.response,
  signature: otherForm(Buffer.from(assertion.response.signature, 'base64url')).toString(
    'base64url',
  ),
};
const rs256 = createPasskey('RS256');
const withRsa = structuredClone(world.policy);
Object.assign(withRsa.approvers.dana?.passkeys[0] ?? fail(), rs256.pinned);

/** A job of GitHub as it should be, with a token, after which nothing is new. */
const job: Circumstances = {
  provider: 'github',
  trigger: 'workflow_dispatch',
  runner: 'github-hosted',
  event_commit: facts.commit,
  identity: {
    issuer: 'https://token.actions.githubusercontent.com',
    attested: ['environment', 'commit', 'repository_id'],
    job_workflow_ref: 'acme/shop/.github/workflows/deploy.yml@refs/heads/main',
  },
  commit_authors: [{ name: 'Kim', email: 'kim@example.com' }],
  new_migrations: [],
};
const ofJob = (changes: Partial<Circumstances>) =>
  createEvidence(world, { circumstances: { ...job, ...changes } });

/** The same people under another rule, in a job of GitHub. */
const ruled = (
  rule: Partial<Policy['environments'][string]>,
  evidence: Parameters<typeof createEvidence>[1] = {},
) => {
  const production = { approvers: ['alex', 'dana'], ...rule };
  const approvers = Object.fromEntries(
    Object.entries(world.policy.approvers).map(([name, { accounts, passkeys }]) => [
      name,
      { accounts: accounts.map((one) => ({ ...one, emails: [`${name}@example.com`] })), passkeys },
    ]),
  );
  const policy = { ...world.policy, approvers, environments: { production } };
  return createEvidence(world, { policy, circumstances: job, ...evidence });
};
const groups = { owners: { people: ['alex'] }, data: { people: ['dana'] } };

/** By the reason that is due, which is written here and not asked of the code. */
const cases: Partial<Record<ReasonCode, Record<string, ApprovalEvidence>>> = {
  approved: {
    ES256: base,
    EdDSA: decided(byDana),
    RS256: createEvidence(world, {
      policy: withRsa,
      decisions: [decide(payload, rs256, { approver: 'dana' })],
    }),
    'the other form (r, n - s) of the ES256 signature': answered({ response: twin }),
    'without nonce and user handle': decided(
      without(decide(payload, alex, { userHandle: null }), 'nonce'),
    ),
    'unknown members of the client data': defect({
      clientData: { tokenBinding: { status: 'supported' }, other_keys_can_be_added_here: 1 },
    }),
    'two people for a destructive migration': createEvidence(world, {
      payload: heavy,
      decisions: [decide(heavy, alex), decide(heavy, dana, { approver: 'dana' })],
    }),
    'pending, in step request': {
      ...recorded({ redemption: { state: 'pending' } }),
      step: 'request',
    },
    'the last millisecond': { ...base, now: expiresAt - 1 },
    'a job of GitHub with a token': ofJob({}),
    'a job of GitHub without one, which the rule does not ask for': ruled(
      { require_oidc: false },
      { circumstances: without(job, 'identity') },
    ),
    'the rule of a service': ruled({
      refs: ['refs/tags/v*'],
      services: { api: { refs: ['refs/heads/*'] } },
    }),
    'every group': ruled({ groups }, { decisions: [good, byDana] }),
    'refs, workflows, triggers and runners': ruled({
      refs: ['refs/tags/v*', 'refs/heads/**'],
      workflows: ['acme/*/.github/workflows/deploy.yml@refs/heads/main'],
      triggers: ['push', 'workflow_dispatch'],
      runners: ['github-hosted'],
    }),
    'another commit than that of the event, which the rule allows': ruled(
      { other_commit: true },
      { circumstances: { ...job, event_commit: 'd'.repeat(40) } },
    ),
    'before the first moment in which nothing is deployed': ruled({
      no_deploys: [{ from: '2026-11-22T10:10:01Z', to: '2026-11-22T11:00:00Z', reason: 'Sale' }],
    }),
  },
  evidence_invalid: {
    'no signature': decided(without(good, 'assertion')),
    'another payload signed': decided(decide(long, alex)),
    'another nonce signed': decided({ ...good, nonce: 'A'.repeat(43) }),
    'a sign-in challenge of 32 bytes': decided(
      without(decide(payload, alex, { challenge: Buffer.alloc(32, 1) }), 'nonce'),
    ),
    'a rejection called an approval': decided({
      ...decide(payload, alex, { decision: 'rejected' }),
      decision: 'approved',
    }),
    'type webauthn.create': defect({ clientData: { type: 'webauthn.create' } }),
    'another origin': defect({ origin: 'https://approve.example.com.evil.example' }),
    'crossOrigin true': defect({ clientData: { crossOrigin: true } }),
    'topOrigin present': defect({ clientData: { topOrigin: 'https://evil.example' } }),
    'a member of the client data twice': defect({
      clientDataText: '{"type":"webauthn.create","type":"webauthn.get"}',
    }),
    'another relying party': defect({ rpId: 'example.com' }),
    'no user present': defect({ flags: 0x04 }),
    'user not verified': defect({ flags: 0x01 }),
    'backed up but not eligible': defect({ flags: 0x15 }),
    'attested credential data': defect({ flags: 0x45, extra: Buffer.alloc(20) }),
    extensions: defect({ flags: 0x85, extra: Buffer.of(0xa0) }),
    'bytes left over': defect({ extra: Buffer.of(0) }),
    'authenticator data of 36 bytes': defect({ length: 36 }),
    'id and rawId differ': answered({ rawId: kim.pinned.id }),
    'another user handle': defect({ userHandle: dana.pinned.user_handle }),
    'another key under a pinned id': defect({ signWith: kim.privateKey }),
    'a signature cut short': defect({ tamper: (signature) => signature.subarray(0, -1) }),
    'one good and one bad decision': decided(
      good,
      decide(payload, dana, { approver: 'dana', flags: 0x01 }),
    ),
    'decided before the request': defect({ decidedAt: requestedAt - 61_000 }),
    'decided in the future': defect({ decidedAt: requestedAt + 30 * 60_000 }),
  },
  approver_untrusted: {
    'a passkey that is not pinned': decided(decide(payload, createPasskey())),
    'another person than the service says': decided({ ...good, approver: 'dana' }),
    'a person whom the rule does not name': decided(decide(payload, kim, { approver: 'kim' })),
  },
  self_approval: {
    'who asked approves, login in another case': createEvidence(world, { payload: ownWish }),
    'who wrote a commit approves, address in another case': ruled(
      { not_by_commit_authors: true },
      { circumstances: { ...job, commit_authors: [{ name: '', email: 'Alex@Example.com' }] } },
    ),
    'who wrote a commit approves, by the address that GitHub gives': ruled(
      { not_by_commit_authors: true },
      {
        circumstances: {
          ...job,
          commit_authors: [{ name: 'x', email: '1234567+renamed@users.noreply.github.com' }],
        },
      },
    ),
  },
  quorum_unmet: {
    'one person for a destructive migration': createEvidence(world, { payload: heavy }),
    'two passkeys of one person': createEvidence(world, {
      payload: heavy,
      decisions: [decide(heavy, alex), decide(heavy, world.spare)],
    }),
    'one of two groups': ruled({ groups }, { decisions: [good] }),
  },
  rejected: {
    'rejected, signed': decided(
      good,
      decide(payload, dana, { approver: 'dana', decision: 'rejected' }),
    ),
    'rejected, unsigned': decided(good, {
      ...without(byDana, 'assertion'),
      decision: 'rejected',
    }),
  },
  facts_mismatch: {
    'another commit': { ...base, finalFacts: { ...facts, commit: 'd'.repeat(40) } },
    'another environment': { ...base, finalFacts: { ...facts, environment: 'staging' } },
    'another attempt': { ...base, finalFacts: { ...facts, run_attempt: '2' } },
    'a fact that is gone': { ...base, finalFacts: without(facts, 'region') },
  },
  payload_invalid: {
    'a required fact that is absent': createEvidence(world, {
      payload: bare,
      decisions: [decide(bare, alex)],
    }),
    'a payload that is not canonical': recorded({ payload: ` ${canonicalText(payload)}` }),
    'another payload hash': recorded({ payload_hash: sha256Hex('another') }),
    'valid for longer than the policy allows': createEvidence(world, { payload: long }),
  },
  configuration: {
    'an environment without a rule': createEvidence(world, {
      payload: createPayload({ environment: 'constructor' }),
    }),
    'another policy': recorded({ policy_sha256: sha256Hex('another') }),
    'not redeemed': recorded({ redemption: { state: 'pending' } }),
    'no redemption, which the policy does not allow': recorded({ redemption: { state: 'run' } }),
    'believed from the service, which the policy does not allow': {
      ...recorded({ assurance: 'service', redemption: { state: 'service' } }),
      assurance: 'service',
    },
    'without a policy': { ...base, policy: undefined },
    'a job of GitHub without a token': createEvidence(world, {
      circumstances: without(job, 'identity'),
    }),
    'a job of which nothing is known': without(base, 'circumstances'),
    'a token that the rule asks of any job': ruled(
      { require_oidc: true },
      { circumstances: { provider: 'local' } },
    ),
    'a service that the rule does not name': ruled({ services: { web: {} } }),
    'a ref that the rule does not name': ruled({ refs: ['refs/heads/*/*', 'refs/tags/**'] }),
    'a workflow that the rule does not name': ruled({ workflows: ['acme/shop/*'] }),
    'a trigger that the rule does not name': ruled({ triggers: ['schedule'] }),
    'a trigger that is not known': ruled(
      { triggers: ['workflow_dispatch'] },
      { circumstances: without(job, 'trigger') },
    ),
    'a runner that the rule does not name': ruled({ runners: ['self-hosted'] }),
    'a pull request': ofJob({ trigger: 'pull_request' }),
    'a merge request of GitLab': ofJob({ provider: 'gitlab', trigger: 'merge_request_event' }),
    'another commit than that of the event': ofJob({ event_commit: 'd'.repeat(40) }),
    'in the first moment in which nothing is deployed': ruled({
      no_deploys: [{ from: '2026-11-22T10:10:00Z', to: '2026-11-22T11:00:00Z', reason: 'Sale' }],
    }),
    'a new migration that does not run': ofJob({ new_migrations: ['db/001.sql'] }),
    'new migrations that are not known': createEvidence(world, {
      circumstances: without(job, 'new_migrations'),
    }),
    'authors that are not known': ruled(
      { not_by_commit_authors: true },
      { circumstances: without(job, 'commit_authors') },
    ),
  },
  expired: {
    expired: { ...base, now: expiresAt },
    'not valid yet': {
      ...defect({ decidedAt: requestedAt - 60_000 }),
      now: requestedAt - 60_001,
    },
  },
  already_used: {
    'redeemed by another run': recorded({
      redemption: { ...base.record.redemption, run_id: '1' },
    }),
  },
};

function evidenceVector(reasonCode: string, name: string, evidence: ApprovalEvidence) {
  const verdict = verifyApproval(evidence);
  if (verdict.reason_code !== reasonCode) {
    throw new Error(`"${name}" is ${verdict.reason_code} and should be ${reasonCode}.`);
  }
  const {
    policy,
    record,
    finalFacts,
    now,
    assurance = 'signature',
    step,
    circumstances,
  } = evidence;
  return {
    name,
    policy: policy === undefined ? null : policyHash(policy),
    record,
    final_facts: finalFacts,
    now: new Date(now).toISOString(),
    assurance,
    step,
    ...(circumstances === undefined ? {} : { circumstances }),
    reason_code: reasonCode,
    approvers: verdict.approvers,
  };
}

write('evidence.json', {
  about:
    'verifyApproval: evidence and the reason code it must end with. A case names its policy by SHA-256; null is none. Without circumstances nothing is known of the job.',
  policies: Object.fromEntries(
    Object.values(cases)
      .flatMap((evidence) => Object.values(evidence))
      .flatMap(({ policy }) => (policy === undefined ? [] : [[policyHash(policy), policy]])),
  ),
  vectors: Object.entries(cases).flatMap(([reasonCode, evidence]) =>
    Object.entries(evidence).map(([name, one]) => evidenceVector(reasonCode, name, one)),
  ),
});

write('refusals.json', {
  about:
    'What must be refused. kind json: bytes in hex that the reader refuses. Others: a text that is JSON, whether the JSON Schema refuses it (by schema) or only the rules beyond it (by rule), and the fields of the problems.',
  documents: refusalVectors(),
});

write('comparisons.json', {
  about: 'Facts that were signed, facts that are about to run, and each difference, in order.',
  vectors: comparisonVectors(),
});
