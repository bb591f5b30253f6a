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
}

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
  const wanted = [...new Set(ids)];
  const found = new Map<string, GitObject>();
  for (const [at, object] of (await objects.stream.read(wanted)).entries()) {
    const id = wanted[at] ?? '';
    if (object === undefined) continue;
    if (objectId(objects.algorithm, object) !== id) {
      throw new Fault(
        'facts_uncollectable',
        `The git object ${id} does not hold what its id says: the object store was tampered with or is damaged. Check out afresh.`,
      );
    }
    found.set(id, object);
  }
  return found;
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
    const object = (await readObjects(objects, [current])).get(current);
    const [, header, target = ''] =
      /^(tree|object) ([0-9a-f]+)\n/.exec(object?.body.toString('latin1') ?? '') ?? [];
    if (!isObjectId(target)) break;
    if (object?.type === 'commit' && header === 'tree') return { commit: current, tree: target };
    if (object?.type !== 'tag' || header !== 'object') break;
    current = target;
  }
  throw new Fault('facts_uncollectable', `The git object ${id} is no commit, nor a tag of one.`);
}

/** All folders below a tree, by id. @throws Fault facts_uncollectable */
export async function readTrees(
  objects: Objects,
  root: string,
): Promise<ReadonlyMap<string, readonly TreeEntry[]>> {
  const trees = new Map<string, readonly TreeEntry[]>();
  // Level by level, so that the depth of the folders is the number of git processes.
  for (let level = [root]; level.length > 0;) {
    const next = new Set<string>();
    for (const [id, object] of await readObjects(objects, level)) {
      if (object.type !== 'tree') throw hostileTree(id, `it is a ${object.type}`);
      const entries = parseTree(id, object.body, objects.algorithm);
      trees.set(id, entries);
      for (const entry of entries) if (entry.mode === '40000') next.add(entry.id);
    }
    level = [...next].filter((id) => !trees.has(id));
  }
  return trees;
}

function parseTree(id: string, body: Buffer, algorithm: HashAlgorithm): readonly TreeEntry[] {
  const idBytes = algorithm === 'sha256' ? 32 : 20;
  const entries: TreeEntry[] = [];
  for (let at = 0; at < body.length;) {
    const blank = body.indexOf(' ', at);
    const zero = body.indexOf('\0', at);
    const end = zero + 1 + idBytes;
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
