/** A node of a parser's tree: what a member holds is looked at before it is believed. */
export type Node = Readonly<Record<string, unknown>>;

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A member as a node; an empty one where it is none. */
export function child(node: unknown, ...path: readonly string[]): Node {
  let current: unknown = node;
  for (const name of path) current = isNode(current) ? current[name] : undefined;
  return isNode(current) ? current : {};
}

/** A member as a list; an empty one where it is none. */
export function children(node: Node, name: string): readonly unknown[] {
  const list = node[name];
  return Array.isArray(list) ? (list as readonly unknown[]) : [];
}

/** A member as text; the empty text where it is none. */
export function word(node: Node, name: string): string {
  const value = node[name];
  return typeof value === 'string' ? value : '';
}

/** Whether a value, or anything in it, is a node that the test accepts. */
export function holds(value: unknown, test: (node: Node) => boolean): boolean {
  if (Array.isArray(value)) return value.some((item) => holds(item, test));
  if (!isNode(value)) return false;
  return test(value) || Object.values(value).some((item) => holds(item, test));
}

/** Whether two trees are equal but for where they stand in the text. */
export function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one, withoutPlace) === JSON.stringify(other, withoutPlace);
}

function withoutPlace(key: string, value: unknown): unknown {
  return key === 'location' || key === 'loc' ? undefined : value;
}
