/** What came of a call that the service itself made to an address of its operator's. */
import { JsonError } from '../core/json.ts';

/** An answer, but not a usable one; the message is in words of ours. */
export class BadAnswer extends Error {}

/** Why such a call failed, in what is known to hold no URL: our own words, the system's code, or the error's class. */
export function troubleOf(error: unknown): string {
  if (error instanceof BadAnswer) return error.message;
  if (error instanceof JsonError) return 'no strict JSON';
  const { name, cause } = error as Error & { readonly cause?: { readonly code?: string } };
  return cause?.code ?? name;
}
