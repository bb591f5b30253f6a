import { userInfo } from 'node:os';
import { basename } from 'node:path';
import { Fault, listProblems } from '../core/fault.ts';
import { visible } from '../core/text.ts';
import type { Problem } from '../core/verdict.ts';
import type { ActorType } from './declared.ts';
import type { Git } from './git.ts';
import { actorType, type Origin } from './origin.ts';
import { checkedOutRef, configured, type Repository } from './repository.ts';
import type { Environment } from './variables.ts';

/**
 * Who asks, and which run this is, on any other machine. A run is what its owner says it is: request and verify are given the
 * same DEPLOY_WARRANT_RUN_ID (and DEPLOY_WARRANT_RUN_ATTEMPT, 1 by default), for nothing else tells two processes that
 * they belong together. The actor is the user of the operating system; where `CI` is set it counts as a pipeline.
 * @throws Fault facts_uncollectable, naming each variable to set
 */
export async function localOrigin(
  git: Git,
  options: {
    readonly repository: Repository;
    readonly env: Environment;
    readonly declared: ActorType | undefined;
  },
): Promise<Origin> {
  const { repository, env, declared } = options;
  const problems: Problem[] = [];
  const runId = env.DEPLOY_WARRANT_RUN_ID ?? '';
  if (runId === '') {
    const message =
      'is missing or empty. Set it to a decimal number, the same for request and verify and another for each deploy';
    problems.push({ field: 'DEPLOY_WARRANT_RUN_ID', message });
  }
  const ref = await localRef(git, { repository, env, problems });
  if (problems.length > 0) {
    throw new Fault(
      'facts_uncollectable',
      `This machine does not say which run this is:\n${listProblems(problems)}`,
      { problems },
    );
  }
  const login = userName();
  return {
    facts: {
      repository: await repositoryName(git, repository),
      ref,
      actor: {
        login,
        id: `local:${login}`,
        type: actorType(isSet(env.CI) ? 'pipeline' : 'human', declared),
      },
      run_id: runId,
      run_attempt: valueOf(env.DEPLOY_WARRANT_RUN_ATTEMPT) ?? '1',
    },
    circumstances: { provider: 'local' },
    job: valueOf(env.DEPLOY_WARRANT_JOB) ?? 'local',
  };
}

async function localRef(
  git: Git,
  options: {
    readonly repository: Repository;
    readonly env: Environment;
    readonly problems: Problem[];
  },
): Promise<string> {
  const field = 'DEPLOY_WARRANT_REF';
  const declared = options.env[field] ?? '';
  const actual = await checkedOutRef(git, options.repository);
  if (actual === undefined && declared === '') {
    const message =
      'is missing or empty, and no branch is checked out. Set it to the full ref, such as refs/heads/main';
    options.problems.push({ field, message });
  } else if (actual !== undefined && declared !== '' && actual !== declared) {
    const message = `is ${visible(declared)}, but ${visible(actual)} is checked out`;
    options.problems.push({ field, message });
  }
  return actual ?? declared;
}

/** The path that the URL of `origin` names (never its user or password), else the name of the folder. */
async function repositoryName(git: Git, repository: Repository): Promise<string> {
  const folder = basename(repository.top);
  const url = await configured(git, repository, ['remote.origin.url']);
  if (url === undefined) return folder;
  const [, path] =
    /^(?:https?|ssh|git):\/\/[^/]+\/+(.+)$/.exec(url) ?? /^[^/:]+:(?!\/\/)\/*(.+)$/.exec(url) ?? [];
  // A remote on this disk has no owner: its folder is its name.
  const name = path ?? basename(url);
  return name.replace(/\/+$/, '').replace(/\.git$/, '') || folder;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // In a container the user may be a number without a name.
    return `uid-${String(process.getuid?.())}`;
  }
}

/** An empty variable is an absent one. */
function valueOf(variable: string | undefined): string | undefined {
  return variable === '' ? undefined : variable;
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && !['', '0', 'false'].includes(value.toLowerCase());
}
