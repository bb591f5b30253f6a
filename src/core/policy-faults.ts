import { decodeBase64url } from './base64url.ts';
import { readPinnedKey, type PinnedKey } from './passkeys.ts';
import type { Account, RelyingParty, WrittenRule } from './policy-format.ts';
import { fieldPath } from './problems.ts';
import type { Problem } from './verdict.ts';

/** A part of the policy whose shape is right, with its place and, where it belongs to a person, their name. */
export interface Placed<T> {
  readonly value: T;
  readonly field: string;
  readonly person: string;
}

const domainName = /^([a-z0-9_-]+\.)*[a-z][a-z0-9_-]*$/;

/** The origin is one that passkeys work on, and the RP id its host or a domain above it (WebAuthn Level 3 section 5.1.3). */
export function relyingPartyFaults({ id, origin }: RelyingParty): Problem[] {
  const url = URL.canParse(origin) ? new URL(origin) : undefined;
  if (url?.origin !== origin || !domainName.test(url.hostname)) {
    const message =
      'must be an origin as browsers write it, with a domain name, such as https://approve.example.com';
    return [{ field: 'relying_party.origin', message }];
  }
  const problems: Problem[] = [];
  const host = url.hostname;
  const isLocal = host === 'localhost' || host.endsWith('.localhost');
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLocal)) {
    const message = 'must begin with https:// (http:// only for localhost)';
    problems.push({ field: 'relying_party.origin', message });
  }
  // A browser refuses a top-level domain too; here it is caught before anybody enrols.
  const isAbove = host.endsWith(`.${id}`) && domainName.test(id) && (id.includes('.') || isLocal);
  if (id !== host && !isAbove) {
    const message = `must be the host of the origin, ${host}, or a domain that it is in`;
    problems.push({ field: 'relying_party.id', message });
  }
  return problems;
}

/** Each passkey is usable by itself, and belongs to one person: a quorum counts people, and a key is who somebody is. */
export function passkeyFaults(passkeys: readonly Placed<PinnedKey>[]): Problem[] {
  const problems: Problem[] = [];
  const ids = new Map<string, string>();
  const keys = new Map<string, string>();
  const handles = new Map<string, Placed<PinnedKey>>();
  for (const placed of passkeys) {
    const { value, field } = placed;
    const key = readPinnedKey(value);
    if (typeof key === 'string') problems.push({ field: `${field}.public_key`, message: key });
    if (decodeBase64url(value.id) === undefined) {
      problems.push({ field: `${field}.id`, message: 'is not the plain base64url of its bytes' });
    }
    problems.push(
      ...twice(ids, value.id, `${field}.id`, 'the same credential id'),
      ...twice(keys, value.public_key, `${field}.public_key`, 'the same public key'),
    );
    const handle = value.user_handle;
    if (handle === undefined) continue;
    if (decodeBase64url(handle) === undefined) {
      problems.push({
        field: `${field}.user_handle`,
        message: 'is not the plain base64url of its bytes',
      });
    }
    const first = handles.get(handle);
    if (first === undefined) handles.set(handle, placed);
    else if (first.person !== placed.person) {
      problems.push({
        field: `${field}.user_handle`,
        message: `is the user handle of another person, at ${first.field}`,
      });
    }
  }
  return problems;
}

/** An account is one person's. Logins are compared as forges do, without case. */
export function accountFaults(accounts: readonly Placed<Account>[]): Problem[] {
  const ids = new Map<string, string>();
  const logins = new Map<string, string>();
  return accounts.flatMap(({ value: { provider, id, login }, field }) => [
    ...twice(ids, JSON.stringify([provider, id]), `${field}.id`, 'the same account'),
    ...twice(
      logins,
      JSON.stringify([provider, login.toLowerCase()]),
      `${field}.login`,
      'the same account',
    ),
  ]);
}

function twice(
  seen: Map<string, string>,
  value: string,
  field: string,
  what: string,
): readonly Problem[] {
  const first = seen.get(value);
  if (first === undefined) {
    seen.set(value, field);
    return [];
  }
  return [{ field, message: `is ${what} as at ${first}` }];
}

/**
 * The rule can be met and guards what it says.
 * @param accounts how many accounts each person of the policy has, by name
 */
export function ruleFaults(
  { value: rule, field }: Omit<Placed<WrittenRule>, 'person'>,
  accounts: ReadonlyMap<string, number>,
): Problem[] {
  const problems: Problem[] = [];
  const people = new Set<string>();
  for (const [index, name] of rule.approvers.entries()) {
    const at = fieldPath(['approvers', index], field);
    const known = accounts.get(name);
    if (people.has(name)) problems.push({ field: at, message: `names ${name} twice` });
    else if (known === undefined) {
      problems.push({ field: at, message: `names ${name}, who is not among the approvers` });
    } else if (known === 0 && rule.self_approval !== true) {
      problems.push({
        field: `approvers.${name}.accounts`,
        message: `must name ${name}'s account (provider, id, login), or self-approval can't be seen; or allow it in ${field} by "self_approval": true`,
      });
    }
    people.add(name);
  }
  const quorum = rule.quorum ?? 1;
  for (const key of ['quorum', 'quorum_if_destructive'] as const) {
    const needed = rule[key];
    if (needed !== undefined && needed > people.size) {
      problems.push({
        field: `${field}.${key}`,
        message: `asks for ${needed} people, but the rule names ${people.size}`,
      });
    }
  }
  if (rule.quorum_if_destructive !== undefined && rule.quorum_if_destructive < quorum) {
    problems.push({
      field: `${field}.quorum_if_destructive`,
      message: `must not be below the quorum of ${quorum}`,
    });
  }
  return problems;
}
