import * as z from 'zod';
import { circumstancesSchema } from './circumstances.ts';

/**
 * Every reason a run of the gate can end with, and the exit code of its process (DESIGN 3.6).
 * The set is closed: a code is added with a heading in `docs/TROUBLESHOOTING.md`, never renamed.
 */
export const exitCodes = {
  approved: 0,
  rejected: 10,
  expired: 11,
  cancelled: 11,
  superseded: 11,
  timed_out: 12,
  facts_mismatch: 20,
  payload_invalid: 21,
  evidence_invalid: 22,
  approver_untrusted: 22,
  self_approval: 22,
  quorum_unmet: 22,
  already_used: 23,
  service_unreachable: 30,
  service_unauthorized: 31,
  service_misbehaved: 32,
  configuration: 40,
  facts_uncollectable: 40,
  internal: 70,
  interrupted: 130,
} as const;

export type ReasonCode = keyof typeof exitCodes;
export type RefusalCode = Exclude<ReasonCode, 'approved'>;

const reasonCodes = Object.keys(exitCodes) as [ReasonCode, ...ReasonCode[]];

/**
 * One thing that is wrong with a document, a fact or an input. `field` is a path such as `facts.migration.files[0].path`; `line` and
 * `column`, from 1, say where in a file that is.
 */
const problemSchema = z.strictObject({
  field: z.string(),
  message: z.string(),
  line: z.int().min(1).exactOptional(),
  column: z.int().min(1).exactOptional(),
});
export type Problem = Readonly<z.infer<typeof problemSchema>>;

/** The answer of every `check…` function: a value that may be relied on, or all that is wrong with it. */
export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** One deploy fact with another value on each side; `null` where the fact is absent. */
const differenceSchema = z.strictObject({
  field: z.string(),
  signed: z.string().nullable(),
  final: z.string().nullable(),
});
export type Difference = Readonly<z.infer<typeof differenceSchema>>;

/**
 * What became of the one use of the approval: `redeemed` at the service, `run` where the policy binds it to the signed
 * run instead, `service` where a service is believed without signatures, `pending` before the verify step, `none` on a refusal.
 */
const redemptionStates = ['none', 'pending', 'redeemed', 'run', 'service'] as const;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

export const verdictSchema = z.strictObject({
  schema: z.literal('verdict/v1'),
  reason_code: z.enum(reasonCodes),
  exit_code: z.int(),
  message: z.string(),
  payload_hash: z.string().optional(),
  approvers: z.array(z.string()),
  differences: z.array(differenceSchema),
  problems: z.array(problemSchema),
  policy_sha256: z.string().optional(),
  assurance: z.enum(['signature', 'service']),
  redemption: z.enum(redemptionStates),
  /** Of an approval: what the rules of the policy were held to. Nobody signed it. */
  circumstances: circumstancesSchema.optional(),
  /** Only in a record folder: the SHA-256 of its files ({@link file://./record-files.ts}). */
  files: z
    .strictObject({
      'record.json': sha256,
      'facts.json': sha256,
      'policy.json': sha256.optional(),
      'verdict.json': sha256,
    })
    .optional(),
});

/** What the gate concludes. Only {@link file://./verify.ts} makes one whose `reason_code` is `approved`. */
export type Verdict = Readonly<
  Omit<z.infer<typeof verdictSchema>, 'approvers' | 'differences' | 'problems'>
> & {
  readonly approvers: readonly string[];
  readonly differences: readonly Difference[];
  readonly problems: readonly Problem[];
};

export interface RefusalDetails {
  readonly payload_hash?: string | undefined;
  readonly policy_sha256?: string | undefined;
  readonly differences?: readonly Difference[];
  readonly problems?: readonly Problem[];
  readonly assurance?: 'signature' | 'service';
}

/** A refusal. `message` is one or more sentences: what happened, with which values, and what to do next. */
export function refuse(code: RefusalCode, message: string, details: RefusalDetails = {}): Verdict {
  return {
    schema: 'verdict/v1',
    reason_code: code,
    exit_code: exitCodes[code],
    message,
    ...(details.payload_hash === undefined ? {} : { payload_hash: details.payload_hash }),
    approvers: [],
    differences: details.differences ?? [],
    problems: details.problems ?? [],
    ...(details.policy_sha256 === undefined ? {} : { policy_sha256: details.policy_sha256 }),
    assurance: details.assurance ?? 'signature',
    redemption: 'none',
  };
}
