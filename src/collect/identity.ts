import * as z from 'zod';
import type { Circumstances } from '../core/circumstances.ts';
import type { DeployFacts } from '../core/facts.ts';
import { Fault, listProblems } from '../core/fault.ts';
import {
  attestedPaths,
  identityAudience,
  identityProblems,
  jobClaims,
  keysUrl,
  type TokenIssuer,
} from '../core/identity.ts';
import type { JsonValue } from '../core/json.ts';
import { visible } from '../core/text.ts';
import { namedIssuer, verifyToken, type TokenClaims, type TokenKeys } from '../core/token.ts';
import type { Problem } from '../core/verdict.ts';
import { fetchJson, type Web } from './fetch-json.ts';
import type { JobTokens } from './job-token.ts';
import type { Environment } from './variables.ts';

/**
 * Has the forge say which job this is, and holds everything that was collected to that: a token of the job, signed by a pinned
 * issuer, fetched anew and never kept. Nothing where the job may not have one; whether it must is up to the policy.
 * @param issuers whose tokens are believed
 * @returns what is known by the token: the identity, and the kind of runner, which GitLab has no variable for
 * @throws Fault facts_uncollectable where there is no token that may be believed, facts_mismatch where it says something else
 */
export async function checkIdentity(options: {
  readonly facts: DeployFacts;
  readonly circumstances: Pick<Circumstances, 'provider' | 'trigger' | 'runner'>;
  readonly env: Environment;
  readonly issuers: readonly TokenIssuer[];
  readonly tokens: JobTokens | undefined;
  readonly web: Web;
  readonly now: () => number;
}): Promise<Pick<Circumstances, 'identity' | 'runner'>> {
  const { facts, circumstances, env, tokens, web, now } = options;
  const { provider } = circumstances;
  if (tokens?.provider !== provider) return {};
  const token = await tokens.mint(identityAudience);
  const issuer = pinnedIssuer(token, { ...options, provider });
  const keys = await publishedKeys(web, { provider, issuer });
  const checked = await verifyToken({
    ...{ token, issuer, keys, audience: identityAudience },
    now: now(),
  });
  if (!checked.ok) {
    throw new Fault(
      'facts_uncollectable',
      `The OIDC token of this job ${listProblems(checked.problems)}. ${tokenAdvice[provider]}`,
    );
  }
  const claims = checked.value;
  const problems = [
    ...identityProblems(provider, claims, facts, { otherCommit: true }),
    ...jobProblems(claims, { provider, circumstances, env }),
  ];
  if (problems.length > 0) throw differs(problems, claims);
  const { job_workflow_ref: file, runner } = jobClaims(provider, claims);
  const identity = {
    issuer,
    attested: [...attestedPaths(provider, claims, facts)],
    ...(typeof file === 'string' ? { job_workflow_ref: file } : {}),
  };
  return { identity, ...(typeof runner === 'string' && runner !== '' ? { runner } : {}) };
}

const tokenAdvice = {
  github: 'If the clock of this runner is right, run this again.',
  gitlab: `The job needs id_tokens: DEPLOY_WARRANT_ID_TOKEN with aud: ${identityAudience} (a list, if the service takes the token too), and a timeout that is not over yet.`,
} as const;

function pinnedIssuer(
  token: string,
  { issuers, provider }: { readonly issuers: readonly TokenIssuer[]; readonly provider: string },
): string {
  const named = namedIssuer(token);
  const believed = issuers.filter((one) => one.provider === provider).map(({ issuer }) => issuer);
  if (named !== undefined && believed.includes(named)) return named;
  const list = believed.length === 0 ? 'no issuer' : `only ${believed.join(', ')}`;
  throw new Fault(
    'facts_uncollectable',
    `The OIDC token of this job is of ${named === undefined ? 'no issuer' : `the issuer "${visible(named)}"`}, and ${list} is believed. A server of your own is named in the policy by "issuers".`,
  );
}

const keysSchema: z.ZodType<TokenKeys> = z.object({
  keys: z.array(z.record(z.string(), z.custom<JsonValue>())).min(1).max(100),
});

async function publishedKeys(web: Web, issuer: TokenIssuer): Promise<TokenKeys> {
  return fetchJson(web, {
    url: keysUrl(issuer),
    schema: keysSchema,
    what: 'Getting the keys that sign OIDC tokens',
    advice: 'Without them nobody can say which job this is. Run this again.',
  });
}

/** What the token says of the job beside the facts, against the variables. What either does not say is not compared. */
function jobProblems(
  claims: TokenClaims,
  job: {
    readonly provider: TokenIssuer['provider'];
    readonly circumstances: Pick<Circumstances, 'trigger' | 'runner'>;
    readonly env: Environment;
  },
): readonly Problem[] {
  const said = jobClaims(job.provider, claims);
  const commit = { github: 'GITHUB_SHA', gitlab: 'CI_COMMIT_SHA' }[job.provider];
  const pairs = [
    ['the event of the run', said.trigger, job.circumstances.trigger],
    ['the kind of runner', said.runner, job.circumstances.runner],
    // The deployed commit may be another one, if a rule allows that; the commit of the run is what it is.
    [commit, claims.sha, job.env[commit]],
  ] as const;
  return pairs.flatMap(([field, claim, variable]) => {
    if (claim === undefined || variable === undefined || claim === variable) return [];
    const shown = typeof claim === 'string' ? claim : JSON.stringify(claim);
    const message = `is "${visible(variable)}", but the token of this job says "${visible(shown)}"`;
    return [{ field, message }];
  });
}

/** Not to name an environment is no lie, but leaves the one fact unattested that decides about everything. */
function differs(problems: readonly Problem[], claims: TokenClaims): Fault {
  if (claims.environment === undefined && problems.every(({ field }) => field === 'environment')) {
    return new Fault(
      'facts_uncollectable',
      'The OIDC token of this job names no environment. Name it in the job of the workflow file (environment: …), so that the forge attests where this deploys.',
      { problems },
    );
  }
  return new Fault(
    'facts_mismatch',
    `What this job says of itself is not what the forge attests:\n${listProblems(problems)}\nCorrect the inputs; variables of the forge may be changed by no step.`,
    { problems },
  );
}
