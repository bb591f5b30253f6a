import * as z from 'zod';
import {
  confirmationIdSchema,
  confirmationSchema,
  createAnswerSchema,
  redemptionAnswerSchema,
  type Confirmation,
  type CreateAnswer,
  type CreateBody,
  type RedemptionAnswer,
  type RedemptionBody,
} from '../core/api.ts';
import type { JsonValue } from '../core/json.ts';
import { visible } from '../core/text.ts';
import { checkApproverUrl } from './approver-url.ts';
import { callFault, exchange, readAnswer, type Call } from './answers.ts';
import type { ClientDependencies } from './dependencies.ts';
import { TransportError, type ApiResponse } from './http.ts';
import type { Phase } from './phases.ts';
import { pause, withRetries } from './retry.ts';

/** How long create, fetch and redeem may take with all their tries, and one try of them. */
const phaseMs = 120_000;
const tryMs = 15_000;
/** How long we stay for the service while the process is being ended. */
const graceMs = 3_000;

/**
 * A confirmation as the service states it. `rawAssertion` is left as it came: its form is the judge's business, and a service
 * that is believed without signatures may send any.
 */
const statedConfirmationSchema = confirmationSchema.extend({
  rawAssertion: z.unknown().optional(),
});
export type StatedConfirmation = Omit<Confirmation, 'rawAssertion'> & {
  readonly rawAssertion?: unknown;
};

/** Puts a payload to one person. An interruption stays up to 3 s for the answer, so that it can be withdrawn. @throws Fault */
export async function createConfirmation(
  deps: ClientDependencies,
  options: {
    readonly body: CreateBody;
    readonly payloadHash: string;
    readonly requestId: string;
    /** The same for each try of this confirmation, and for no other. */
    readonly idempotencyKey: string;
  },
): Promise<CreateAnswer> {
  const { body, payloadHash, requestId, idempotencyKey } = options;
  const call = callOf(deps, 'create', requestId);
  return withGrace(deps, (signal) =>
    withRetries(deps, { deadline: deps.now() + phaseMs, call }, async (remainingMs) => {
      const response = await exchange(deps.transport, call, {
        method: 'POST',
        path: '/confirmations',
        body: body as JsonValue,
        headers: { 'idempotency-key': idempotencyKey },
        timeoutMs: Math.min(tryMs, remainingMs),
        signal,
      });
      const answer = readAnswer(response, createAnswerSchema, call);
      checkHash(answer.payloadHash, payloadHash, call);
      checkApproverUrl(answer.url, call);
      return answer;
    }),
  );
}

/** Asks once for the state of a confirmation, and stays up to `waitSeconds` for its decision. @throws Fault or Passing */
export async function pollConfirmation(
  deps: Pick<ClientDependencies, 'transport' | 'signal'>,
  options: {
    readonly id: string;
    readonly payloadHash: string;
    readonly waitSeconds: number;
    readonly timeoutMs: number;
  },
): Promise<StatedConfirmation> {
  const { id, payloadHash, waitSeconds, timeoutMs } = options;
  const call = callOf(deps, 'wait', id);
  const path = `${confirmationPath(id)}?wait=${waitSeconds}`;
  const request = { method: 'GET', path, timeoutMs, signal: deps.signal } as const;
  return readConfirmation(await exchange(deps.transport, call, request), id, payloadHash, call);
}

/** The confirmation as it is now. `payloadHash` is ours, where we know it already. @throws Fault */
export async function fetchConfirmation(
  deps: ClientDependencies,
  { id, payloadHash }: { readonly id: string; readonly payloadHash?: string | undefined },
): Promise<StatedConfirmation> {
  const call = callOf(deps, 'fetch', id);
  return withRetries(deps, { deadline: deps.now() + phaseMs, call }, async (remainingMs) => {
    const response = await exchange(deps.transport, call, {
      method: 'GET',
      path: confirmationPath(id),
      timeoutMs: Math.min(tryMs, remainingMs),
      signal: deps.signal,
    });
    return readConfirmation(response, id, payloadHash, call);
  });
}

/**
 * Uses the approval up. An interruption stays up to 3 s for an answer that is under way.
 * @throws Fault `already_used` when somebody did before
 */
export async function redeemApproval(
  deps: ClientDependencies,
  { body, requestId }: { readonly body: RedemptionBody; readonly requestId: string },
): Promise<RedemptionAnswer> {
  const call = callOf(deps, 'redeem', requestId);
  return withGrace(deps, (signal) =>
    withRetries(deps, { deadline: deps.now() + phaseMs, call }, async (remainingMs) => {
      const response = await exchange(deps.transport, call, {
        method: 'POST',
        path: '/redemptions',
        body,
        timeoutMs: Math.min(tryMs, remainingMs),
        signal,
      });
      const answer = readAnswer(response, redemptionAnswerSchema, call);
      checkHash(answer.payloadHash, body.payloadHash, call);
      return answer;
    }),
  );
}

/** For what must not be left half done: the signal that `work` gets aborts 3 s after an interruption. */
async function withGrace<T>(
  deps: ClientDependencies,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const done = new AbortController();
  const stop = new AbortController();
  const stopLater = () => {
    void pause(graceMs, done.signal, deps).then(() => stop.abort());
  };
  deps.signal.addEventListener('abort', stopLater, { once: true });
  try {
    return await work(stop.signal);
  } finally {
    deps.signal.removeEventListener('abort', stopLater);
    done.abort();
  }
}

/**
 * Withdraws confirmations that nobody needs any more: best effort, at most 3 s, also while the process is being ended.
 * What can't be withdrawn is a warning in the log; it lapses by itself.
 */
export async function withdrawConfirmations(
  deps: Pick<ClientDependencies, 'transport' | 'log'>,
  ids: readonly string[],
): Promise<void> {
  const { transport, log } = deps;
  await Promise.all(
    ids.map(async (id) => {
      try {
        const request = {
          method: 'DELETE',
          path: confirmationPath(id),
          timeoutMs: graceMs,
        } as const;
        const { status } = await transport.send(request);
        // 409: it is final already, and 410: it is gone; both are what we want.
        if (status < 300 || status === 409 || status === 410) return;
        log(
          `Warning: ${transport.host} did not withdraw request ${visible(id)} (it answered ${status}); it stays open until it expires.`,
        );
      } catch (error) {
        if (!(error instanceof TransportError)) throw error;
        log(
          `Warning: request ${visible(id)} could not be withdrawn at ${transport.host} (${error.message}); it stays open until it expires.`,
        );
      }
    }),
  );
}

function callOf(
  { transport }: Pick<ClientDependencies, 'transport'>,
  phase: Phase,
  requestId: string,
): Call {
  return { phase, host: transport.host, requestId };
}

/** An id goes into a path only as a UUID. */
function confirmationPath(id: string): string {
  return `/confirmations/${confirmationIdSchema.parse(id)}`;
}

function readConfirmation(
  response: ApiResponse,
  id: string,
  payloadHash: string | undefined,
  call: Call,
): StatedConfirmation {
  const confirmation = readAnswer(response, statedConfirmationSchema, call);
  if (confirmation.id !== id) {
    throw callFault(call, 'service_misbehaved', `it answered with request ${confirmation.id}`);
  }
  if (payloadHash !== undefined) checkHash(confirmation.payloadHash, payloadHash, call);
  return confirmation;
}

function checkHash(theirs: string, ours: string, call: Call): void {
  if (theirs === ours) return;
  const what = `its payload hash ${theirs} is not ours, ${ours}`;
  throw callFault(call, 'service_misbehaved', what);
}
