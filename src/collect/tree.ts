import { readdirSync, readlinkSync } from 'node:fs';
import { setImmediate as letOthersRun } from 'node:timers/promises';
import { Fault } from '../core/fault.ts';
import { visible } from '../core/text.ts';
import { codeOf, hashBlob, listFolder, type FileKind } from './disk.ts';
import { explainConversions } from './conversions.ts';
import { refuseFlaws, type Flaw } from './flaws.ts';
import type { Git } from './git.ts';
import {
  objectId,
  openObjects,
  readCommit,
  readTree,
  type Folder,
  type Objects,
  type TreeEntry,
} from './objects.ts';
import { headCommit, repositoryAt, type Repository } from './repository.ts';
import { outsideSparseCheckout } from './sparse.ts';

/** A tracked path whose content on the disk is that of the commit. */
export interface ProvenFile {
  /** Relative to the top of the checkout, in UTF-8; a name that is not has replacement characters. */
  readonly path: string;
  readonly kind: 'file' | 'link';
}

export interface Proof {
  readonly files: readonly ProvenFile[];
  /** Tracked paths that are not on the disk, in bytewise order: left out by a sparse checkout, or submodules that were not checked out. */
  readonly leftOut: readonly string[];
}

/** A checkout whose files were proven. */
export interface Checkout extends Proof {
  readonly repository: Repository;
  /** Folders that earlier steps write to: no program is taken from there. */
  readonly untrusted: readonly string[];
}

const maxFiles = 1_000_000;

/**
 * Proves that every tracked file on the disk is the commit's, by hashing its bytes and following the hashes from the commit id
 * down: what the index, the stat data, the configuration or the object store of the repository say does not count, and
 * nothing is written to it. Files that are not tracked are not looked at.
 * @throws Fault facts_mismatch naming the files that differ, facts_uncollectable where there is no proof
 */
export async function proveWorkTree(
  git: Git,
  options: { readonly repository: Repository; readonly commit: string },
): Promise<Proof> {
  const result = await compare(git, { ...options, prefix: '' });
  refuseFlaws(result.flaws, options.commit);
  const leftOut = result.leftOut.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return { files: result.files, leftOut };
}

interface Comparison {
  readonly files: ProvenFile[];
  readonly flaws: Flaw[];
  readonly leftOut: string[];
}

/** A tracked path, as found in the commit. */
interface Tracked {
  readonly path: Buffer;
  readonly entry: TreeEntry;
}

/** One comparison under way. */
interface Walk {
  readonly top: Buffer;
  readonly objects: Objects;
  readonly same: Tracked[];
  readonly flaws: Flaw[];
  /** Not on the disk: right if a sparse checkout leaves it out. */
  readonly missing: Tracked[];
  /** Other bytes on the disk: right if checking out converts them. */
  readonly converted: Tracked[];
  readonly submodules: Tracked[];
  seen: number;
}

async function compare(
  git: Git,
  options: { readonly repository: Repository; readonly commit: string; readonly prefix: string },
): Promise<Comparison> {
  const { repository, prefix } = options;
  const objects = await openObjects(git, { repository, id: options.commit });
  const { tree } = await readCommit(objects, options.commit);
  const walk: Walk = {
    top: Buffer.from(repository.top),
    objects,
    same: [],
    flaws: [],
    missing: [],
    converted: [],
    submodules: [],
    seen: 0,
  };
  await compareFolder(walk, await readTree(objects, tree), Buffer.alloc(0));

  const leftOut = await outsideSparseCheckout(objects, {
    repository,
    paths: walk.missing.map(({ path }) => path),
  });
  const isLeftOut = ({ path }: Tracked) => leftOut.has(path.toString('latin1'));
  for (const file of walk.missing) if (!isLeftOut(file)) flaw(walk, file.path, 'is missing');
  const reasons = await explainConversions(objects, { repository, tree, files: walk.converted });
  for (const file of walk.converted) {
    const reason = reasons.get(file.path.toString('latin1'));
    if (reason === undefined) walk.same.push(file);
    else walk.flaws.push({ path: file.path.toString(), ...reason });
  }
  const result: Comparison = {
    files: walk.same.map(({ path, entry }) => ({
      path: prefix + path.toString(),
      kind: entry.mode === '120000' ? 'link' : 'file',
    })),
    flaws: walk.flaws.map((found) => ({ ...found, path: prefix + found.path })),
    leftOut: walk.missing.filter(isLeftOut).map(({ path }) => prefix + path.toString()),
  };
  for (const submodule of walk.submodules) {
    await compareSubmodule(git, { submodule, repository, prefix, result });
  }
  return result;
}

/** Compares the entries of one tree with a folder that is known to be a real one. */
async function compareFolder(walk: Walk, folder: Folder, at: Buffer): Promise<void> {
  await letOthersRun();
  const onDisk = attempt(at, () => listFolder(absolute(walk, at)));
  for (const entry of folder.entries) {
    const path = at.length === 0 ? entry.name : Buffer.concat([at, slash, entry.name]);
    // Found by the exact bytes of its name: on a disk that ignores case, another name would open the file too.
    const kind = onDisk.get(entry.name.toString('latin1'));
    countFile(walk);
    if (kind === undefined) addMissing(walk, path, entry);
    else if (entry.folder !== undefined) {
      if (kind === 'folder') await compareFolder(walk, entry.folder, path);
      else flaw(walk, path, `is ${called[kind]} and should be a folder`);
    } else compareEntry(walk, { path, entry }, kind);
  }
}

const slash = Buffer.from('/');
const called: Readonly<Record<FileKind, string>> = {
  folder: 'a folder',
  link: 'a symbolic link',
  file: 'a file',
  other: 'a special file',
};

/** The modes of git's trees; 100664 stands in old commits. */
const kinds: ReadonlyMap<string, FileKind> = new Map([
  ['100644', 'file'],
  ['100664', 'file'],
  ['100755', 'file'],
  ['120000', 'link'],
  ['160000', 'folder'],
]);

function compareEntry(walk: Walk, file: Tracked, kind: FileKind): void {
  const { path, entry } = file;
  const should = kinds.get(entry.mode);
  if (should === undefined) flaw(walk, path, `has the unknown mode ${entry.mode} in the commit`);
  else if (should !== kind) flaw(walk, path, `is ${called[kind]} and should be ${called[should]}`);
  else if (entry.mode === '160000') walk.submodules.push(file);
  else if (should === 'link') compareLink(walk, file);
  else compareContent(walk, file);
}

function compareLink(walk: Walk, file: Tracked): void {
  const { path, entry } = file;
  const body = attempt(path, () => readlinkSync(absolute(walk, path), { encoding: 'buffer' }));
  if (objectId(walk.objects.algorithm, { type: 'blob', body }) === entry.id) walk.same.push(file);
  else flaw(walk, path, 'is a symbolic link to another place');
}

function compareContent(walk: Walk, file: Tracked): void {
  const { path, entry } = file;
  const { algorithm } = walk.objects;
  const { id, executable } = attempt(path, () => hashBlob(absolute(walk, path), algorithm));
  if (executable !== (entry.mode === '100755')) {
    flaw(walk, path, executable ? 'is executable and should not be' : 'should be executable');
  } else if (id === entry.id) walk.same.push(file);
  else walk.converted.push(file);
}

function addMissing(walk: Walk, path: Buffer, entry: TreeEntry): void {
  if (entry.folder === undefined) walk.missing.push({ path, entry });
  else {
    for (const child of entry.folder.entries) {
      countFile(walk);
      addMissing(walk, Buffer.concat([path, slash, child.name]), child);
    }
  }
}

/** A submodule is at its recorded commit, byte for byte; or it was not checked out and its folder is empty. */
async function compareSubmodule(
  git: Git,
  options: {
    readonly submodule: Tracked;
    readonly repository: Repository;
    readonly prefix: string;
    readonly result: Comparison;
  },
): Promise<void> {
  const { submodule, repository, prefix, result } = options;
  const { path, entry } = submodule;
  const shown = prefix + path.toString();
  const top = `${repository.top}/${path.toString()}`;
  const inner = await repositoryAt(top);
  if (inner === undefined) {
    const { length } = attempt(path, () => readdirSync(top));
    if (length > 0) {
      result.flaws.push({
        path: shown,
        what: 'is a submodule that was not checked out, and holds files',
      });
    } else result.leftOut.push(shown);
    return;
  }
  const head = await headCommit(git, inner);
  if (head !== entry.id) {
    const what = `is a submodule at ${head} and should be at ${entry.id}`;
    result.flaws.push({ path: shown, what });
    return;
  }
  const found = await compare(git, { repository: inner, commit: entry.id, prefix: `${shown}/` });
  // One by one: a call can't take a hundred thousand arguments.
  for (const file of found.files) result.files.push(file);
  for (const each of found.flaws) result.flaws.push(each);
  for (const path of found.leftOut) result.leftOut.push(path);
}

function countFile(walk: Walk): void {
  walk.seen += 1;
  if (walk.seen > maxFiles) {
    throw new Fault('facts_uncollectable', `The commit holds more than ${maxFiles} paths.`);
  }
}

function flaw(walk: Walk, path: Buffer, what: string): void {
  walk.flaws.push({ path: path.toString(), what });
}

function absolute(walk: Walk, path: Buffer): Buffer {
  return path.length === 0 ? walk.top : Buffer.concat([walk.top, slash, path]);
}

/** Reads from the disk; what can't be read is not proven. */
function attempt<T>(path: Buffer, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new Fault(
      'facts_uncollectable',
      `${visible(`./${path.toString()}`)} can't be read (${codeOf(cause)}), so it can't be compared with the commit.`,
      { cause },
    );
  }
}
