import { child, children, holds, isNode, isSame, type Node } from './tree.ts';

/**
 * Whether a condition of PostgreSQL's tree leaves rows out: it looks at a column, and is not one of the forms that plainly hold
 * for every row. A condition that merely happens to hold for every row can't be told from others.
 */
export function limitsRows(condition: unknown): boolean {
  return limits(condition, false);
}

function limits(condition: unknown, isNegated: boolean): boolean {
  if (!isNode(condition)) return false;
  const { BoolExpr: bool, A_Expr: comparison, SubLink: query } = condition;
  if (isNode(bool)) {
    const parts = children(bool, 'args');
    if (bool.boolop === 'NOT_EXPR') return parts.every((part) => limits(part, !isNegated));
    // NOT makes an OR of an AND, and the other way round.
    return (bool.boolop === 'AND_EXPR') !== isNegated
      ? parts.some((part) => limits(part, isNegated))
      : parts.every((part) => limits(part, isNegated));
  }
  if (isNode(comparison)) {
    if (isSame(comparison.lexpr, comparison.rexpr) || matchesAnyText(comparison)) return false;
  }
  // Whether there is any row at all says nothing of this one.
  if (isNode(query) && query.subLinkType === 'EXISTS_SUBLINK') {
    return 'whereClause' in child(query, 'subselect', 'SelectStmt');
  }
  return holds(condition, (node) => 'ColumnRef' in node || 'CurrentOfExpr' in node);
}

function matchesAnyText({ kind, rexpr }: Node): boolean {
  const pattern = child({ rexpr }, 'rexpr', 'A_Const', 'sval').sval;
  return /^AEXPR_I?LIKE$/.test(String(kind)) && /^%+$/.test(String(pattern));
}
