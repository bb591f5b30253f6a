import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import { canonicalText } from '../core/canonical.ts';
import { tokenProviders, type TokenIssuer, type TokenProvider } from '../core/identity.ts';
import { formatTime } from '../core/time.ts';
import { namesSchema, type Scope } from './callers.ts';
import type { Context } from './context.ts';
import { notFound, Refusal } from './refusal.ts';

/** A repository whose jobs may ask by the token of their CI, for these services and environments. */
export const repositoryBodySchema = z.strictObject({
  provider: z.enum(tokenProviders),
  /** Ids are never given anew; names are (threat 24). */
  repositoryId: z.string().regex(/^[1-9][0-9]{0,19}$/, 'is the decimal id of a repository'),
  services: namesSchema,
  environments: namesSchema,
  note: z.string().max(500),
  /** Needed only where the service trusts several issuers of one provider. */
  issuer: z.string().max(255).exactOptional(),
});

export const repositoryAnswerSchema = z.object({ id: z.string() });

export const repositoriesSchema = z.object({
  repositories: z.array(
    z.object({
      id: z.string(),
      provider: z.enum(tokenProviders),
      issuer: z.string(),
      repositoryId: z.string(),
      services: z.array(z.string()),
      environments: z.array(z.string()),
      note: z.string(),
      createdAt: z.string(),
    }),
  ),
});

const rowSchema = z.object({
  id: z.string(),
  provider: z.enum(tokenProviders),
  issuer: z.string(),
  repository_id: z.string(),
  services: z.string(),
  environments: z.string(),
  note: z.string(),
  created_at: z.number(),
});
type Row = z.infer<typeof rowSchema>;

/** @throws Refusal 409 where it is on the list, 422 where the issuer is none of the service's */
export function addRepository(
  context: Context,
  body: z.infer<typeof repositoryBodySchema>,
): z.infer<typeof repositoryAnswerSchema> {
  const { issuer } = issuerFor(context.issuers.known, body);
  const id = randomBytes(8).toString('hex');
  const added = context.store.run(
    `insert into repositories (id, provider, issuer, repository_id, services, environments, note, created_at)
      values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (issuer, repository_id) do nothing`,
    id,
    body.provider,
    issuer,
    body.repositoryId,
    JSON.stringify(body.services),
    JSON.stringify(body.environments),
    body.note,
    context.now(),
  );
  if (added === 1) return { id };
  throw new Refusal(
    409,
    'already_listed',
    `Repository ${body.repositoryId} of ${issuer} is on the list. Remove it first to change what it may ask for.`,
  );
}

export function listRepositories(context: Context): z.infer<typeof repositoriesSchema> {
  const rows = context.store.all('select * from repositories order by created_at, id');
  return {
    repositories: rows.map((found) => {
      const row = rowSchema.parse(found);
      const { id, provider, issuer, note, repository_id: repositoryId } = row;
      const { services, environments } = scopeOf(row);
      const createdAt = formatTime(row.created_at);
      return { id, provider, issuer, repositoryId, services, environments, note, createdAt };
    }),
  };
}

/** From now on its tokens are refused. What they have asked for stays. @throws Refusal 404 */
export function removeRepository(context: Context, id: string): void {
  if (context.store.run('delete from repositories where id = $1', id) === 0) throw notFound();
}

/** What the jobs of a repository may ask for, if it is on the list. */
export function repositoryScope(
  context: Context,
  { issuer, repositoryId }: { readonly issuer: string; readonly repositoryId: string },
): { readonly scope: Scope; readonly scopeText: string } | undefined {
  const found = context.store.get(
    'select * from repositories where issuer = $1 and repository_id = $2',
    issuer,
    repositoryId,
  );
  if (found === undefined) return undefined;
  // One requester whatever the list says of its services: a change there must leave no older request open beside a newer one.
  const scopeText = canonicalText({ issuer, repository_id: repositoryId });
  return { scope: scopeOf(rowSchema.parse(found)), scopeText };
}

function scopeOf(row: Row): Scope {
  return {
    repositories: [row.repository_id],
    services: namesSchema.parse(JSON.parse(row.services)),
    environments: namesSchema.parse(JSON.parse(row.environments)),
  };
}

function issuerFor(
  known: readonly TokenIssuer[],
  { provider, issuer }: { readonly provider: TokenProvider; readonly issuer?: string },
): TokenIssuer {
  const ofProvider = known.filter((one) => one.provider === provider);
  const fitting = ofProvider.filter((one) => issuer === undefined || one.issuer === issuer);
  const [only] = fitting;
  if (only !== undefined && fitting.length === 1) return only;
  const trusted = ofProvider.map((one) => one.issuer).join(', ') || 'none';
  const message = `names none or more than one of the issuers of ${provider} that this service trusts (--oidc-issuer): ${trusted}`;
  throw new Refusal(422, 'unknown_issuer', `issuer ${message}.`, {
    problems: [{ field: 'issuer', message }],
  });
}
