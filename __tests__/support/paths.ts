/** A path into a JSON document, such as `['migration', 'files', 0, 'path']`. */
export type Path = readonly (string | number)[];

/** The path as our problems and differences write it: `migration.files[0].path`. */
export function written(path: Path): string {
  return path.reduce<string>(
    (text, part) =>
      typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`,
    '',
  );
}

/** The paths of all values that are neither object nor list. */
export function leafPaths(document: unknown, path: Path = []): readonly Path[] {
  if (typeof document !== 'object' || document === null) return [path];
  const list = Array.isArray(document);
  return Object.entries(document).flatMap(([key, member]) =>
    leafPaths(member, [...path, list ? Number(key) : key]),
  );
}

/** The paths of all objects in a document, the document itself too. */
export function objectPaths(document: unknown, path: Path = []): readonly Path[] {
  if (typeof document !== 'object' || document === null) return [];
  const list = Array.isArray(document);
  const inner = Object.entries(document).flatMap(([key, member]) =>
    objectPaths(member, [...path, list ? Number(key) : key]),
  );
  return list ? inner : [path, ...inner];
}

/** A deep copy with another value at the path; `undefined` removes the member. */
export function withValue<T>(document: T, path: Path, value: unknown): T {
  const copy = structuredClone(document);
  let container = copy as Record<string | number, unknown>;
  for (const part of path.slice(0, -1)) container = container[part] as typeof container;
  const last = path.at(-1) ?? '';
  if (value !== undefined) container[last] = value;
  else if (Array.isArray(container)) container.splice(Number(last), 1);
  else Reflect.deleteProperty(container, last);
  return copy;
}

/** The value at a path. */
export function valueAt(document: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, part) => (value as Readonly<Record<string | number, unknown>>)[part],
    document,
  );
}
