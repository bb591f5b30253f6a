import type { DeployFacts } from './facts.ts';
import { sha256Hex } from './hash.ts';
import type { Policy } from './policy-format.ts';
import type { ApprovalRecord } from './record.ts';
import type { Verdict } from './verdict.ts';

export const recordFileNames = [
  'record.json',
  'facts.json',
  'policy.json',
  'verdict.json',
] as const;
export type RecordFileName = (typeof recordFileNames)[number];

export interface RecordDocuments {
  readonly record: ApprovalRecord;
  readonly facts: DeployFacts;
  readonly policy?: Policy | undefined;
  readonly verdict: Verdict;
}

/**
 * The texts of a record folder by file name (DESIGN 3.3). `verdict.json` lists the SHA-256 of every file as it is written, its own
 * as it would be without the list. So a damaged byte shows anywhere, also in what nobody signed; who rewrites a file can
 * rewrite the list too, and is bound by the signatures alone.
 */
export function recordFiles({
  record,
  facts,
  policy,
  verdict,
}: RecordDocuments): Readonly<Partial<Record<RecordFileName, string>>> {
  const texts = {
    'record.json': fileText(record),
    'facts.json': fileText(facts),
    ...(policy === undefined ? {} : { 'policy.json': fileText(policy) }),
  };
  const hashes = Object.entries({ ...texts, 'verdict.json': fileText(verdict) }).map(
    ([name, text]): [string, string] => [name, sha256Hex(text)],
  );
  return { ...texts, 'verdict.json': fileText({ ...verdict, files: Object.fromEntries(hashes) }) };
}

/** A document as it is written: for people, one member a line. */
export function fileText(document: object): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}
