import { visible } from './text.ts';

/** What an error says, escaped and cut to 200 characters; by shape, for it may come from another realm. */
export function reasonOf(cause: unknown): string {
  const holder = typeof cause === 'object' && cause !== null ? cause : { message: String(cause) };
  return visible('message' in holder ? String(holder.message) : 'unknown error', 200);
}
