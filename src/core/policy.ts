import type * as z from 'zod';
import { identifiers } from './fact-rules.ts';
import { documentHash } from './hash.ts';
import { JsonError, maxRecordBytes, parseJson } from './json.ts';
import { ownCopy } from './own-copy.ts';
import type { PinnedKey } from './passkeys.ts';
import {
  accountFaults,
  issuerFaults,
  passkeyFaults,
  relyingPartyFaults,
  type Placed,
} from './policy-faults.ts';
import {
  policyParts,
  type Account,
  type Policy,
  type WrittenServiceRule,
} from './policy-format.ts';
import { inPlaceOf } from './policy-rule.ts';
import { fieldPath, problemsOf } from './problems.ts';
import { ruleFaults, type AccountsByName } from './rule-faults.ts';
import type { Checked, Problem } from './verdict.ts';

export type { Policy } from './policy-format.ts';

/** SHA-256 of the policy's RFC 8785 form, 64 lower-case hex digits. */
export function policyHash(policy: Policy): string {
  return documentHash(policy);
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
    this.issuers(members.issuers);
    const accounts = this.approvers(members.approvers);
    this.environments(members.environments, accounts);
    return this.problems;
  }

  private issuers(value: unknown): void {
    const placed = listOf(value).map((issuer, index) => {
      const field = fieldPath(['issuers', index]);
      return { value: this.part(policyParts.issuer, issuer, field), field };
    });
    const sound = placed.flatMap(({ value, field }) =>
      value === undefined ? [] : { value, field },
    );
    this.problems.push(...issuerFaults(sound));
  }

  /** @returns the accounts of each person */
  private approvers(value: unknown): AccountsByName {
    const byName = new Map<string, readonly Account[]>();
    const accounts: Placed<Account>[] = [];
    const passkeys: Placed<PinnedKey>[] = [];
    for (const [person, entry] of this.entries(value, 'approvers')) {
      const field = fieldPath([person], 'approvers');
      this.part(policyParts.name, person, field);
      this.part(policyParts.approver, entry, field);
      const members = membersOf(entry);
      const owned: Account[] = [];
      for (const [index, account] of listOf(members?.accounts).entries()) {
        const place = fieldPath(['accounts', index], field);
        const sound = this.part(policyParts.account, account, place);
        if (sound !== undefined) accounts.push({ value: sound, field: place, person });
        // One with a fault of its own is there all the same.
        owned.push(sound ?? faultyAccount);
      }
      byName.set(person, owned);
      for (const [index, passkey] of listOf(members?.passkeys).entries()) {
        const place = fieldPath(['passkeys', index], field);
        const sound = this.part(policyParts.passkey, passkey, place);
        if (sound !== undefined) passkeys.push({ value: sound, field: place, person });
      }
    }
    this.problems.push(...accountFaults(accounts), ...passkeyFaults(passkeys));
    return byName;
  }

  private environments(value: unknown, accounts: AccountsByName): void {
    for (const [environment, entry] of this.entries(value, 'environments')) {
      const field = fieldPath([environment], 'environments');
      this.part(identifiers.environment, environment, field);
      const general = this.rule(policyParts.rule, entry, field);
      const faults = ruleFaults({ rule: general, field }, accounts);
      this.problems.push(...faults);
      const services = membersOf(membersOf(entry)?.services);
      if (services === undefined) continue;
      for (const [service, own] of this.entries(services, fieldPath(['services'], field))) {
        const place = fieldPath(['services', service], field);
        this.part(identifiers.service, service, place);
        const rule = inPlaceOf(general, this.rule(policyParts.serviceRule, own, place));
        const known = new Set(faults.map((fault) => relative(fault, field)));
        const more = ruleFaults({ rule, field: place }, accounts);
        this.problems.push(...more.filter((fault) => !known.has(relative(fault, place))));
      }
    }
  }

  /** The members of a rule that are sound by themselves, groups among them. */
  private rule(
    schema: typeof policyParts.rule | typeof policyParts.serviceRule,
    value: unknown,
    field: string,
  ): Partial<WrittenServiceRule> {
    this.part(schema, value, field);
    const members = membersOf(value) ?? {};
    const sound: Record<string, unknown> = {};
    for (const [name, member] of Object.entries(schema.shape)) {
      if (member.safeParse(members[name]).success) sound[name] = members[name];
    }
    if (sound.groups !== undefined) {
      const groupsField = fieldPath(['groups'], field);
      const groups = this.entries(sound.groups, groupsField).flatMap(([name, group]) => {
        const place = fieldPath([name], groupsField);
        this.part(policyParts.name, name, place);
        const value = this.part(policyParts.group, group, place);
        return value === undefined ? [] : [[name, value] as const];
      });
      sound.groups = Object.fromEntries(groups);
    }
    return sound;
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

/** Stands in for an account whose form is wrong: that there is none would be said besides. */
const faultyAccount: Account = { provider: '', id: '', login: '', emails: [] };

/** A fault of a rule without where the rule stands: what a service has from its environment is said once. */
function relative({ field, message }: Problem, place: string): string {
  return `${field.replace(place, '')} ${message.replaceAll(place, '')}`;
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return value as Readonly<Record<string, unknown>>;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
