import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import { canonicalText } from '../core/canonical.ts';
import { scopeSchema, type Caller, type Scope } from './callers.ts';
import type { Context } from './context.ts';
import { notFound, Refusal } from './refusal.ts';
import { fitsHash, hashToken, newToken } from './tokens.ts';

export const keyBodySchema = scopeSchema.extend({ note: z.string().max(500) });

const keyPattern = /^dw_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/;
const heldBy = { id: z.string(), secret_hash: z.string() };
const rowSchema = z.discriminatedUnion('kind', [
  z.object({ ...heldBy, kind: z.literal('admin') }),
  z.object({ ...heldBy, kind: z.literal('request'), scope: z.string() }),
]);
/** Compared with when there is no such key, so that the time tells nothing about which ids exist. */
const nobody = hashToken('');

/** Who holds this key. @throws Refusal 401 */
export function callerOfKey(context: Context, key: string): Caller {
  const [, id, secret] = keyPattern.exec(key) ?? [];
  const found =
    id === undefined
      ? undefined
      : context.store.get('select * from api_keys where id = $1 and revoked_at is null', id);
  const row = found === undefined ? undefined : rowSchema.parse(found);
  if (!fitsHash(secret ?? '', row?.secret_hash ?? nobody) || row === undefined) {
    throw new Refusal(401, 'unauthorized', 'The header X-Api-Key holds no key of this service.');
  }
  if (row.kind === 'admin') return { kind: 'admin' };
  const scope = scopeSchema.parse(JSON.parse(row.scope));
  return { kind: 'request', id: row.id, scope, scopeText: row.scope };
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
