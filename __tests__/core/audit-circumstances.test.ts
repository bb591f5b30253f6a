import { describe, expect, test } from '@jest/globals';
import { auditRecord, type Audit } from '../../src/core/audit.ts';
import type { Circumstances } from '../../src/core/circumstances.ts';
import { recordFiles, type RecordFileName } from '../../src/core/record-files.ts';
import type { Verdict } from '../../src/core/verdict.ts';
import { isApproved, verifyApproval } from '../../src/core/verify.ts';
import {
  createEvidence,
  createPayload,
  createWorld,
  decide,
  expiresAt,
  facts,
  requestedAt,
  without,
} from '../support/approvals.ts';
import { createPasskey } from '../support/authenticator.ts';

/** A deploy of GitHub with a token, under rules that ask for everything about the job. */
const world = createWorld({
  triggers: ['workflow_dispatch'],
  runners: ['github-hosted'],
  migration_paths: ['db/**'],
  no_deploys: [{ from: '2026-11-22T10:30:00Z', to: '2026-11-22T10:40:00Z', reason: 'Sale' }],
});
const job: Circumstances = {
  provider: 'github',
  trigger: 'workflow_dispatch',
  runner: 'github-hosted',
  event_commit: facts.commit,
  identity: {
    issuer: 'https://token.actions.githubusercontent.com',
    attested: ['environment', 'commit'],
  },
  new_migrations: [],
};
const evidence = createEvidence(world, { circumstances: job });
const verdict = verifyApproval(evidence);

/** The audit of the folder, with this in place of what the gate wrote down, and all hashes made to fit. */
function audit(changed: Partial<Verdict> = {}, at?: number): Audit {
  const { record, finalFacts, policy } = evidence;
  const texts = recordFiles({
    ...{ record, facts: finalFacts, policy },
    verdict: { ...verdict, ...changed },
  });
  const files = new Map(
    Object.entries(texts).map(([name, text]) => [name as RecordFileName, Buffer.from(text)]),
  );
  const now = Date.parse('2027-03-01T00:00:00Z');
  return auditRecord({ files, now, ...(at === undefined ? {} : { at }) });
}
const withJob = (circumstances: Circumstances | undefined) =>
  audit(circumstances === undefined ? { circumstances } : { circumstances });

test('the rules are applied again to what the gate wrote down', () => {
  expect(isApproved(verdict)).toBe(true);
  const { faults, held } = audit();
  expect(faults).toEqual([]);
  expect(held?.notRepeated.slice(3, -1)).toEqual([
    'The job, as the gate wrote it down, unsigned (circumstances in verdict.json): provider github, trigger workflow_dispatch, runner github-hosted. The rules of the policy were applied to that again.',
    'The identity of the job: that https://token.actions.githubusercontent.com attested environment, commit. The token is not kept; the record only says that the gate checked it.',
    'The changes since the last deploy (new migrations: 0), as git told the gate. Ask the repository for them.',
  ]);
});

describe('under rules that ask for nothing', () => {
  const plain = createWorld({ require_oidc: false });
  const toldOf = (circumstances: Circumstances | undefined) =>
    auditOf(circumstances).held?.notRepeated.slice(3, -1);
  const auditOf = (circumstances: Circumstances | undefined, isWhole = true) => {
    const given = createEvidence(plain, { circumstances });
    const { record, finalFacts, policy } = given;
    const texts = recordFiles({
      record,
      facts: finalFacts,
      policy,
      verdict: verifyApproval(given),
    });
    const files = new Map(
      Object.entries(texts).map(([name, text]) => [name as RecordFileName, Buffer.from(text)]),
    );
    if (!isWhole) files.delete('verdict.json');
    return auditRecord({ files, now: requestedAt });
  };

  test('nothing written down is said', () => {
    expect(toldOf(undefined)).toEqual(['The job: the gate wrote down nothing of it.']);
  });

  test('a missing verdict.json is a fault all the same', () => {
    const { faults, held } = auditOf(undefined, false);
    expect(faults.map(({ message }) => message)).toEqual(['verdict.json is missing.']);
    expect(held).toBeUndefined();
  });

  test('what is not known of the job is said', () => {
    expect(toldOf({ provider: 'local' })).toEqual([
      'The job, as the gate wrote it down, unsigned (circumstances in verdict.json): provider local, trigger unknown, runner unknown. The rules of the policy were applied to that again.',
      'The identity of the job: there was no OIDC token.',
    ]);
  });

  test('how many wrote the commits is said', () => {
    const author = { name: 'Alex', email: 'alex@example.com' };
    expect(toldOf({ provider: 'local', commit_authors: [author] })?.at(-1)).toBe(
      'The changes since the last deploy (authors: 1), as git told the gate. Ask the repository for them.',
    );
  });
});

describe('what was written down does not hold', () => {
  test.each<[string, Circumstances, string]>([
    ['with another trigger', { ...job, trigger: 'schedule' }, 'is schedule'],
    ['with another runner', { ...job, runner: 'self-hosted' }, 'is self-hosted'],
    ['without the runner', without(job, 'runner'), '(runners)'],
    ['without the token', without(job, 'identity'), '(require_oidc)'],
    ['with another commit', { ...job, event_commit: 'd'.repeat(40) }, 'would deploy'],
    ['with a new migration', { ...job, new_migrations: ['db/1.sql'] }, 'db/1.sql'],
    ['without the migrations', without(job, 'new_migrations'), '(migration_paths)'],
  ])('%s', (_, circumstances, word) => {
    const { faults, held } = withJob(circumstances);
    expect(held).toBeUndefined();
    const messages = faults.map(({ message }) => message);
    expect(messages).toEqual([expect.stringContaining(word)]);
  });

  test('if nothing was: every rule that asks is named', () => {
    const { faults } = withJob(undefined);
    const text = faults.map(({ message }) => message).join('\n');
    for (const member of ['triggers', 'runners', 'require_oidc', 'migration_paths']) {
      expect(text).toContain(`(${member})`);
    }
  });

  test('at a moment in which nothing was deployed', () => {
    expect(audit({}, Date.parse('2026-11-22T10:29:59Z')).faults).toEqual([]);
    const { faults } = audit({}, Date.parse('2026-11-22T10:30:00Z'));
    expect(faults.map(({ message }) => message)).toEqual([expect.stringContaining('Sale')]);
  });
});

test('an auditor is told what is wrong, and not what to do at the gate', () => {
  const payload = createPayload();
  const { alex, dana } = world.passkeys;
  const bad = createEvidence(world, {
    circumstances: { ...job, trigger: 'schedule' },
    payload,
    decisions: [
      decide(payload, alex, { flags: 0x01, signWith: dana.privateKey, decidedAt: expiresAt }),
      decide(payload, createPasskey(), { approver: 'dana' }),
      decide(payload, dana, { approver: 'alex', decidedAt: requestedAt - 100_000 }),
    ],
    finalFacts: { ...facts, region: 'us' },
  });
  const files = new Map<RecordFileName, Uint8Array>();
  const { record, finalFacts, policy } = bad;
  const circumstances = bad.circumstances!;
  const texts = recordFiles({
    ...{ record, facts: finalFacts, policy },
    verdict: { ...verdict, circumstances },
  });
  for (const [name, text] of Object.entries(texts)) {
    files.set(name as RecordFileName, Buffer.from(text));
  }
  const { faults } = auditRecord({ files, now: requestedAt });
  expect(faults.length).toBeGreaterThan(7);
  for (const { message } of faults) {
    expect(message).not.toMatch(
      /Ask for|ask for a new|Compare the|Undo|Set the|Deploy from|add it/,
    );
  }
  // The gate says both.
  expect(verifyApproval(bad).message).toContain('Undo the change');
});
