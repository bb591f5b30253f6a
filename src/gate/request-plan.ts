import { canonicalText } from '../core/canonical.ts';
import type { Changes } from '../core/changes.ts';
import type { Circumstances } from '../core/circumstances.ts';
import type { DeployFacts } from '../core/facts.ts';
import { sha256Hex } from '../core/hash.ts';
import { buildPayload, type ApprovalPayload } from '../core/payload.ts';
import type { Policy } from '../core/policy.ts';
import { environmentRule, type EnvironmentRule } from '../core/policy-rule.ts';
import { approversToAsk, type ToAsk } from './approvers.ts';
import type { GateDependencies } from './dependencies.ts';
import { requestMinutes } from './minutes.ts';
import { ruleFor } from './rule.ts';

export interface RequestInput {
  /** Already collected. */
  readonly facts: DeployFacts;
  readonly policy?: Policy | undefined;
  /** What is known of the job beside the facts; a rule that asks for what is not known refuses. */
  readonly circumstances?: Circumstances | undefined;
  /** Names as in policy and service; empty: all whom the policy lists for the environment. Without a policy each named one must approve. */
  readonly approvers: readonly string[];
  readonly reason?: string | undefined;
  /** What is new since the last deploy; signed and shown, never compared. */
  readonly changes?: Changes | undefined;
  /** Undefined: 30, or less where the policy's maximum asks for it. */
  readonly waitMinutes?: number | undefined;
  /** Undefined: 60, or the policy's maximum if that is less. */
  readonly validMinutes?: number | undefined;
  readonly assurance: 'signature' | 'service';
  /** The job's name and index: two gate steps of a run are two requests. */
  readonly job: string;
  /** An existing folder in which a new record folder is made when the outcome is approved; absent: none is written. */
  readonly recordParent?: string | undefined;
}

/** All that is known, and refused, before the service is asked anything. */
export interface RequestPlan extends ToAsk {
  readonly payload: ApprovalPayload;
  /** The RFC 8785 form: what is signed. */
  readonly payloadText: string;
  readonly payloadHash: string;
  /** Epoch milliseconds. */
  readonly decideBy: number;
}

/** Refuses what can be refused before the service is asked anything: whom to ask, and for how long. @throws Fault */
export function checkRequest(input: RequestInput): void {
  const { facts, policy } = input;
  const rule = policy && environmentRule(policy, facts);
  // That there is no rule is for `ruleFor` to say.
  if (policy !== undefined && rule === undefined) return;
  whomToAsk(input, rule);
}

function whomToAsk(input: RequestInput, rule: EnvironmentRule | undefined) {
  const { facts, policy, circumstances } = input;
  const authors = circumstances?.commit_authors ?? [];
  const given = { wait: input.waitMinutes, valid: input.validMinutes };
  return {
    toAsk: approversToAsk({ named: input.approvers, facts, policy, rule, authors }),
    minutes: requestMinutes(given, rule?.max_age_minutes),
  };
}

/** @throws Fault */
export function planRequest(
  input: RequestInput,
  { now, randomBytes }: Pick<GateDependencies, 'now' | 'randomBytes'>,
): RequestPlan {
  const { facts, policy, reason, changes, circumstances } = input;
  const requestedAt = now();
  // Without a policy a request ends at what people answered, and no more is promised than where a service is believed.
  const assurance = policy === undefined ? 'service' : input.assurance;
  const rule = ruleFor({ policy, facts, assurance, circumstances, now: requestedAt });
  const { toAsk, minutes } = whomToAsk(input, rule);
  const payload = buildPayload({
    facts,
    requestId: Buffer.from(randomBytes(16)).toString('hex'),
    requestedAt,
    expiresAt: requestedAt + minutes.valid * 60_000,
    reason,
    changes,
  });
  const payloadText = canonicalText(payload);
  return {
    ...toAsk,
    payload,
    payloadText,
    payloadHash: sha256Hex(payloadText),
    decideBy: requestedAt + minutes.wait * 60_000,
  };
}
