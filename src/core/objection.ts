import type { RefusalCode, RefusalDetails } from './verdict.ts';

/** Why a step of the order in DESIGN 5 refuses; `verify.ts` makes the verdict of it. */
export interface Objection {
  readonly code: RefusalCode;
  /** What happened, with which values: for the gate, and for who audits a record long after. */
  readonly message: string;
  /** What to do next, for who stands at the gate. An auditor has nothing to do there. */
  readonly advice?: string;
  readonly details?: Pick<RefusalDetails, 'differences' | 'problems'>;
}

/** What a gate says: what happened, and what to do next. */
export function gateMessage({ message, advice }: Objection): string {
  if (advice === undefined) return message;
  // After a list the advice begins a line of its own.
  return `${message}${message.includes('\n') ? '\n' : ' '}${advice}`;
}
