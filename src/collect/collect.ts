import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Circumstances } from '../core/circumstances.ts';
import { checkFacts, type DeployFacts } from '../core/facts.ts';
import { Fault, listProblems } from '../core/fault.ts';
import { sha256Hex } from '../core/hash.ts';
import { visible } from '../core/text.ts';
import { deployedCommit, taggedCommit } from './commit.ts';
import { declaredDigest } from './artifact.ts';
import { codeOf } from './disk.ts';
import type { DeclaredFacts } from './declared.ts';
import { withGit } from './git.ts';
import { githubOrigin } from './github.ts';
import { gitlabOrigin } from './gitlab.ts';
import { localOrigin } from './local.ts';
import { collectMigration } from './migrations.ts';
import type { Origin } from './origin.ts';
import { findRepository } from './repository.ts';
import { changesSince } from './since.ts';
import { proveWorkTree, type Checkout } from './tree.ts';

export interface CollectedFacts {
  readonly facts: DeployFacts;
  /** What this machine knows of the job beside the facts. */
  readonly circumstances: Circumstances;
  /** The job's name in its run. */
  readonly job: string;
  /** Real path of the folder that holds the checkout; a policy lies outside of it. */
  readonly workspace: string;
  readonly checkout: Checkout;
  /** What the log should say about how far the proof goes. */
  readonly notices: readonly string[];
}

/**
 * Collects what is about to run: from the variables of GitHub or GitLab in a job of theirs, else from this machine; and from the
 * checkout, whose files are proven to be those of the commit.
 * @param cwd where to look for the checkout, unless the job's own folder says
 * @throws Fault facts_mismatch, facts_uncollectable, configuration or payload_invalid
 */
export async function collectFacts(options: {
  readonly declared: DeclaredFacts;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}): Promise<CollectedFacts> {
  const { declared, env } = options;
  const forge = forgeOrigin(env, declared);
  const root = forge?.workspace?.path ?? options.cwd;
  const within = forge?.workspace && (await realFolder(forge.workspace));
  const repository = await findRepository({
    start: resolve(root, declared.workingDirectory ?? '.'),
    ...(within === undefined ? {} : { within }),
  });
  const workspace = within ?? repository.top;
  const untrusted = [workspace, ...(env.RUNNER_TEMP ? [env.RUNNER_TEMP] : [])];

  const digest = declaredDigest(declared, root);

  return withGit({ path: env.PATH, untrusted }, async (git) => {
    const origin =
      forge ?? (await localOrigin(git, { repository, env, declared: declared.actorType }));
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
      ...(leftOut.length === 0 ? {} : { left_out: leftOutFact(leftOut) }),
      migration,
      rollback: declared.rollback,
    });
    return {
      facts,
      circumstances: {
        ...origin.circumstances,
        ...(eventCommit === undefined ? {} : { event_commit: eventCommit }),
      },
      job: origin.job,
      workspace,
      checkout: { repository, untrusted, files, leftOut },
      notices: [...leftOutNotices(leftOut), ...notices],
    };
  });
}

/** What the forge says whose job this is, if it is one. */
function forgeOrigin(
  env: Readonly<Record<string, string | undefined>>,
  { actorType }: DeclaredFacts,
): Origin | undefined {
  if (env.GITHUB_ACTIONS === 'true') return githubOrigin(env, actorType);
  return env.GITLAB_CI === 'true' ? gitlabOrigin(env, actorType) : undefined;
}

/**
 * That tracked files are missing is part of what is deployed: who approves sees their number, and a checkout that leaves out
 * others by the time of the deploy is another deploy.
 */
function leftOutFact(leftOut: readonly string[]): NonNullable<DeployFacts['left_out']> {
  const list = leftOut.map((path) => `${path}\n`).join('');
  return { count: String(leftOut.length), sha256: sha256Hex(list) };
}

const maxNamed = 10;

function leftOutNotices(leftOut: readonly string[]): readonly string[] {
  if (leftOut.length === 0) return [];
  const named = leftOut.slice(0, maxNamed).map((path) => visible(path));
  const more = leftOut.length > maxNamed ? ` and ${leftOut.length - maxNamed} more` : '';
  return [
    `This checkout leaves out ${leftOut.length} of the commit's paths, by its sparse patterns or as submodules that were not checked out: ${named.join(', ')}${more}. What is there is proven; their number is put before the approver, and must be the same before the deploy.`,
  ];
}

async function realFolder({ path, variable }: NonNullable<Origin['workspace']>): Promise<string> {
  return realpath(path).catch((cause: unknown) => {
    const message = `The workspace ${visible(path)} (${variable}) can't be found (${codeOf(cause)}). Let no step or container remove it.`;
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
