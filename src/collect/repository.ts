import { lstat, realpath } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Fault } from '../core/fault.ts';
import { visible } from '../core/text.ts';
import { codeOf } from './disk.ts';
import { askGit, runGit, isInside, type Git } from './git.ts';

/** A checkout: the folder that holds `.git`. Found without git and without `core.worktree`, which can name another folder. */
export interface Repository {
  /** Real, absolute path. */
  readonly top: string;
  readonly gitDir: string;
}

/**
 * The innermost checkout that holds a folder.
 * @param within real path of a folder that the search does not leave
 * @throws Fault facts_uncollectable
 */
export async function findRepository(options: {
  readonly start: string;
  readonly within?: string;
}): Promise<Repository> {
  const start = await realpath(options.start).catch((cause: unknown) => {
    const message = `The folder ${visible(options.start)} can't be found (${codeOf(cause)}). Check the input working-directory.`;
    throw new Fault('facts_uncollectable', message, { cause });
  });
  const { within } = options;
  for (let folder = start; within === undefined || isInside(within, folder);) {
    const repository = await repositoryAt(folder);
    if (repository !== undefined) return repository;
    const parent = dirname(folder);
    if (parent === folder) break;
    folder = parent;
  }
  const limit = within === undefined ? '' : ` inside of the workspace ${visible(within)}`;
  throw new Fault(
    'facts_uncollectable',
    `There is no git checkout at ${visible(start)} or above it${limit}. Check the repository out before this step (actions/checkout), and name its folder by working-directory if it is not the root of the workspace.`,
  );
}

/** The checkout whose top is this very folder, if it is one. */
export async function repositoryAt(top: string): Promise<Repository | undefined> {
  const gitDir = join(top, '.git');
  const found = await lstat(gitDir).catch(() => undefined);
  return found === undefined ? undefined : { top, gitDir };
}

/** Id of the commit that is checked out. @throws Fault facts_uncollectable */
export async function headCommit(git: Git, repository: Repository): Promise<string> {
  const args = ['rev-parse', '--verify', 'HEAD^{commit}'];
  const head = (await inRepository(git, repository, args)).trim();
  if (isObjectId(head)) return head;
  throw new Fault('facts_uncollectable', `git names no commit for HEAD, but "${visible(head)}".`);
}

/** Whether a text is a full object id of SHA-1 or SHA-256, in lower case. */
export function isObjectId(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}

/** The full name of the branch that is checked out; nothing when HEAD is detached. */
export async function checkedOutRef(git: Git, repository: Repository): Promise<string | undefined> {
  return askGit(git, callIn(repository, ['symbolic-ref', '--quiet', 'HEAD']));
}

/** A value of the repository's own configuration; global and system files are not read. */
export async function configured(
  git: Git,
  repository: Repository,
  args: readonly string[],
): Promise<string | undefined> {
  return askGit(git, callIn(repository, ['config', '--get', ...args]));
}

/** Where a file of the git folder is, which is elsewhere for linked work trees. */
export async function gitPath(git: Git, repository: Repository, name: string): Promise<string> {
  const path = await inRepository(git, repository, ['rev-parse', '--git-path', name]);
  return resolve(repository.top, path.replace(/\n$/, ''));
}

async function inRepository(
  git: Git,
  repository: Repository,
  args: readonly string[],
): Promise<string> {
  return (await runGit(git, callIn(repository, args))).toString('utf8');
}

function callIn({ top, gitDir }: Repository, args: readonly string[]) {
  return { args, cwd: top, gitDir, workTree: top };
}
