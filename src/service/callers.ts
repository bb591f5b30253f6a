import * as z from 'zod';
import type { TokenIssuer } from '../core/identity.ts';
import type { TokenClaims } from '../core/token.ts';
import type { StoredFacts } from './confirmation-rows.ts';
import { Refusal } from './refusal.ts';

/** Exact names, or `["*"]` for all. */
export const namesSchema = z.array(z.string().min(1).max(255)).min(1).max(1000);

/** What a requester may ask for. A repository is named by `owner/name` or by its id. */
export const scopeSchema = z.strictObject({
  repositories: namesSchema,
  services: namesSchema,
  environments: namesSchema,
});
export type Scope = z.infer<typeof scopeSchema>;

/** Who asks, reads, withdraws and redeems: the holder of a request key, or a job by the token of its CI. */
export interface Requester {
  readonly kind: 'request';
  /** Of the key or of the repository: what its Idempotency-Keys and its pace are counted by. */
  readonly id: string;
  readonly scope: Scope;
  /** The scope as text: two keys with the same one are the same requester to the supersede rule. */
  readonly scopeText: string;
  /** Nothing for a key. */
  readonly token?: CallerToken;
}

export interface CallerToken {
  readonly issuer: TokenIssuer;
  readonly repositoryId: string;
  readonly claims: TokenClaims;
}

/** Who calls. An admin key administers and nothing else. Nobody decides by a key or a token. */
export type Caller = { readonly kind: 'admin' } | Requester;

/** @throws Refusal 403 */
export function requireAdmin(caller: Caller): void {
  if (caller.kind !== 'admin') {
    throw new Refusal(403, 'forbidden', 'This call needs an admin key; this is who may ask only.');
  }
}

/** @throws Refusal 403 */
export function requireRequester(caller: Caller): Requester {
  if (caller.kind === 'request') return caller;
  throw new Refusal(
    403,
    'forbidden',
    'An admin key makes keys and invites and nothing else. Make a request key for this call.',
  );
}

/** The facts that a scope is about. */
export type ScopedFacts = Pick<
  StoredFacts,
  'repository' | 'repository_id' | 'service' | 'environment'
>;

/**
 * Whether a requester may see and use what these facts are about; a payload of another tool (no facts) needs a key for
 * everything. A job has its repository by id alone, and an id means nothing at another forge.
 * @param attestedBy the issuer that has attested the facts, if one has
 */
export function covers(
  { scope, token }: Requester,
  facts: ScopedFacts | undefined,
  attestedBy?: string,
): boolean {
  const holds = (list: readonly string[], ...values: readonly (string | undefined)[]): boolean =>
    list.includes('*') || values.some((value) => value !== undefined && list.includes(value));
  const isTheirs =
    token === undefined
      ? holds(scope.repositories, facts?.repository, facts?.repository_id)
      : facts?.repository_id === token.repositoryId &&
        (attestedBy === undefined || attestedBy === token.issuer.issuer);
  return (
    isTheirs &&
    holds(scope.services, facts?.service) &&
    holds(scope.environments, facts?.environment)
  );
}
