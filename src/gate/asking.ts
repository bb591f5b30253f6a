import { createConfirmation } from '../client/confirmations.ts';
import type { ClientDependencies } from '../client/dependencies.ts';
import type { Asked } from '../client/wait.ts';
import { canonicalText } from '../core/canonical.ts';
import { Fault } from '../core/fault.ts';
import { fingerprint } from '../core/fingerprint.ts';
import { sha256Hex } from '../core/hash.ts';
import { payloadAction } from '../core/payload.ts';
import { formatTime } from '../core/time.ts';
import type { RequestInput, RequestPlan } from './request-plan.ts';

export interface AskedPerson extends Asked {
  /** The nonce that create answered, where it did. */
  readonly nonce: string | undefined;
}

interface Asking {
  readonly plan: RequestPlan;
  readonly input: RequestInput;
  readonly deps: ClientDependencies;
  /** Grows with each confirmation, so that a failure between two of them can withdraw the first. */
  readonly asked: AskedPerson[];
  /** Hears of each confirmation as soon as it exists, before anybody else does: whoever ends this process can then withdraw it. */
  readonly onAsked?: ((ids: readonly string[]) => void) | undefined;
}

/** Creates one confirmation for each person, all over the same payload, and says in the log where they decide. @throws Fault */
export async function askPeople({ plan, input, deps, asked, onAsked }: Asking): Promise<void> {
  const { facts, assurance, job } = input;
  for (const approver of plan.approvers) {
    const key = [facts.run_id, facts.run_attempt, job, plan.payloadHash, approver];
    const { id, url, nonce } = await createConfirmation(deps, {
      body: {
        username: approver,
        action: payloadAction(facts),
        payload: { ...plan.payload },
        // Ours, not among the documented calls.
        ...(assurance === 'signature' ? { decideBy: formatTime(plan.decideBy) } : {}),
      },
      payloadHash: plan.payloadHash,
      requestId: plan.payload.request_id,
      idempotencyKey: sha256Hex(canonicalText(key)),
    });
    if (asked.some((other) => other.id === id)) {
      throw new Fault(
        'service_misbehaved',
        `${deps.transport.host} gave request ${id} to two people. Look into the service before you ask again.`,
      );
    }
    asked.push({ id, approver, url, nonce });
    onAsked?.(asked.map((person) => person.id));
    // An answer that came in spite of an interruption: only now is it known what to withdraw.
    if (deps.signal.aborted) throw new Fault('interrupted', 'The request was interrupted.');
  }
  announce({ plan, input, deps, asked });
}

function announce({ plan, input, deps: { log }, asked }: Asking): void {
  log(
    `Approval request ${fingerprint(plan.payloadHash)} (payload hash ${plan.payloadHash}): decide by ${formatTime(plan.decideBy)}, deploy by ${plan.payload.expires_at}.`,
  );
  for (const { approver, url } of asked) log(`${approver} decides at ${url}`);
  if (plan.requesters.length > 0) {
    log(`Not asked, since the deploy was started by them: ${plan.requesters.join(', ')}.`);
  }
  if (input.assurance === 'service') {
    log('ASSURANCE: SERVICE. No signature will be checked; what the service says is believed.');
    return;
  }
  const origin = input.policy?.relying_party.origin;
  if (origin !== undefined && asked.some(({ url }) => new URL(url).origin !== origin)) {
    log(
      `Warning: the link is not at ${origin}, the relying party of the policy: a passkey used elsewhere will be refused.`,
    );
  }
}
