import * as z from 'zod';
import { confirmationIdSchema, nonceSchema, payloadHashSchema } from './api.ts';
import { assertionSchema, type AssertionJson } from './assertion.ts';
import { time } from './fact-rules.ts';
import { checkJson, maxPayloadBytes, maxRecordBytes } from './json.ts';
import { ownCopy } from './own-copy.ts';
import { problemsOf } from './problems.ts';
import type { Checked } from './verdict.ts';

/** One person's answer to one confirmation. */
export interface Decision {
  /** The confirmation's UUID. */
  readonly id: string;
  /** The person, by the name of policy and service. */
  readonly approver: string;
  readonly decision: 'approved' | 'rejected';
  /** The 32 bytes that create answered, base64url; absent where the service gives none. */
  readonly nonce?: string;
  /** Stated by the service, not signed. */
  readonly decided_at: string;
  readonly assertion?: AssertionJson;
}

export interface Redemption {
  readonly state: 'pending' | 'redeemed' | 'run' | 'service';
  readonly redeemed_at?: string;
  readonly run_id?: string;
  readonly run_attempt?: string;
  readonly job?: string;
}

/** `approval-record/v1`: payload and evidence, all that an auditor needs (DESIGN 3.3). */
export interface ApprovalRecord {
  readonly schema: 'approval-record/v1';
  /** The text that was signed, its own RFC 8785 form. */
  readonly payload: string;
  readonly payload_hash: string;
  readonly policy_sha256?: string;
  readonly assurance: 'signature' | 'service';
  readonly redemption: Redemption;
  readonly decisions: readonly Decision[];
}

const decimal = z.string().regex(/^(?:0|[1-9][0-9]{0,19})$/, 'is not a decimal number');

/** The shape of `approval-record/v1`. */
export const recordSchema: z.ZodType<ApprovalRecord> = z.strictObject({
  schema: z.literal('approval-record/v1'),
  payload: z.string().min(2).max(maxPayloadBytes),
  payload_hash: payloadHashSchema,
  policy_sha256: payloadHashSchema.exactOptional(),
  assurance: z.enum(['signature', 'service']),
  redemption: z.strictObject({
    state: z.enum(['pending', 'redeemed', 'run', 'service']),
    redeemed_at: time.exactOptional(),
    run_id: decimal.exactOptional(),
    run_attempt: decimal.exactOptional(),
    job: z.string().min(1).max(255).exactOptional(),
  }),
  decisions: z
    .array(
      z.strictObject({
        id: confirmationIdSchema,
        approver: z.string().min(1).max(255),
        decision: z.enum(['approved', 'rejected']),
        nonce: nonceSchema.exactOptional(),
        decided_at: time,
        assertion: assertionSchema.exactOptional(),
      }),
    )
    .min(1, 'holds no decision')
    .max(100)
    .refine(
      (decisions) => new Set(decisions.map(({ id }) => id)).size === decisions.length,
      'names the same confirmation twice',
    ),
});

/** Checks a record's shape. What its evidence is worth, only `verifyApproval` says. */
export function checkRecord(value: unknown): Checked<ApprovalRecord> {
  const copy = ownCopy(value);
  const result = recordSchema.safeParse(copy);
  if (!result.success) return { ok: false, problems: problemsOf(result.error) };
  // The copy, not zod's output: its objects have no prototype that could add a member.
  return { ok: true, value: copy as ApprovalRecord };
}

/** Reads a record from text by the strict rules of DESIGN 3, at most 256 KiB. */
export function parseRecordText(text: string): Checked<ApprovalRecord> {
  const read = checkJson(text, { maxBytes: maxRecordBytes });
  return read.ok ? checkRecord(read.value) : read;
}
