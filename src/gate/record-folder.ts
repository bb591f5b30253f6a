import type { DeployFacts } from '../core/facts.ts';
import type { Policy } from '../core/policy.ts';
import type { ApprovalRecord } from '../core/record.ts';
import type { Verdict } from '../core/verdict.ts';

export interface RecordFolder {
  readonly parent: string;
  readonly record: ApprovalRecord;
  readonly facts: DeployFacts;
  readonly policy?: Policy | undefined;
  readonly verdict: Verdict;
}

/** Writes `record.json facts.json policy.json verdict.json` (DESIGN 3.3) into a new folder. @returns its path */
export async function writeRecordFolder(_folder: RecordFolder): Promise<string> {
  await Promise.resolve();
  return '';
}
