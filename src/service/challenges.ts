import type { Context } from './context.ts';
import { Refusal } from './refusal.ts';

/** What a challenge may be answered for. A signature for one purpose is worth nothing for another (DESIGN 3.3, 3.5). */
export type Purpose = 'approval' | 'rejection' | 'revocation' | 'sign-in' | 'enrolment';

const maxOpen = 10_000;

/**
 * Stores a challenge with its purpose.
 * @param o.challenge base64url
 * @param o.subject what it is about: a confirmation's id, or an enrolment
 */
export function issueChallenge(
  context: Context,
  o: {
    readonly challenge: string;
    readonly purpose: Purpose;
    readonly subject: string;
    readonly expiresAt: number;
  },
): void {
  context.store.run(
    'insert into challenges (challenge, purpose, subject, expires_at) values ($1, $2, $3, $4)',
    o.challenge,
    o.purpose,
    o.subject,
    o.expiresAt,
  );
}

/**
 * Takes a challenge out of use: it answers its subject once, for its own purpose, before it expires, and never again.
 * Inside a transaction that fails it stays unused.
 */
export function useChallenge(
  context: Context,
  o: { readonly challenge: string; readonly purpose: Purpose },
): string | undefined {
  const row = context.store.get(
    `update challenges set used_at = $3
      where challenge = $1 and purpose = $2 and used_at is null and expires_at > $3 returning subject`,
    o.challenge,
    o.purpose,
    context.now(),
  );
  return row === undefined ? undefined : String(row.subject);
}

/** Anybody may ask for these two; old ones are dropped first, and there is a limit to how many stand open. @throws Refusal 429 */
export function makeRoomForChallenge(context: Context, purpose: 'sign-in' | 'enrolment'): void {
  context.store.run(
    'delete from challenges where purpose = $1 and expires_at <= $2',
    purpose,
    context.now(),
  );
  const open = context.store.get(
    'select count(*) as n from challenges where purpose = $1',
    purpose,
  );
  if (Number(open?.n) >= maxOpen) {
    throw new Refusal(429, 'too_many', 'Too many people are signing in. Try again in a minute.');
  }
}
