import { acceptableText, maxListedCommits, type ListedCommit } from '../core/changes.ts';
import { Fault } from '../core/fault.ts';
import { matchesGlob } from '../core/glob.ts';
import { visible } from '../core/text.ts';
import { identifiers } from '../core/fact-rules.ts';
import { parseCommit, type Author, type Commit } from './commit-object.ts';
import { changedEntries } from './difference.ts';
import { withGit, type Git } from './git.ts';
import { expandGlob } from './glob.ts';
import { commitSource, diskSource } from './glob-sources.ts';
import { newCommits, type History } from './history.ts';
import { openObjects, readCommit, readPresent, type Objects } from './objects.ts';
import { repositoryAt, type Repository } from './repository.ts';
import type { Checkout } from './tree.ts';

/** What is new in a commit. Texts are acceptable as they are (see core/changes.ts). */
export interface CollectedChanges {
  /** Newest first, at most 20. */
  readonly commits: readonly ListedCommit[];
  /** How many besides those. */
  readonly more: number;
  /** Why there may be others, as the end of a sentence; absent where the list is whole. */
  readonly gap?: string;
  /** Distinct authors and co-authors of all of them; absent where the list is not whole. */
  readonly authors?: readonly Author[];
  /** Files that match the globs and were added or changed since the last deploy, none where none is known; absent without globs. */
  readonly newMigrations?: readonly string[];
}

const maxAuthors = 1_000;
const maxMigrations = 1_000;
const input = 'migration_paths';

/**
 * What the commit brings that the last deployed one did not hold: its commits, their authors, and new migrations. Where no last
 * deploy is known, the commit itself and what it merged.
 * @param options.lastCommit of the last deploy of the same target
 * @param options.migrationPaths globs of the policy; none where no rule asks
 * @param options.needAuthors whether a rule asks for the authors: then a history that is not whole is refused
 * @throws Fault facts_uncollectable where a rule needs what the checkout does not hold, facts_mismatch where the disk holds a
 *   migration that the commit does not
 */
export async function collectChanges(options: {
  readonly checkout: Checkout;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly commit: string;
  readonly lastCommit?: string | undefined;
  readonly migrationPaths: readonly string[];
  readonly needAuthors: boolean;
}): Promise<CollectedChanges> {
  const { checkout, env, commit, lastCommit, migrationPaths, needAuthors } = options;
  const { repository, untrusted } = checkout;
  refuseForeignMigrations(checkout, migrationPaths);
  return withGit({ path: env.PATH, untrusted }, async (git) => {
    const objects = await openObjects(git, { repository, id: commit });
    const history = await historyOf(objects, { commit, lastCommit });
    if (needAuthors && history.gap !== undefined) {
      throw new Fault(
        'facts_uncollectable',
        `The policy asks who wrote the commits since ${since(lastCommit)}, and not all of them are known: ${history.gap}. ${deepen}`,
      );
    }
    const authors = distinctAuthors(history);
    if (needAuthors && authors.length > maxAuthors) {
      throw new Fault(
        'facts_uncollectable',
        `The policy asks who wrote the commits since ${since(lastCommit)}, and these name more than ${maxAuthors} authors. Deploy in smaller steps.`,
      );
    }
    const isWhole = history.gap === undefined && authors.length <= maxAuthors;
    const listed = history.commits.slice(0, maxListedCommits);
    return {
      commits: listed.map(listedCommit),
      more: history.commits.length - listed.length,
      ...(history.gap === undefined ? {} : { gap: history.gap }),
      ...(isWhole ? { authors } : {}),
      ...(migrationPaths.length === 0
        ? {}
        : { newMigrations: await newMigrations(git, { ...options, objects }) }),
    };
  });
}

const deepen =
  'Check out the whole history: with actions/checkout set fetch-depth: 0 (with filter: blob:none it is quick).';

function since(lastCommit: string | undefined): string {
  return lastCommit === undefined ? 'the commit before' : `the last deploy (${lastCommit})`;
}

async function historyOf(
  objects: Objects,
  { commit, lastCommit }: { readonly commit: string; readonly lastCommit: string | undefined },
): Promise<History> {
  const isThere =
    lastCommit !== undefined && (await readPresent(objects, [lastCommit])).has(lastCommit);
  const history = await newCommits(objects, {
    from: commit,
    last: isThere ? lastCommit : undefined,
    limits: { maxCommits: 100_000, maxMs: 60_000 },
  });
  if (lastCommit === undefined || isThere) return history;
  return { ...history, gap: `the checkout does not hold the commit ${lastCommit}` };
}

function listedCommit([commit, { subject, authors }]: readonly [string, Commit]): ListedCommit {
  const [author] = authors;
  return {
    commit,
    subject: acceptableText(subject, { maxLength: 120, absent: '(no message)' }),
    author: acceptableText(author.name || author.email, { maxLength: 60, absent: '(no name)' }),
  };
}

/** Each once, with texts short enough for a verdict: a longer address is nobody's. */
function distinctAuthors({ commits }: History): readonly Author[] {
  const found = new Map<string, Author>();
  for (const [, { authors }] of commits) {
    for (const { name, email } of authors) {
      const author = { name: visible(name, 200), email: visible(email, 500) };
      found.set(`${author.email}\n${author.name}`, author);
    }
  }
  return [...found.values()];
}

/** A migration that nobody committed runs like any other. */
function refuseForeignMigrations(
  { repository, files, leftOut }: Checkout,
  globs: readonly string[],
): void {
  if (globs.length === 0) return;
  const absent = leftOut.map((path) => ({ path, kind: 'file' as const }));
  const commit = commitSource([...files, ...absent], input);
  const disk = diskSource(repository.top, input);
  for (const glob of globs) {
    const inCommit = new Set(expandGlob(glob, commit));
    const foreign = expandGlob(glob, disk).filter((path) => !inCommit.has(path));
    if (foreign.length === 0) continue;
    const named = foreign.slice(0, 10).map((path) => visible(path));
    const more = foreign.length > named.length ? ` and ${foreign.length - named.length} more` : '';
    throw new Fault(
      'facts_mismatch',
      `${input} of the policy: the glob "${visible(glob)}" matches what the commit does not hold: ${named.join(', ')}${more}. Commit it or remove it, and let builds write elsewhere.`,
    );
  }
}

async function newMigrations(
  git: Git,
  options: {
    readonly objects: Objects;
    readonly checkout: Checkout;
    readonly commit: string;
    readonly lastCommit?: string | undefined;
    readonly migrationPaths: readonly string[];
  },
): Promise<readonly string[]> {
  const { objects, checkout, commit, lastCommit, migrationPaths } = options;
  if (lastCommit === undefined) return [];
  const last = (await readPresent(objects, [lastCommit])).get(lastCommit);
  const from = last && parseCommit(last)?.tree;
  if (from === undefined) {
    throw new Fault(
      'facts_uncollectable',
      `The policy asks which migrations are new since the last deploy, and the checkout does not hold its commit ${lastCommit}. ${deepen}`,
    );
  }
  const to = (await readCommit(objects, commit)).tree;
  const changed = await changedPaths(git, { objects, from, to, repository: checkout.repository });
  const found = changed.filter((path) => migrationPaths.some((glob) => matchesGlob(glob, path)));
  const [odd] = found.filter((path) => !identifiers.migrationPath.safeParse(path).success);
  if (odd !== undefined) {
    throw new Fault(
      'facts_uncollectable',
      `${input} of the policy: the name of the new file ${visible(odd)} can't be shown to a person. Rename it.`,
    );
  }
  if (found.length <= maxMigrations) return found;
  throw new Fault(
    'facts_uncollectable',
    `${input} of the policy: ${found.length} files are new since the last deploy, more than ${maxMigrations}. Deploy in smaller steps.`,
  );
}

/** Of submodules too, as far as they are checked out: where the older commit of one is not there, all its files are new. */
async function changedPaths(
  git: Git,
  options: {
    readonly objects: Objects;
    readonly from: string | undefined;
    readonly to: string;
    readonly repository: Repository;
  },
): Promise<readonly string[]> {
  const paths: string[] = [];
  for (const { path, entry, before } of await changedEntries(options.objects, options)) {
    const shown = path.toString();
    if (entry.mode !== submoduleMode) {
      paths.push(shown);
      continue;
    }
    const repository = await repositoryAt(`${options.repository.top}/${shown}`);
    if (repository === undefined) continue;
    const objects = await openObjects(git, { repository, id: entry.id });
    const old = before?.mode === submoduleMode ? before.id : undefined;
    const last = old && (await readPresent(objects, [old])).get(old);
    const from = last && parseCommit(last)?.tree;
    const to = (await readCommit(objects, entry.id)).tree;
    for (const inner of await changedPaths(git, { objects, from, to, repository })) {
      paths.push(`${shown}/${inner}`);
    }
  }
  return paths;
}

const submoduleMode = '160000';
