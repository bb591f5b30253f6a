import * as z from 'zod';
import { identifiers, text, time } from './fact-rules.ts';
import { findSecret } from './secrets.ts';
import { visible } from './text.ts';

/** The most commits that are put before a person; the others are counted. */
export const maxListedCommits = 20;

/** The shape of {@link Changes}. */
export const changesSchema = z.strictObject({
  since: identifiers.commit.exactOptional(),
  deployed_at: time.exactOptional(),
  commits: z
    .array(z.strictObject({ commit: identifiers.commit, subject: text, author: text }))
    .max(maxListedCommits, `must name at most ${maxListedCommits} commits; count the others`),
  more: z
    .string()
    .regex(/^[1-9][0-9]{0,8}$/, 'must be a decimal number above zero')
    .exactOptional(),
  incomplete: z.literal(true).exactOptional(),
});

/**
 * What is new since the last deploy of the same target, as git told the requester's machine: signed and shown, never compared.
 *
 * - `since`: the commit of that deploy, and `deployed_at` when it was redeemed; absent where none is known: then the list is the
 *   deployed commit itself, and what it merged.
 * - `commits`: newest first; `more`: how many besides those.
 * - `incomplete`: the checkout does not hold the history that far back, so that there may be others.
 */
export interface Changes {
  readonly since?: string;
  readonly deployed_at?: string;
  readonly commits: readonly ListedCommit[];
  readonly more?: string;
  readonly incomplete?: true;
}

export interface ListedCommit {
  readonly commit: string;
  readonly subject: string;
  /** A name, which the commit says of itself. */
  readonly author: string;
}

/**
 * Words of a commit as they may be signed: on one line, hidden characters written out, shortened in the middle, composed; and
 * not at all where they look like a secret.
 */
export function acceptableText(
  words: string,
  options: { readonly maxLength: number; readonly absent: string },
): string {
  const { maxLength, absent } = options;
  const line = words
    .normalize('NFC')
    .replace(/[\t\n\v\f\r ]+/g, ' ')
    .trim();
  const shown = visible(line, maxLength);
  // Words on two lines may be a secret on one, and what is shortened holds a part of it.
  if ([words, shown].some((text) => findSecret(text) !== undefined)) {
    return '(hidden: looks like a secret)';
  }
  return shown === '' ? absent : shown;
}
