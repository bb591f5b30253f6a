import type * as z from 'zod';
import { identifiers } from './fact-rules.ts';
import { documentHash } from './hash.ts';
import { JsonError, maxRecordBytes, parseJson } from './json.ts';
import { ownCopy } from './own-copy.ts';
import type { PinnedKey } from './passkeys.ts';
import {
  accountFaults,
  passkeyFaults,
  relyingPartyFaults,
  ruleFaults,
  type Placed,
} from './policy-faults.ts';
import {
  policyParts,
  reservedRuleKeys,
  type Account,
  type Policy,
  type WrittenRule,
} from './policy-format.ts';
import { fieldPath, problemsOf } from './problems.ts';
import type { Checked, Problem } from './verdict.ts';

export type { Policy } from './policy-format.ts';

/** A rule with its defaults applied: what counts. */
export type EnvironmentRule = Required<WrittenRule>;

/** SHA-256 of the policy's RFC 8785 form, 64 lower-case hex digits. */
export function policyHash(policy: Policy): string {
  return documentHash(policy);
}

/** The rule of exactly this environment with its defaults; undefined where the policy does not name it. */
export function environmentRule(policy: Policy, environment: string): EnvironmentRule | undefined {
  if (!Object.hasOwn(policy.environments, environment)) return undefined;
  // Own members only: a missing one is the default, whatever Object.prototype may say.
  const written = ownCopy(policy.environments[environment]) as WrittenRule;
  const quorum = written.quorum ?? 1;
  return {
    approvers: written.approvers,
    quorum,
    quorum_if_destructive: written.quorum_if_destructive ?? quorum,
    max_age_minutes: written.max_age_minutes ?? 60,
    self_approval: written.self_approval ?? false,
    rerun: written.rerun ?? 'never',
    redemption: written.redemption ?? 'required',
    require_oidc: written.require_oidc ?? false,
    required_facts: written.required_facts ?? [],
    assurance: written.assurance ?? 'signature',
  };
}

/** Reads a policy from text by the strict rules of DESIGN 3, at most 256 KiB. */
export function parsePolicyText(text: string): Checked<Policy> {
  try {
    return checkPolicy(parseJson(text, { maxBytes: maxRecordBytes }));
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return { ok: false, problems: [{ field: '', message: error.message }] };
  }
}

/** Checks a policy by DESIGN 3.4 and answers every fault at once. */
export function checkPolicy(value: unknown): Checked<Policy> {
  const document = ownCopy(value);
  const problems = new PolicyCheck().run(document);
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, value: document as Policy };
}

/** Collects the faults of each part, and the parts that are sound by themselves for the checks between them. */
class PolicyCheck {
  private readonly problems: Problem[] = [];

  run(value: unknown): readonly Problem[] {
    this.part(policyParts.document, value, '');
    const members = membersOf(value);
    if (members === undefined) return this.problems;
    const party = this.part(policyParts.relyingParty, members.relying_party, 'relying_party');
    if (party !== undefined) this.problems.push(...relyingPartyFaults(party));
    const accounts = this.approvers(members.approvers);
    this.environments(members.environments, accounts);
    return this.problems;
  }

  /** @returns how many accounts each named person has */
  private approvers(value: unknown): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    const accounts: Placed<Account>[] = [];
    const passkeys: Placed<PinnedKey>[] = [];
    for (const [person, entry] of this.entries(value, 'approvers')) {
      const field = fieldPath([person], 'approvers');
      this.part(policyParts.name, person, field);
      this.part(policyParts.approver, entry, field);
      const members = membersOf(entry);
      counts.set(person, listOf(members?.accounts).length);
      for (const [index, account] of listOf(members?.accounts).entries()) {
        const place = fieldPath(['accounts', index], field);
        const sound = this.part(policyParts.account, account, place);
        if (sound !== undefined) accounts.push({ value: sound, field: place, person });
      }
      for (const [index, passkey] of listOf(members?.passkeys).entries()) {
        const place = fieldPath(['passkeys', index], field);
        const sound = this.part(policyParts.passkey, passkey, place);
        if (sound !== undefined) passkeys.push({ value: sound, field: place, person });
      }
    }
    this.problems.push(...accountFaults(accounts), ...passkeyFaults(passkeys));
    return counts;
  }

  private environments(value: unknown, accounts: ReadonlyMap<string, number>): void {
    for (const [environment, entry] of this.entries(value, 'environments')) {
      const field = fieldPath([environment], 'environments');
      this.part(identifiers.environment, environment, field);
      const written = membersOf(entry);
      const reserved = Object.keys(written ?? {}).filter((key) => reservedRuleKeys.has(key));
      for (const key of reserved) {
        this.problems.push({
          field: fieldPath([key], field),
          message: 'is reserved for a later version and guards nothing yet; remove it',
        });
      }
      const known = Object.entries(written ?? {}).filter(([key]) => !reservedRuleKeys.has(key));
      const rule = this.part(
        policyParts.rule,
        written === undefined ? entry : ownCopy(Object.fromEntries(known)),
        field,
      );
      if (rule !== undefined) this.problems.push(...ruleFaults({ value: rule, field }, accounts));
    }
  }

  /** The members of a table by name, of which there has to be at least one. */
  private entries(value: unknown, field: string): readonly [string, unknown][] {
    const members = membersOf(value);
    if (members === undefined) {
      const message = value === undefined ? 'is missing' : 'must be an object';
      this.problems.push({ field, message });
    }
    const entries = Object.entries(members ?? {});
    if (members !== undefined && entries.length === 0) {
      this.problems.push({ field, message: 'must not be empty' });
    }
    return entries;
  }

  /** The part itself, not zod's copy of it, which would have a prototype; no schema here changes anything. */
  private part<S extends z.ZodType>(
    schema: S,
    value: unknown,
    field: string,
  ): z.output<S> | undefined {
    const result = schema.safeParse(value);
    if (result.success) return value as z.output<S>;
    this.problems.push(...problemsOf(result.error, field));
    return undefined;
  }
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return value as Readonly<Record<string, unknown>>;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
