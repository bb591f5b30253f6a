import type { CreateBody } from '../core/api.ts';
import { canonicalText } from '../core/canonical.ts';
import type { DeployFacts } from '../core/facts.ts';
import { listProblems } from '../core/fault.ts';
import { sha256Hex } from '../core/hash.ts';
import { maxPayloadBytes } from '../core/json.ts';
import { checkPayload, payloadAction } from '../core/payload.ts';
import { freeTextProblem, visible } from '../core/text.ts';
import { formatTime, parseTime } from '../core/time.ts';
import type { Context } from './context.ts';
import { Refusal } from './refusal.ts';

const clockSkewMs = 120_000;
/** How long a payload of another tool, which says nothing about time, may be decided and used. */
const otherValidMs = 3_600_000;

/** What is asked, after every check that needs no store. */
export interface Asked {
  readonly facts: DeployFacts | undefined;
  readonly payload: string;
  readonly payloadHash: string;
  readonly expiresAt: number;
}

/** @throws Refusal 413 or 422 */
export function checkAsked(context: Context, body: CreateBody): Asked {
  const payload = canonicalText(body.payload);
  const common = { payload, payloadHash: sha256Hex(payload) };
  if (Buffer.byteLength(payload) > maxPayloadBytes) {
    throw new Refusal(413, 'too_large', `A payload has at most ${maxPayloadBytes} bytes.`);
  }
  const { schema } = body.payload;
  // A version we do not know is no "payload of another tool": nobody shall approve a deploy that is shown as something else.
  if (typeof schema === 'string' && schema.startsWith('deploy-approval/')) {
    const { facts, expiresAt } = checkDeploy(context, body);
    return { ...common, facts, expiresAt };
  }
  const problem = freeTextProblem(body.action);
  if (problem !== undefined) {
    throw new Refusal(422, 'invalid_request', `The action ${problem}.`, {
      problems: [{ field: 'action', message: problem }],
    });
  }
  const expiresAt = Math.floor((context.now() + otherValidMs) / 1000) * 1000;
  return { ...common, facts: undefined, expiresAt };
}

function checkDeploy(
  context: Context,
  body: CreateBody,
): { readonly facts: DeployFacts; readonly expiresAt: number } {
  const checked = checkPayload(body.payload);
  if (!checked.ok) {
    throw new Refusal(
      422,
      'invalid_payload',
      `The deploy payload is not acceptable:\n${listProblems(checked.problems)}`,
      { problems: checked.problems },
    );
  }
  const { facts, requested_at: requestedAt, expires_at: expires } = checked.value;
  const action = payloadAction(facts);
  if (body.action !== action) {
    throw new Refusal(422, 'wrong_action', `The action of this payload is "${visible(action)}".`);
  }
  const now = context.now();
  if (Math.abs(parseTime(requestedAt) - now) > clockSkewMs) {
    throw new Refusal(
      422,
      'stale_request',
      `requested_at is ${requestedAt}, but it is ${formatTime(now)} here: more than ${clockSkewMs / 1000} seconds apart. Set the clock, or ask anew.`,
    );
  }
  const expiresAt = parseTime(expires);
  if (expiresAt <= now) {
    throw new Refusal(422, 'stale_request', `expires_at ${expires} is not in the future.`);
  }
  return { facts, expiresAt };
}
