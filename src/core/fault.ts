import {
  refuse,
  type Problem,
  type RefusalCode,
  type RefusalDetails,
  type Verdict,
} from './verdict.ts';

/** The broken world: thrown where a step cannot go on, and turned into a refusal at the edge. Never a decision. */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: RefusalCode;
  readonly details: RefusalDetails;

  constructor(
    code: RefusalCode,
    message: string,
    details: RefusalDetails & { cause?: unknown } = {},
  ) {
    const { cause, ...rest } = details;
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = rest;
  }
}

/** Unknown errors are bugs of ours: `internal`, exit code 70. */
export function refusalOf(error: unknown): Verdict {
  if (error instanceof Fault) return refuse(error.code, error.message, error.details);
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return refuse('internal', `This is a bug of Deploy Warrant, please report it: ${message}`);
}

/** The problems of a document as lines of text, for a message. */
export function listProblems(problems: readonly Problem[]): string {
  return problems
    .map(({ field, message }) => (field ? `${field}: ${message}` : message))
    .join('\n');
}
