import { readTree, type Folder, type Objects, type TreeEntry } from './objects.ts';

/** A path that one tree holds and another does not hold like that. */
export interface ChangedEntry {
  readonly path: Buffer;
  readonly entry: TreeEntry;
  /** What stood there before, if anything did. */
  readonly before: TreeEntry | undefined;
}

/**
 * Files, links and submodules that a tree adds or changes against another, by their ids: no attribute, no rename detection and no
 * configuration of a diff has a say in it. Without `from` that is all it holds.
 * @throws Fault facts_uncollectable where a folder of either is missing
 */
export async function changedEntries(
  objects: Objects,
  options: { readonly from: string | undefined; readonly to: string },
): Promise<readonly ChangedEntry[]> {
  const old = options.from === undefined ? undefined : await readTree(objects, options.from);
  const changed: ChangedEntry[] = [];
  const compare = (to: Folder, from: Folder | undefined, folder: Buffer): void => {
    const before = new Map(
      (from?.entries ?? []).map((entry) => [entry.name.toString('latin1'), entry]),
    );
    for (const entry of to.entries) {
      const was = before.get(entry.name.toString('latin1'));
      if (was?.id === entry.id && was.mode === entry.mode) continue;
      const path = folder.length === 0 ? entry.name : Buffer.concat([folder, slash, entry.name]);
      if (entry.folder === undefined) changed.push({ path, entry, before: was });
      else compare(entry.folder, was?.folder, path);
    }
  };
  compare(await readTree(objects, options.to), old, Buffer.alloc(0));
  return changed;
}

const slash = Buffer.from('/');
