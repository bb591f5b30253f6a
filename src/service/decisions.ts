import type { AssertionJson } from '../core/assertion.ts';
import { canonicalText } from '../core/canonical.ts';
import { approvalChallenge, rejectionChallenge } from '../core/challenge.ts';
import { acceptAssertion } from './assertions.ts';
import { useChallenge } from './challenges.ts';
import { findConfirmation, type Confirmation } from './confirmation-rows.ts';
import type { Context } from './context.ts';
import { notFound, Refusal } from './refusal.ts';

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
    const confirmation = findConfirmation(context, id);
    if (confirmation === undefined) throw notFound();
    if (confirmation.status !== 'pending') throw notPending(confirmation);
    const { challenge, purpose } = expectedChallenge(confirmation, request.decision);
    const passkey = acceptAssertion(context, {
      assertion: request.assertion,
      challenge,
      username: confirmation.username,
    });
    const encoded = Buffer.from(challenge).toString('base64url');
    if (useChallenge(context, { challenge: encoded, purpose }) !== id)
      throw notPending(confirmation);
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
 * The requester takes back what is not yet used.
 * @throws Refusal 409 when it is final
 */
export function withdraw(context: Context, id: string): Confirmation {
  return context.store.transaction((touch) => {
    const confirmation = findConfirmation(context, id);
    if (confirmation === undefined) throw notFound();
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

function expectedChallenge(
  confirmation: Confirmation,
  decision: 'approved' | 'rejected',
): { readonly challenge: Uint8Array; readonly purpose: 'approval' | 'rejection' } {
  const nonce = Buffer.from(confirmation.nonce, 'base64url');
  return decision === 'approved'
    ? { challenge: approvalChallenge(nonce, confirmation.payloadHash), purpose: 'approval' }
    : { challenge: rejectionChallenge(nonce, confirmation.payloadHash), purpose: 'rejection' };
}

function notPending({ status }: Confirmation): Refusal {
  return new Refusal(
    409,
    'not_pending',
    `This request is ${status} by now, so there is nothing left to decide.`,
    { status },
  );
}
