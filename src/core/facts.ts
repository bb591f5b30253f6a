import * as z from 'zod';
import { identifiers, oneOf, text } from './fact-rules.ts';
import { checkDocument } from './document.ts';
import type { Checked, Problem } from './verdict.ts';

const migrationFileSchema = z.strictObject({
  path: identifiers.migrationPath,
  sha256: identifiers.sha256,
});

const migrationMembers = {
  command: text,
  files: z.array(migrationFileSchema).min(1, 'must name at least one file'),
  statements: z.array(text).min(1, 'must not be empty; leave it out instead').exactOptional(),
};

/** The shape of `deploy-facts/v1` and the rules of each single value. {@link checkFacts} adds those between values. */
export const deployFactsSchema = z.strictObject({
  schema: z.literal('deploy-facts/v1'),
  service: identifiers.service,
  environment: identifiers.environment,
  region: identifiers.target.exactOptional(),
  account: identifiers.target.exactOptional(),
  tenant: identifiers.target.exactOptional(),
  cluster: identifiers.target.exactOptional(),
  server: identifiers.server.exactOptional(),
  repository: identifiers.repository,
  repository_id: identifiers.id.exactOptional(),
  ref: identifiers.ref,
  commit: identifiers.commit,
  left_out: z
    .strictObject({ count: identifiers.count, sha256: identifiers.sha256 })
    .exactOptional(),
  digest: identifiers.digest.exactOptional(),
  workflow: identifiers.workflow.exactOptional(),
  workflow_sha: identifiers.commit.exactOptional(),
  actor: z.strictObject({
    login: identifiers.login,
    id: identifiers.id,
    type: oneOf(['agent', 'human', 'pipeline', 'service-account']),
    triggered_by: identifiers.login.exactOptional(),
  }),
  run_id: identifiers.decimal,
  run_attempt: identifiers.decimal,
  migration: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('none') }),
    z.strictObject({ kind: z.literal('sql'), destructive: z.boolean(), ...migrationMembers }),
    z.strictObject({ kind: z.literal('other'), destructive: z.boolean(), ...migrationMembers }),
  ]),
  rollback: z.strictObject({
    kind: oneOf(['version', 'command', 'runbook']),
    value: identifiers.rollbackValue,
    note: text.exactOptional(),
  }),
});

type DeepReadonly<T> = T extends readonly (infer U)[]
  ? readonly DeepReadonly<U>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

/** What is about to run (DESIGN 3.1). */
export type DeployFacts = DeepReadonly<z.infer<typeof deployFactsSchema>>;

/** Whether the migration takes something away that a rollback can't bring back; `other` always counts. */
export function isDestructive(facts: Pick<DeployFacts, 'migration'>): boolean {
  const { migration } = facts;
  return migration.kind === 'other' || (migration.kind === 'sql' && migration.destructive);
}

/** Every problem of a value that should be `deploy-facts/v1`, or the facts (DESIGN 3.1). A problem never holds a secret. */
export function checkFacts(value: unknown): Checked<DeployFacts> {
  return checkDocument<DeployFacts>(value, deployFactsSchema, problemsBetweenFacts);
}

/** Rules between values. They look at whatever is there, so that they are reported along with all other problems. */
export function problemsBetweenFacts(value: unknown): Problem[] {
  const facts = shape.safeParse(value).data;
  return facts === undefined ? [] : [...rollbackProblems(facts), ...migrationProblems(facts)];
}

const maybeText = z.string().optional().catch(undefined);
/** Only what the rules between values need, and forgiving: each member is there or not, of whatever the rest is. */
const shape = z.object({
  commit: maybeText,
  rollback: z.object({ value: maybeText }).catch({}),
  migration: z
    .object({
      kind: maybeText,
      destructive: z.boolean().optional().catch(undefined),
      statements: z.array(z.unknown()).optional().catch(undefined),
      files: z.array(z.object({ path: maybeText }).catch({})).catch([]),
    })
    .catch({ files: [] }),
});
type Shape = z.infer<typeof shape>;

/** A rollback to the commit being deployed is none; neither is an abbreviation of it. */
function rollbackProblems({ commit, rollback }: Shape): Problem[] {
  const target = rollback.value?.toLowerCase();
  if (commit === undefined || target === undefined) return [];
  if (target.length < 7 || !commit.startsWith(target)) return [];
  const message = 'must not be the commit that is being deployed; name the version to go back to';
  return [{ field: 'rollback.value', message }];
}

function migrationProblems({ migration }: Shape): Problem[] {
  const problems: Problem[] = [];
  const { kind, destructive, statements, files } = migration;
  if (kind === 'other' && destructive === false) {
    const message = 'must be true: a migration of kind "other" can\'t be analysed';
    problems.push({ field: 'migration.destructive', message });
  }
  if (kind === 'sql' && destructive === false && statements !== undefined) {
    const message =
      'must not be there: these are what makes a migration destructive, and this one says it is not';
    problems.push({ field: 'migration.statements', message });
  }
  const seen = new Map<string, number>();
  for (const [index, { path }] of files.entries()) {
    if (path === undefined) continue;
    const first = seen.get(path);
    if (first === undefined) seen.set(path, index);
    else {
      const message = `must be another file than migration.files[${first}].path`;
      problems.push({ field: `migration.files[${index}].path`, message });
    }
  }
  return problems;
}
