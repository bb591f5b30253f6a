import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Circumstances } from '../core/circumstances.ts';
import { checkFacts, type DeployFacts } from '../core/facts.ts';
import { Fault, listProblems } from '../core/fault.ts';
import { deployedCommit, taggedCommit } from './commit.ts';
import { declaredDigest } from './artifact.ts';
import type { DeclaredFacts } from './declared.ts';
import { withGit } from './git.ts';
import { githubOrigin } from './github.ts';
import { localOrigin } from './local.ts';
import { collectMigration } from './migrations.ts';
import { findRepository } from './repository.ts';
import { changesSince } from './since.ts';
import { proveWorkTree, type Checkout } from './tree.ts';

export interface CollectedFacts {
  readonly facts: DeployFacts;
  /** What this machine knows of the job beside the facts. */
  readonly circumstances: Circumstances;
  readonly run: { readonly runId: string; readonly runAttempt: string; readonly job: string };
  /** Real path of the folder that holds the checkout; a policy lies outside of it. */
  readonly workspace: string;
  readonly checkout: Checkout;
  /** What the log should say about how far the proof goes. */
  readonly notices: readonly string[];
}

/**
 * Collects what is about to run: from GitHub's variables where GITHUB_ACTIONS is true, else from this machine; and from the
 * checkout, whose files are proven to be those of the commit.
 * @param cwd where to look for the checkout, unless GITHUB_WORKSPACE says
 * @throws Fault facts_mismatch, facts_uncollectable, configuration or payload_invalid
 */
export async function collectFacts(options: {
  readonly declared: DeclaredFacts;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}): Promise<CollectedFacts> {
  const { declared, env } = options;
  const github = env.GITHUB_ACTIONS === 'true' ? githubOrigin(env, declared.actorType) : undefined;
  const root = github === undefined ? options.cwd : (env.GITHUB_WORKSPACE ?? '');
  const within = github === undefined ? undefined : await realFolder(root);
  const repository = await findRepository({
    start: resolve(root, declared.workingDirectory ?? '.'),
    ...(within === undefined ? {} : { within }),
  });
  const workspace = within ?? repository.top;
  const untrusted = [workspace, ...(env.RUNNER_TEMP ? [env.RUNNER_TEMP] : [])];

  const digest = declaredDigest(declared, root);

  return withGit({ path: env.PATH, untrusted }, async (git) => {
    const origin =
      github ?? (await localOrigin(git, { repository, env, declared: declared.actorType }));
    const expected =
      declared.commit === undefined
        ? origin.expected
        : ({ id: declared.commit, source: 'input' } as const);
    const commit = await deployedCommit(git, { repository, expected });
    const event = origin.expected?.id;
    const eventCommit =
      event === undefined || event === commit
        ? event
        : ((await taggedCommit(git, repository, event)) ?? event);
    const { files, leftOut } = await proveWorkTree(git, { repository, commit });
    const { migration, notices } = await collectMigration({
      declared: declared.migration,
      top: repository.top,
      files,
      leftOut,
      findSince: (since) => changesSince(git, { repository, commit, since }),
    });
    const facts = requireValid({
      schema: 'deploy-facts/v1',
      service: declared.service,
      environment: declared.environment,
      ...declared.target,
      ...digest,
      ...origin.facts,
      commit,
      migration,
      rollback: declared.rollback,
    });
    const notice = `The sparse checkout leaves out ${leftOut.length} tracked files; what is there is proven, what is left out can't be deployed from here.`;
    return {
      facts,
      circumstances: {
        ...origin.circumstances,
        ...(eventCommit === undefined ? {} : { event_commit: eventCommit }),
      },
      run: { runId: facts.run_id, runAttempt: facts.run_attempt, job: origin.job },
      workspace,
      checkout: { repository, untrusted, files, leftOut },
      notices: [...(leftOut.length === 0 ? [] : [notice]), ...notices],
    };
  });
}

async function realFolder(path: string): Promise<string> {
  return realpath(path).catch((cause: unknown) => {
    const message = `The workspace ${path} (GITHUB_WORKSPACE) does not exist.`;
    throw new Fault('facts_uncollectable', message, { cause });
  });
}

function requireValid(facts: unknown): DeployFacts {
  const checked = checkFacts(facts);
  if (checked.ok) return checked.value;
  throw new Fault(
    'payload_invalid',
    `The deploy facts are not acceptable:\n${listProblems(checked.problems)}`,
    { problems: checked.problems },
  );
}
