import type { DeployFacts } from '../core/facts.ts';

export type CommitState = 'pending' | 'success' | 'failure';

export interface CommitStatus {
  readonly state: CommitState;
  /** At most 140 characters are shown. */
  readonly description: string;
  /** The approval page; empty where there is none. */
  readonly url: string;
}

const timeoutMs = 10_000;
const maxDescriptionLength = 140;

/**
 * Shows the approval beside the commit as `deploy-warrant/<environment>`, so that it can be a required check. It opens nothing:
 * whatever goes wrong here is one warning for the whole run, and never holds the gate up for longer than ten seconds.
 */
export class CommitStatusReporter {
  private readonly token: string;
  private readonly warn: (message: string) => void;
  private warned = false;

  constructor(token: string, warn: (message: string) => void) {
    this.token = token;
    this.warn = warn;
  }

  async report(
    facts: Pick<DeployFacts, 'repository' | 'commit' | 'environment'>,
    status: CommitStatus,
  ): Promise<void> {
    if (this.token === '' || this.warned) return;
    try {
      // Octokit is a third of the bundle and rarely asked for: it is loaded here, or not at all.
      const { getOctokit } = await import('@actions/github');
      const [owner = '', repo = ''] = facts.repository.split('/');
      await getOctokit(this.token).rest.repos.createCommitStatus({
        owner,
        repo,
        sha: facts.commit,
        state: status.state,
        context: `deploy-warrant/${facts.environment}`,
        description: status.description.slice(0, maxDescriptionLength),
        ...(status.url === '' ? {} : { target_url: status.url }),
        request: { signal: AbortSignal.timeout(timeoutMs) },
      });
    } catch (error) {
      this.warned = true;
      const reason = error instanceof Error ? error.message : String(error);
      this.warn(
        `The commit status deploy-warrant/${facts.environment} can't be set: ${reason}. It needs a github-token with the permission statuses: write; the gate itself goes on.`,
      );
    }
  }
}
