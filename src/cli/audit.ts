import type { Stats } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { auditRecord, type Audit } from '../core/audit.ts';
import { Fault } from '../core/fault.ts';
import { maxRecordBytes } from '../core/json.ts';
import { recordFileNames, type RecordFileName } from '../core/record-files.ts';
import { reasonOf } from '../core/reason.ts';
import { visible } from '../core/text.ts';
import { isTime, parseTime } from '../core/time.ts';
import { refuse } from '../core/verdict.ts';
import { flagValue, type Call, type RunCommand } from './command.ts';
import { endWith } from './end.ts';

/** An auditor's check of a record folder, offline. It opens nothing: 0 says that the record holds, and no step asks for that. */
export const audit: RunCommand = async (call) => {
  const [folder] = call.positionals as readonly [string];
  const at = readAt(call);
  const { files, others } = await readFolder(folder, call);
  const outcome = auditRecord({ files, now: Date.now(), ...(at === undefined ? {} : { at }) });
  if (others.length > 0) {
    call.out.say(`Not part of the record, and not looked at: ${others.join(', ')}.`);
  }
  const { faults, held } = outcome;
  if (faults[0] === undefined && held !== undefined) return holds(outcome, held, call);
  const lines = faults.map(({ message }) => message);
  return endWith(
    refuse(
      faults[0]?.code ?? 'internal',
      `The record does not hold, as of ${asOf(outcome)}. ${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}:\n${lines.join('\n')}`,
      {
        problems: faults.map(({ where, message }) => ({ field: where, message })),
        policy_sha256: outcome.policySha256,
      },
    ),
    call,
  );
};

function holds(outcome: Audit, held: NonNullable<Audit['held']>, { json, out }: Call): number {
  if (json) {
    out.printJson({
      schema: 'audit/v1',
      holds: true,
      as_of: outcome.asOf.time,
      clock: outcome.asOf.clock,
      payload_hash: held.payloadHash,
      approvers: held.approvers,
      policy_sha256: outcome.policySha256,
      not_repeated: held.notRepeated,
      exit_code: 0,
    });
    return 0;
  }
  out.print(`The record holds, as of ${asOf(outcome)}.`);
  out.print(held.summary);
  out.print(`Policy SHA-256: ${String(outcome.policySha256)}`);
  out.print('What this check could not repeat:');
  for (const line of held.notRepeated) out.print(`- ${line}`);
  out.print('This opens nothing: a deploy needs an approval of its own.');
  return 0;
}

const clocks = {
  auditor: 'the time asked for by --at',
  service: 'when it was redeemed, by the clock of the service; nothing signs that',
  'this machine': 'now, by the clock of this machine; --at asks about another time',
} as const;

function asOf({ asOf: { time, clock } }: Audit): string {
  return `${time} (${clocks[clock]})`;
}

function readAt(call: Call): number | undefined {
  const text = flagValue(call, 'at');
  if (!call.flags.has('at')) return undefined;
  if (isTime(text)) return parseTime(text);
  throw new Fault(
    'configuration',
    `--at is a time in the form 2026-11-22T10:00:00Z, not "${visible(text, 60)}".`,
  );
}

interface Folder {
  readonly files: ReadonlyMap<RecordFileName, Uint8Array>;
  readonly others: readonly string[];
}

/** @throws Fault configuration if the folder or a file of it can't be read; a file that is not there is the audit's business */
async function readFolder(folder: string, { cwd }: Pick<Call, 'cwd'>): Promise<Folder> {
  const path = resolve(cwd, folder);
  try {
    const names = new Set(await readdir(path));
    const files = new Map<RecordFileName, Uint8Array>();
    for (const name of recordFileNames) {
      if (names.delete(name)) files.set(name, await readWhole(join(path, name)));
    }
    return { files, others: [...names].map((name) => visible(name, 60)).sort() };
  } catch (cause) {
    throw new Fault(
      'configuration',
      `The record folder ${visible(folder, 200)} can't be read: ${reasonOf(cause)}. It is the folder that the output record-path names, or a copy of it.`,
      { cause },
    );
  }
}

async function readWhole(path: string): Promise<Uint8Array> {
  const status: Stats = await stat(path);
  if (!status.isFile()) throw new Error(`${path} is not a file`);
  if (status.size > maxRecordBytes)
    throw new Error(`${path} has more than ${maxRecordBytes} bytes`);
  return readFile(path);
}
