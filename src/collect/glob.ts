import { globLevels, nameMatcher } from '../core/glob.ts';

/** What a folder holds, by exact name. A `linked-folder` is a symbolic link to a folder. */
export interface FolderEntry {
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'link' | 'linked-folder';
}

export interface GlobSource {
  /** The entries of a folder, by its path relative to the root (empty for the root). */
  readonly list: (folder: string) => readonly FolderEntry[];
  /** Called for a link to a folder where the glob would look further. */
  readonly refuseLink: (path: string) => never;
}

/** The paths that a glob matches, each once, in bytewise order; folders are not among them. */
export function expandGlob(glob: string, source: GlobSource): readonly string[] {
  const found = new Set(matches(globLevels(glob), '', source));
  return [...found].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

function* matches(
  patterns: readonly string[],
  folder: string,
  source: GlobSource,
): Generator<string> {
  const first = String(patterns[0]);
  const rest = patterns.slice(1);
  if (first === '**') yield* matches(rest, folder, source);
  const fits = first === '**' ? () => true : nameMatcher(first);
  for (const { name, kind } of source.list(folder)) {
    if (!fits(name)) continue;
    const path = folder === '' ? name : `${folder}/${name}`;
    if (kind === 'linked-folder') source.refuseLink(path);
    else if (kind === 'folder') {
      if (first === '**') yield* matches(patterns, path, source);
      else if (rest.length > 0) yield* matches(rest, path, source);
    } else if (first !== '**' && rest.length === 0) yield path;
  }
}
