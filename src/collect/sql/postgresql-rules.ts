import { visible } from '../../core/text.ts';
import { judgeAlterTable } from './postgresql-alter.ts';
import { isHarmlessFunction } from './functions.ts';
import { limitsRows } from './postgresql-where.ts';
import { harmlessReset, harmlessSetting } from './postgresql-settings.ts';
import { child, children, isNode, word, type Node } from './tree.ts';

/** Tables that the file has created so far, for certain: nobody else uses them yet. As {@link tableName} names them. */
export type NewTables = Set<string>;

/**
 * Why a statement of PostgreSQL's raw parse tree counts; nothing when it is harmless. An empty reason is one that the statement
 * itself says. Every statement inside of it is judged too, and every function it calls.
 */
export function judgeStatement(tree: unknown, created: NewTables): readonly string[] {
  // A tree that names no kind is of an unknown one.
  const kind = String(Object.keys(child(tree))[0]);
  const statement = child(tree, kind);
  return [...judgeKind(kind, statement, created), ...judgeInside(kind, statement, created)];
}

type Rule = (statement: Node, created: NewTables) => readonly string[];

const fine: Rule = () => [];
const evident: Rule = () => [''];
const because =
  (reason: string): Rule =>
  () => [reason];

const unseenCode = because('runs or keeps code that is not analysed');
const rights = because('changes who may do what');

/** Every kind that may be harmless, and those of the others for which there is more to say than that they are unknown. */
const rules: ReadonlyMap<string, Rule> = new Map(
  Object.entries<Rule>({
    SelectStmt: fine,
    InsertStmt: judgeInsert,
    UpdateStmt: (statement) => judgeRows('UPDATE', statement),
    DeleteStmt: (statement) => judgeRows('DELETE', statement),
    MergeStmt: judgeMerge,
    CreateStmt: judgeCreateTable,
    CreateTableAsStmt: (statement, created) => {
      remember(child(statement, 'into', 'rel'), statement, created);
      return [];
    },
    IndexStmt: ({ concurrent, relation }, created) =>
      concurrent === true || created.has(tableName(relation))
        ? []
        : ['blocks writes while the index is built'],
    AlterTableStmt: (statement, created) =>
      judgeAlterTable(statement, created.has(tableName(statement.relation))),
    ViewStmt: ({ replace }) => (replace === true ? ['replaces what may be there'] : []),
    RefreshMatViewStmt: ({ concurrent }) => (concurrent === true ? [] : ['blocks reads']),
    CreateSeqStmt: fine,
    CreateEnumStmt: fine,
    CreateDomainStmt: fine,
    CompositeTypeStmt: fine,
    CreateStatsStmt: fine,
    CreateSchemaStmt: fine,
    CommentStmt: fine,
    VariableShowStmt: fine,
    CreateExtensionStmt: ({ extname }) =>
      harmlessExtensions.has(String(extname)) ? [] : ['brings in code that is not analysed'],
    AlterEnumStmt: (statement) => (word(statement, 'oldVal') === '' ? [] : ['']),
    AlterSeqStmt: (statement) =>
      children(statement, 'options').every(
        (option) => word(child(option, 'DefElem'), 'defname') === 'owned_by',
      )
        ? []
        : ['may hand out numbers again'],
    TransactionStmt: judgeTransaction,
    VariableSetStmt: judgeSet,
    VacuumStmt: ({ is_vacuumcmd: isVacuum }) => (isVacuum === true ? ['may block'] : []),

    DropStmt: evident,
    TruncateStmt: evident,
    DropdbStmt: evident,
    DropRoleStmt: evident,
    DropOwnedStmt: evident,
    DropTableSpaceStmt: evident,
    DropSubscriptionStmt: evident,
    DropUserMappingStmt: evident,
    RenameStmt: evident,
    AlterObjectSchemaStmt: evident,
    AlterOwnerStmt: rights,
    GrantStmt: rights,
    GrantRoleStmt: rights,
    AlterDefaultPrivilegesStmt: rights,
    CreateRoleStmt: rights,
    AlterRoleStmt: rights,
    AlterRoleSetStmt: rights,
    ReassignOwnedStmt: rights,
    CreatePolicyStmt: rights,
    AlterPolicyStmt: rights,
    DoStmt: unseenCode,
    CreateFunctionStmt: unseenCode,
    CallStmt: unseenCode,
    PrepareStmt: unseenCode,
    ExecuteStmt: unseenCode,
    LoadStmt: unseenCode,
    CreateTrigStmt: because('changes what other statements do'),
    CreateEventTrigStmt: because('changes what other statements do'),
    RuleStmt: because('changes what other statements do'),
    CopyStmt: because('moves data that is not in the statement'),
    LockStmt: because('blocks'),
    ClusterStmt: because('blocks'),
    ReindexStmt: because('may block'),
  }),
);

/** Those of PostgreSQL itself, and a few that are everywhere, without a way out of the database or its file system. */
const harmlessExtensions: ReadonlySet<string> = new Set(
  'btree_gin btree_gist citext cube earthdistance fuzzystrmatch hstore intarray isn ltree pg_stat_statements pg_trgm pgcrypto plpgsql postgis tablefunc unaccent uuid-ossp vector'.split(
    ' ',
  ),
);

function judgeKind(kind: string, statement: Node, created: NewTables): readonly string[] {
  return (
    rules.get(kind)?.(statement, created) ?? [`unknown kind of statement (${visible(kind, 40)})`]
  );
}

/** Statements and calls anywhere inside of a statement. */
function judgeInside(kind: string, value: unknown, created: NewTables): readonly string[] {
  // A view only keeps its query; on a table without rows neither checks nor defaults run.
  const callsRun = kind !== 'ViewStmt' && kind !== 'CreateStmt';
  const reasons: string[] = [];
  const walk = (part: unknown): void => {
    if (Array.isArray(part)) for (const item of part) walk(item);
    if (!isNode(part)) return;
    for (const [name, inner] of Object.entries(part)) {
      // Members begin in lower case (`selectStmt`), what they hold in upper case.
      if (/^[A-Z]\w*Stmt$/.test(name) && isNode(inner))
        reasons.push(...judgeKind(name, inner, created));
      if (name === 'DeleteStmt') reasons.push('DELETE inside of another statement');
      if (name === 'LockingClause') reasons.push('locks rows');
      if (name === 'FuncCall' && callsRun) reasons.push(...judgeCall(inner, created));
      walk(inner);
    }
  };
  walk(value);
  return reasons;
}

function judgeCall(call: unknown, created: NewTables): readonly string[] {
  const names = children(child({ call }, 'call'), 'funcname').map((name) =>
    word(child(name, 'String'), 'sval'),
  );
  const own = names.length === 2 && names[0] === 'pg_catalog' ? names.slice(1) : names;
  if (own.length === 1 && own.every(isHarmlessFunction)) return [];
  if (own.length === 1 && own.includes('set_config')) {
    const [setting] = children(child({ call }, 'call'), 'args');
    if (child(setting, 'A_Const', 'sval').sval === 'search_path') {
      created.clear();
      return [];
    }
  }
  return [`calls ${visible(names.join('.'), 60)}(), which may do anything`];
}

function judgeTransaction(statement: Node, created: NewTables): readonly string[] {
  const kind = word(statement, 'kind').replace('TRANS_STMT_', '');
  // What was created may be gone, and the name be that of an older table again.
  if (kind.startsWith('ROLLBACK')) created.clear();
  return /^(?:BEGIN|START|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|ROLLBACK_TO)$/.test(kind)
    ? []
    : ['ends a transaction of somebody else'];
}

function judgeInsert(statement: Node): readonly string[] {
  if (isCatalog(statement.relation)) return [changesCatalog];
  const conflict = child(statement, 'onConflictClause');
  if (word(conflict, 'action') !== 'ONCONFLICT_UPDATE') return [];
  const query = child(statement, 'selectStmt', 'SelectStmt');
  const givesItsRows = children(query, 'valuesLists').length > 0;
  return givesItsRows || limitsRows(conflict.whereClause)
    ? []
    : [`overwrites any rows of ${nameOf(statement.relation)}`];
}

function judgeRows(verb: 'UPDATE' | 'DELETE', statement: Node): readonly string[] {
  if (isCatalog(statement.relation)) return [changesCatalog];
  if (limitsRows(statement.whereClause)) return [];
  return [`${verb} of every row of ${nameOf(statement.relation)}`];
}

function judgeMerge(statement: Node): readonly string[] {
  if (isCatalog(statement.relation)) return [changesCatalog];
  const commands = children(statement, 'mergeWhenClauses').map((clause) =>
    word(child(clause, 'MergeWhenClause'), 'commandType'),
  );
  const onlyAdds = commands.every(
    (command) => command === 'CMD_INSERT' || command === 'CMD_NOTHING',
  );
  return onlyAdds ? [] : [`MERGE may change or delete any row of ${nameOf(statement.relation)}`];
}

function judgeCreateTable(statement: Node, created: NewTables): readonly string[] {
  const isPartition = isNode(statement.partbound);
  const parents = children(statement, 'inhRelations').map((parent) => child(parent, 'RangeVar'));
  remember(statement.relation, statement, created);
  return isPartition && !parents.every((parent) => created.has(tableName(parent)))
    ? ['blocks the partitioned table']
    : [];
}

/** Takes down a table as new, unless it may have been there before, or goes away again by itself. */
function remember(table: unknown, statement: Node, created: NewTables): void {
  const goes = [statement.oncommit, child(statement, 'into').onCommit].includes('ONCOMMIT_DROP');
  if (statement.if_not_exists !== true && !goes) created.add(tableName(table));
}

const changesCatalog = "changes the database's own tables";

function isCatalog(table: unknown): boolean {
  const { schemaname, relname } = child({ table }, 'table');
  return [schemaname, relname].some((name) => /^(?:pg_|information_schema$)/.test(String(name)));
}

function judgeSet(statement: Node, created: NewTables): readonly string[] {
  const name = word(statement, 'name').toLowerCase();
  // Names mean other tables from here on.
  if (name === 'search_path') created.clear();
  const args = children(statement, 'args').map((arg) => child(arg, 'A_Const'));
  const isHarmless =
    word(statement, 'kind') === 'VAR_SET_VALUE' || word(statement, 'kind') === 'VAR_SET_MULTI'
      ? harmlessSetting(name, args)
      : harmlessReset(name);
  return isHarmless ? [] : ['changes how the session reads or checks what follows'];
}

function tableName(table: unknown): string {
  const { catalogname, schemaname, relname } = child({ table }, 'table');
  return JSON.stringify([catalogname, schemaname, relname]);
}

function nameOf(table: unknown): string {
  const { schemaname, relname } = child({ table }, 'table');
  const names = [schemaname, relname].filter((name) => typeof name === 'string');
  return visible(names.join('.'), 60);
}
