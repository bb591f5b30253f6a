import { sha256Hex } from '../core/hash.ts';
import { formatTime } from '../core/time.ts';
import { toConfirmation, type Confirmation } from './confirmation-rows.ts';
import type { Context } from './context.ts';

/** More than anybody reads; the rest follows when these are decided. */
const maxItems = 100;

export interface Waiting {
  /** Changes with the list; computed from it, so that it means the same after a restart. */
  readonly version: number;
  readonly items: readonly object[];
  /** When time alone changes the list, epoch ms. */
  readonly nextExpiry: number;
}

/** What waits for a person's decision, newest first. */
export function readWaiting(context: Context, username: string): Waiting {
  const confirmations = context.store
    .all(
      `select * from confirmations where username = $1 and status = 'pending' and expires_at > $2
        order by created_at desc, id limit $3`,
      username,
      context.now(),
      maxItems,
    )
    .map((row) => toConfirmation(context, row));
  const ids = confirmations.map(({ id }) => id).join();
  return {
    // 48 bits: a whole number that every JSON reader takes exactly.
    version: Number.parseInt(sha256Hex(ids).slice(0, 12), 16),
    items: confirmations.map(toItem),
    nextExpiry: Math.min(...confirmations.map(({ expiresAt }) => expiresAt)),
  };
}

function toItem(confirmation: Confirmation): object {
  const { id, action, payload, payloadHash, createdAt, expiresAt, decideBy } = confirmation;
  return {
    id,
    action,
    payload,
    payloadHash,
    createdAt: formatTime(createdAt),
    expiresAt: formatTime(expiresAt),
    ...(decideBy === undefined ? {} : { decideBy: formatTime(decideBy) }),
  };
}
