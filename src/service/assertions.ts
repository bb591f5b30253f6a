import { checkAssertion } from '../core/webauthn.ts';
import type { AssertionJson } from '../core/assertion.ts';
import type { Context } from './context.ts';
import { findPasskey, type Passkey } from './people.ts';
import { Refusal } from './refusal.ts';

/**
 * The passkey behind an assertion, after every check of WebAuthn Level 3 section 7.2; its counter is taken over.
 * Must run inside a transaction, with what the assertion is good for.
 * @param o.username whose passkey it has to be; anybody's if absent
 * @throws Refusal 403
 */
export function acceptAssertion(
  context: Context,
  o: {
    readonly assertion: AssertionJson;
    readonly challenge: Uint8Array;
    readonly username?: string;
  },
): Passkey {
  const passkey = findPasskey(context, o.assertion.id);
  const isTheirs = o.username === undefined || passkey?.username === o.username;
  if (passkey === undefined || !isTheirs) {
    const owner = o.username ?? 'anybody here';
    throw refused(`This passkey is not one of ${owner}, or it is revoked.`);
  }
  const result = checkAssertion({
    assertion: o.assertion,
    challenge: o.challenge,
    key: passkey.key,
    origin: context.origin,
    rpId: context.rpId,
  });
  if (!result.ok) {
    throw refused(
      `The passkey's answer is not acceptable: ${result.problems.map(({ message }) => message).join('; ')}`,
    );
  }
  const { signCount, backupEligible } = result.value;
  // Step 22: a counter that stands still or goes back is the sign of a copied key. Passkeys without one always say 0.
  if ((signCount !== 0 || passkey.signCount !== 0) && signCount <= passkey.signCount) {
    throw refused(
      `The passkey's counter did not grow (${passkey.signCount}, then ${signCount}): it may have been copied. Have it revoked.`,
    );
  }
  // Step 18: whether a passkey may be backed up is fixed when it is made.
  if (backupEligible !== passkey.backupEligible) {
    throw refused('The passkey says something else about backups than when it was enrolled.');
  }
  context.store.run(
    'update passkeys set sign_count = $2 where credential_id = $1',
    passkey.key.id,
    signCount,
  );
  return passkey;
}

function refused(message: string): Refusal {
  return new Refusal(403, 'assertion_refused', message);
}
