import { describe, expect, test } from '@jest/globals';
import { auditRecord, type Audit } from '../../src/core/audit.ts';
import { canonicalText } from '../../src/core/canonical.ts';
import { sha256Hex } from '../../src/core/hash.ts';
import { policyHash } from '../../src/core/policy.ts';
import type { ApprovalRecord } from '../../src/core/record.ts';
import {
  fileText,
  recordFileNames,
  recordFiles,
  type RecordDocuments,
  type RecordFileName,
} from '../../src/core/record-files.ts';
import { formatTime } from '../../src/core/time.ts';
import { isApproved, verifyApproval } from '../../src/core/verify.ts';
import {
  createEvidence,
  createPayload,
  createRecord,
  createWorld,
  decide,
  expiresAt,
  facts,
  requestedAt,
  without,
} from '../support/approvals.ts';
import { createPasskey } from '../support/authenticator.ts';

const world = createWorld();
const payload = createPayload();
const now = Date.parse('2027-03-01T00:00:00Z');
type Files = Map<RecordFileName, Uint8Array>;

/** What the verify step leaves behind: a good record, unless something is changed in it before it is written. */
function documentsOf(changes: Partial<RecordDocuments> = {}): RecordDocuments {
  const { record } = createEvidence(world, { payload });
  const sealed = { ...record, policy_sha256: policyHash(world.policy) };
  const evidence = createEvidence(world, { payload, record: sealed });
  const verdict = verifyApproval(evidence);
  expect(isApproved(verdict)).toBe(true);
  return { record: sealed, facts: payload.facts, policy: world.policy, verdict, ...changes };
}

const folderOf = (documents: RecordDocuments): Files => {
  const entries = Object.entries(recordFiles(documents)) as [RecordFileName, string][];
  return new Map(entries.map(([name, text]) => [name, Buffer.from(text)]));
};
const audit = (files: Files, at?: number): Audit =>
  auditRecord({ files, now, ...(at === undefined ? {} : { at }) });
const codes = ({ faults }: Audit) => faults.map(({ where, code }) => `${where} ${code}`);
/** The codes of a record in which somebody changed documents and all hashes with them. */
const rewritten = (changes: Partial<RecordDocuments>) =>
  codes(audit(folderOf(documentsOf(changes))));

const good = folderOf(documentsOf());

describe('a record', () => {
  test('holds as of its redemption, by the clock of the service', () => {
    const { faults, asOf, held, policySha256 } = audit(good);
    expect(faults).toEqual([]);
    expect(asOf).toEqual({ time: formatTime(requestedAt + 10 * 60_000), clock: 'service' });
    expect(policySha256).toBe(policyHash(world.policy));
    expect(held?.approvers).toEqual(['alex']);
    expect(held?.summary).toContain('alex approved "Deploy api to production"');
    expect(held?.payloadHash).toBe(sha256Hex(canonicalText(payload)));
    expect(held?.notRepeated).toEqual([
      'The redemption: that run 9876543210, attempt 1, job deploy used the approval at 2026-11-22T10:10:00Z, and nobody else did. Ask the service for it; the record only says so.',
      `The policy: whether this one was in force. Compare its SHA-256 ${policyHash(world.policy)} with that of the policy which the environment had.`,
      'The times of the decisions, stated by the service and not signed: alex at 2026-11-22T10:05:00Z.',
      'The job, as the gate wrote it down, unsigned (circumstances in verdict.json): provider local, trigger unknown, runner unknown. The rules of the policy were applied to that again.',
      'The identity of the job: there was no OIDC token.',
      'The changes since the last deploy (authors: 0, new migrations: 0), as git told the gate. Ask the repository for them.',
      'The facts: the gate collected them on the machine that deployed. What was signed is what is in facts.json; what ran is not recorded here.',
    ]);
  });

  test('holds at a time that is asked for, and not at one outside of its window', () => {
    const time = expiresAt - 1000;
    expect(audit(good, time)).toMatchObject({
      faults: [],
      asOf: { time: formatTime(time), clock: 'auditor' },
    });
    expect(codes(audit(good, expiresAt))).toEqual(['evidence expired']);
    expect(codes(audit(good, requestedAt - 120_000))).toContain('evidence expired');
    expect(audit(good, expiresAt).held).toBeUndefined();
  });

  test('gives nothing that a gate takes for an approval', () => {
    const outcome = JSON.stringify(audit(good));
    expect(outcome).not.toContain('reason_code');
    expect(outcome).not.toContain('exit_code');
  });

  test('of a request that was not used yet says so, and holds as of now', () => {
    const record = createRecord(payload, [decide(payload, world.passkeys.alex)], {
      redemption: { state: 'pending' },
      policy_sha256: policyHash(world.policy),
    });
    const evidence = createEvidence(world, { payload, record, step: 'request' });
    const verdict = verifyApproval(evidence);
    const files = folderOf(documentsOf({ record, verdict }));
    const then = audit(files, requestedAt + 20 * 60_000);
    expect(then.faults).toEqual([]);
    expect(then.held?.notRepeated[0]).toBe(
      'The redemption: there was none. This is the record of the request step, and says nothing of a deploy.',
    );
    expect(audit(files)).toMatchObject({
      asOf: { time: formatTime(now), clock: 'this machine' },
      faults: [{ where: 'evidence', code: 'expired' }],
    });
  });

  test('that was bound to its run only says to which, of two people who decided', () => {
    const bound = createWorld({ redemption: 'run', quorum: 2 });
    const decisions = [
      decide(payload, bound.passkeys.alex),
      decide(payload, bound.passkeys.dana, { approver: 'dana', decidedAt: requestedAt + 60_000 }),
    ];
    const toldOf = (redemption: ApprovalRecord['redemption']) => {
      const record = createRecord(payload, decisions, { redemption });
      const verdict = verifyApproval(createEvidence(bound, { payload, record }));
      return audit(
        folderOf({ record, facts: payload.facts, policy: bound.policy, verdict }),
        requestedAt + 10 * 60_000,
      ).held?.notRepeated;
    };
    const run = { run_id: facts.run_id, run_attempt: '1', job: 'deploy' };
    expect(toldOf({ state: 'run', ...run })).toEqual(
      expect.arrayContaining([
        'The redemption: there was none (redemption: run in the policy). The approval was bound to run 9876543210, attempt 1, job deploy, and could be used again there.',
        'The times of the decisions, stated by the service and not signed: alex at 2026-11-22T10:05:00Z, dana at 2026-11-22T10:01:00Z.',
      ]),
    );
    expect(toldOf({ state: 'run' })?.[0]).toContain(
      ' bound to run unknown, attempt unknown, job unknown, ',
    );
  });

  test('lists the SHA-256 of each file, that of the verdict without the list', () => {
    const { files, ...verdict } = JSON.parse(String(good.get('verdict.json'))) as {
      readonly files: Readonly<Record<string, string>>;
    };
    expect(Object.keys(files).sort()).toEqual([...recordFileNames].sort());
    for (const name of recordFileNames) {
      const bytes = name === 'verdict.json' ? fileText(verdict) : good.get(name)!;
      expect([name, files[name]]).toEqual([name, sha256Hex(bytes)]);
    }
  });
});

describe('damage', () => {
  test.each(recordFileNames)('an added or a missing byte in %s never holds', (name) => {
    const bytes = good.get(name)!;
    for (const changed of [
      Buffer.concat([bytes, Buffer.from('\n')]),
      Buffer.concat([Buffer.from(' '), bytes]),
      bytes.subarray(0, bytes.length - 1),
      bytes.subarray(1),
      new Uint8Array(),
    ]) {
      expect(codes(audit(new Map(good).set(name, changed)))[0]).toContain(name);
    }
  });

  test.each(recordFileNames)('a missing %s is named', (name) => {
    const files = new Map(good);
    files.delete(name);
    const { faults, held } = audit(files);
    expect(held).toBeUndefined();
    const code = name === 'policy.json' ? 'configuration' : 'payload_invalid';
    // Without what the gate wrote down there the rules are held to a job of which nothing is known.
    const told = faults.filter(({ where }) => where !== 'evidence');
    expect(told).toEqual([{ where: name, code, message: `${name} is missing.` }]);
    const isUnknown = name === 'verdict.json';
    expect(faults.slice(1).map(({ code }) => code)).toEqual(isUnknown ? ['configuration'] : []);
  });

  test('in a file is told with its place', () => {
    const told = (name: RecordFileName, text: string) =>
      audit(new Map(good).set(name, Buffer.from(text)))
        .faults.filter(({ where }) => where === name)
        .map(({ message }) => message);
    const changed = (name: RecordFileName, text: string) => [
      `${name} is not the one that verdict.json lists: its SHA-256 is ${sha256Hex(text)}, not ${sha256Hex(good.get(name)!)}.`,
    ];
    expect(told('record.json', '{}x')).toEqual([
      expect.stringMatching(/^record\.json: (?!,)/),
      ...changed('record.json', '{}x'),
    ]);
    const more = String(good.get('facts.json')).replace('{', '{"more": 1,');
    expect(told('facts.json', more)).toEqual([
      'facts.json, more: is not a member of this format; remove it',
      ...changed('facts.json', more),
    ]);
    const large = `${' '.repeat(262_144)}{}`;
    expect(told('policy.json', large)).toEqual([
      expect.stringMatching(/^policy\.json: Too large: 262146 bytes, the limit is 262144/),
      ...changed('policy.json', large),
    ]);
    const verdict = JSON.parse(String(good.get('verdict.json'))) as object;
    expect(told('verdict.json', fileText({ ...verdict, more: 1 }))).toEqual([
      'verdict.json, more: is not a member of this format; remove it',
    ]);
  });

  test('an empty folder has four faults', () => {
    expect(audit(new Map()).faults).toHaveLength(4);
  });

  test('every fault is named, not only the first', () => {
    const edit = (name: RecordFileName, from: string, to: string) =>
      Buffer.from(String(good.get(name)).replace(from, to));
    const files: Files = new Map([
      ['record.json', edit('record.json', '10:05:00Z', '10:05:01Z')],
      ['facts.json', edit('facts.json', '"service": "api"', '"service": "apj"')],
      ['policy.json', edit('policy.json', 'alexdoe', 'alexdof')],
      ['verdict.json', edit('verdict.json', '"alex"', '"dana"')],
    ]);
    const outcome = audit(files);
    for (const name of recordFileNames) expect(codes(outcome)).toContain(`${name} payload_invalid`);
    expect(codes(outcome)).toContain('evidence facts_mismatch');
    // The policy of the record is another one now.
    expect(codes(outcome)).toContain('evidence configuration');
  });

  test('verdict.json in another form of the same JSON is damage', () => {
    const verdict = JSON.parse(String(good.get('verdict.json'))) as object;
    for (const text of [
      JSON.stringify(verdict),
      canonicalText(verdict),
      `${JSON.stringify(verdict, null, 4)}\n`,
      String(good.get('verdict.json')).replace('"approved"', '"\\u0061pproved"'),
    ]) {
      const files = new Map(good).set('verdict.json', Buffer.from(text));
      const { faults, held } = audit(files);
      expect(held).toBeUndefined();
      expect(faults.at(-1)).toEqual({
        ...{ where: 'verdict.json', code: 'payload_invalid' },
        message: 'verdict.json is not in the form in which the gate writes it.',
      });
    }
  });

  test('a verdict without hashes, or without that of one file, never holds', () => {
    const bare = new Map(good).set('verdict.json', Buffer.from(fileText(documentsOf().verdict)));
    expect(audit(bare).faults).toEqual([
      {
        ...{ where: 'verdict.json', code: 'payload_invalid' },
        message: 'verdict.json lists no SHA-256 of the files, so that damage would not show.',
      },
    ]);
    const { files, ...rest } = JSON.parse(String(good.get('verdict.json'))) as {
      readonly files: Record<string, string>;
    };
    const text = fileText({ ...rest, files: without(files, 'policy.json') });
    const outcome = audit(new Map(good).set('verdict.json', Buffer.from(text)));
    expect(outcome.faults).toEqual([
      {
        ...{ where: 'policy.json', code: 'payload_invalid' },
        message: `policy.json is not the one that verdict.json lists: its SHA-256 is ${files['policy.json']!}, not none.`,
      },
    ]);
  });
});

describe('a folder that was rewritten together with its hashes does not hold', () => {
  const record = documentsOf().record;
  const { alex, dana } = world.passkeys;
  const signed = (decisions: Parameters<typeof createRecord>[1]) => ({
    record: createRecord(payload, decisions, { policy_sha256: policyHash(world.policy) }),
  });

  test.each([
    ['with other facts', { facts: { ...facts, region: 'us-east-1' } }, 'evidence facts_mismatch'],
    [
      'with another payload',
      { record: { ...record, payload: canonicalText(createPayload({ region: 'us-east-1' })) } },
      'evidence payload_invalid',
    ],
    [
      'with the payload hash of another payload',
      { record: { ...record, payload_hash: 'ab'.repeat(32) } },
      'evidence payload_invalid',
    ],
    [
      'with a signature by a key that nobody pinned',
      signed([decide(payload, createPasskey())]),
      'evidence approver_untrusted',
    ],
    [
      'with a forged signature',
      signed([decide(payload, alex, { signWith: dana.privateKey })]),
      'evidence evidence_invalid',
    ],
    [
      'with a signature over another payload',
      signed([decide(payload, alex, { payloadHash: 'ab'.repeat(32) })]),
      'evidence evidence_invalid',
    ],
    [
      'with a signature and the name of somebody else',
      signed([decide(payload, alex, { approver: 'dana' })]),
      'evidence approver_untrusted',
    ],
    [
      'with a person who said no',
      signed([
        decide(payload, alex),
        decide(payload, dana, { approver: 'dana', decision: 'rejected' }),
      ]),
      'evidence rejected',
    ],
    [
      'with a decision before the request',
      signed([decide(payload, alex, { decidedAt: requestedAt - 120_000 })]),
      'evidence evidence_invalid',
    ],
    [
      'with a redemption by another run',
      { record: { ...record, redemption: { ...record.redemption, run_id: '1' } } },
      'evidence already_used',
    ],
    [
      'with a redemption after the approval had expired',
      {
        record: {
          ...record,
          redemption: { ...record.redemption, redeemed_at: formatTime(expiresAt) },
        },
      },
      'evidence expired',
    ],
    [
      'without the redemption that the policy asks for',
      { record: { ...record, redemption: { ...record.redemption, state: 'run' as const } } },
      'evidence configuration',
    ],
    [
      'with another policy',
      { policy: { ...world.policy, environments: { production: { approvers: ['alex'] } } } },
      'evidence configuration',
    ],
    [
      'with a policy that is not acceptable',
      { policy: { ...world.policy, approvers: {} } },
      'policy.json configuration',
    ],
    [
      'with a verdict that names more people',
      { verdict: { ...documentsOf().verdict, approvers: ['alex', 'dana'] } },
      'verdict.json payload_invalid',
    ],
    [
      'with the verdict of a refusal',
      { verdict: { ...documentsOf().verdict, reason_code: 'expired' as const, exit_code: 11 } },
      'verdict.json payload_invalid',
    ],
    [
      'with a verdict on another policy',
      { verdict: { ...documentsOf().verdict, policy_sha256: 'ab'.repeat(32) } },
      'verdict.json payload_invalid',
    ],
    [
      'as one that believed the service',
      { record: { ...record, assurance: 'service' as const } },
      'record.json evidence_invalid',
    ],
  ] satisfies [string, Partial<RecordDocuments>, string][])('%s', (_name, changes, expected) => {
    expect(rewritten(changes)).toContain(expected);
    expect(audit(folderOf(documentsOf(changes))).held).toBeUndefined();
  });

  test('and what its verdict says otherwise is told', () => {
    const messages = (changes: Partial<RecordDocuments>) =>
      audit(folderOf(documentsOf(changes))).faults.map(({ message }) => message);
    const { verdict } = documentsOf();
    const hash = sha256Hex(canonicalText(payload));
    expect(messages({ verdict: { ...verdict, approvers: ['dana'], exit_code: 1 } })).toEqual([
      'verdict.json says exit_code 1, and the evidence says 0.',
      'verdict.json says approvers ["dana"], and the evidence says ["alex"].',
    ]);
    expect(messages({ verdict: without(verdict, 'payload_hash') })).toEqual([
      `verdict.json says payload_hash "absent", and the evidence says "${hash}".`,
    ]);
    expect(messages({ record: { ...record, assurance: 'service' } })).toEqual([
      'record.json was made with assurance: service. The service was believed and no signature is there, so that nothing in this folder can be checked.',
    ]);
  });

  test('and each of several bad decisions is named', () => {
    const { faults } = audit(
      folderOf(
        documentsOf(
          signed([
            decide(payload, alex, { signWith: dana.privateKey, clientData: { crossOrigin: true } }),
            decide(payload, createPasskey(), { approver: 'dana' }),
            decide(payload, alex, { decidedAt: expiresAt }),
          ]),
        ),
      ),
    );
    const text = faults.map(({ code, message }) => `${code} ${message}`).join('\n');
    expect(text).toMatch(/evidence_invalid alex's signature[^\n]*crossOrigin/);
    expect(text).toMatch(/evidence_invalid alex's signature[^\n]*response\.signature/);
    expect(text).toMatch(/approver_untrusted dana approved with the passkey/);
    expect(text).toMatch(/expired The service says that alex decided at/);
  });
});

test('the words of another version in the message are no fault', () => {
  const { verdict } = documentsOf();
  const files = folderOf(documentsOf({ verdict: { ...verdict, message: 'Approved.' } }));
  const { faults, held } = audit(files);
  expect(faults).toEqual([]);
  // What is told is what the evidence says, not what the file says.
  expect(held?.summary).toBe(verdict.message);
});
