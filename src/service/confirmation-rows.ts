import * as z from 'zod';
import { assertionSchema } from '../core/assertion.ts';
import { confirmationStatuses, type ConfirmationStatus } from '../core/api.ts';
import { formatTime } from '../core/time.ts';
import type { Context } from './context.ts';
import { notFound } from './refusal.ts';

/** What the token of the job that asked says too, and who issued it. Stored when the request is made, for the page. */
const attestedSchema = z.object({
  by: z.enum(['GitHub', 'GitLab']),
  issuer: z.string(),
  /** Paths of the facts, such as `environment` and `actor.id`. */
  fields: z.array(z.string()),
  jobWorkflowRef: z.string().exactOptional(),
});
export type Attested = Readonly<z.infer<typeof attestedSchema>>;

const rowSchema = z.object({
  id: z.string(),
  username: z.string(),
  action: z.string(),
  payload: z.string(),
  payload_hash: z.string(),
  target: z.string().nullable(),
  nonce: z.string(),
  status: z.enum(confirmationStatuses),
  created_at: z.number(),
  expires_at: z.number(),
  decide_by: z.number().nullable(),
  decided_at: z.number().nullable(),
  credential_id: z.string().nullable(),
  assertion: z.string().nullable(),
  attested: z.string().nullable(),
});

/** One payload put to one person, in its state at the moment it was read. Times are epoch milliseconds. */
export interface Confirmation {
  readonly id: string;
  readonly username: string;
  readonly action: string;
  readonly payload: unknown;
  readonly payloadHash: string;
  /** Where the deploy goes (`./target.ts`); nothing for a payload of another tool. */
  readonly target: string | undefined;
  readonly nonce: string;
  readonly status: ConfirmationStatus;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly decideBy: number | undefined;
  readonly decidedAt: number | undefined;
  readonly credentialId: string | undefined;
  readonly assertion: unknown;
  /** Nothing where an API key asked. */
  readonly attested: Attested | undefined;
}

/**
 * A row as a confirmation. Expiry needs no timer: what is undecided, or approved and unused, is expired from its
 * `expires_at` on, whatever the store says.
 */
export function toConfirmation(context: Context, row: Record<string, unknown>): Confirmation {
  const found = rowSchema.parse(row);
  const open = found.status === 'pending' || found.status === 'approved';
  return {
    id: found.id,
    username: found.username,
    action: found.action,
    payload: JSON.parse(found.payload) as unknown,
    payloadHash: found.payload_hash,
    target: found.target ?? undefined,
    nonce: found.nonce,
    status: open && found.expires_at <= context.now() ? 'expired' : found.status,
    createdAt: found.created_at,
    expiresAt: found.expires_at,
    decideBy: found.decide_by ?? undefined,
    decidedAt: found.decided_at ?? undefined,
    credentialId: found.credential_id ?? undefined,
    assertion:
      found.assertion === null ? undefined : assertionSchema.parse(JSON.parse(found.assertion)),
    attested:
      found.attested === null ? undefined : attestedSchema.parse(JSON.parse(found.attested)),
  };
}

/** As it is now. @throws Refusal 404 if there is none */
export function readConfirmation(context: Context, id: string): Confirmation {
  const row = context.store.get('select * from confirmations where id = $1', id);
  if (row === undefined) throw notFound();
  return toConfirmation(context, row);
}

export function confirmationsOfPayload(context: Context, payloadHash: string): Confirmation[] {
  return context.store
    .all('select * from confirmations where payload_hash = $1 order by created_at, id', payloadHash)
    .map((row) => toConfirmation(context, row));
}

/** What keys and runs are compared with. The rest of the facts was checked when the payload came in. */
const storedDeploySchema = z.object({
  schema: z.literal('deploy-approval/v1'),
  facts: z.object({
    repository: z.string(),
    repository_id: z.string().exactOptional(),
    service: z.string(),
    environment: z.string(),
    run_id: z.string(),
    run_attempt: z.string(),
  }),
});
export type StoredFacts = z.infer<typeof storedDeploySchema>['facts'];

/** The facts of a stored deploy payload; nothing for a payload of another tool. */
export function storedFacts(payload: unknown): StoredFacts | undefined {
  return storedDeploySchema.safeParse(payload).data?.facts;
}

/** When time alone changes the state. */
export function nextExpiry(confirmation: Confirmation): number {
  const open = confirmation.status === 'pending' || confirmation.status === 'approved';
  return open ? confirmation.expiresAt : Number.POSITIVE_INFINITY;
}

/** The answer of `GET /api/confirmations/:id`. */
export function toApi(confirmation: Confirmation): object {
  const { id, status, username, payload, payloadHash, nonce, expiresAt } = confirmation;
  return {
    id,
    status,
    username,
    payloadHash,
    nonce,
    payload,
    expiresAt: formatTime(expiresAt),
    ...(confirmation.assertion === undefined ? {} : { rawAssertion: confirmation.assertion }),
    ...(confirmation.decidedAt === undefined
      ? {}
      : { decidedAt: formatTime(confirmation.decidedAt) }),
  };
}
