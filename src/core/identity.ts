import { identifiers } from './fact-rules.ts';
import type { DeployFacts } from './facts.ts';
import { visible } from './text.ts';
import type { TokenClaims } from './token.ts';
import type { Problem } from './verdict.ts';

/** Whose tokens tell of a job: the makers that this project knows the claims of. */
export const tokenProviders = ['github', 'gitlab'] as const;
export type TokenProvider = (typeof tokenProviders)[number];

/** An issuer whose tokens are believed about the jobs of its provider. */
export interface TokenIssuer {
  readonly provider: TokenProvider;
  /** Exactly as its tokens say it (`iss`). */
  readonly issuer: string;
}

/** The issuers of the public forges, where nobody names others. */
export const publicIssuers: readonly TokenIssuer[] = [
  { provider: 'github', issuer: 'https://token.actions.githubusercontent.com' },
  { provider: 'gitlab', issuer: 'https://gitlab.com' },
];

/** The audience of a token that only says which job this is: it opens nothing. */
export const identityAudience = 'deploy-warrant';

/** Where an issuer publishes its keys. Known for each provider, so that no answer decides whom to ask next. */
export function keysUrl({ provider, issuer }: TokenIssuer): string {
  const path = { github: '/.well-known/jwks', gitlab: '/oauth/discovery/keys' }[provider];
  return `${issuer}${path}`;
}

type Read = (claims: TokenClaims) => unknown;

interface Attestation {
  readonly fact: string;
  readonly read: Read;
  /** Not every version of the forge says it. */
  readonly optional?: true;
}

const claim =
  (name: string): Read =>
  (claims) =>
    Object.hasOwn(claims, name) ? claims[name] : undefined;

/**
 * Which claim says which fact.
 * GitHub: https://docs.github.com/actions/reference/security/oidc#oidc-token-claims
 * GitLab: https://docs.gitlab.com/ci/secrets/id_token_authentication/#token-payload
 * `sub` is for cloud roles: its form can be changed by whoever administers the repository, so it is never read.
 */
const attestations: Readonly<Record<TokenProvider, readonly Attestation[]>> = {
  github: [
    { fact: 'environment', read: claim('environment') },
    { fact: 'server', read: githubServer, optional: true },
    { fact: 'repository', read: claim('repository') },
    { fact: 'repository_id', read: claim('repository_id') },
    { fact: 'ref', read: claim('ref') },
    { fact: 'commit', read: claim('sha') },
    { fact: 'workflow', read: claim('workflow_ref'), optional: true },
    { fact: 'workflow_sha', read: claim('workflow_sha'), optional: true },
    { fact: 'actor.login', read: claim('actor') },
    { fact: 'actor.id', read: claim('actor_id') },
    { fact: 'run_id', read: claim('run_id') },
    { fact: 'run_attempt', read: claim('run_attempt') },
  ],
  gitlab: [
    { fact: 'environment', read: claim('environment') },
    { fact: 'server', read: claim('iss') },
    { fact: 'repository', read: claim('project_path') },
    { fact: 'repository_id', read: claim('project_id') },
    { fact: 'ref', read: gitlabRef },
    { fact: 'commit', read: claim('sha') },
    { fact: 'workflow', read: claim('ci_config_ref_uri'), optional: true },
    { fact: 'workflow_sha', read: claim('ci_config_sha'), optional: true },
    { fact: 'actor.login', read: claim('user_login') },
    { fact: 'actor.id', read: claim('user_id') },
    { fact: 'run_id', read: claim('pipeline_id') },
  ],
};

/** The facts that a token says too, by their paths (`environment`, `actor.id`), with what it says. */
export function attestedFacts(
  provider: TokenProvider,
  claims: TokenClaims,
): ReadonlyMap<string, string> {
  const attested = new Map<string, string>();
  for (const { fact, read } of attestations[provider]) {
    const value = read(claims);
    if (typeof value === 'string' && value !== '') attested.set(fact, value);
  }
  return attested;
}

/** The paths of those facts that a token says too, and says the same. */
export function attestedPaths(
  provider: TokenProvider,
  claims: TokenClaims,
  facts: DeployFacts,
): readonly string[] {
  const attested = [...attestedFacts(provider, claims)];
  return attested.filter(([path, said]) => factAt(facts, path) === said).map(([path]) => path);
}

/**
 * Every difference between what a token says of a job and the facts of a deploy; none, where all agrees. A token that does not
 * name an environment attests none, which is a difference too. Facts are compared as they stand, ids and names alike.
 * @param otherCommit whether the deploy may be of another commit than the run's event; `commit` is then not compared
 */
export function identityProblems(
  provider: TokenProvider,
  claims: TokenClaims,
  facts: DeployFacts,
  { otherCommit }: { readonly otherCommit: boolean },
): readonly Problem[] {
  const problems: Problem[] = [];
  const mergeRequest = provider === 'gitlab' && isMergeRequest(claims);
  for (const { fact, read, optional } of attestations[provider]) {
    if (fact === 'commit' && otherCommit) continue;
    if (fact === 'ref' && mergeRequest) {
      const message = `is "${visible(facts.ref)}", but the token of this job is that of a merge request`;
      if (!facts.ref.startsWith('refs/merge-requests/')) problems.push({ field: fact, message });
      continue;
    }
    const said = read(claims);
    const given = factAt(facts, fact);
    if (said === undefined) {
      if (optional !== true) problems.push({ field: fact, message: unsaid(fact) });
    } else if (given === undefined) {
      // What the deploy does not say can't be a lie; but an id must be there, for names are given away again (threat 24).
      if (fact === 'repository_id') problems.push({ field: fact, message: 'is missing' });
    } else if (said !== given) {
      const message = `is "${visible(given)}", but the token of this job says ${quoted(said)}`;
      problems.push({ field: fact, message });
    }
  }
  const { job_workflow_ref: file } = jobClaims(provider, claims);
  if (file !== undefined && !identifiers.workflow.safeParse(file).success) {
    const message = `of the token must be printable ASCII of at most 255 characters, not ${quoted(file)}`;
    problems.push({ field: 'job_workflow_ref', message });
  }
  return problems;
}

/** What a token says of a job beside the facts, in the provider's words. */
export interface JobClaims {
  /** The event that started the run. */
  readonly trigger: unknown;
  /** Whose machine runs the job, such as `github-hosted`. */
  readonly runner: unknown;
  /** GitHub only: the file that holds the job, which is another than `workflow` where a workflow calls another. */
  readonly job_workflow_ref: unknown;
}

export function jobClaims(provider: TokenProvider, claims: TokenClaims): JobClaims {
  const trigger = provider === 'github' ? 'event_name' : 'pipeline_source';
  return {
    trigger: claim(trigger)(claims),
    runner: claim('runner_environment')(claims),
    job_workflow_ref: provider === 'github' ? claim('job_workflow_ref')(claims) : undefined,
  };
}

/** The forge behind an issuer of GitHub's, where the issuer is of a known form: an id of one forge is nothing at another. */
function githubServer({ iss }: TokenClaims): string | undefined {
  if (/^https:\/\/token\.actions\.githubusercontent\.com(\/[^/]+)?$/.test(iss)) {
    return 'https://github.com';
  }
  const tenant = /^https:\/\/token\.actions\.([a-z0-9-]+\.ghe\.com)$/.exec(iss)?.[1];
  if (tenant !== undefined) return `https://${tenant}`;
  return /^(https:\/\/[^/]+)\/_services\/token$/.exec(iss)?.[1];
}

/**
 * GitLab names a branch or a tag, and says which of them it is. Of a merge request it names the source branch, which may be that
 * of a fork and attests nothing.
 */
function gitlabRef(claims: TokenClaims): string | undefined {
  if (isMergeRequest(claims)) return undefined;
  const [ref, type] = [claim('ref')(claims), claim('ref_type')(claims)];
  if (typeof ref !== 'string' || ref === '') return undefined;
  if (type === 'branch') return `refs/heads/${ref}`;
  return type === 'tag' ? `refs/tags/${ref}` : undefined;
}

function isMergeRequest(claims: TokenClaims): boolean {
  return claim('pipeline_source')(claims) === 'merge_request_event';
}

/** Only what the facts themselves hold: a prototype says nothing of a deploy. */
function factAt(facts: DeployFacts, path: string): string | undefined {
  return path
    .split('.')
    .reduce<unknown>(
      (value, name) => Object.getOwnPropertyDescriptor(value, name)?.value,
      facts,
    ) as string | undefined;
}

function unsaid(fact: string): string {
  return fact === 'environment'
    ? 'is not in the token of this job: the job has to name its environment in the workflow file'
    : 'is not in the token of this job';
}

function quoted(value: unknown): string {
  return `"${visible(typeof value === 'string' ? value : JSON.stringify(value))}"`;
}
