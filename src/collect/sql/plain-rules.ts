import { visible } from '../../core/text.ts';
import { isHarmlessFunction } from './functions.ts';
import { judgePlainAlter } from './plain-alter.ts';
import { limitsPlainRows } from './plain-where.ts';
import type { PlainDialect, Token } from './tokens.ts';
import { child, children, isNode, word, type Node } from './tree.ts';

/** What is known where a statement stands. */
export interface Known {
  readonly dialect: PlainDialect;
  /** Tables that the file has created so far, for certain: nobody else uses them yet. */
  readonly created: Set<string>;
}

export interface Place extends Known {
  readonly tokens: readonly Token[];
  /** The name that one in the parser's tree stands for. */
  readonly nameOf: (written: string) => string;
}

/**
 * Why a statement of MySQL or SQLite counts; nothing when it is harmless. An empty reason is one that the statement itself says.
 * @param tree of one statement
 */
export function judgeTree(tree: unknown, place: Place): readonly string[] {
  const list: readonly unknown[] = Array.isArray(tree) ? tree : [tree];
  const [statement] = list;
  if (list.length !== 1 || !isNode(statement)) return ['unknown, is not one statement'];
  const reasons = [...judgeNode(statement, place), ...judgeInside(statement, place)];
  return reasons.length > 0 ? reasons : judgeWords(word(statement, 'type'), place.tokens);
}

function judgeNode(statement: Node, place: Place): readonly string[] {
  switch (statement.type) {
    case 'select':
      if (word(statement, 'locking_read') !== '') return ['locks rows'];
      return child(statement, 'into').type === 'into' ? ['writes what it reads elsewhere'] : [];
    case 'insert':
      return isCatalog(statement) ? [changesCatalog] : judgeInsert(statement, place);
    case 'replace':
      return [`deletes what it replaces in ${firstTable(statement, place)}`];
    case 'update':
    case 'delete':
      if (isCatalog(statement)) return [changesCatalog];
      if (limitsPlainRows(statement.where)) return [];
      return [`${statement.type.toUpperCase()} of every row of ${firstTable(statement, place)}`];
    case 'create':
      return judgeCreate(statement, place);
    case 'alter': {
      const [table] = children(statement, 'table');
      return judgePlainAlter(statement, {
        dialect: place.dialect,
        isNew: place.created.has(tableKey(table, place)),
      });
    }
    case 'drop':
    case 'truncate':
    case 'rename':
      return [''];
    case 'call':
      return ['runs code that is not analysed'];
    case 'grant':
    case 'revoke':
      return ['changes who may do what'];
    case 'lock':
      return ['blocks'];
    case 'load_data':
      return ['moves data that is not in the statement'];
    default:
      return ['unknown kind of statement'];
  }
}

const changesCatalog = "changes the database's own tables";
const catalogs = /^(?:mysql|sys|performance_schema|information_schema|sqlite_.*)$/i;

function isCatalog(statement: Node): boolean {
  return children(statement, 'table').some((table) => {
    const { db, table: name } = child({ table }, 'table');
    return catalogs.test(String(db)) || /^sqlite_/i.test(String(name));
  });
}

function judgeInsert(statement: Node, place: Place): readonly string[] {
  const table = firstTable(statement, place);
  const otherwise = children(statement, 'or').map((part) => word(child({ part }, 'part'), 'value'));
  if (otherwise.some((part) => /^replace$/i.test(part))) {
    return [`deletes what it replaces in ${table}`];
  }
  const overwrites = isNode(statement.on_duplicate_update) || isNode(statement.conflict);
  const givesItsRows = child(statement, 'values').type === 'values' || Array.isArray(statement.set);
  return overwrites && !givesItsRows ? [`overwrites any rows of ${table}`] : [];
}

function judgeCreate(statement: Node, place: Place): readonly string[] {
  switch (statement.keyword) {
    case 'table': {
      // A trigger of SQLite has no such word; a table of its kind has no other.
      if (word(statement, 'ignore_replace') !== '' || word(statement, 'replace') !== '') {
        return ['replaces what may be there'];
      }
      const [table] = children(statement, 'table');
      if (word(statement, 'if_not_exists') === '') place.created.add(tableKey(table, place));
      return [];
    }
    case 'index':
      return judgeIndex(statement, place);
    case 'view':
      return word(statement, 'replace') === '' ? [] : ['replaces what may be there'];
    case 'database':
    case 'schema':
      return [];
    case 'user':
      return ['changes who may do what'];
    default:
      return ['runs or keeps code that is not analysed'];
  }
}

/** InnoDB builds an ordinary index while others write; SQLite lets nobody else write during any statement. */
function judgeIndex(statement: Node, place: Place): readonly string[] {
  if (place.created.has(tableKey(statement.table, place))) return [];
  const isSpecial = /^(?:fulltext|spatial)$/i.test(word(statement, 'index_type'));
  const algorithm = word(child(statement, 'algorithm_option'), 'algorithm');
  const lock = word(child(statement, 'lock_option'), 'lock');
  const blocks = isSpecial || /^copy$/i.test(algorithm) || /^(?:shared|exclusive)$/i.test(lock);
  return blocks ? ['blocks writes while the index is built'] : [];
}

const statementTypes: ReadonlySet<unknown> = new Set([
  'alter',
  'call',
  'create',
  'delete',
  'drop',
  'insert',
  'replace',
  'truncate',
  'update',
]);

/** Other statements and calls inside of a statement. */
function judgeInside(statement: Node, place: Place): readonly string[] {
  const isView = statement.type === 'create' && statement.keyword === 'view';
  const reasons: string[] = [];
  const walk = (part: unknown, callsRun: boolean): void => {
    if (Array.isArray(part)) {
      for (const item of part) walk(item, callsRun);
      return;
    }
    if (!isNode(part)) return;
    const isPart = part !== statement;
    // What ALTER is made of is of type "alter" too; it has been judged.
    if (isPart && part.type !== 'alter' && statementTypes.has(part.type)) {
      reasons.push(`${String(part.type).toUpperCase()} inside of another statement`);
    }
    if (isPart && part.type === 'select') reasons.push(...judgeNode(part, place));
    if (part.type === 'function' && callsRun) reasons.push(...judgeCall(part));
    for (const [name, inner] of Object.entries(part)) {
      // On a table without rows neither checks nor defaults run.
      const isNewTable = statement.type === 'create' && name === 'create_definitions';
      walk(inner, callsRun && !isNewTable);
    }
  };
  walk(statement, !isView);
  return reasons;
}

function judgeCall(call: Node): readonly string[] {
  const names = children(child(call, 'name'), 'name').map((name) =>
    word(child({ name }, 'name'), 'value'),
  );
  const isQualified = names.length !== 1 || isNode(child(call, 'name').schema);
  if (!isQualified && names.every((name) => isHarmlessFunction(name.toLowerCase()))) return [];
  return [`calls ${visible(names.join('.'), 60)}(), which may do anything`];
}

/** Words that nothing harmless holds outside of quotes, but in the places named. */
const strongWords = new Map<string, (before: string, after: string) => boolean>([
  ['ALTER', () => false],
  ['CALL', () => false],
  ['DELETE', (before) => before === 'ON'],
  ['DROP', () => false],
  ['DUMPFILE', () => false],
  ['GRANT', () => false],
  ['INSERT', (_, after) => after === '('],
  ['KILL', () => false],
  ['LOAD', () => false],
  ['OUTFILE', () => false],
  ['PROCEDURE', () => false],
  ['PURGE', () => false],
  ['RENAME', () => false],
  ['REPLACE', (_, after) => after === '('],
  ['REVOKE', () => false],
  ['TRIGGER', () => false],
  ['TRUNCATE', (_, after) => after === '('],
  ['UPDATE', (before) => ['ON', 'FOR', 'KEY'].includes(before)],
]);

/** The parser is lenient: what it took for harmless must not hold a strong word beside its own verb. */
function judgeWords(type: string, tokens: readonly Token[]): readonly string[] {
  const strong = tokens.flatMap(({ kind, text }, index) => {
    const upper = text.toUpperCase();
    const isExcused = strongWords.get(upper);
    if (kind !== 'word' || isExcused === undefined) return [];
    const before = tokens[index - 1]?.text.toUpperCase() ?? '';
    return isExcused(before, tokens[index + 1]?.text ?? '') ? [] : [upper];
  });
  const own = strong.indexOf(type.toUpperCase());
  const others = strong.filter((_, index) => index !== own);
  return others.map((other) => `unknown, holds ${other}`);
}

function firstTable(statement: Node, place: Place): string {
  const [table] = children(statement, 'table');
  const names = [child({ table }, 'table').db, child({ table }, 'table').table];
  const written = names.filter((name) => typeof name === 'string');
  return visible(written.map((name) => place.nameOf(name)).join('.'), 60);
}

function tableKey(table: unknown, { nameOf }: Place): string {
  const { db, table: name } = child({ table }, 'table');
  return JSON.stringify([db, name].map((part) => (typeof part === 'string' ? nameOf(part) : '')));
}
