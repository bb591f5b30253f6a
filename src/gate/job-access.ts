import { setTimeout as sleep } from 'node:timers/promises';
import { exchange } from '../client/exchange.ts';
import type { Web } from '../collect/fetch-json.ts';
import { jobTokens, tokenProviderOf, type JobTokens } from '../collect/job-token.ts';

/** What this process may ask the job's forge for. */
export interface JobAccess {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly web: Web;
  /** Absent where the job may not have tokens. */
  readonly tokens: JobTokens | undefined;
}

/** The way to the forge of this job, over the same bounded requests as to the approval service. */
export function openJob(options: {
  readonly env: JobAccess['env'];
  readonly signal: AbortSignal;
  /** Hides a secret in the log, before it is used. */
  readonly mask?: ((secret: string) => void) | undefined;
}): JobAccess {
  const { env, signal, mask } = options;
  const web: Web = {
    get: (request) => exchange({ ...request, method: 'GET' }),
    sleep: (ms, until) => sleep(ms, undefined, { signal: until }),
    random: () => Math.random(),
    signal,
  };
  return { env, web, tokens: jobTokens(env, { web, mask }) };
}

/** Whether the job may have tokens, which can take the place of an API key. */
export function mayHaveTokens(env: JobAccess['env']): boolean {
  return tokenProviderOf(env) !== undefined;
}
