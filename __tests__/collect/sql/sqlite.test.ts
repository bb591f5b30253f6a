import { describe, expect, test } from '@jest/globals';
import { analyseSqlite } from '../../../src/collect/sql/sqlite.ts';

async function found(sql: string): Promise<readonly string[]> {
  const findings = await analyseSqlite(sql);
  return findings.map(({ line, statement, why }) =>
    why === undefined ? `${line} ${statement}` : `${line} ${why}: ${statement}`,
  );
}

async function whys(sql: string): Promise<readonly string[]> {
  return (await analyseSqlite(sql)).map(({ why = '' }) => why);
}

describe('harmless', () => {
  test.each([
    ['nothing', ''],
    ['only comments', '-- DROP TABLE a;\n/* DELETE FROM c; */\n--x\n/*! DROP TABLE d */'],
    [
      'a new table',
      `CREATE TABLE "order lines" (
         "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
         [kind] TEXT NOT NULL DEFAULT 'a; DROP TABLE b' CHECK (length(kind) > 0),
         "at" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
         order_id REFERENCES orders (id) ON DELETE CASCADE ON UPDATE SET NULL,
         CONSTRAINT u UNIQUE (kind)
       );
       CREATE UNIQUE INDEX IF NOT EXISTS "i" ON "order lines"("at") WHERE kind IS NOT NULL;`,
    ],
    ['columns', "ALTER TABLE t ADD COLUMN a TEXT; ALTER TABLE t ADD b TEXT NOT NULL DEFAULT ''"],
    ['indexes', 'CREATE INDEX i ON t (a, b DESC)'],
    ['a view', 'CREATE VIEW IF NOT EXISTS v AS SELECT my_function(a) FROM t'],
    [
      'adding rows',
      "INSERT INTO t (a) VALUES ('\\'), ('it''s; DROP TABLE x'), (x'00'); INSERT OR IGNORE INTO t VALUES (1)",
    ],
    ['adding rows of a query', 'INSERT INTO t (a) SELECT lower(a) FROM u WHERE a <> 1'],
    ['changing some rows', 'UPDATE t SET a = 1 WHERE "id" = 2'],
    ['deleting some rows', "DELETE FROM t WHERE at < datetime('now', '-30 days')"],
    ['transactions', 'BEGIN; COMMIT; BEGIN IMMEDIATE TRANSACTION; END TRANSACTION; ROLLBACK'],
    [
      'checks',
      'PRAGMA foreign_keys = ON; PRAGMA foreign_keys(1); PRAGMA foreign_key_check; ANALYZE',
    ],
    ['a byte order mark', '\uFEFFSELECT 1'],
    ['destructive words as names', 'SELECT "drop", [delete], `alter` FROM "truncate"'],
  ])('%s', async (_, sql) => {
    expect(await found(sql)).toEqual([]);
  });
});

describe('what counts, and why', () => {
  const everyRow = (verb: string) => `${verb} of every row of t`;
  const rewrites = 'blocks while it checks or rewrites every row';
  const unparsed = 'unknown, does not parse';
  const code = 'runs or keeps code that is not analysed';
  test.each([
    ['DROP TABLE t', ''],
    ['DROP INDEX i', ''],
    ['DROP VIEW v', ''],
    ['ALTER TABLE t DROP COLUMN a', ''],
    ['ALTER TABLE t RENAME TO u', ''],
    ['ALTER TABLE t RENAME COLUMN a TO b', ''],
    ['DELETE FROM t', everyRow('DELETE')],
    ['DELETE FROM t WHERE 1', everyRow('DELETE')],
    ['DELETE FROM t WHERE "1"', everyRow('DELETE')],
    ['DELETE FROM t WHERE id = 1 OR 1', everyRow('DELETE')],
    // The parser binds OR as strongly as AND.
    ['DELETE FROM t WHERE 1 = 1 OR id = 1 AND b = 2', everyRow('DELETE')],
    ["UPDATE t SET a = 1 WHERE name LIKE '%%'", everyRow('UPDATE')],
    ['UPDATE t SET a = 1', everyRow('UPDATE')],
    ['REPLACE INTO t VALUES (1)', 'deletes what it replaces in t'],
    ['INSERT OR REPLACE INTO t VALUES (1)', 'deletes what it replaces in t'],
    ['ALTER TABLE t ADD a TEXT NOT NULL', 'NOT NULL without a default'],
    ['ALTER TABLE t ADD a REFERENCES u (id)', rewrites],
    ['CREATE TRIGGER a AFTER INSERT ON t BEGIN SELECT 1; END', code],
    ["SELECT load_extension('x')", 'calls load_extension(), which may do anything'],
    ["SELECT writefile('x', a) FROM t", 'calls writefile(), which may do anything'],
    ["INSERT INTO sqlite_master (sql) VALUES ('x')", "changes the database's own tables"],
    ["UPDATE sqlite_master SET sql = 'x' WHERE name = 't'", "changes the database's own tables"],
    [
      'CREATE TRIGGER a AFTER INSERT ON t BEGIN DELETE FROM u; END',
      `${code}, DELETE inside of another statement`,
    ],
    // Taken for a name by the parser, for a verb perhaps by others.
    ['SELECT trigger FROM t', 'unknown, holds TRIGGER'],
    ['SELECT a AS replace', 'unknown, holds REPLACE'],
    ['DELETE FROM t WHERE NOT (EXISTS (SELECT id FROM u))', everyRow('DELETE')],
    ["ATTACH DATABASE 'x' AS y", 'unknown kind of statement'],
    ['CREATE VIRTUAL TABLE f USING fts5(a)', unparsed],
    ['PRAGMA writable_schema = ON', unparsed],
    ['PRAGMA foreign_keys = OFF', unparsed],
    ['VACUUM', unparsed],
    ['REINDEX', unparsed],
    ['WITH x AS (SELECT 1) DELETE FROM t', unparsed],
    ['INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 2', unparsed],
    ['EXPLAIN QUERY PLAN DELETE FROM t', unparsed],
    ['.read other.sql', unparsed],
    ['# a comment of MySQL\nSELECT 1', 'unknown, holds "#"'],
    ['SELECT :name', 'unknown, holds ":"'],
    ['SELECT 1\v', 'unknown, holds "\\u{000B}"'],
  ])('%s', async (sql, why) => {
    expect(await whys(sql)).toEqual([why]);
  });
});

describe('traps of the lexer', () => {
  test('a backslash is no escape, as the parser believes', async () => {
    expect(await found("INSERT INTO t VALUES ('\\'); DROP TABLE x; --')")).toEqual([
      '1 DROP TABLE x',
    ]);
    expect(await found('SELECT "\\"; DROP TABLE x; --"')).toEqual(['1 DROP TABLE x']);
  });

  test('a name in brackets hides nothing behind it', async () => {
    expect(await found("SELECT [a'b]; DROP TABLE x; SELECT ']'")).toEqual(['1 DROP TABLE x']);
  });

  test('a trigger ends at END', async () => {
    const sql = `CREATE TEMP TRIGGER a AFTER INSERT ON t BEGIN
  UPDATE t SET a = CASE WHEN b THEN 1 ELSE 2 END;
  DELETE FROM u;
END;
DROP TABLE x;`;
    expect(
      (await analyseSqlite(sql)).map(({ line, statement }) => [line, statement.slice(0, 12)]),
    ).toEqual([
      [1, 'CREATE TEMP '],
      [5, 'DROP TABLE x'],
    ]);
  });

  test('a carriage return in a comment, where two readings are possible', async () => {
    expect(await whys('SELECT 1 -- a\rDROP TABLE x')).toEqual([
      'unknown, a comment holds a carriage return',
    ]);
  });

  test('what does not end hides nothing', async () => {
    for (const open of ["'", '"', '`', '[', '/*']) {
      expect(await whys(`SELECT 1;\nSELECT ${open}; DROP TABLE x;`)).not.toEqual([]);
    }
  });

  test('U+0000, at which SQLite stops reading and others do not', async () => {
    expect(await whys('SELECT 1 -- \0\n')).toEqual(['unknown, holds U+0000']);
  });
});

test.each([
  ['with CRLF', '-- a\r\n\r\nSELECT 1;\r\nDROP TABLE x;\r\n', 4],
  ['after characters of several bytes', "-- äöü 漢字 😀\nSELECT '😀😀';\nDROP TABLE x", 3],
  ['with a comment between the words', 'SELECT 1;\nDROP --a\nTABLE /*\n*/ x', 2],
])('lines: %s', async (_, sql, line) => {
  expect(await analyseSqlite(sql)).toEqual([{ line, statement: 'DROP TABLE x' }]);
});

test('Prisma: a table that is made anew', async () => {
  const sql = `-- RedefineTables
PRAGMA defer_foreign_keys=ON;
PRAGMA foreign_keys=OFF;
CREATE TABLE "new_User" (
    "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "email" TEXT NOT NULL
);
INSERT INTO "new_User" ("email", "id") SELECT "email", "id" FROM "User";
DROP TABLE "User";
ALTER TABLE "new_User" RENAME TO "User";
CREATE UNIQUE INDEX "User_email_key" ON "User"("email");
PRAGMA foreign_keys=ON;
`;
  expect((await analyseSqlite(sql)).map(({ line }) => line)).toEqual([2, 3, 9, 10]);
});
