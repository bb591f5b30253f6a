import { child, children, holds, isNode, isSame, word, type Node } from './tree.ts';

/**
 * Whether a condition of the parser's tree leaves rows out, as {@link file://./postgresql-where.ts} says. The parser
 * binds OR as strongly as AND: so each OR anywhere in the condition must limit the rows on both sides.
 */
export function limitsPlainRows(condition: unknown): boolean {
  return (
    limits(condition, false) &&
    eachOr(condition).every(({ left, right }) => limits(left, false) && limits(right, false))
  );
}

function limits(condition: unknown, isNegated: boolean): boolean {
  if (!isNode(condition)) return false;
  const operator = word(condition, 'operator').toUpperCase();
  const negated = negatedParts(condition);
  if (negated.length > 0) return negated.every((part) => limits(part, !isNegated));
  const { left, right } = condition;
  // NOT makes an OR of an AND; what it makes of an OR is held to the same as the OR.
  if (operator === 'AND' && !isNegated) return limits(left, false) || limits(right, false);
  if (operator === 'AND' || weak.has(operator)) {
    return limits(left, isNegated) && limits(right, isNegated);
  }
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

/** What a NOT turns round; nothing where there is none. */
function negatedParts(condition: Node): readonly unknown[] {
  if (calledName(condition) === 'NOT') return children(child(condition, 'args'), 'value');
  return /^(?:NOT|!)$/i.test(word(condition, 'operator')) ? [condition.expr] : [];
}

/** Whether there is any row at all says nothing of this one. */
function existsQuery(condition: Node): Node | undefined {
  if (/^(?:NOT )?EXISTS$/i.test(word(condition, 'operator')))
    return child(condition, 'expr', 'ast');
  if (calledName(condition) !== 'EXISTS') return undefined;
  const [query] = children(child(condition, 'args'), 'value');
  return child(query, 'ast');
}

/** The name of what the parser takes for a call: NOT and EXISTS before a bracket are, too. */
function calledName(condition: Node): string {
  const [name] = children(child(condition, 'name'), 'name');
  return condition.type === 'function' ? word(child({ name }, 'name'), 'value').toUpperCase() : '';
}
