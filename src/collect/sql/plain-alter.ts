import { child, children, isNode, word, type Node } from './tree.ts';
import type { PlainDialect } from './tokens.ts';

interface Table {
  readonly dialect: PlainDialect;
  /** Whether the same file created it, so that adding anything blocks nobody. */
  readonly isNew: boolean;
}

/** Why an ALTER TABLE of MySQL or SQLite counts. */
export function judgePlainAlter(statement: Node, table: Table): readonly string[] {
  const actions = children(statement, 'expr');
  // Of the other things that can be altered the parser tells by a keyword.
  if (actions.length === 0 || word(statement, 'keyword') !== '') return [''];
  return actions.flatMap((action) => judgeAction(child({ action }, 'action'), table));
}

function judgeAction(action: Node, { dialect, isNew }: Table): readonly string[] {
  const resource = word(action, 'resource');
  if (action.action === 'add') {
    if (isNew && ['column', 'index', 'constraint'].includes(resource)) return [];
    if (resource === 'column') return judgeColumn(action);
    if (resource === 'index') {
      const isSpecial = /fulltext|spatial/i.test(word(action, 'keyword'));
      return isSpecial ? ['blocks writes while the index is built'] : [];
    }
    if (resource === 'constraint') {
      const kind = word(child(action, 'create_definitions'), 'constraint_type');
      const isIndex = dialect === 'mysql' && /^unique\b/i.test(kind);
      return isIndex ? [] : ['blocks while it checks or rewrites every row'];
    }
    return ['unknown kind of change'];
  }
  if (resource === 'algorithm') {
    return /^(?:inplace|instant|default)$/i.test(word(action, 'algorithm')) ? [] : ['blocks'];
  }
  if (resource === 'lock')
    return /^(?:none|default)$/i.test(word(action, 'lock')) ? [] : ['blocks'];
  return resource === 'comment' ? [] : [''];
}

const ordinaryMembers: ReadonlySet<string> = new Set([
  'action',
  'character_set',
  'collate',
  'column',
  'comment',
  'default_val',
  'definition',
  'keyword',
  'loc',
  'nullable',
  'resource',
  'suffix',
  'type',
]);

function judgeColumn(action: Node): readonly string[] {
  const reasons: string[] = [];
  const value = child(action, 'default_val', 'value');
  const hasValue = isNode(action.default_val) && value.type !== 'null';
  const isNotNull = /not null/i.test(word(child(action, 'nullable'), 'type'));
  if (isNotNull && !hasValue) reasons.push('NOT NULL without a default');
  if (hasValue && !isConstant(value)) reasons.push('rewrites the table');
  const isMore = Object.entries(action).some(
    ([name, member]) => !ordinaryMembers.has(name) && member !== null && member !== undefined,
  );
  if (isMore) reasons.push('blocks while it checks or rewrites every row');
  return reasons;
}

function isConstant(value: Node): boolean {
  if (value.type !== 'function') return value.type !== 'binary_expr';
  const [name] = children(child(value, 'name'), 'name');
  return /^(?:current_timestamp|now)$/i.test(word(child({ name }, 'name'), 'value'));
}
