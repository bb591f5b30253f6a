import { setTimeout as sleep } from 'node:timers/promises';
import { backOffMs, pause } from '../client/retry.ts';
import type { DeployFacts } from '../core/facts.ts';
import { reasonOf } from '../core/reason.ts';

export interface CommitStatus {
  readonly state: 'pending' | 'success' | 'failure';
  readonly description: string;
  /** The approval page. */
  readonly url: string;
}

const maxDescriptionLength = 140;
/** A slow GitHub holds the gate up for no longer than this; a runner that stops the step leaves it ten seconds in all. */
const allMs = 10_000;
const tryMs = 2_500;
const maxTries = 3;
const timeoutAfterSignalMs = 2_000;
/** What GitHub says no to by another status it would say no to again. */
const passingStatuses: ReadonlySet<number> = new Set([408, 425, 429]);

const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/**
 * Shows the approval beside the commit as `deploy-warrant/<environment>`, so that it can be a required check. It opens nothing:
 * whatever goes wrong here is one warning for the whole run and never a failed gate.
 */
export class CommitStatusReporter {
  private readonly token: string;
  private readonly signal: AbortSignal;
  private readonly warn: (message: string) => void;
  private warned = false;

  constructor(token: string, given: { signal: AbortSignal; warn: (message: string) => void }) {
    this.token = token;
    this.signal = given.signal;
    this.warn = given.warn;
  }

  async report(
    facts: Pick<DeployFacts, 'repository' | 'commit' | 'environment'>,
    { state, description, url }: CommitStatus,
  ): Promise<void> {
    if (this.token === '' || this.warned) return;
    try {
      // Octokit and undici are two thirds of the bundle and rarely asked for: they are loaded here or not at all.
      const { getOctokit } = await import('@actions/github');
      const [owner, repo] = facts.repository.split('/') as [string, string];
      const { repos } = getOctokit(this.token, { log: silent }).rest;
      await this.tried((signal) =>
        repos.createCommitStatus({
          ...{ owner, repo, sha: facts.commit, state },
          context: `deploy-warrant/${facts.environment}`,
          description: description.slice(0, maxDescriptionLength),
          target_url: url,
          request: { signal },
        }),
      );
    } catch (error) {
      // Ended by us: no fault of the token's, and the outcome is still to be shown.
      if (this.signal.aborted) return;
      this.warned = true;
      this.warn(
        `The commit status deploy-warrant/${facts.environment} can't be set: ${reasonOf(error)}. It needs a github-token with the permission statuses: write. The gate goes on without it.`,
      );
    }
  }

  /** Three times at most, as long as it may pass and there is time. The outcome after a signal gets one try and a moment of its own. */
  private async tried(attempt: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
    if (this.signal.aborted) {
      await attempt(AbortSignal.timeout(timeoutAfterSignalMs));
      return;
    }
    const deadline = Date.now() + allMs;
    for (let failures = 1; ; failures += 1) {
      try {
        await attempt(AbortSignal.any([this.signal, AbortSignal.timeout(tryMs)]));
        return;
      } catch (error) {
        const delayMs = backOffMs(failures, retryAfterMs(error), Math);
        const isInTime = Date.now() + delayMs + tryMs <= deadline;
        if (failures === maxTries || !mayPass(error) || !isInTime) throw error;
        await pause(delayMs, this.signal, {
          sleep: (ms, signal) => sleep(ms, undefined, { signal }),
        });
        this.signal.throwIfAborted();
      }
    }
  }
}

/** By what Octokit puts on its errors: the status that GitHub answered with, or 500 where nothing came of the call. */
function mayPass(error: unknown): boolean {
  const { status } = error as { readonly status: number };
  return status >= 500 || passingStatuses.has(status);
}

/** Seconds or nothing: another form is no reason to wait, and a longer time than there is is none to try again. */
function retryAfterMs(error: unknown): number {
  const { response } = error as {
    readonly response?: { readonly headers: Readonly<Record<string, string>> };
  };
  const seconds = response?.headers['retry-after'] ?? '';
  return /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1000 : 0;
}

function nothing(): void {
  // Octokit would write what a server says to the log as it is.
}
