import * as z from 'zod';
import { Fault } from '../core/fault.ts';
import type { TokenProvider } from '../core/identity.ts';
import { maxTokenLength } from '../core/token.ts';
import { fetchJson, type Web } from './fetch-json.ts';
import { isSet, type Environment } from './variables.ts';

/** How a job gets tokens that say which job it is. */
export interface JobTokens {
  readonly provider: TokenProvider;
  /** A token for this audience, fresh where the forge makes one for each asking. @throws Fault facts_uncollectable */
  readonly mint: (audience: string, signal?: AbortSignal) => Promise<string>;
}

/** The variable of a GitLab job that holds its ID token. */
const gitlabTokenVariable = 'DEPLOY_WARRANT_ID_TOKEN';

/** What a job gets its tokens with: the address of GitHub's runner and the secret for it, or the token that GitLab gave. */
type Means =
  | { readonly provider: 'github'; readonly url: string; readonly secret: string }
  | { readonly provider: 'gitlab'; readonly token: string };

function meansOf(env: Environment): Means | undefined {
  if (env.GITHUB_ACTIONS === 'true') {
    const { ACTIONS_ID_TOKEN_REQUEST_URL: url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: secret } = env;
    return isSet(url) && isSet(secret) ? { provider: 'github', url, secret } : undefined;
  }
  const token = env[gitlabTokenVariable];
  return env.GITLAB_CI === 'true' && isSet(token) ? { provider: 'gitlab', token } : undefined;
}

/** Whose tokens this job may have, if any. */
export function tokenProviderOf(env: Environment): TokenProvider | undefined {
  return meansOf(env)?.provider;
}

/**
 * The tokens of this job, or nothing where it may not have any.
 * @param mask called with every token before it is used, so that a log can hide it
 */
export function jobTokens(
  env: Environment,
  options: { readonly web: Web; readonly mask?: ((secret: string) => void) | undefined },
): JobTokens | undefined {
  const means = meansOf(env);
  if (means === undefined) return undefined;
  const { web, mask } = options;
  return {
    provider: means.provider,
    mint: async (audience, signal = web.signal) => {
      const token =
        means.provider === 'github'
          ? await askRunner(means, audience, { ...web, signal })
          : means.token;
      mask?.(token);
      return token;
    },
  };
}

const tokenSchema = z.object({ value: z.string().min(1).max(maxTokenLength) });

/** GitHub's runner hands tokens out: https://docs.github.com/actions/reference/security/oidc#methods-for-requesting-the-oidc-token */
async function askRunner(
  { url, secret }: { readonly url: string; readonly secret: string },
  audience: string,
  web: Web,
): Promise<string> {
  const base = runnerUrl(url);
  const answer = await fetchJson(web, {
    // The address has a query of its own already, which is left as it is.
    url: `${base}${base.includes('?') ? '&' : '?'}audience=${encodeURIComponent(audience)}`,
    secret,
    schema: tokenSchema,
    what: 'Getting the OIDC token of this job',
    advice:
      'Run this again; if it keeps failing, look at the status of GitHub and at the proxy of the runner.',
  });
  return answer.value;
}

/** The runner's own secret is sent there. @throws Fault facts_uncollectable */
function runnerUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const local = url !== undefined && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  const safe = url?.protocol === 'https:' || (url?.protocol === 'http:' && local);
  if (safe && url.username === '' && url.password === '' && !text.includes('#')) return text;
  throw new Fault(
    'facts_uncollectable',
    'The variable ACTIONS_ID_TOKEN_REQUEST_URL is not an https:// address. GitHub sets it for the job; let no step change it.',
  );
}
