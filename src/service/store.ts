import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { Fault } from '../core/fault.ts';
import { reasonOf } from '../core/reason.ts';
import { visible } from '../core/text.ts';
import { migrations } from './schema.ts';

type Row = Record<string, unknown>;

/** Names a waiter that has to look again once the transaction is durable. */
export type Touch = (topic: string) => void;

/**
 * The one store: SQLite in one folder. Every commit is on the disk before it is acknowledged (WAL, synchronous FULL), so a
 * `kill -9` at any moment loses nothing that was answered.
 */
export interface Store {
  /** The first row, if any. Values stand as `$1`, `$2`, … in the text. */
  get(sql: string, ...values: readonly SQLInputValue[]): Row | undefined;
  all(sql: string, ...values: readonly SQLInputValue[]): readonly Row[];
  /** The number of changed rows. */
  run(sql: string, ...values: readonly SQLInputValue[]): number;
  /**
   * Runs `work` in one write transaction, alone among all connections: everything or nothing. Topics it touches are announced
   * after the commit.
   */
  transaction<T>(work: (touch: Touch) => T): T;
  close(): void;
}

/** Opens the store of a folder, which is made if missing, and holds it for this process alone until `close`. @throws Fault `configuration` */
export async function openStore(o: {
  readonly dataDir: string;
  readonly onCommitted: (topics: ReadonlySet<string>) => void;
}): Promise<Store> {
  // Imported here, not above: under a Node without it the message about the version must come first.
  const { DatabaseSync: Database } = await import('node:sqlite');
  const opened: DatabaseSync[] = [];
  const open = (name: string, timeoutMs: number): DatabaseSync => {
    const path = join(o.dataDir, name);
    // SQLite gives the files beside it the mode of the first.
    if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600));
    const database = new Database(path, { timeout: timeoutMs });
    opened.push(database);
    return database;
  };
  const close = (): void => {
    for (const database of opened.splice(0).reverse()) database.close();
  };
  try {
    mkdirSync(o.dataDir, { recursive: true, mode: 0o700 });
    takeLock(open('lock.sqlite', 5_000));
    const database = open('store.sqlite', 1_000);
    migrate(database);
    return storeOf(database, close, o.onCommitted);
  } catch (error) {
    close();
    throw new Fault(
      'configuration',
      `The data folder "${visible(o.dataDir)}" can't be used: ${reasonOf(error)}. Another service may be using it, or it may not be writable.`,
      { cause: error },
    );
  }
}

/**
 * Long polls are woken within one process, so a folder belongs to one process at a time. The operating system gives the lock
 * back when the process dies, however it dies.
 */
function takeLock(lock: DatabaseSync): void {
  lock.exec('pragma journal_mode = memory');
  lock.exec('begin exclusive');
}

function migrate(database: DatabaseSync): void {
  database.exec('pragma journal_mode = wal');
  database.exec('pragma synchronous = full');
  // 64 MiB, taken as needed. Ids and hashes are random, so each request writes to pages all over the indexes: among a million
  // stored ones the 2 MB that SQLite takes by itself hold hardly any of them.
  database.exec('pragma cache_size = -65536');
  database.exec('begin immediate');
  const version = Number(database.prepare('pragma user_version').get()?.user_version);
  if (version > migrations.length) {
    throw new Error(`the store has version ${version}, which a newer release has written`);
  }
  for (const step of migrations.slice(version)) database.exec(step);
  database.exec(`pragma user_version = ${migrations.length}`);
  database.exec('commit');
}

function storeOf(
  database: DatabaseSync,
  close: () => void,
  onCommitted: (topics: ReadonlySet<string>) => void,
): Store {
  const statements = new Map<string, StatementSync>();
  const prepared = (sql: string): StatementSync => {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    const statement = database.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };
  const bound = (values: readonly SQLInputValue[]): Record<string, SQLInputValue> =>
    Object.fromEntries(values.map((value, index) => [String(index + 1), value]));
  return {
    get: (sql, ...values) => prepared(sql).get(bound(values)),
    all: (sql, ...values) => prepared(sql).all(bound(values)),
    run: (sql, ...values) => Number(prepared(sql).run(bound(values)).changes),
    transaction(work) {
      const topics = new Set<string>();
      database.exec('begin immediate');
      let result;
      try {
        result = work((topic) => topics.add(topic));
        database.exec('commit');
      } catch (error) {
        if (database.isTransaction) database.exec('rollback');
        throw error;
      }
      onCommitted(topics);
      return result;
    },
    close,
  };
}

/** SQLite's primary result codes for a store that can't be written now: busy, locked, read-only, I/O error, full, can't open. */
const unavailable = new Set([5, 6, 8, 10, 13, 14]);

/** Whether an error says that the disk or the store is at fault, not the request: the answer is 503, and nothing was changed. */
export function isStoreUnavailable(error: unknown): boolean {
  return (
    typeof error === 'object' &&
    error !== null &&
    'errcode' in error &&
    typeof error.errcode === 'number' &&
    unavailable.has(error.errcode & 0xff)
  );
}
