export type Json =
  string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type Path = readonly (string | number)[];

/** A value with nothing below it: text, a number, true, false, null, or an empty object or list. */
export interface Leaf {
  readonly path: Path;
  readonly value: Json;
}

/** Every leaf of a JSON value, in its order. Nothing of a value is lost: {@link assemble} builds it again. */
export function leavesOf(value: Json, path: Path = []): readonly Leaf[] {
  if (value === null || typeof value !== 'object') return [{ path, value }];
  const isList = Array.isArray(value);
  const entries = Object.entries(value as Readonly<Record<string, Json>>);
  if (entries.length === 0) return [{ path, value }];
  return entries.flatMap(([key, child]) => leavesOf(child, [...path, isList ? Number(key) : key]));
}

/** The JSON value that these leaves, in this order, are the leaves of. */
export function assemble(leaves: readonly Leaf[]): Json {
  const [first] = leaves;
  if (first?.path.length === 0) return first.value;
  // No prototype: a key such as `__proto__` is a key like any other.
  const members = Object.create(null) as Record<string, Json>;
  for (const [key, below] of Map.groupBy(leaves, ({ path }) => String(path[0]))) {
    members[key] = assemble(below.map(({ path, value }) => ({ path: path.slice(1), value })));
  }
  return typeof first?.path[0] === 'number' ? Object.values(members) : members;
}

/** `facts.migration.files[0].path`; a key that is no plain name stands in quotes, so that no two paths look alike. */
export function pathText(path: Path): string {
  return path
    .map((step, index) => {
      if (typeof step === 'number') return `[${step}]`;
      if (!/^[A-Za-z_][A-Za-z0-9_-]*$/.test(step)) return `[${JSON.stringify(step)}]`;
      return index === 0 ? step : `.${step}`;
    })
    .join('');
}

/** The value at a path, own members only; `undefined` where there is none. */
export function at(value: Json | undefined, ...path: Path): Json | undefined {
  let here = value;
  for (const step of path) {
    if (here === null || typeof here !== 'object' || !Object.hasOwn(here, step)) return undefined;
    here = (here as Readonly<Record<string | number, Json>>)[step];
  }
  return here;
}
