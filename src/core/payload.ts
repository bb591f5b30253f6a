import * as z from 'zod';
import { canonicalText } from './canonical.ts';
import { changesSchema, type Changes } from './changes.ts';
import { checkDocument } from './document.ts';
import { text, time } from './fact-rules.ts';
import { problemsBetweenFacts, deployFactsSchema, type DeployFacts } from './facts.ts';
import { Fault, listProblems } from './fault.ts';
import { checkJson, maxPayloadBytes } from './json.ts';
import { formatTime } from './time.ts';
import type { Checked, Problem } from './verdict.ts';

/** The shape of `deploy-approval/v1`. {@link checkPayload} adds the rules between values and the size. */
export const payloadSchema = z.strictObject({
  schema: z.literal('deploy-approval/v1'),
  request_id: z.string().regex(/^[0-9a-f]{32}$/, 'must be 32 lower-case hex digits'),
  facts: deployFactsSchema,
  requested_at: time,
  expires_at: time,
  context: z.strictObject({
    reason: text.exactOptional(),
    changes: changesSchema.exactOptional(),
  }),
});

/** What is signed: the facts, the time they may be deployed in, and the requester's words (DESIGN 3.2). */
export interface ApprovalPayload {
  readonly schema: 'deploy-approval/v1';
  /** 32 random hex digits, by the requester. */
  readonly request_id: string;
  readonly facts: DeployFacts;
  readonly requested_at: string;
  /** Deploy by. */
  readonly expires_at: string;
  /** Signed and shown, never compared. */
  readonly context: { readonly reason?: string; readonly changes?: Changes };
}

/** Every problem of a value that should be `deploy-approval/v1`, or the payload. */
export function checkPayload(value: unknown): Checked<ApprovalPayload> {
  const checked = checkDocument<ApprovalPayload>(value, payloadSchema, problemsBetween);
  if (!checked.ok) return checked;
  const bytes = new TextEncoder().encode(canonicalText(checked.value)).byteLength;
  if (bytes <= maxPayloadBytes) return checked;
  const message = `is too large: ${bytes} bytes, the limit is ${maxPayloadBytes}; deploy fewer migration files at once`;
  return { ok: false, problems: [{ field: '', message }] };
}

const anyObject = z.looseObject({});

function problemsBetween(value: unknown): Problem[] {
  const payload = anyObject.safeParse(value).data ?? {};
  const problems = problemsBetweenFacts(payload.facts).map(({ field, message }) => ({
    field: `facts.${field}`,
    message,
  }));
  const [from, to] = [time.safeParse(payload.requested_at), time.safeParse(payload.expires_at)];
  // Times in our form are in order as text.
  if (from.success && to.success && to.data <= from.data) {
    problems.push({ field: 'expires_at', message: 'must be later than requested_at' });
  }
  const { changes } = anyObject.safeParse(payload.context).data ?? {};
  const { since, deployed_at: deployedAt } = anyObject.safeParse(changes).data ?? {};
  if (since === undefined && deployedAt !== undefined) {
    const message = 'must stand beside since, the commit that was deployed then';
    problems.push({ field: 'context.changes.deployed_at', message });
  }
  return problems;
}

/** The payload of a stored or received text, which must be strict JSON and its own RFC 8785 form (DESIGN 3.2). */
export function parsePayloadText(payloadText: string): Checked<ApprovalPayload> {
  const read = checkJson(payloadText, { maxBytes: maxPayloadBytes });
  if (!read.ok) return read;
  const checked = checkPayload(read.value);
  if (!checked.ok || canonicalText(checked.value) === payloadText) return checked;
  const message = 'is not in its canonical form (RFC 8785): other bytes than these were signed';
  return { ok: false, problems: [{ field: '', message }] };
}

/**
 * The payload for checked facts. Times are epoch milliseconds.
 * @throws Fault `payload_invalid` with every problem
 */
export function buildPayload(options: {
  readonly facts: DeployFacts;
  readonly requestId: string;
  readonly requestedAt: number;
  readonly expiresAt: number;
  readonly reason?: string | undefined;
  readonly changes?: Changes | undefined;
}): ApprovalPayload {
  const { reason, changes } = options;
  const checked = checkPayload({
    schema: 'deploy-approval/v1',
    request_id: options.requestId,
    facts: options.facts,
    requested_at: formatTime(options.requestedAt),
    expires_at: formatTime(options.expiresAt),
    context: {
      ...(reason === undefined ? {} : { reason }),
      ...(changes === undefined ? {} : { changes }),
    },
  });
  if (checked.ok) return checked.value;
  const { problems } = checked;
  throw new Fault(
    'payload_invalid',
    `These deploy facts can't be put to a person:\n${listProblems(problems)}`,
    { problems },
  );
}

/** What the approver is asked to allow, derived from the facts on both sides of the API (DESIGN 3.5). */
export function payloadAction(facts: Pick<DeployFacts, 'service' | 'environment'>): string {
  return `Deploy ${facts.service} to ${facts.environment}`;
}
