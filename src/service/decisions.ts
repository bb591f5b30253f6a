import type { AssertionJson } from '../core/assertion.ts';
import { canonicalText } from '../core/canonical.ts';
import { approvalChallenge, rejectionChallenge, revocationChallenge } from '../core/challenge.ts';
import { acceptAssertion } from './assertions.ts';
import { issueChallenge, useChallenge, type Purpose } from './challenges.ts';
import { readConfirmation, type Confirmation } from './confirmation-rows.ts';
import type { Context } from './context.ts';
import type { Passkey } from './people.ts';
import { Refusal } from './refusal.ts';

export interface DecisionRequest {
  readonly decision: 'approved' | 'rejected';
  readonly assertion: AssertionJson;
}

/**
 * A person's decision: the state is looked at now, in the same transaction as the passkey's answer, so that a tab that was left
 * open can't decide what was withdrawn, superseded, expired or decided elsewhere.
 * @throws Refusal 403, 404 or 409
 */
export function decide(context: Context, id: string, request: DecisionRequest): void {
  context.store.transaction((touch) => {
    const confirmation = readConfirmation(context, id);
    if (confirmation.status !== 'pending') throw notPending(confirmation);
    const purpose = request.decision === 'approved' ? 'approval' : 'rejection';
    const passkey = signedBy(context, confirmation, { ...request, purpose });
    if (passkey === undefined) throw notPending(confirmation);
    if (purpose === 'approval') {
      issueChallenge(context, {
        challenge: Buffer.from(challengeOf(confirmation, 'revocation')).toString('base64url'),
        purpose: 'revocation',
        subject: id,
        expiresAt: confirmation.expiresAt,
      });
    }
    context.store.run(
      `update confirmations set status = $2, decided_at = $3, credential_id = $4, assertion = $5
        where id = $1 and status = 'pending'`,
      id,
      request.decision,
      context.now(),
      passkey.key.id,
      canonicalText(request.assertion),
    );
    touch(`confirmation:${id}`);
    touch(`person:${confirmation.username}`);
  });
}

/**
 * The person takes an approval back that nobody has used yet, by a signature of its own: nobody else, and no session, can do so
 * in their name. From then on nothing can be redeemed with this payload.
 * @throws Refusal 403, 404 or 409
 */
export function revoke(context: Context, id: string, assertion: AssertionJson): void {
  context.store.transaction((touch) => {
    const confirmation = readConfirmation(context, id);
    if (confirmation.status !== 'approved') throw notApproved(confirmation);
    if (signedBy(context, confirmation, { assertion, purpose: 'revocation' }) === undefined) {
      throw notApproved(confirmation);
    }
    context.store.run(
      `update confirmations set status = 'cancelled', revoked_at = $2, revocation = $3
        where id = $1 and status = 'approved'`,
      id,
      context.now(),
      canonicalText(assertion),
    );
    touch(`confirmation:${id}`);
    touch(`person:${confirmation.username}`);
  });
}

/**
 * The requester takes back what is not yet used.
 * @throws Refusal 409 when it is final
 */
export function withdraw(context: Context, id: string): Confirmation {
  return context.store.transaction((touch) => {
    const confirmation = readConfirmation(context, id);
    const { status, username } = confirmation;
    if (status !== 'pending' && status !== 'approved') {
      throw new Refusal(409, 'final', `This confirmation is ${status} and stays so.`, { status });
    }
    context.store.run(`update confirmations set status = 'cancelled' where id = $1`, id);
    touch(`confirmation:${id}`);
    touch(`person:${username}`);
    return { ...confirmation, status: 'cancelled' };
  });
}

type Signed = Extract<Purpose, 'approval' | 'rejection' | 'revocation'>;

const challenges = {
  approval: approvalChallenge,
  rejection: rejectionChallenge,
  revocation: revocationChallenge,
} as const satisfies Record<Signed, unknown>;

function challengeOf({ nonce, payloadHash }: Confirmation, purpose: Signed): Uint8Array {
  return challenges[purpose](Buffer.from(nonce, 'base64url'), payloadHash);
}

/**
 * The passkey of the person who was asked, if its answer is good and for this purpose; its challenge is then used up.
 * @returns nothing where the challenge was used before
 */
function signedBy(
  context: Context,
  confirmation: Confirmation,
  { assertion, purpose }: { readonly assertion: AssertionJson; readonly purpose: Signed },
): Passkey | undefined {
  const challenge = challengeOf(confirmation, purpose);
  const { username } = confirmation;
  const passkey = acceptAssertion(context, { assertion, challenge, username });
  const encoded = Buffer.from(challenge).toString('base64url');
  const subject = useChallenge(context, { challenge: encoded, purpose });
  return subject === confirmation.id ? passkey : undefined;
}

function notPending({ status }: Confirmation): Refusal {
  return new Refusal(
    409,
    'not_pending',
    `This request is ${status} by now, so there is nothing left to decide.`,
    { status },
  );
}

function notApproved({ status }: Confirmation): Refusal {
  return new Refusal(
    409,
    'not_approved',
    `This request is ${status}, so there is no approval to take back.`,
    { status },
  );
}
