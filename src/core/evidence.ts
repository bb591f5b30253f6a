import type { AssertionJson } from './assertion.ts';
import { authorAmong } from './authors.ts';
import { decodeBase64url } from './base64url.ts';
import { approvalChallenge, nonceBytes, rejectionChallenge } from './challenge.ts';
import type { DeployFacts } from './facts.ts';
import { listProblems } from './fault.ts';
import type { PinnedKey } from './passkeys.ts';
import type { EnvironmentRule } from './policy-rule.ts';
import type { Account, Policy } from './policy-format.ts';
import type { Decision } from './record.ts';
import { visible } from './text.ts';
import type { Objection } from './objection.ts';
import type { Problem } from './verdict.ts';
import { checkCeremony, checkKey, statedChallenge } from './webauthn.ts';

/** For whom a decision counts, or why it counts for nobody: the objections in the order of DESIGN 5. */
type Judgement =
  | { readonly ok: true; readonly person: string }
  | { readonly ok: false; readonly objections: readonly Objection[] };

export interface DecisionContext {
  readonly policy: Policy;
  readonly rule: EnvironmentRule;
  readonly payloadHash: string;
  /** The facts whose requesters may not approve: the signed ones and, in a re-run, the final ones too. */
  readonly requestedBy: readonly DeployFacts[];
  /** Of the commits since the last deploy, as far as they are known. */
  readonly authors: readonly { readonly email: string }[];
}

/** A passkey of the policy and the person it belongs to. */
interface Pinned {
  readonly key: PinnedKey;
  readonly person: string;
  readonly accounts: readonly Account[];
}

/** Steps 7 to 11 for one approval: who signed exactly this payload. */
export function judgeApproval(decision: Decision, context: DecisionContext): Judgement {
  const { assertion } = decision;
  const who = visible(decision.approver);
  if (assertion === undefined) {
    const message = `The service says that ${who} approved, but gives no signature. A status is no evidence.`;
    const advice = 'Ask for a new approval, and look into the service if this happens again.';
    return { ok: false, objections: [{ code: 'evidence_invalid', message, advice }] };
  }
  const { policy } = context;
  // Steps 7 to 9.
  const ceremony = checkCeremony({
    assertion,
    challenge: approvalChallenge(nonceOf(decision), context.payloadHash),
    origin: policy.relying_party.origin,
    rpId: policy.relying_party.id,
  });
  const badCeremony = ceremony.ok ? [] : [badEvidence(who, ceremony.problems)];
  // Step 10.
  const pinned = findPinned(policy, assertion.id);
  if (pinned === undefined) {
    const message = `${who} approved with the passkey ${visible(assertion.id, 40)}, which the policy does not pin.`;
    const advice = `If it really is ${who}'s, add it to the policy (deploy-warrant policy) and ask again.`;
    return {
      ok: false,
      objections: [...badCeremony, { code: 'approver_untrusted', message, advice }],
    };
  }
  // Steps 10 (user handle) and 11.
  const signature = checkKey({ assertion, key: pinned.key });
  const objections = [
    ...badCeremony,
    ...personObjections(decision, pinned, context),
    ...(signature.ok ? [] : [badEvidence(who, signature.problems)]),
  ];
  return objections.length === 0 ? { ok: true, person: pinned.person } : { ok: false, objections };
}

/** Whether a rejection is signed by the named person; an unsigned one counts too, but is told as hearsay. */
export function isSignedRejection(
  decision: Decision,
  { policy, payloadHash }: Pick<DecisionContext, 'policy' | 'payloadHash'>,
): boolean {
  const { assertion } = decision;
  if (assertion === undefined) return false;
  const pinned = findPinned(policy, assertion.id);
  if (pinned?.person !== decision.approver) return false;
  const ceremony = checkCeremony({
    assertion,
    challenge: rejectionChallenge(nonceOf(decision), payloadHash),
    origin: policy.relying_party.origin,
    rpId: policy.relying_party.id,
  });
  return ceremony.ok && checkKey({ assertion, key: pinned.key }).ok;
}

/**
 * The nonce that create answered. Where the service gave none, any will do: it is the one in the challenge that was
 * signed, and the rest of the challenge is compared with it.
 */
function nonceOf({ nonce, assertion }: Decision): Uint8Array {
  const stated =
    nonce === undefined ? assertion && statedChallenge(assertion) : decodeBase64url(nonce);
  // Too short a challenge fails the comparison, whatever it is compared with.
  return stated === undefined || stated.length < nonceBytes
    ? new Uint8Array(nonceBytes)
    : stated.subarray(0, nonceBytes);
}

function findPinned(policy: Policy, credentialId: AssertionJson['id']): Pinned | undefined {
  for (const [person, { accounts, passkeys }] of Object.entries(policy.approvers)) {
    const key = passkeys.find(({ id }) => id === credentialId);
    if (key !== undefined) return { key, person, accounts };
  }
  return undefined;
}

/** Step 10: it is the person whom the service names, who may approve, and neither asked for the deploy nor wrote it. */
function* personObjections(
  decision: Decision,
  { person, accounts }: Pinned,
  { rule, requestedBy, authors }: DecisionContext,
): Generator<Objection> {
  const who = visible(decision.approver);
  if (person !== decision.approver) {
    yield {
      code: 'approver_untrusted',
      message: `The service says that ${who} approved, but the passkey is ${person}'s.`,
      advice: 'Ask for a new approval, and look into the service if this happens again.',
    };
  }
  if (!rule.approvers.includes(person)) {
    yield {
      code: 'approver_untrusted',
      message: `${person} may not approve for this environment; the policy names ${rule.approvers.join(', ')}.`,
      advice: 'Ask one of them.',
    };
  }
  const others = rule.approvers.filter((name) => name !== person);
  const advice = `Ask ${others.length > 0 ? others.join(' or ') : 'for another approver in the policy'}.`;
  const requester = rule.self_approval ? undefined : requesterAmong(accounts, requestedBy);
  if (requester !== undefined) {
    yield {
      code: 'self_approval',
      message: `${person} approved a deploy that they asked for themselves, as ${visible(requester)}.`,
      advice,
    };
  }
  const author = rule.not_by_commit_authors ? authorAmong(accounts, authors) : undefined;
  if (author !== undefined) {
    yield {
      code: 'self_approval',
      message: `${person} approved a deploy of commits that they wrote themselves, as ${visible(author)} (not_by_commit_authors).`,
      advice,
    };
  }
}

/** The account by which a person asked for the deploy: started the run or started it again. */
function requesterAmong(
  accounts: readonly Account[],
  requestedBy: readonly DeployFacts[],
): string | undefined {
  for (const { actor } of requestedBy) {
    for (const { provider, id, login } of accounts) {
      if (actor.id === id || actor.id === `${provider}:${id}`)
        return `${actor.login} (${actor.id})`;
      // Forges compare logins without case.
      if (sameLogin(actor.login, login)) return actor.login;
      const rerunBy = actor.triggered_by;
      if (rerunBy !== undefined && sameLogin(rerunBy, login)) return rerunBy;
    }
  }
  return undefined;
}

function sameLogin(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function badEvidence(who: string, problems: readonly Problem[]): Objection {
  return {
    code: 'evidence_invalid',
    message: `${who}'s signature is no approval of this deploy: ${listProblems(problems)}.`,
    advice: 'Ask for a new approval.',
    details: { problems },
  };
}
