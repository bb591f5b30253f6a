import { child, children, holds, isNode, isSame, word, type Node } from './tree.ts';

/**
 * Whether a condition of the parser's tree leaves rows out, as {@link file://./postgresql-where.ts} says. The parser
 * binds OR as strongly as AND: so each OR anywhere in the condition must limit the rows on both sides.
 */
export function limitsPlainRows(condition: unknown): boolean {
  return (
    limits(condition) && eachOr(condition).every(({ left, right }) => limits(left) && limits(right))
  );
}

function limits(condition: unknown): boolean {
  if (!isNode(condition)) return false;
  const operator = word(condition, 'operator').toUpperCase();
  const { left, right } = condition;
  if (operator === 'AND') return limits(left) || limits(right);
  if (weak.has(operator)) return limits(left) && limits(right);
  if (operator.endsWith('LIKE') && child({ right }, 'right').value === '%') return false;
  if (condition.type === 'binary_expr' && isSame(left, right)) return false;
  const query = existsQuery(condition);
  if (query !== undefined) return isNode(query.where);
  return holds(condition, ({ type }) => type === 'column_ref');
}

const weak: ReadonlySet<string> = new Set(['OR', 'XOR', '||']);

function eachOr(condition: unknown): readonly Node[] {
  const found: Node[] = [];
  const walk = (part: unknown): void => {
    if (Array.isArray(part)) for (const item of part) walk(item);
    if (!isNode(part) || isNode(part.ast)) return;
    if (weak.has(word(part, 'operator').toUpperCase())) found.push(part);
    for (const inner of Object.values(part)) walk(inner);
  };
  walk(condition);
  return found;
}

/** Whether there is any row at all says nothing of this one. */
function existsQuery(condition: Node): Node | undefined {
  if (/^(?:NOT )?EXISTS$/i.test(word(condition, 'operator')))
    return child(condition, 'expr', 'ast');
  const [name] = children(child(condition, 'name'), 'name');
  if (condition.type !== 'function' || !/^exists$/i.test(word(child({ name }, 'name'), 'value'))) {
    return undefined;
  }
  const [query] = children(child(condition, 'args'), 'value');
  return child(query, 'ast');
}
