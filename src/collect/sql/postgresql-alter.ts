import { child, children, holds, isNode, word, type Node } from './tree.ts';

/**
 * Why an ALTER TABLE counts. On a table that the same file created, adding anything blocks nobody.
 */
export function judgeAlterTable(statement: Node, isNew: boolean): readonly string[] {
  if (statement.objtype !== 'OBJECT_TABLE') return [''];
  return children(statement, 'cmds').flatMap((command) =>
    judgeCommand(child(command, 'AlterTableCmd'), isNew),
  );
}

const additions: ReadonlySet<string> = new Set([
  'AT_AddColumn',
  'AT_AddConstraint',
  'AT_AddIdentity',
  'AT_ColumnDefault',
  'AT_SetNotNull',
  'AT_SetStatistics',
  'AT_ValidateConstraint',
]);

function judgeCommand(command: Node, isNew: boolean): readonly string[] {
  const kind = word(command, 'subtype');
  if (isNew && additions.has(kind)) return [];
  switch (kind) {
    case 'AT_ColumnDefault':
    case 'AT_SetStatistics':
    case 'AT_ValidateConstraint':
      return [];
    case 'AT_AddColumn':
      return judgeColumn(child(command, 'def', 'ColumnDef'));
    case 'AT_AddConstraint':
      return judgeConstraint(child(command, 'def', 'Constraint'));
    case 'AT_SetNotNull':
      return ['blocks while it reads every row, and fails on a NULL'];
    case 'AT_AlterColumnType':
      return ['rewrites the table or narrows the type'];
    default:
      return [''];
  }
}

/** Only a table whose rows are left as they are can be changed in an instant. */
function judgeColumn(column: Node): readonly string[] {
  const constraints = children(column, 'constraints').map((item) => child(item, 'Constraint'));
  const ofKind = (kind: string) => constraints.filter(({ contype }) => contype === kind);
  const defaults = ofKind('CONSTR_DEFAULT');
  const reasons: string[] = [];
  if (ofKind('CONSTR_NOTNULL').length > 0 && !defaults.some(givesValue)) {
    reasons.push('NOT NULL without a default');
  }
  if (isSerial(column) || !defaults.every(isStable)) reasons.push('rewrites the table');
  const known = ['CONSTR_NULL', 'CONSTR_NOTNULL', 'CONSTR_DEFAULT'];
  if (constraints.some(({ contype }) => !known.includes(String(contype)))) {
    reasons.push('blocks while it checks or rewrites every row');
  }
  return reasons;
}

function judgeConstraint(constraint: Node): readonly string[] {
  // Checked for new rows only, until it is validated; or made of an index that is there.
  if (constraint.skip_validation === true || word(constraint, 'indexname') !== '') return [];
  return ['blocks while it checks every row'];
}

function givesValue({ raw_expr: value }: Node): boolean {
  return isNode(value) && child(value, 'A_Const').isnull !== true;
}

const stableFunctions: ReadonlySet<string> = new Set([
  'now',
  'statement_timestamp',
  'timezone',
  'transaction_timestamp',
]);

/** Evaluated once for all rows: constants and the time of the transaction. */
function isStable({ raw_expr: value }: Node): boolean {
  return !holds(value, (node) => {
    if (!('FuncCall' in node)) return false;
    const name = children(child(node, 'FuncCall'), 'funcname').at(-1);
    return !stableFunctions.has(word(child(name, 'String'), 'sval'));
  });
}

function isSerial(column: Node): boolean {
  const name = children(child(column, 'typeName'), 'names').at(-1);
  return /^(?:small|big)?serial[248]?$/.test(word(child(name, 'String'), 'sval'));
}
