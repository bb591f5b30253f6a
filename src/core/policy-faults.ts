import { decodeBase64url } from './base64url.ts';
import { readPinnedKey, type PinnedKey } from './passkeys.ts';
import type { Account, Issuer, RelyingParty } from './policy-format.ts';
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
  const isLocal = isLocalhost(url);
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
  const handles = new Map<string, Placed<unknown>>();
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
    problems.push(
      ...another(handles, handle, { ...placed, field: `${field}.user_handle` }, 'the user handle'),
    );
  }
  return problems;
}

/** An account is one person's, and so is an address. Logins and addresses are compared as forges do, without case. */
export function accountFaults(accounts: readonly Placed<Account>[]): Problem[] {
  const ids = new Map<string, string>();
  const logins = new Map<string, string>();
  const addresses = new Map<string, Placed<unknown>>();
  return accounts.flatMap(({ value: { provider, id, login, emails = [] }, field, person }) => [
    ...twice(ids, JSON.stringify([provider, id]), `${field}.id`, 'the same account'),
    ...twice(
      logins,
      JSON.stringify([provider, login.toLowerCase()]),
      `${field}.login`,
      'the same account',
    ),
    ...emails.flatMap((email, index) => {
      const at = fieldPath(['emails', index], field);
      const placed = { value: email, field: at, person };
      return another(addresses, email.toLowerCase(), placed, 'the address');
    }),
  ]);
}

/** Tokens are believed by the keys that this address serves, so that it has to be one that nobody else can answer for. */
export function issuerFaults(issuers: readonly Omit<Placed<Issuer>, 'person'>[]): Problem[] {
  const seen = new Map<string, string>();
  return issuers.flatMap(({ value: { issuer }, field }) => {
    const at = `${field}.issuer`;
    const url = URL.canParse(issuer) ? new URL(issuer) : undefined;
    const plain = url !== undefined && `${url.origin}${url.pathname}`.replace(/\/$/, '') === issuer;
    const secure = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLocalhost(url));
    if (plain && secure) return twice(seen, issuer, at, 'the same issuer');
    const message =
      'must be the issuer as its tokens write it: https:// (http:// only for localhost), without a slash at the end';
    return [{ field: at, message }];
  });
}

function isLocalhost({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '127.0.0.1';
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

/** As {@link twice}, for what one person may have more than once. */
function another(
  seen: Map<string, Placed<unknown>>,
  value: string,
  placed: Placed<unknown>,
  what: string,
): readonly Problem[] {
  const first = seen.get(value) ?? placed;
  seen.set(value, first);
  if (first.person === placed.person) return [];
  return [{ field: placed.field, message: `is ${what} of another person, at ${first.field}` }];
}
