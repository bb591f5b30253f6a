import { Fault } from '../core/fault.ts';
import { visible } from '../core/text.ts';
import type { Git } from './git.ts';
import { openObjects, readCommit } from './objects.ts';
import { headCommit, isObjectId, type Repository } from './repository.ts';

/** Which commit must be checked out, and who says so. */
export interface ExpectedCommit {
  readonly id: string;
  readonly source: 'input' | 'event';
}

/**
 * The id of the commit that is checked out, once it is the expected one. Ids are compared as text: no name is ever resolved
 * but HEAD, so that a branch called like an id changes nothing. The id of an event may be that of an annotated tag.
 * @throws Fault facts_mismatch
 */
export async function deployedCommit(
  git: Git,
  options: { readonly repository: Repository; readonly expected: ExpectedCommit | undefined },
): Promise<string> {
  const { repository, expected } = options;
  const head = await headCommit(git, repository);
  if (expected === undefined || expected.id === head) return head;
  if (expected.source === 'input') {
    throw new Fault(
      'facts_mismatch',
      `The input commit is ${expected.id}, but ${head} is checked out. Check out the commit that is to be deployed (actions/checkout with ref), or correct the input.`,
    );
  }
  if ((await taggedCommit(git, repository, expected.id)) === head) return head;
  throw new Fault(
    'facts_mismatch',
    `This run is for commit ${visible(expected.id)}, but ${head} is checked out. Check out the commit of the run, or, if another one is meant, give its full id as the input commit.`,
  );
}

/** The commit that an id of the event stands for: the commit itself, or the one that an annotated tag names. */
export async function taggedCommit(
  git: Git,
  repository: Repository,
  id: string,
): Promise<string | undefined> {
  if (!isObjectId(id)) return undefined;
  const objects = await openObjects(git, { repository, id });
  try {
    return (await readCommit(objects, id)).commit;
  } catch (error) {
    // What is not in the checkout, or is no commit, is not what is checked out either.
    if (error instanceof Fault && error.code === 'facts_uncollectable') return undefined;
    throw error;
  }
}
