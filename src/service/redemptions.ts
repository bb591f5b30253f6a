import type { RedemptionBody } from '../core/api.ts';
import { formatTime } from '../core/time.ts';
import { checkRedeemingJob } from './attestation.ts';
import { covers, type Requester } from './callers.ts';
import {
  confirmationsOfPayload,
  storedFacts,
  type Confirmation,
  type StoredFacts,
} from './confirmation-rows.ts';
import type { Context } from './context.ts';
import { findPasskey } from './people.ts';
import { notFound, Refusal } from './refusal.ts';
import { fitsHash, hashToken } from './tokens.ts';

export interface RedemptionResult {
  /** 201 for the one use, 200 when the same verify process asks again. */
  readonly httpStatus: 200 | 201;
  readonly answer: { readonly payloadHash: string; readonly redeemedAt: string };
}

/**
 * The one use of an approval (DESIGN 3.5): one per payload hash, over all its confirmations and their passkeys as they are at
 * this moment, in one transaction.
 * @throws Refusal 404, 409, 410 or 422
 */
export function redeem(
  context: Context,
  requester: Requester,
  body: RedemptionBody,
): RedemptionResult {
  return context.store.transaction((touch) => {
    const confirmations = confirmationsOfPayload(context, body.payloadHash);
    const facts = storedFacts(confirmations[0]?.payload);
    const isTheirs = confirmations.every(({ attested }) =>
      covers(requester, facts, attested?.issuer),
    );
    if (confirmations.length === 0 || !isTheirs) throw notFound();
    if (facts !== undefined) {
      checkRun(facts, body);
      if (requester.token !== undefined) checkRedeemingJob(requester.token, facts, body);
    }
    const earlier = repeated(context, body);
    if (earlier !== undefined) return earlier;
    checkUsable(context, confirmations);
    const redeemedAt = context.now();
    context.store.run(
      'insert into redemptions (payload_hash, key_hash, run_id, run_attempt, job, redeemed_at, target) values ($1, $2, $3, $4, $5, $6, $7)',
      body.payloadHash,
      hashToken(body.redemptionKey),
      body.runId,
      body.runAttempt,
      body.job,
      redeemedAt,
      confirmations[0]?.target ?? null,
    );
    context.store.run(
      `update confirmations set status = case status when 'approved' then 'redeemed' else 'cancelled' end
        where payload_hash = $1 and status in ('approved', 'pending')`,
      body.payloadHash,
    );
    for (const { id, username } of confirmations) {
      touch(`confirmation:${id}`);
      touch(`person:${username}`);
    }
    return { httpStatus: 201, answer: answerOf(body.payloadHash, redeemedAt) };
  });
}

/** The signed run. A later attempt of it is let through: a policy may allow that (`rerun: same_run`), and the verifier knows the policy. */
function checkRun(facts: StoredFacts, { runId, runAttempt }: RedemptionBody): void {
  if (runId === facts.run_id && BigInt(runAttempt) >= BigInt(facts.run_attempt)) return;
  throw new Refusal(
    422,
    'wrong_run',
    `This approval is for run ${facts.run_id}, attempt ${facts.run_attempt}, not for run ${runId}, attempt ${runAttempt}.`,
  );
}

/** The answer of a redemption that has been made, for the process that made it; everybody else is too late. */
function repeated(context: Context, body: RedemptionBody): RedemptionResult | undefined {
  const row = context.store.get(
    'select * from redemptions where payload_hash = $1',
    body.payloadHash,
  );
  if (row === undefined) return undefined;
  const redeemedAt = Number(row.redeemed_at);
  if (!fitsHash(body.redemptionKey, String(row.key_hash))) {
    throw new Refusal(
      409,
      'already_redeemed',
      `This approval was used at ${formatTime(redeemedAt)} by job ${String(row.job)}. One approval is good for one deploy: ask anew.`,
    );
  }
  const { runId, runAttempt, job } = body;
  if (row.run_id !== runId || row.run_attempt !== runAttempt || row.job !== job) {
    throw new Refusal(
      409,
      'idempotency_conflict',
      'This redemptionKey was used before, with another body.',
    );
  }
  return { httpStatus: 200, answer: answerOf(body.payloadHash, redeemedAt) };
}

function answerOf(payloadHash: string, redeemedAt: number): RedemptionResult['answer'] {
  return { payloadHash, redeemedAt: formatTime(redeemedAt) };
}

/**
 * One rejected or superseded confirmation spoils the approval of all, and so does one that was withdrawn after its approval.
 * One that was withdrawn before anybody decided it is nobody's decision.
 */
function checkUsable(context: Context, confirmations: readonly Confirmation[]): void {
  for (const { status, username, decidedAt } of confirmations) {
    const spoils =
      status === 'rejected' ||
      status === 'superseded' ||
      status === 'expired' ||
      (status === 'cancelled' && decidedAt !== undefined);
    if (spoils) {
      throw new Refusal(410, status, `The confirmation of ${username} is ${status}. Ask anew.`, {
        status,
      });
    }
  }
  const approved = confirmations.filter(({ status }) => status === 'approved');
  if (approved.length === 0 && confirmations.every(({ status }) => status === 'cancelled')) {
    throw new Refusal(410, 'cancelled', 'This request was withdrawn. Ask anew.', {
      status: 'cancelled',
    });
  }
  if (approved.length === 0) {
    throw new Refusal(409, 'not_approved', 'Nobody has approved this request yet.', {
      status: 'pending',
    });
  }
  for (const { credentialId, username } of approved) {
    if (credentialId === undefined || findPasskey(context, credentialId) === undefined) {
      throw new Refusal(
        410,
        'passkey_revoked',
        `The passkey of ${username} that approved this was revoked. Ask anew.`,
      );
    }
  }
}
