import type { RefusalCode, RefusalDetails } from './verdict.ts';

/** Why a step of the order in DESIGN 5 refuses; `verify.ts` makes the verdict of it. */
export interface Objection {
  readonly code: RefusalCode;
  /** What happened, with which values, and what to do next. */
  readonly message: string;
  readonly details?: Pick<RefusalDetails, 'differences' | 'problems'>;
}
