import * as z from 'zod';
import { receivedAssertionSchema } from './assertion.ts';

/**
 * The approval service's API on the wire (DESIGN 3.5), for the client and for our service. Answers: unknown members
 * are ignored, known ones are strict, null means absent. Bodies that our service reads are closed.
 */

/** The states of a confirmation, a closed list: an unknown one is an error, not "keep waiting". */
export const confirmationStatuses = [
  'pending',
  'approved',
  'rejected',
  'expired',
  'cancelled',
  'superseded',
  'redeemed',
] as const;
export type ConfirmationStatus = (typeof confirmationStatuses)[number];

/** Ids are UUIDs in lower case, nothing looser: they are put into paths and compared as text. */
export const confirmationIdSchema = z
  .string()
  .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'is not a UUID in lower case');

export const payloadHashSchema = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'is not a SHA-256 in 64 lower-case hex digits');

/** 32 bytes in base64url: 43 characters, of which the last holds 4 bits. */
export const nonceSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/, 'is not 32 bytes in base64url');

/** Any RFC 3339 time in UTC; ours are whole seconds, another service may send fractions. */
const timeSchema = z.iso.datetime({ error: 'is not an RFC 3339 time in UTC' });

/** null means absent. */
const maybe = <T extends z.ZodType>(schema: T) =>
  schema.nullish().transform((value) => value ?? undefined);

const payloadObject = z.record(z.string(), z.unknown());

/** 201 (or 200) of `POST /api/confirmations`. `url` is where the approver decides. */
export const createAnswerSchema = z.object({
  id: confirmationIdSchema,
  url: z.url({ protocol: /^https?$/, error: 'is not an http or https URL' }),
  payloadHash: payloadHashSchema,
  expiresAt: timeSchema,
  nonce: maybe(nonceSchema),
});
export type CreateAnswer = z.infer<typeof createAnswerSchema>;

/** 200 of `GET /api/confirmations/:id`. `status` is a hint; only evidence makes an approval. */
export const confirmationSchema = z.object({
  id: confirmationIdSchema,
  status: z.enum(confirmationStatuses),
  payloadHash: payloadHashSchema,
  expiresAt: timeSchema,
  nonce: maybe(nonceSchema),
  payload: maybe(payloadObject),
  rawAssertion: maybe(receivedAssertionSchema),
  decidedAt: maybe(timeSchema),
  username: maybe(z.string().min(1).max(255)),
});
export type Confirmation = z.infer<typeof confirmationSchema>;

/** 201 or 200 of `POST /api/redemptions`. */
export const redemptionAnswerSchema = z.object({
  payloadHash: payloadHashSchema,
  redeemedAt: timeSchema,
});
export type RedemptionAnswer = z.infer<typeof redemptionAnswerSchema>;

/** 200 of `GET /api/deploys/latest`, an extension: the last redeemed deploy of a target; without members where there was none. */
export const latestDeploySchema = z.object({
  payload: maybe(payloadObject),
  payloadHash: maybe(payloadHashSchema),
  redeemedAt: maybe(timeSchema),
});

/** The body of every answer that is no success. */
export const errorSchema = z.object({
  code: z.string(),
  message: z.string(),
  problems: maybe(z.array(z.object({ field: z.string(), message: z.string() }))),
});

/** `POST /api/confirmations`. `decideBy` is our extension: shown on the page, never part of what is signed. */
export const createBodySchema = z.strictObject({
  username: z.string().min(1).max(255),
  action: z.string().min(1).max(500),
  payload: payloadObject,
  decideBy: timeSchema.exactOptional(),
});
export type CreateBody = z.infer<typeof createBodySchema>;

const decimal = z
  .string()
  .regex(/^(0|[1-9][0-9]*)$/, 'is not a decimal number without leading zeros');

/** `POST /api/redemptions`. `redemptionKey` is 32 random bytes in base64url, made by this verify process. */
export const redemptionBodySchema = z.strictObject({
  payloadHash: payloadHashSchema,
  redemptionKey: nonceSchema,
  runId: decimal.max(255),
  runAttempt: decimal.max(255),
  job: z.string().min(1).max(255),
});
export type RedemptionBody = z.infer<typeof redemptionBodySchema>;
