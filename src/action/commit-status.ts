import type { DeployFacts } from '../core/facts.ts';

export interface CommitStatus {
  readonly state: 'pending' | 'success' | 'failure';
  readonly description: string;
  /** The approval page. */
  readonly url: string;
}

const maxDescriptionLength = 140;
/** A slow GitHub holds the gate up for no longer than this; a runner that stops the step leaves it ten seconds in all. */
const timeoutMs = 10_000;
const timeoutAfterSignalMs = 2_000;

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
      const [owner = '', repo = ''] = facts.repository.split('/');
      await getOctokit(this.token, { log: silent }).rest.repos.createCommitStatus({
        ...{ owner, repo, sha: facts.commit, state },
        context: `deploy-warrant/${facts.environment}`,
        description: description.slice(0, maxDescriptionLength),
        target_url: url,
        request: { signal: this.deadline() },
      });
    } catch (error) {
      // Ended by us: no fault of the token's, and the outcome is still to be shown.
      if (this.signal.aborted) return;
      this.warned = true;
      const reason = error instanceof Error ? error.message : String(error);
      this.warn(
        `The commit status deploy-warrant/${facts.environment} can't be set: ${reason}. It needs a github-token with the permission statuses: write. The gate goes on without it.`,
      );
    }
  }

  /** A signal ends what is under way; the outcome after a signal gets a moment of its own. */
  private deadline(): AbortSignal {
    return this.signal.aborted
      ? AbortSignal.timeout(timeoutAfterSignalMs)
      : AbortSignal.any([this.signal, AbortSignal.timeout(timeoutMs)]);
  }
}

function nothing(): void {
  // Octokit would write what a server says to the log as it is.
}
