import { randomBytes, randomUUID } from 'node:crypto';
import type { CreateBody } from '../core/api.ts';
import { canonicalText } from '../core/canonical.ts';
import { approvalChallenge, nonceBytes, rejectionChallenge } from '../core/challenge.ts';
import type { DeployFacts } from '../core/facts.ts';
import { fingerprint } from '../core/fingerprint.ts';
import { sha256Hex } from '../core/hash.ts';
import { visible } from '../core/text.ts';
import { formatTime } from '../core/time.ts';
import { checkAsked, type Asked } from './asked.ts';
import { attestationOf } from './attestation.ts';
import { covers, type Requester } from './callers.ts';
import { issueChallenge } from './challenges.ts';
import {
  confirmationsOfPayload,
  readConfirmation,
  type Confirmation,
} from './confirmation-rows.ts';
import type { Context } from './context.ts';
import { checkPace } from './pace.ts';
import { findPerson } from './people.ts';
import { Refusal } from './refusal.ts';
import type { Touch } from './store.ts';
import { targetOf } from './target.ts';

/**
 * Puts a payload to a person. The same key and body give the same answer again, whatever has become of the confirmation.
 * @throws Refusal 403, 409, 410, 413, 422 or 429
 */
export function createConfirmation(
  context: Context,
  requester: Requester,
  o: { readonly body: CreateBody; readonly idempotencyKey: string | undefined },
): object {
  const bodyHash = sha256Hex(canonicalText(o.body));
  const { confirmation, isNew } = context.store.transaction((touch) => {
    // First of all, so that a repetition is answered even when the clock has moved on.
    const earlier = repeated(context, requester, { ...o, bodyHash });
    if (earlier !== undefined) return { confirmation: earlier, isNew: false };
    const asked = checkAsked(context, o.body);
    if (!covers(requester, asked.facts)) throw outOfScope(asked.facts);
    checkPerson(context, o.body.username);
    checkPace(context, requester, o.body.username);
    checkRequestIsOpen(context, asked.payloadHash);
    supersedeOlder(context, requester, asked, touch);
    const id = insert(context, requester, o.body, asked);
    if (o.idempotencyKey !== undefined) {
      context.store.run(
        'insert into idempotency_keys (requester, idempotency_key, body_hash, confirmation_id) values ($1, $2, $3, $4)',
        requester.id,
        o.idempotencyKey,
        bodyHash,
        id,
      );
    }
    touch(`person:${o.body.username}`);
    return { confirmation: readConfirmation(context, id), isNew: true };
  });
  const url = `${context.origin}/approve/${confirmation.id}`;
  if (isNew) {
    const { action, username, payloadHash } = confirmation;
    context.notify({
      title: `${visible(action)}: ${username} is asked`,
      fingerprint: fingerprint(payloadHash),
      url,
    });
  }
  return {
    id: confirmation.id,
    url,
    payloadHash: confirmation.payloadHash,
    expiresAt: formatTime(confirmation.expiresAt),
    nonce: confirmation.nonce,
  };
}

function repeated(
  context: Context,
  requester: Requester,
  o: { readonly idempotencyKey: string | undefined; readonly bodyHash: string },
): Confirmation | undefined {
  if (o.idempotencyKey === undefined) return undefined;
  const earlier = context.store.get(
    'select * from idempotency_keys where requester = $1 and idempotency_key = $2',
    requester.id,
    o.idempotencyKey,
  );
  if (earlier === undefined) return undefined;
  if (earlier.body_hash !== o.bodyHash) {
    throw new Refusal(
      409,
      'idempotency_conflict',
      'This Idempotency-Key was used before, with another body. Use a new key for a new request.',
    );
  }
  return readConfirmation(context, String(earlier.confirmation_id));
}

function outOfScope(facts: DeployFacts | undefined): Refusal {
  const about =
    facts === undefined
      ? 'payloads of other tools than deploys (that takes a key for all repositories, services and environments)'
      : `${visible(facts.service)} of ${visible(facts.repository)} in ${visible(facts.environment)}`;
  return new Refusal(403, 'out_of_scope', `This key or token may not ask for ${about}.`);
}

function checkPerson(context: Context, username: string): void {
  if (findPerson(context, username) === undefined) {
    throw new Refusal(
      422,
      'unknown_user',
      `Nobody named "${visible(username)}" has enrolled a passkey here. Correct the name, or send an invite.`,
    );
  }
}

/** A late confirmation must not bring a superseded request back by superseding its own successor. */
function checkRequestIsOpen(context: Context, payloadHash: string): void {
  if (confirmationsOfPayload(context, payloadHash).some((one) => one.status === 'superseded')) {
    throw new Refusal(410, 'superseded', 'A newer request has taken the place of this one.');
  }
}

/** DESIGN 3.5: a newer request of the same scope for the same target, never the other confirmations of the same payload. */
function supersedeOlder(context: Context, requester: Requester, asked: Asked, touch: Touch): void {
  if (asked.facts === undefined) return;
  const superseded = context.store.all(
    `update confirmations set status = 'superseded'
      where target = $1 and scope = $2 and payload_hash <> $3 and status in ('pending', 'approved') and expires_at > $4
      returning id, username`,
    targetOf(asked.facts),
    requester.scopeText,
    asked.payloadHash,
    context.now(),
  );
  for (const row of superseded) {
    touch(`confirmation:${String(row.id)}`);
    touch(`person:${String(row.username)}`);
  }
}

function insert(context: Context, requester: Requester, body: CreateBody, asked: Asked): string {
  const id = randomUUID();
  const nonce = randomBytes(nonceBytes);
  const attested = attestationOf(requester, asked.facts);
  context.store.run(
    `insert into confirmations (id, username, action, payload, payload_hash, scope, target, nonce, status, created_at, expires_at, decide_by, attested, requester)
      values ($1, $2, $3, $4, $5, $6, $7, $8, 'pending', $9, $10, $11, $12, $13)`,
    id,
    body.username,
    body.action,
    asked.payload,
    asked.payloadHash,
    requester.scopeText,
    asked.facts === undefined ? null : targetOf(asked.facts),
    nonce.toString('base64url'),
    context.now(),
    asked.expiresAt,
    body.decideBy === undefined ? null : Date.parse(body.decideBy),
    attested === undefined ? null : JSON.stringify(attested),
    requester.id,
  );
  for (const [purpose, challenge] of [
    ['approval', approvalChallenge(nonce, asked.payloadHash)],
    ['rejection', rejectionChallenge(nonce, asked.payloadHash)],
  ] as const) {
    issueChallenge(context, {
      challenge: Buffer.from(challenge).toString('base64url'),
      purpose,
      subject: id,
      expiresAt: asked.expiresAt,
    });
  }
  return id;
}
