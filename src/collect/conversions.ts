import { createHash } from 'node:crypto';
import { blobHash, hashFile, readSmallFile } from './disk.ts';
import type { Flaw } from './flaws.ts';
import { runGit } from './git.ts';
import { readObjects, type Objects, type TreeEntry } from './objects.ts';
import type { Repository } from './repository.ts';

type Reason = Omit<Flaw, 'path'>;

const maxConvertedBytes = 64 * 1024 * 1024;
const maxPointerBytes = 1024;
const other = { what: 'has other content' };

/**
 * Files whose bytes are not the commit's may still be what checking them out makes of the commit: for each that is not, why.
 * No filter is run, for a filter is any program that the repository's configuration names. Proven are Git LFS files, by
 * the SHA-256 of the pointer in the commit, and line ends where `.gitattributes` in the commit say `eol=crlf`.
 */
export async function explainConversions(
  objects: Objects,
  options: {
    readonly repository: Repository;
    readonly tree: string;
    readonly files: readonly { readonly path: Buffer; readonly entry: TreeEntry }[];
  },
): Promise<ReadonlyMap<string, Reason>> {
  const { files, tree, repository } = options;
  const reasons = new Map<string, Reason>();
  if (files.length === 0) return reasons;
  const attributes = await readAttributes(objects, { tree, paths: files.map(({ path }) => path) });
  const filterOf = (path: Buffer) => attributes(path, 'filter');
  const pointers = await readObjects(
    objects,
    files.filter(({ path }) => filterOf(path) === 'lfs').map(({ entry }) => entry.id),
  );
  for (const { path, entry } of files) {
    const key = path.toString('latin1');
    const onDisk = Buffer.concat([Buffer.from(`${repository.top}/`), path]);
    const pointer = filterOf(path) === 'lfs' ? pointers.get(entry.id)?.body : undefined;
    const reason =
      pointer === undefined
        ? otherReason(onDisk, { entry, attribute: (name) => attributes(path, name), objects })
        : lfsReason(onDisk, pointer);
    if (reason !== undefined) reasons.set(key, reason);
  }
  return reasons;
}

/** The form of a pointer: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md */
function lfsReason(path: Buffer, pointer: Buffer): Reason | undefined {
  const [, oid, size] =
    /^version https:\/\/git-lfs\.github\.com\/spec\/v1\noid sha256:([0-9a-f]{64})\nsize (\d+)\n$/.exec(
      pointer.toString('latin1', 0, maxPointerBytes),
    ) ?? [];
  if (oid === undefined) return other;
  const { hash, sizeBytes } = hashFile(path, () => createHash('sha256'));
  return hash === oid && String(sizeBytes) === size
    ? undefined
    : { what: 'is not the Git LFS file whose pointer the commit holds' };
}

function otherReason(
  path: Buffer,
  options: {
    readonly entry: TreeEntry;
    readonly attribute: (name: string) => string;
    readonly objects: Objects;
  },
): Reason | undefined {
  const { entry, attribute, objects } = options;
  const filter = attribute('filter');
  if (!isUnset(filter)) {
    return { what: `goes through the filter "${filter}", which is not run here`, unproven: true };
  }
  for (const name of ['ident', 'working-tree-encoding']) {
    if (!isUnset(attribute(name))) {
      return {
        what: `is changed at checkout by the attribute ${name}, which is not undone here`,
        unproven: true,
      };
    }
  }
  const content = readSmallFile(path, maxConvertedBytes);
  if (content === undefined || content.includes('\0') || !hasOnlyCrlf(content)) return other;
  const withLf = Buffer.from(content.toString('latin1').replaceAll('\r\n', '\n'), 'latin1');
  if (blobHash(objects.algorithm, withLf.length).update(withLf).digest('hex') !== entry.id)
    return other;
  return attribute('text') !== 'unset' && attribute('eol') === 'crlf'
    ? undefined
    : {
        what: 'has CRLF line ends where the commit has LF: set core.autocrlf to false before the checkout',
      };
}

function isUnset(attribute: string): boolean {
  return attribute === 'unspecified' || attribute === 'unset';
}

function hasOnlyCrlf(content: Buffer): boolean {
  return !/(?<!\r)\n/.test(content.toString('latin1'));
}

/** The attributes that the commit's own `.gitattributes` give; those of the machine or of `.git/info` do not count. */
async function readAttributes(
  objects: Objects,
  options: { readonly tree: string; readonly paths: readonly Buffer[] },
): Promise<(path: Buffer, name: string) => string> {
  const { git, gitDir, objectDirectory } = objects;
  const call = { cwd: git.home, gitDir, objectDirectory };
  await runGit(git, { ...call, args: ['read-tree', options.tree] });
  const names = ['filter', 'ident', 'working-tree-encoding', 'text', 'eol'];
  const output = await runGit(git, {
    ...call,
    args: ['check-attr', '--cached', '--stdin', '-z', ...names],
    input: Buffer.concat(options.paths.flatMap((path) => [path, Buffer.from('\0')])),
  });
  // It answers with the path, the attribute and its value, each ended by U+0000.
  const answers = output.toString('latin1').matchAll(/([^\0]*\0[^\0]*)\0([^\0]*)\0/g);
  const values = new Map(Array.from(answers, ([, key, value]) => [key, value] as const));
  // No answer is no permission: an unknown value is a filter that is not run.
  return (path, name) => values.get(`${path.toString('latin1')}\0${name}`) ?? 'unknown';
}
