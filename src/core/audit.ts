import { canonicalText } from './canonical.ts';
import type { Circumstances } from './circumstances.ts';
import { checkFacts } from './facts.ts';
import { sha256Hex } from './hash.ts';
import { checkJson, maxRecordBytes, type JsonValue } from './json.ts';
import { checkPolicy, policyHash, type Policy } from './policy.ts';
import { problemsOf } from './problems.ts';
import { fileText, recordFileNames, type RecordFileName } from './record-files.ts';
import { checkRecord, type ApprovalRecord } from './record.ts';
import { visible } from './text.ts';
import { formatTime, parseTime } from './time.ts';
import { verdictSchema, type Checked, type RefusalCode, type Verdict } from './verdict.ts';
import { everyObjection, isApproved, verifyApproval, type ApprovalEvidence } from './verify.ts';

export interface AuditInput {
  /** The bytes of the files that are there. */
  readonly files: ReadonlyMap<RecordFileName, Uint8Array>;
  /** Epoch milliseconds that the auditor asks about; absent: when it was redeemed, else now. */
  readonly at?: number | undefined;
  /** Epoch milliseconds by the auditor's clock. */
  readonly now: number;
}

interface AuditFault {
  /** The file that is at fault, or `evidence`: what the files say does not add up to an approval. */
  readonly where: RecordFileName | 'evidence';
  readonly code: RefusalCode;
  readonly message: string;
}

export interface Audit {
  /** Everything that is wrong, damage to files first. The record holds exactly if there is nothing. */
  readonly faults: readonly AuditFault[];
  readonly asOf: AsOf;
  /** SHA-256 of the policy in the folder, to compare with that of the policy that was in force. */
  readonly policySha256: string | undefined;
  /** Only where the record holds: what was approved by whom, and what this check could not repeat. */
  readonly held: Held | undefined;
}

interface AsOf {
  /** `YYYY-MM-DDTHH:MM:SSZ` */
  readonly time: string;
  readonly clock: 'auditor' | 'service' | 'this machine';
}

interface Held {
  readonly summary: string;
  readonly payloadHash: string;
  readonly approvers: readonly string[];
  readonly notRepeated: readonly string[];
}

/**
 * Whether a record folder holds (DESIGN 3.3), from its files alone: no damage, and evidence that is an approval at that time by
 * the same rules as in the gate. It opens nothing: what it answers is no verdict, and no step takes it for one. Pure.
 */
export function auditRecord({ files, at, now }: AuditInput): Audit {
  const reader = new FileReader(files);
  const record = reader.read('record.json', checkRecord);
  const facts = reader.read('facts.json', checkFacts);
  const policy = reader.read('policy.json', checkPolicy, 'configuration');
  const stated = reader.read('verdict.json', checkVerdict);
  const asOf = timeOf({ at, now, redeemedAt: record?.redemption.redeemed_at });
  const faults = [...reader.faults, ...(stated === undefined ? [] : damage(files, stated))];
  const policySha256 = policy && policyHash(policy);
  const told = { faults, asOf, policySha256, held: undefined };
  if (record?.assurance === 'service') return { ...told, faults: [...faults, unsigned] };
  if (record === undefined || facts === undefined || policy === undefined) return told;

  const evidence: ApprovalEvidence = {
    ...{ policy, record, finalFacts: facts, now: parseTime(asOf.time) },
    circumstances: stated?.circumstances,
    // A record of the request step holds too; all else is judged alike in both steps.
    step: 'request',
  };
  const verdict = verifyApproval(evidence);
  faults.push(
    // Without the advice, which is for who stands at the gate.
    ...everyObjection(evidence).map(({ code, message }) => ({
      ...{ where: 'evidence' as const, code, message },
    })),
  );
  if (stated !== undefined) faults.push(...contradictions(stated, verdict));
  if (faults.length > 0 || !isApproved(verdict)) return told;
  return {
    ...told,
    held: {
      summary: verdict.message,
      payloadHash: record.payload_hash,
      approvers: verdict.approvers,
      notRepeated: notRepeated(record, policy, evidence.circumstances),
    },
  };
}

class FileReader {
  readonly faults: AuditFault[] = [];
  private readonly files: AuditInput['files'];

  constructor(files: AuditInput['files']) {
    this.files = files;
  }

  /** The document in a file, or nothing and every fault of it. */
  read<T>(
    where: RecordFileName,
    check: (value: JsonValue) => Checked<T>,
    code: RefusalCode = 'payload_invalid',
  ): T | undefined {
    const bytes = this.files.get(where);
    if (bytes === undefined) {
      this.faults.push({ where, code, message: `${where} is missing.` });
      return undefined;
    }
    const json = checkJson(bytes, { maxBytes: maxRecordBytes });
    const checked = json.ok ? check(json.value) : json;
    if (checked.ok) return checked.value;
    for (const { field, message } of checked.problems) {
      const place = field === '' ? where : `${where}, ${field}`;
      this.faults.push({ where, code, message: `${place}: ${message}` });
    }
    return undefined;
  }
}

/** The list of hashes and the form of the verdict: together they cover every byte of the folder. */
function damage(files: AuditInput['files'], stated: Verdict): readonly AuditFault[] {
  const { files: listed, ...verdict } = stated;
  const fault = (where: RecordFileName, message: string): AuditFault => ({
    ...{ where, code: 'payload_invalid', message: `${where} ${message}.` },
  });
  if (listed === undefined) {
    return [fault('verdict.json', 'lists no SHA-256 of the files, so that damage would not show')];
  }
  const faults: AuditFault[] = [];
  for (const name of recordFileNames) {
    const bytes = files.get(name);
    if (bytes === undefined) continue;
    const isVerdict = name === 'verdict.json';
    const found = sha256Hex(isVerdict ? fileText(verdict) : bytes);
    if (found !== listed[name]) {
      const said = listed[name] ?? 'none';
      faults.push(
        fault(name, `is not the one that verdict.json lists: its SHA-256 is ${found}, not ${said}`),
      );
    }
    if (isVerdict && !Buffer.from(fileText(stated)).equals(bytes)) {
      faults.push(fault(name, 'is not in the form in which the gate writes it'));
    }
  }
  return faults;
}

/** What `verdict.json` says otherwise than the evidence. Its message is words, which may change from version to version. */
function contradictions(stated: Verdict, verdict: Verdict): readonly AuditFault[] {
  if (!isApproved(verdict)) return [];
  const names = Object.keys({ ...verdict, ...stated }) as (keyof Verdict)[];
  const said = (value: unknown): string => canonicalText(value ?? 'absent');
  return names
    .filter((name) => name !== 'message' && name !== 'files')
    .filter((name) => canonicalText([stated[name]]) !== canonicalText([verdict[name]]))
    .map((name) => ({
      where: 'verdict.json',
      code: 'payload_invalid',
      message: `verdict.json says ${name} ${said(stated[name])}, and the evidence says ${said(verdict[name])}.`,
    }));
}

const unsigned: AuditFault = {
  where: 'record.json',
  code: 'evidence_invalid',
  message:
    'record.json was made with assurance: service. The service was believed and no signature is there, so that nothing in this folder can be checked.',
};

function checkVerdict(value: JsonValue): Checked<Verdict> {
  const parsed = verdictSchema.safeParse(value);
  // The document itself, with its members in the order in which they stand.
  if (parsed.success) return { ok: true, value: value as unknown as Verdict };
  return { ok: false, problems: problemsOf(parsed.error) };
}

function timeOf(given: {
  readonly at: number | undefined;
  readonly now: number;
  readonly redeemedAt: string | undefined;
}): AsOf {
  const { at, now, redeemedAt } = given;
  if (at !== undefined) return { time: formatTime(at), clock: 'auditor' };
  if (redeemedAt !== undefined) return { time: redeemedAt, clock: 'service' };
  return { time: formatTime(now), clock: 'this machine' };
}

function notRepeated(
  { redemption, decisions }: ApprovalRecord,
  policy: Policy,
  circumstances: Circumstances | undefined,
): readonly string[] {
  const { state, redeemed_at, run_id, run_attempt, job } = redemption;
  const run = `run ${run_id ?? 'unknown'}, attempt ${run_attempt ?? 'unknown'}, job ${job ?? 'unknown'}`;
  const use = {
    pending:
      'The redemption: there was none. This is the record of the request step, and says nothing of a deploy.',
    run: `The redemption: there was none (redemption: run in the policy). The approval was bound to ${run}, and could be used again there.`,
    redeemed: `The redemption: that ${run} used the approval at ${redeemed_at ?? 'an unknown time'}, and nobody else did. Ask the service for it; the record only says so.`,
    service: 'The redemption.',
  }[state];
  const times = decisions.map(({ approver, decided_at }) => `${approver} at ${decided_at}`);
  return [
    use,
    `The policy: whether this one was in force. Compare its SHA-256 ${policyHash(policy)} with that of the policy which the environment had.`,
    `The times of the decisions, stated by the service and not signed: ${times.join(', ')}.`,
    ...circumstancesNotRepeated(circumstances),
    'The facts: the gate collected them on the machine that deployed. What was signed is what is in facts.json; what ran is not recorded here.',
  ];
}

/** The rules were held to what the gate wrote down of the job; nobody signed that. */
function circumstancesNotRepeated(circumstances: Circumstances | undefined): readonly string[] {
  if (circumstances === undefined) return ['The job: the gate wrote down nothing of it.'];
  const { identity, commit_authors: authors, new_migrations: migrations } = circumstances;
  const { provider, trigger = 'unknown', runner = 'unknown' } = circumstances;
  const told = `provider ${provider}, trigger ${visible(trigger)}, runner ${visible(runner)}`;
  const job = `The job, as the gate wrote it down, unsigned (circumstances in verdict.json): ${told}. The rules of the policy were applied to that again.`;
  const token =
    identity === undefined
      ? 'The identity of the job: there was no OIDC token.'
      : `The identity of the job: that ${visible(identity.issuer)} attested ${identity.attested.map((path) => visible(path)).join(', ')}. The token is not kept; the record only says that the gate checked it.`;
  const counts = [
    ...(authors === undefined ? [] : [`authors: ${authors.length}`]),
    ...(migrations === undefined ? [] : [`new migrations: ${migrations.length}`]),
  ];
  if (counts.length === 0) return [job, token];
  const changes = `The changes since the last deploy (${counts.join(', ')}), as git told the gate. Ask the repository for them.`;
  return [job, token, changes];
}
