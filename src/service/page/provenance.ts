import { at, pathText, type Json, type Path } from './leaves.ts';

/** What a CI's signed token says too, as the service found when it checked that token. Nobody signs this. */
export interface Attested {
  readonly by: 'GitHub' | 'GitLab';
  readonly issuer: string;
  /** Paths below `facts`, such as `environment` and `actor.id`. */
  readonly fields: readonly string[];
  readonly jobWorkflowRef: string | undefined;
}

/** How a fact is known, the strongest first. */
export const sources = ['attested', 'computed', 'told', 'declared'] as const;
export type Source = (typeof sources)[number];

/**
 * What a gate works out from the checked-out files, and once more before the deploy: the proof that they are the commit's, and the
 * hashes of the migration's files.
 */
const computed = /^(?:commit|left_out|migration\.files)(?:[.[]|$)/;
/** What a gate finds in the SQL of those files; a migration of another kind is not analysed. */
const computedFromSql = /^migration\.(?:destructive|statements)(?:\[|$)/;
/** What a gate takes from the variables of its job, rather than from the workflow's inputs. */
const told =
  /^(?:server|repository|repository_id|ref|workflow|workflow_sha|run_id|run_attempt|actor(?:\..+)?)$/;

/**
 * How the fact at a path of the payload is known; undefined for what is no fact. What this page does not know is `declared`, which
 * promises nothing.
 */
export function sourceOf(
  path: Path,
  payload: Json,
  attested: Attested | undefined,
): Source | undefined {
  if (path[0] !== 'facts') return undefined;
  const fact = pathText(path.slice(1));
  if (attested?.fields.includes(fact) === true) return 'attested';
  if (computed.test(fact)) return 'computed';
  const isSql = at(payload, 'facts', 'migration', 'kind') === 'sql';
  if (isSql && computedFromSql.test(fact)) return 'computed';
  return told.test(fact) ? 'told' : 'declared';
}

/** The mark of a fact, in words. */
export function markText(source: Source, attested: Attested | undefined): string {
  switch (source) {
    case 'attested':
      return `attested by ${String(attested?.by)}`;
    case 'computed':
      return 'computed on the runner';
    case 'told':
      return 'told by the runner';
    case 'declared':
      return 'declared';
  }
}

/** What a mark means, in a line. It promises only what the gate and this service themselves check. */
export function markMeaning(source: Source, attested: Attested | undefined): string {
  switch (source) {
    case 'attested':
      return `a token signed by ${String(attested?.by)} says the same`;
    case 'computed':
      return 'the gate works it out again before the deploy, and stops if it differs';
    case 'told':
      return 'what the run says of itself; nobody vouches for it';
    case 'declared':
      return 'what the workflow says; no machine checks it';
  }
}
