/**
 * Globs, the same for the files of a migration and for the refs and workflows of a policy: names between slashes, in which `*`
 * stands for any characters of one name, `?` for one character, and `**` as a whole name for any number of names. A name that
 * begins with a dot is a name like any other. This is all, so that every machine finds the same.
 */

/** What is wrong with a glob, as the end of a sentence. */
export function globProblem(glob: string): string | undefined {
  const odd = /[[\]{}()!\\]/.exec(glob)?.[0];
  if (odd !== undefined) {
    return `holds "${odd}", which has no meaning here; use only *, ? and **, and an entry for each glob`;
  }
  if (glob.split('/').some((name) => /^\.{0,2}$/.test(name))) {
    return 'must be a clean relative path: no slash at either end, no empty name, no . or ..';
  }
  if (glob.split('/').some((name) => name.includes('**') && name !== '**')) {
    return 'holds ** as a part of a name; it must stand alone between slashes';
  }
  return undefined;
}

/** The patterns of the names in a glob, one for each level; `**` at the end stands for a name at any depth. */
export function globLevels(glob: string): readonly string[] {
  const names = glob.split('/').filter((name, at, all) => name !== '**' || all[at - 1] !== '**');
  return names.at(-1) === '**' ? [...names, '*'] : names;
}

/** Whether one name fits the pattern of its level, which is not `**`. */
export function nameMatcher(pattern: string): (name: string) => boolean {
  const parts = pattern.split(/([*?])/).map((part) => {
    if (part === '*') return '.*';
    return part === '?' ? '.' : part.replace(/[$()+.[\\\]^{|}]/g, '\\$&');
  });
  const expression = new RegExp(`^${parts.join('')}$`, 'su');
  return (name) => expression.test(name);
}

/** Whether a glob matches the whole text, such as a ref or a path. */
export function matchesGlob(glob: string, text: string): boolean {
  return matchesLevels(globLevels(glob), text.split('/'));
}

function matchesLevels(
  [pattern, ...patterns]: readonly string[],
  names: readonly string[],
): boolean {
  if (pattern === undefined) return names.length === 0;
  if (pattern === '**') {
    return names.some((_, skipped) => matchesLevels(patterns, names.slice(skipped)));
  }
  const [name, ...rest] = names;
  return name !== undefined && nameMatcher(pattern)(name) && matchesLevels(patterns, rest);
}
