import { createHash } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '../core/fault.ts';
import { runGit, type Git } from './git.ts';
import { ObjectStream, type GitObject } from './object-stream.ts';
import { gitPath, isObjectId, type Repository } from './repository.ts';

export type HashAlgorithm = 'sha1' | 'sha256';

/**
 * The objects of a repository without anything else of it: read through an empty git folder of our own, where its
 * configuration, replace refs, grafts, attributes and promises to fetch what is missing do not exist.
 */
export interface Objects {
  readonly git: Git;
  readonly gitDir: string;
  readonly objectDirectory: string;
  readonly algorithm: HashAlgorithm;
  readonly stream: ObjectStream;
}

export interface TreeEntry {
  readonly mode: string;
  readonly name: Buffer;
  readonly id: string;
  /** Given for a folder, and for nothing else. */
  readonly folder?: Folder;
}

/** A folder with all below it. Where a commit holds the same folder in many places, it is one object. */
export interface Folder {
  readonly id: string;
  readonly entries: readonly TreeEntry[];
}

const idBytes = { sha1: 20, sha256: 32 } as const;

/** @param id any object id of the repository: its length tells the hash algorithm */
export async function openObjects(
  git: Git,
  options: { readonly repository: Repository; readonly id: string },
): Promise<Objects> {
  const algorithm = options.id.length === 64 ? 'sha256' : 'sha1';
  const gitDir = await mkdtemp(join(git.home, 'objects-'));
  const args = ['init', '--quiet', '--bare', '--template='];
  const format = algorithm === 'sha256' ? ['--object-format=sha256'] : [];
  await runGit(git, { args: [...args, ...format], cwd: git.home, gitDir });
  const objectDirectory = await gitPath(git, options.repository, 'objects');
  const stream = new ObjectStream(git, { cwd: git.home, gitDir, objectDirectory });
  return { git, gitDir, objectDirectory, algorithm, stream };
}

/**
 * Reads objects and proves each by hashing it: an object store that was tampered with can only fail to answer.
 * @throws Fault facts_uncollectable if one is missing or is not what its id says
 */
export async function readObjects(
  objects: Objects,
  ids: Iterable<string>,
): Promise<ReadonlyMap<string, GitObject>> {
  const wanted = new Set(ids);
  const found = await readPresent(objects, wanted);
  for (const id of wanted) if (!found.has(id)) throw missing(id);
  return found;
}

/** The same, without those that are not in the store. @throws Fault facts_uncollectable if one is not what its id says */
export async function readPresent(
  objects: Objects,
  ids: Iterable<string>,
): Promise<ReadonlyMap<string, GitObject>> {
  // An id of the other hash algorithm is in no such store, and could be taken for an abbreviation.
  const wanted = [...new Set(ids)].filter((id) => id.length === 2 * idBytes[objects.algorithm]);
  const found = await objects.stream.read(wanted);
  for (const [id, object] of found) {
    if (objectId(objects.algorithm, object) === id) continue;
    throw new Fault(
      'facts_uncollectable',
      `The git object ${id} does not hold what its id says: the object store was tampered with or is damaged. Check out afresh.`,
    );
  }
  return found;
}

async function readObject(objects: Objects, id: string): Promise<GitObject> {
  const object = (await readPresent(objects, [id])).get(id);
  if (object === undefined) throw missing(id);
  return object;
}

function missing(id: string): Fault {
  return new Fault(
    'facts_uncollectable',
    `The git object ${id} is not in this checkout. Check out the commit itself; with actions/checkout a filter such as tree:0 leaves folders out, blob:none does not.`,
  );
}

/** The id of an object: the hash of type, size and content. */
export function objectId(algorithm: HashAlgorithm, { type, body }: GitObject): string {
  return createHash(algorithm).update(`${type} ${body.length}\0`).update(body).digest('hex');
}

/** The commit that an id names, itself or through annotated tags, and its tree. @throws Fault facts_uncollectable */
export async function readCommit(
  objects: Objects,
  id: string,
): Promise<{ readonly commit: string; readonly tree: string }> {
  let current = id;
  // Tags of tags are rare; an endless chain of them is not possible, a very long one is no release.
  for (let depth = 0; depth < 10; depth += 1) {
    const { type, body } = await readObject(objects, current);
    const [, header, target = ''] =
      /^(tree|object) ([0-9a-f]+)\n/.exec(body.toString('latin1')) ?? [];
    if (!isObjectId(target)) break;
    if (type === 'commit' && header === 'tree') return { commit: current, tree: target };
    if (type !== 'tag' || header !== 'object') break;
    current = target;
  }
  throw new Fault('facts_uncollectable', `The git object ${id} is no commit, nor a tag of one.`);
}

/** A tree with all folders below it. @throws Fault facts_uncollectable */
export async function readTree(objects: Objects, root: string): Promise<Folder> {
  const folders = new Map<string, { readonly id: string; readonly entries: TreeEntry[] }>();
  let unread: string[] = [];
  const folderOf = (id: string) => {
    const known = folders.get(id);
    if (known !== undefined) return known;
    const folder = { id, entries: [] };
    folders.set(id, folder);
    unread.push(id);
    return folder;
  };
  const top = folderOf(root);
  // Level by level, so that git is asked no more often than folders are deep.
  while (unread.length > 0) {
    const level = unread;
    unread = [];
    for (const [id, { type, body }] of await readObjects(objects, level)) {
      if (type !== 'tree') throw hostileTree(id, `it is a ${type}`);
      const { entries } = folderOf(id);
      for (const entry of parseTree(id, body, objects.algorithm)) {
        const isFolder = entry.mode === '40000';
        entries.push(isFolder ? { ...entry, folder: folderOf(entry.id) } : entry);
      }
    }
  }
  return top;
}

function parseTree(id: string, body: Buffer, algorithm: HashAlgorithm): readonly TreeEntry[] {
  const entries: TreeEntry[] = [];
  for (let at = 0; at < body.length;) {
    const blank = body.indexOf(' ', at);
    const zero = body.indexOf('\0', at);
    const end = zero + 1 + idBytes[algorithm];
    if (blank < at || zero < blank || end > body.length) throw hostileTree(id, 'it is cut off');
    const name = body.subarray(blank + 1, zero);
    // No checkout can hold such a name; following it would lead out of the work tree, or into the git folder.
    if (/^(?:|\.|\.\.|\.git)$/i.test(name.toString('latin1')) || name.includes('/')) {
      throw hostileTree(id, `it holds the name "${name.toString('latin1')}"`);
    }
    entries.push({
      mode: body.toString('latin1', at, blank),
      name,
      id: body.toString('hex', zero + 1, end),
    });
    at = end;
  }
  return entries;
}

function hostileTree(id: string, why: string): Fault {
  return new Fault(
    'facts_uncollectable',
    `The git object ${id} is no folder that can be checked out: ${why}.`,
  );
}
