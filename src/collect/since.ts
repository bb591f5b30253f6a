import { Fault } from '../core/fault.ts';
import { visible } from '../core/text.ts';
import { runGit, type Git } from './git.ts';
import {
  openObjects,
  readCommit,
  readTree,
  type Folder,
  type Objects,
  type TreeEntry,
} from './objects.ts';
import { isObjectId, type Repository } from './repository.ts';

/** Which files a commit adds or changes, against an earlier one. */
export interface Since {
  /** What `since` names: the ref, where it is one, and the full id of the commit. */
  readonly name: string;
  readonly commit: string;
  /** Whether the deployed commit holds another content at a path than that commit, which may hold none. */
  readonly isChanged: (path: string) => boolean;
}

/**
 * Compares the deployed commit with the one that `since` names, by the ids in their trees. A name is looked up among tags, branches
 * and the branches of `origin` only, and must mean one commit.
 * @throws Fault configuration for a name that is none or means several, facts_uncollectable where the commit is not in the checkout
 */
export async function changesSince(
  git: Git,
  options: { readonly repository: Repository; readonly commit: string; readonly since: string },
): Promise<Since> {
  const { repository, commit, since } = options;
  const { name, id } = await resolve(git, { repository, since });
  const objects = await openObjects(git, { repository, id: commit });
  const before = await readSince(objects, name, id);
  const [old, deployed] = await Promise.all([
    readTree(objects, before.tree),
    readCommit(objects, commit).then(({ tree }) => readTree(objects, tree)),
  ]);
  const [oldAt, deployedAt] = [lookUp(old), lookUp(deployed)];
  const isChanged = (path: string): boolean => oldAt(path) !== deployedAt(path);
  return { name, commit: before.commit, isChanged };
}

async function resolve(
  git: Git,
  { repository, since }: { readonly repository: Repository; readonly since: string },
): Promise<{ readonly name: string; readonly id: string }> {
  if (isObjectId(since)) return { name: since, id: since };
  const shown = visible(since);
  // The rules of git for a name, so that none is taken for an option, a pattern or an expression such as v1~2.
  if (!/^[^-/][^\s~^:?*[\\\p{Cc}]*$/u.test(since) || /\.\.|@\{|\/\/|[/.]$/.test(since)) {
    throw new Fault(
      'configuration',
      `since: "${shown}" is neither a full commit id nor the name of a tag or branch. Give the id, or a name such as refs/tags/v1.41.2.`,
    );
  }
  const places = since.startsWith('refs/')
    ? ['']
    : ['refs/tags/', 'refs/heads/', 'refs/remotes/origin/'];
  const names = places.map((place) => place + since);
  const output = await runGit(git, {
    args: ['for-each-ref', '--format=%(objectname) %(refname)', ...names],
    cwd: repository.top,
    gitDir: repository.gitDir,
  });
  // A name given to git also stands for all below it.
  const found = output
    .toString('utf8')
    .split('\n')
    .map((line) => ({
      id: line.slice(0, line.indexOf(' ')),
      name: line.slice(line.indexOf(' ') + 1),
    }))
    .filter(({ id, name }) => isObjectId(id) && names.includes(name));
  const [first] = found;
  if (first === undefined) {
    throw new Fault(
      'facts_uncollectable',
      `since: there is no tag or branch "${shown}" in this checkout. Fetch it (actions/checkout with fetch-depth: 0), or give the full commit id.`,
    );
  }
  if (found.some(({ id }) => id !== first.id)) {
    throw new Fault(
      'configuration',
      `since: "${shown}" means ${found.map(({ name }) => visible(name)).join(' and ')}, which are different commits. Give the full name.`,
    );
  }
  return first;
}

async function readSince(objects: Objects, name: string, id: string) {
  try {
    return await readCommit(objects, id);
  } catch (cause) {
    if (!(cause instanceof Fault)) throw cause;
    const what = name === id ? id : `${visible(name)} (${id})`;
    const message = `since: the commit ${what} can't be read in this checkout. A shallow checkout does not hold it: fetch it (actions/checkout with fetch-depth: 0). ${cause.message}`;
    throw new Fault('facts_uncollectable', message, { cause });
  }
}

/** What stands at a path: kind and id of the file, or of the submodule that it belongs to. Folders are opened where a path leads. */
function lookUp(root: Folder): (path: string) => string | undefined {
  const opened = new Map<Folder, ReadonlyMap<string, TreeEntry>>();
  const open = (folder: Folder) => {
    const known = opened.get(folder);
    if (known !== undefined) return known;
    const entries = new Map(folder.entries.map((entry) => [entry.name.toString('utf8'), entry]));
    opened.set(folder, entries);
    return entries;
  };
  return (path) => {
    let folder = root;
    for (const name of path.split('/')) {
      const entry = open(folder).get(name);
      if (entry === undefined) return undefined;
      // A link of the same bytes is no such file; the rest of a mode is permissions.
      if (entry.folder === undefined) return `${entry.mode.slice(0, 2)} ${entry.id}`;
      folder = entry.folder;
    }
    return undefined;
  };
}
