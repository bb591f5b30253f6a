import { randomBytes } from 'node:crypto';
import { payloadAction, type ApprovalPayload } from '../../src/core/payload.ts';
import { formatTime } from '../../src/core/time.ts';
import { callApi } from './service.ts';

export interface ShortLivedRequest {
  readonly id: string;
  readonly url: string;
  /** Epoch milliseconds: from then on the approval is over. */
  readonly expiresAt: number;
}

/**
 * A real request whose validity is seconds, which `valid-minutes` can't say: the payload of an earlier one with new times, put to
 * a person by the API with the key of a deploy job. Whatever becomes of it then, its time really passes.
 */
export async function requestShortLived(o: {
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly username: string;
  /** A request of the same deploy. */
  readonly earlierId: string;
  /** Facts that are others than in the earlier request: a target of its own, or its newer twin would supersede it. */
  readonly facts?: Partial<ApprovalPayload['facts']>;
  readonly validSeconds: number;
}): Promise<ShortLivedRequest> {
  const { apiUrl, apiKey } = o;
  const { payload: earlier } = await callApi<{ readonly payload: ApprovalPayload }>({
    apiUrl,
    apiKey,
    path: `/confirmations/${o.earlierId}`,
  });
  const now = Math.floor(Date.now() / 1000) * 1000;
  const expiresAt = now + o.validSeconds * 1000;
  const payload: ApprovalPayload = {
    ...earlier,
    facts: { ...earlier.facts, ...o.facts },
    request_id: randomBytes(16).toString('hex'),
    requested_at: formatTime(now),
    expires_at: formatTime(expiresAt),
  };
  const { id, url } = await callApi<{ readonly id: string; readonly url: string }>({
    apiUrl,
    apiKey,
    method: 'POST',
    path: '/confirmations',
    headers: { 'idempotency-key': payload.request_id },
    body: { username: o.username, action: payloadAction(payload.facts), payload },
  });
  return { id, url, expiresAt };
}
