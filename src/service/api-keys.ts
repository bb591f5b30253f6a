import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import type { DeployFacts } from '../core/facts.ts';
import { canonicalText } from '../core/canonical.ts';
import type { Context } from './context.ts';
import { notFound, Refusal } from './refusal.ts';
import { fitsHash, hashToken, newToken } from './tokens.ts';

const names = z.array(z.string().min(1).max(255)).min(1).max(1000);

/** What a request key may ask for: exact names, or `["*"]` for all. A repository is named by `owner/name` or by its id. */
const scopeSchema = z.strictObject({
  repositories: names,
  services: names,
  environments: names,
});
export type Scope = z.infer<typeof scopeSchema>;

export const keyBodySchema = scopeSchema.extend({ note: z.string().max(500) });

/** Who calls. An admin key administers and nothing else; a request key asks, reads, withdraws and redeems. Neither decides. */
export type Caller =
  | { readonly kind: 'admin'; readonly keyId: string }
  | {
      readonly kind: 'request';
      readonly keyId: string;
      readonly scope: Scope;
      /** The scope as text: two keys with the same one are the same requester to the supersede rule. */
      readonly scopeText: string;
    };
export type Requester = Extract<Caller, { kind: 'request' }>;

const keyPattern = /^dw_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/;
const rowSchema = z.object({
  id: z.string(),
  secret_hash: z.string(),
  kind: z.enum(['admin', 'request']),
  scope: z.string().nullable(),
});
/** Compared with when there is no such key, so that the time tells nothing about which ids exist. */
const nobody = hashToken('');

/** @throws Refusal 401 */
export function authenticate(context: Context, header: unknown): Caller {
  const [, id, secret] = keyPattern.exec(typeof header === 'string' ? header : '') ?? [];
  const found =
    id === undefined
      ? undefined
      : context.store.get('select * from api_keys where id = $1 and revoked_at is null', id);
  const row = found === undefined ? undefined : rowSchema.parse(found);
  if (!fitsHash(secret ?? '', row?.secret_hash ?? nobody) || row === undefined) {
    throw new Refusal(401, 'unauthorized', 'The header X-Api-Key holds no key of this service.');
  }
  if (row.kind === 'admin') return { kind: 'admin', keyId: row.id };
  const scope = scopeSchema.parse(JSON.parse(row.scope ?? ''));
  return { kind: 'request', keyId: row.id, scope, scopeText: row.scope ?? '' };
}

/** @throws Refusal 403 */
export function requireAdmin(caller: Caller): void {
  if (caller.kind !== 'admin') {
    throw new Refusal(403, 'forbidden', 'This call needs an admin key; this one is a request key.');
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

type ScopedFacts = Pick<DeployFacts, 'repository' | 'service' | 'environment'> & {
  readonly repository_id?: string;
};

/** Whether a key may see and use what these facts are about; a payload of another tool (no facts) needs a key for everything. */
export function covers(scope: Scope, facts: ScopedFacts | undefined): boolean {
  const holds = (list: readonly string[], ...values: readonly (string | undefined)[]): boolean =>
    list.includes('*') || values.some((value) => value !== undefined && list.includes(value));
  return (
    holds(scope.repositories, facts?.repository, facts?.repository_id) &&
    holds(scope.services, facts?.service) &&
    holds(scope.environments, facts?.environment)
  );
}

/** Makes a key; the answer is the only place where it is ever shown. */
export function createKey(
  context: Context,
  o: { readonly note: string; readonly scope: Scope | 'admin' },
): { readonly id: string; readonly key: string } {
  const id = randomBytes(8).toString('hex');
  const secret = newToken();
  context.store.run(
    'insert into api_keys (id, secret_hash, kind, note, scope, created_at) values ($1, $2, $3, $4, $5, $6)',
    id,
    hashToken(secret),
    o.scope === 'admin' ? 'admin' : 'request',
    o.note,
    o.scope === 'admin' ? null : scopeText(o.scope),
    context.now(),
  );
  return { id, key: `dw_${id}_${secret}` };
}

/** @throws Refusal 404 */
export function revokeKey(context: Context, id: string): void {
  const changed = context.store.run(
    'update api_keys set revoked_at = $2 where id = $1 and revoked_at is null',
    id,
    context.now(),
  );
  if (changed === 0) throw notFound();
}

function scopeText(scope: Scope): string {
  const sorted = (list: readonly string[]): string[] => [...new Set(list)].sort();
  return canonicalText({
    repositories: sorted(scope.repositories),
    services: sorted(scope.services),
    environments: sorted(scope.environments),
  });
}
