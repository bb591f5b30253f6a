import { readdirSync, statSync, type Dirent } from 'node:fs';
import { Fault } from '../core/fault.ts';
import { visible } from '../core/text.ts';
import type { FolderEntry, GlobSource } from './glob.ts';
import type { ProvenFile } from './tree.ts';

const maxEntries = 200_000;

/** A link where globs look for files of a migration. `name` is whose globs these are. */
export function linkFault(path: string, name: string): Fault {
  return new Fault(
    'facts_uncollectable',
    `${name}: ${visible(path)} is a symbolic link, so what it stands for can change without the commit. Name the files themselves.`,
  );
}

function refuseLink(name: string): GlobSource['refuseLink'] {
  return (path) => {
    throw linkFault(path, name);
  };
}

/** What lies below a folder, without what belongs to git. `name` is whose globs these are, for messages. */
export function diskSource(top: string, name: string): GlobSource {
  let entries = 0;
  const list = (folder: string) => {
    const found = readFolder(`${top}/${folder}`, name).filter(({ name }) => name !== '.git');
    entries += found.length;
    if (entries > maxEntries) {
      throw new Fault(
        'facts_uncollectable',
        `${name}: the globs lead through more than ${maxEntries} files and folders. Name the folders of the migrations instead of searching with **.`,
      );
    }
    return found.map((entry) => ({ name: entry.name, kind: kindOf(entry) }));
  };
  return { list, refuseLink: refuseLink(name) };
}

function readFolder(path: string, name: string): readonly Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (cause) {
    const message = `${name}: the folder ${visible(path)} can't be read.`;
    throw new Fault('facts_uncollectable', message, { cause });
  }
}

function kindOf(entry: Dirent): FolderEntry['kind'] {
  if (entry.isDirectory()) return 'folder';
  if (!entry.isSymbolicLink()) return 'file';
  try {
    return statSync(`${entry.parentPath}/${entry.name}`).isDirectory() ? 'linked-folder' : 'link';
  } catch {
    return 'link'; // It leads nowhere.
  }
}

/** The folders of the commit, made of the paths of its files. */
export function commitSource(files: readonly ProvenFile[], name: string): GlobSource {
  const folders = new Map<string, Map<string, FolderEntry>>();
  for (const { path, kind } of files) {
    const names = path.split('/');
    for (const [depth, name] of names.entries()) {
      const parent = names.slice(0, depth).join('/');
      const entries = folders.get(parent) ?? new Map<string, FolderEntry>();
      entries.set(name, { name, kind: depth === names.length - 1 ? kind : 'folder' });
      folders.set(parent, entries);
    }
  }
  return {
    list: (folder) => [...(folders.get(folder)?.values() ?? [])],
    refuseLink: refuseLink(name),
  };
}
