import { receivedAssertionSchema } from '../core/assertion.ts';
import { canonicalText } from '../core/canonical.ts';
import { Fault } from '../core/fault.ts';
import { sha256Hex } from '../core/hash.ts';
import type { Policy } from '../core/policy.ts';
import type { ApprovalRecord, Decision } from '../core/record.ts';
import { visible } from '../core/text.ts';
import { formatTime } from '../core/time.ts';
import type { StatedConfirmation } from '../client/confirmations.ts';

export type Assurance = 'signature' | 'service';

/** A record before anybody decided. */
export function emptyRecord(
  assurance: Assurance,
  payload = '',
  policySha256?: string,
): ApprovalRecord {
  return {
    schema: 'approval-record/v1',
    payload,
    payload_hash: sha256Hex(payload),
    ...(policySha256 === undefined ? {} : { policy_sha256: policySha256 }),
    assurance,
    redemption: { state: 'pending' },
    decisions: [],
  };
}

/**
 * What the service states about one confirmation, as a decision of the record. Nothing is judged here; an assertion of
 * another form than W3C's is left out, so that it proves nothing.
 */
export function decisionOf(
  confirmation: StatedConfirmation,
  known: {
    readonly decision: Decision['decision'];
    /** Who was asked; where that is not known, whom the service names, or else whose passkey it is. */
    readonly approver?: string | undefined;
    /** The nonce that create answered. */
    readonly nonce?: string | undefined;
    readonly policy?: Policy | undefined;
    /** Epoch milliseconds, where the service gives no time. */
    readonly now: number;
  },
): Decision {
  const assertion = receivedAssertionSchema.safeParse(confirmation.rawAssertion);
  const nonce = known.nonce ?? confirmation.nonce;
  const owner = assertion.success ? ownerOf(assertion.data.id, known.policy) : undefined;
  const { decidedAt } = confirmation;
  return {
    id: confirmation.id,
    approver: known.approver ?? confirmation.username ?? owner ?? 'unknown',
    decision: known.decision,
    ...(nonce === undefined ? {} : { nonce }),
    decided_at: formatTime(decidedAt === undefined ? known.now : Date.parse(decidedAt)),
    ...(assertion.success ? { assertion: assertion.data } : {}),
  };
}

function ownerOf(credentialId: string, policy: Policy | undefined): string | undefined {
  return Object.entries(policy?.approvers ?? {}).find(([, { passkeys }]) =>
    passkeys.some(({ id }) => id === credentialId),
  )?.[0];
}

/**
 * The text that was signed, from the payload that the service gives, in our own canonical form and checked against its hash.
 * @throws Fault `evidence_invalid` without a payload, `service_misbehaved` when it has another hash
 */
export function payloadTextOf(confirmation: StatedConfirmation, host: string): string {
  const { id, payload, payloadHash } = confirmation;
  const request = `request ${visible(id)}`;
  if (payload === undefined) {
    throw new Fault(
      'evidence_invalid',
      `${host} says that ${request} is approved, but not what was approved. Pass the record of the request step instead of approval-id, or ask for a new approval.`,
    );
  }
  const text = canonicalText(payload);
  const hash = sha256Hex(text);
  if (hash !== payloadHash) {
    throw new Fault(
      'service_misbehaved',
      `${host} gives a payload of ${request} that has the hash ${hash}, not ${payloadHash} as it says. The service changed the payload: do not work around it, ask for a new approval.`,
    );
  }
  return text;
}
