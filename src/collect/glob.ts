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

/**
 * What is wrong with a glob, as the end of a sentence. A glob is a clean relative path in which `*` stands for any characters of
 * one name, `?` for one character, and `**` as a whole name for any number of folders. A name that begins with a dot is a
 * name like any other. This is all, so that every machine finds the same files.
 */
export function globProblem(glob: string): string | undefined {
  const odd = /[[\]{}()!\\]/.exec(glob)?.[0];
  if (odd !== undefined) {
    return `holds "${odd}", which has no meaning here; use only *, ? and **, and a line for each glob`;
  }
  if (glob.split('/').some((name) => /^\.{0,2}$/.test(name))) {
    return 'must be a clean path relative to the root of the checkout: no slash at either end, no empty name, no . or ..';
  }
  if (glob.split('/').some((name) => name.includes('**') && name !== '**')) {
    return 'holds ** as a part of a name; it must stand alone between slashes';
  }
  return undefined;
}

/** The paths that a glob matches, each once, in bytewise order; folders are not among them. */
export function expandGlob(glob: string, source: GlobSource): readonly string[] {
  const names = glob.split('/').filter((name, at, all) => name !== '**' || all[at - 1] !== '**');
  const patterns = names.at(-1) === '**' ? [...names, '*'] : names;
  const found = new Set(matches(patterns, '', source));
  return [...found].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

function* matches(
  patterns: readonly string[],
  folder: string,
  source: GlobSource,
): Generator<string> {
  const [first = '', ...rest] = patterns;
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

function nameMatcher(pattern: string): (name: string) => boolean {
  const parts = pattern.split(/([*?])/).map((part) => {
    if (part === '*') return '.*';
    return part === '?' ? '.' : part.replace(/[$()+.[\\\]^{|}]/g, '\\$&');
  });
  const expression = new RegExp(`^${parts.join('')}$`, 'su');
  return (name) => expression.test(name);
}
