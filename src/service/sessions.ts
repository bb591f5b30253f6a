import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import type { AssertionJson } from '../core/assertion.ts';
import { parseJson } from '../core/json.ts';
import { acceptAssertion } from './assertions.ts';
import { issueChallenge, makeRoomForChallenge, useChallenge } from './challenges.ts';
import type { Context } from './context.ts';
import { Refusal } from './refusal.ts';
import { hashToken, newToken } from './tokens.ts';

const signInMs = 5 * 60_000;
const sessionMs = 12 * 3_600_000;

/** `PublicKeyCredentialRequestOptionsJSON` for signing in with any passkey of ours: 32 random bytes (DESIGN 3.3). */
export function signInOptions(context: Context): object {
  const challenge = randomBytes(32).toString('base64url');
  context.store.transaction(() => {
    makeRoomForChallenge(context, 'sign-in');
    const expiresAt = context.now() + signInMs;
    issueChallenge(context, { challenge, purpose: 'sign-in', subject: 'sign-in', expiresAt });
  });
  return { challenge, rpId: context.rpId, timeout: signInMs, userVerification: 'required' };
}

const clientDataSchema = z.object({ challenge: z.string().max(100) });

/** Signs in. The token is for the cookie only. @throws Refusal 403 */
export function signIn(
  context: Context,
  assertion: AssertionJson,
): { readonly username: string; readonly token: string } {
  const challenge = claimedChallenge(assertion);
  // The challenge is used up first and stays so, whatever comes of the answer.
  const known = context.store.transaction(() =>
    useChallenge(context, { challenge, purpose: 'sign-in' }),
  );
  if (known === undefined) throw refused('This sign-in is too old, or was used before. Try again.');
  // WebAuthn Level 3 section 7.2 step 6: where no credential was asked for by name, the answer says whose it is.
  if (assertion.response.userHandle === undefined) {
    throw refused('The passkey does not say whose it is.');
  }
  const token = newToken();
  const username = context.store.transaction(() => {
    const passkey = acceptAssertion(context, {
      assertion,
      challenge: Buffer.from(challenge, 'base64url'),
    });
    context.store.run('delete from sessions where expires_at <= $1', context.now());
    context.store.run(
      'insert into sessions (token_hash, credential_id, expires_at) values ($1, $2, $3)',
      hashToken(token),
      passkey.key.id,
      context.now() + sessionMs,
    );
    return passkey.username;
  });
  return { username, token };
}

export function signOut(context: Context, token: string): void {
  context.store.run('delete from sessions where token_hash = $1', hashToken(token));
}

/** Who a session belongs to; it ends with its passkey. */
export function sessionUser(context: Context, token: string | undefined): string | undefined {
  if (token === undefined) return undefined;
  const row = context.store.get(
    `select username from sessions join passkeys on passkeys.credential_id = sessions.credential_id
      where token_hash = $1 and expires_at > $2 and revoked_at is null`,
    hashToken(token),
    context.now(),
  );
  return row === undefined ? undefined : String(row.username);
}

function claimedChallenge(assertion: AssertionJson): string {
  try {
    const bytes = Buffer.from(assertion.response.clientDataJSON, 'base64url');
    return clientDataSchema.parse(parseJson(bytes, { maxBytes: 8192 })).challenge;
  } catch {
    throw refused('The client data can not be read.');
  }
}

function refused(message: string): Refusal {
  return new Refusal(403, 'assertion_refused', message);
}
