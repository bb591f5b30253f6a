import type { Problem } from '../core/verdict.ts';

/** An answer that is no success: its HTTP status and the members of its body (DESIGN 3.5: `{code, message}`). */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly httpStatus: number;
  readonly code: string;
  /** Further members of the body. */
  readonly details: RefusalDetails;

  constructor(httpStatus: number, code: string, message: string, details: RefusalDetails = {}) {
    super(message);
    this.httpStatus = httpStatus;
    this.code = code;
    this.details = details;
  }
}

interface RefusalDetails {
  readonly problems?: readonly Problem[];
  /** The state of the confirmation in question. */
  readonly status?: string;
}

/** A foreign id and a missing one give the same answer, to the letter (DESIGN 3.5). */
export function notFound(): Refusal {
  return new Refusal(404, 'not_found', 'There is nothing here for this key or under this address.');
}

export function invalidRequest(problems: readonly Problem[]): Refusal {
  return new Refusal(
    422,
    'invalid_request',
    `The request is not acceptable: ${problems
      .map(({ field, message }) => (field === '' ? message : `${field} ${message}`))
      .join('; ')}`,
    { problems },
  );
}
