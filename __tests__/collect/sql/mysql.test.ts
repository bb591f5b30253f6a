import { describe, expect, test } from '@jest/globals';
import { analyseMysql } from '../../../src/collect/sql/mysql.ts';

async function found(sql: string): Promise<readonly string[]> {
  const findings = await analyseMysql(sql);
  return findings.map(({ line, statement, why }) =>
    why === undefined ? `${line} ${statement}` : `${line} ${why}: ${statement}`,
  );
}

async function whys(sql: string): Promise<readonly string[]> {
  return (await analyseMysql(sql)).map(({ why = '' }) => why);
}

describe('harmless', () => {
  test.each([
    ['nothing', ''],
    ['only comments', '-- DROP TABLE a;\n# TRUNCATE b;\n/* DELETE FROM c; */\n--\n'],
    ['empty statements', ';;\n;'],
    [
      'a new table',
      `CREATE TABLE IF NOT EXISTS \`order lines\` (
         \`id\` bigint unsigned NOT NULL AUTO_INCREMENT,
         \`kind\` enum('a','b;c') NOT NULL DEFAULT 'a' COMMENT 'DROP TABLE users; -- only a text',
         \`price\` decimal(10,2) DEFAULT NULL,
         \`at\` datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
         PRIMARY KEY (\`id\`),
         UNIQUE KEY \`u\` (\`kind\`,\`price\`),
         KEY \`k\` (\`at\`),
         CONSTRAINT \`f\` FOREIGN KEY (\`id\`) REFERENCES \`orders\` (\`id\`) ON DELETE CASCADE ON UPDATE CASCADE
       ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;`,
    ],
    [
      'what belongs to a new table',
      'CREATE TABLE t (a int); ALTER TABLE t ADD CONSTRAINT c CHECK (a > 1); ALTER TABLE t ADD b int NOT NULL',
    ],
    [
      'conditions with NOT',
      'DELETE FROM t WHERE NOT active; DELETE FROM t WHERE !active; DELETE FROM t WHERE NOT (a = 1 AND b = 2); DELETE FROM t WHERE a = 1 AND NOT (b = 1 AND 1 = 0); DELETE FROM t WHERE NOT (EXISTS (SELECT 1 FROM u WHERE u.id = t.id))',
    ],
    ['a table like another', 'CREATE TABLE a LIKE b; CREATE TABLE c AS SELECT * FROM b'],
    [
      'columns',
      "ALTER TABLE t ADD COLUMN a varchar(20) NULL AFTER b, ADD c int NOT NULL DEFAULT 0, ADD d json COMMENT 'x' FIRST",
    ],
    ['a column with the time', 'ALTER TABLE t ADD a timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP'],
    [
      'indexes of InnoDB',
      'CREATE INDEX i ON t (a, b DESC); CREATE UNIQUE INDEX j ON t (a) ALGORITHM=INPLACE LOCK=NONE; ALTER TABLE t ADD INDEX k (a), ADD UNIQUE KEY u (b)',
    ],
    ['online changes', 'ALTER TABLE t ADD COLUMN a int, ALGORITHM=INSTANT, LOCK=NONE'],
    ['a view', 'CREATE VIEW v AS SELECT my_function(a) FROM t'],
    [
      'adding rows',
      "INSERT INTO t (a, b) VALUES (1, 'x''y;'), (2, \"z\"); INSERT IGNORE INTO t SET a = 1",
    ],
    [
      'correcting the rows given',
      'INSERT INTO t (a) VALUES (1) ON DUPLICATE KEY UPDATE a = VALUES(a)',
    ],
    [
      'adding rows of a query',
      "INSERT INTO t (a) SELECT REPLACE(a, 'x', 'y') FROM u WHERE NOT EXISTS (SELECT 1 FROM t)",
    ],
    ['changing some rows', 'UPDATE t SET a = UPPER(b) WHERE a IS NULL AND id BETWEEN 1 AND 10'],
    ['one of some rows', 'DELETE FROM t WHERE a = 1 AND (b = 1 OR c = 2)'],
    ['both written as two signs', 'DELETE FROM t WHERE a = 1 && b = 2'],
    ['the comment of a table', "ALTER TABLE t COMMENT='orders'"],
    ['rows of a join', 'UPDATE t JOIN u ON t.id = u.id SET t.a = u.a WHERE u.b = 1'],
    ['deleting some rows', 'DELETE FROM t WHERE expires_at < NOW() LIMIT 1000'],
    ['rows named by a query', 'WITH x AS (SELECT 1) DELETE FROM t WHERE id IN (SELECT * FROM x)'],
    ['transactions', 'BEGIN; COMMIT; START TRANSACTION; ROLLBACK'],
    [
      'settings',
      "SET NAMES utf8mb4; SET NAMES 'utf8' COLLATE 'utf8_bin'; SET FOREIGN_KEY_CHECKS = 1; SET SESSION lock_wait_timeout = 5; SET time_zone = '+00:00'",
    ],
    ['a byte order mark', '\uFEFFSELECT 1'],
    ['escapes that every mode reads alike', "SELECT 'a\\\\', 'b\\nc', \"it's\", 'say \"x\"'"],
    ['destructive words as names', 'SELECT `drop`, a.`delete` FROM `truncate` AS `alter`'],
    ['two minus signs', 'SELECT 5 --2'],
    ['texts with a prefix', "SELECT x'00', b'01', N'a', _utf8mb4'b'"],
    ['a schema', 'CREATE DATABASE shop'],
  ])('%s', async (_, sql) => {
    expect(await found(sql)).toEqual([]);
  });
});

describe('the statement says it itself', () => {
  test.each([
    'DROP TABLE users',
    'DROP TABLE IF EXISTS a, b',
    'DROP DATABASE shop',
    'DROP VIEW v',
    'DROP INDEX i ON t',
    'TRUNCATE TABLE t',
    'RENAME TABLE a TO b',
    'ALTER TABLE t DROP COLUMN a',
    'ALTER TABLE t DROP PRIMARY KEY',
    'ALTER TABLE t DROP FOREIGN KEY f',
    'ALTER TABLE t DROP PARTITION p',
    'ALTER TABLE t MODIFY a varchar(5)',
    'ALTER TABLE t CHANGE a b int',
    'ALTER TABLE t RENAME TO u',
    'ALTER TABLE t RENAME COLUMN a TO b',
    'ALTER TABLE t ENGINE=MyISAM',
    'ALTER TABLE t AUTO_INCREMENT=1',
  ])('%s', async (sql) => {
    expect(await found(sql)).toEqual([`1 ${sql}`]);
  });
});

describe('why it counts', () => {
  const everyRow = (verb: string) => `${verb} of every row of t`;
  const rewrites = 'blocks while it checks or rewrites every row';
  const index = 'blocks writes while the index is built';
  const unparsed = 'unknown, does not parse';
  test.each([
    ['DELETE FROM t', everyRow('DELETE')],
    ['DELETE FROM t LIMIT 10', everyRow('DELETE')],
    ['DELETE t FROM t JOIN u ON t.id = u.id', everyRow('DELETE')],
    ['UPDATE t SET a = 1', everyRow('UPDATE')],
    ['UPDATE t SET a = 1 WHERE 1 = 1', everyRow('UPDATE')],
    ['UPDATE t SET a = 1 WHERE true', everyRow('UPDATE')],
    ['UPDATE t SET a = 1 WHERE id = id', everyRow('UPDATE')],
    ["UPDATE t SET a = 1 WHERE name LIKE '%'", everyRow('UPDATE')],
    ['DELETE FROM t WHERE id = 1 --1 OR 1 = 1', everyRow('DELETE')],
    ['UPDATE t SET a = 1 WHERE id = 1 OR 1 = 1', everyRow('UPDATE')],
    ['UPDATE t SET a = 1 WHERE id = 1 || true', everyRow('UPDATE')],
    ['UPDATE t SET a = 1 WHERE NOT id = 1 OR true', everyRow('UPDATE')],
    ['UPDATE t SET a = 1 WHERE id IN (1) XOR true', everyRow('UPDATE')],
    ['UPDATE t SET a = 1 WHERE EXISTS (SELECT id FROM u)', everyRow('UPDATE')],
    ['DELETE FROM t WHERE NOT EXISTS (SELECT id FROM u)', everyRow('DELETE')],
    ['DELETE FROM t WHERE NOT (EXISTS (SELECT id FROM u))', everyRow('DELETE')],
    ['DELETE FROM t WHERE ! (id <> id)', everyRow('DELETE')],
    ['DELETE FROM t WHERE NOT (id = 1 AND 1 = 0)', everyRow('DELETE')],
    ['DELETE FROM t WHERE NOT (id = 1 OR true)', everyRow('DELETE')],
    // The parser binds OR as strongly as AND.
    ['DELETE FROM t WHERE 1 = 1 OR id = 1 AND b = 2', everyRow('DELETE')],
    ['DELETE FROM t WHERE "id" = "id"', everyRow('DELETE')],
    ['REPLACE INTO t VALUES (1)', 'deletes what it replaces in t'],
    ['INSERT INTO t SELECT * FROM t ON DUPLICATE KEY UPDATE a = 0', 'overwrites any rows of t'],
    ['ALTER TABLE t ADD a int NOT NULL', 'NOT NULL without a default'],
    ['ALTER TABLE t ADD a char(36) DEFAULT (uuid())', 'rewrites the table'],
    ['ALTER TABLE t ADD a int UNIQUE', rewrites],
    ['ALTER TABLE t ADD a int REFERENCES u (id)', rewrites],
    ['ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u (id)', rewrites],
    ['ALTER TABLE t ADD CONSTRAINT c CHECK (a > 1)', rewrites],
    ['ALTER TABLE t ADD PRIMARY KEY (a)', rewrites],
    ['ALTER TABLE t ADD FULLTEXT KEY f (a)', index],
    ['CREATE SPATIAL INDEX i ON t (a)', index],
    ['CREATE INDEX i ON t (a) LOCK=EXCLUSIVE', index],
    ['CREATE TABLE IF NOT EXISTS t (a int); CREATE FULLTEXT INDEX i ON t (a)', index],
    ['UPDATE mysql.user SET x = 1 WHERE a = 2', "changes the database's own tables"],
    ["INSERT INTO mysql.user (user) VALUES ('x')", "changes the database's own tables"],
    ['DELETE FROM t WHERE a = 1 AND (b = 1 OR 1 = 1)', 'DELETE of every row of t'],
    ['ALTER TABLE t ADD PARTITION (PARTITION p VALUES LESS THAN (5))', 'unknown kind of change'],
    ['SELECT 1 FROM t FOR UPDATE', 'locks rows'],
    ['CREATE TABLE t (a int); ROLLBACK; ALTER TABLE t ADD PRIMARY KEY (a)', rewrites],
    ['ALTER TABLE t ADD a int, ALGORITHM=COPY', 'blocks'],
    ['ALTER TABLE t ADD a int, LOCK=SHARED', 'blocks'],
    ['LOCK TABLES t WRITE', 'blocks'],
    ['CREATE OR REPLACE VIEW v AS SELECT 1', 'replaces what may be there'],
    ['CREATE TABLE t REPLACE SELECT 1', 'replaces what may be there'],
    ['CREATE TABLE t (a int, b int); ALTER TABLE t DROP COLUMN a', ''],
    ['CALL p()', 'runs code that is not analysed, calls p(), which may do anything'],
    [
      'CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1',
      'runs or keeps code that is not analysed',
    ],
    ["CREATE USER x IDENTIFIED BY 's'", 'changes who may do what'],
    ['GRANT ALL ON *.* TO x', 'changes who may do what'],
    ["SELECT a INTO OUTFILE '/tmp/x' FROM t", 'writes what it reads elsewhere'],
    ["LOAD DATA INFILE 'x' INTO TABLE t", 'moves data that is not in the statement'],
    ['SELECT SLEEP(100)', 'calls SLEEP(), which may do anything'],
    ['SELECT shop.lower(1)', 'calls lower(), which may do anything'],
    ['UPDATE t SET a = my_function() WHERE id = 1', 'calls my_function(), which may do anything'],
    ['CREATE TABLE a AS SELECT my_function()', 'calls my_function(), which may do anything'],
    ['USE other', 'unknown kind of statement'],
    ['SET sql_mode = ANSI_QUOTES', 'unknown kind of statement'],
    ['SET FOREIGN_KEY_CHECKS = 0', 'unknown kind of statement'],
    ['SHOW TABLES', 'unknown kind of statement'],
    ["PREPARE s FROM 'DROP TABLE t'", unparsed],
    ['EXECUTE s', unparsed],
    ['CREATE OR REPLACE TABLE t (a int)', unparsed],
    ['CREATE PROCEDURE p() SELECT 1', unparsed],
    ['HANDLER t OPEN', unparsed],
    ['SELEKT 1', unparsed],
    ['source other.sql', unparsed],
    ['SELECT 1 \\! rm -rf /', 'unknown, holds a command of the client'],
    ['\\. other.sql', 'unknown, holds a command of the client'],
    ['SELECT ${column} FROM t', 'unknown, holds "{"'],
    ['SELECT ? FROM t', 'unknown, holds "?"'],
  ])('%s', async (sql, why) => {
    expect(await whys(sql)).toEqual([why]);
  });
});

describe('traps of the lexer', () => {
  test('a comment that MySQL runs', async () => {
    const why = 'unknown, MySQL runs what this comment holds';
    expect(await found('/*!50001 DROP TABLE x */;')).toEqual([
      `1 ${why}: /*!50001 DROP TABLE x */`,
    ]);
    for (const comment of [
      '/*! */',
      '/*M! DROP TABLE x */',
      '/*+ SET_VAR(sql_mode=ANSI) */',
      '/*!*/',
    ]) {
      expect(await whys(`SELECT ${comment} 1`)).toEqual([why]);
    }
  });

  test('two minus signs without a blank are no comment', async () => {
    expect(await found('SELECT 5 --2; DROP TABLE x')).toEqual(['1 DROP TABLE x']);
    expect(await found('SELECT 5 --\u00a0; DROP TABLE x')).toContain('1 DROP TABLE x');
  });

  test('a comment with # or with a blank after the signs ends at the line', async () => {
    expect(await found('# a; \' " `\nDROP TABLE x -- b; c\n')).toEqual(['2 DROP TABLE x']);
    expect(await found('--\nDROP TABLE x')).toEqual(['2 DROP TABLE x']);
  });

  test('a carriage return in a comment, where two readings are possible', async () => {
    expect(await whys('SELECT 1 -- a\rDROP TABLE x')).toEqual([
      'unknown, a comment holds a carriage return',
    ]);
  });

  test('a backslash before a quote, which NO_BACKSLASH_ESCAPES reads in another way', async () => {
    expect(await whys("SELECT '\\'; DROP TABLE x; -- '")).toEqual([
      'unknown, a backslash before a quote is read in two ways',
    ]);
    expect(await whys('SELECT "\\" FROM t')).toHaveLength(1);
    expect(await whys("SELECT '\\\\\\'; DROP TABLE x; -- '")).toHaveLength(1);
  });

  test('what does not end hides nothing', async () => {
    for (const open of ["'", '"', '`', '/*']) {
      expect(await whys(`SELECT 1;\nSELECT ${open}; DROP TABLE x;`)).not.toEqual([]);
    }
  });

  test('comments do not nest', async () => {
    expect(await found('/* /* */ DROP TABLE x /* */')).toEqual(['1 DROP TABLE x']);
  });

  test('DELIMITER counts, and what stands between the new ones is listed', async () => {
    const sql =
      'DELIMITER $$\nCREATE PROCEDURE p()\nBEGIN\n  DROP TABLE x;\nEND$$\nDELIMITER ;\nDROP TABLE y;\n';
    expect(await found(sql)).toEqual([
      '1 unknown, changes where statements end: DELIMITER $$',
      '2 unknown, does not parse: CREATE PROCEDURE p() BEGIN DROP TABLE x; END',
      '6 unknown, changes where statements end: DELIMITER ;',
      '7 DROP TABLE y',
    ]);
  });

  test('two statements between new delimiters are not taken for the first of them', async () => {
    expect(await whys('DELIMITER $$\nSELECT 1; SELECT SLEEP(9)$$')).toEqual([
      'unknown, changes where statements end',
      'unknown, is not one statement',
    ]);
  });

  test('U+0000', async () => {
    expect(await whys('SELECT 1 -- \0\n')).toEqual(['unknown, holds U+0000']);
  });

  test('a statement stacked behind another, in the words of the parser', async () => {
    expect(await whys('SELECT 1 GO DROP TABLE x')).not.toEqual([]);
    expect(await whys('SELECT 1 DROP TABLE x')).not.toEqual([]);
  });

  test('nested too deep', async () => {
    const nested = (depth: number) => `SELECT ${'('.repeat(depth)}1${')'.repeat(depth)}`;
    expect(await whys(nested(100))).toEqual([]);
    expect(await whys(nested(101))).toEqual(['unknown, nested too deep']);
    expect(await whys(nested(100_000))).toEqual(['unknown, nested too deep']);
    expect(await whys(`SELECT ${'1+'.repeat(100_000)}1`)).toHaveLength(1);
  });

  test('a quoted name is not taken for another that looks like what stands for it', async () => {
    const sql = 'CREATE TABLE `a b` (c int); ALTER TABLE quoted__0 ADD PRIMARY KEY (`a b`)';
    expect(await whys(sql)).toHaveLength(1);
    expect(await whys('CREATE TABLE `a b` (c int); ALTER TABLE `a b` ADD PRIMARY KEY (c)')).toEqual(
      [],
    );
    expect(await whys('DELETE FROM `a b`')).toEqual(['DELETE of every row of a b']);
  });
});

describe('files', () => {
  test.each([
    ['with CRLF', '-- a\r\n\r\nSELECT 1;\r\nDROP TABLE x;\r\n', 4],
    ['after characters of several bytes', "-- äöü 漢字 😀\nSELECT '😀😀';\nDROP TABLE x", 3],
    ['with a byte order mark', '\uFEFFSELECT 1;\nDROP TABLE x', 2],
    ['with a comment between the words', 'SELECT 1;\nDROP /* a */ TABLE\n x', 2],
  ])('lines: %s', async (_, sql, line) => {
    expect(await analyseMysql(sql)).toEqual([{ line, statement: 'DROP TABLE x' }]);
  });

  test('Liquibase: its marks are skipped where a statement would begin, and nowhere else', async () => {
    const sql =
      '--liquibase formatted sql\n--changeset alex:1\nCREATE TABLE a (b int);\n--rollback DROP TABLE a;\n';
    expect(await found(sql)).toEqual([]);
    expect(await whys('SELECT 1\n--rollback; DROP TABLE a;\n')).toContain('');
    expect(await found('--rollback x; DROP TABLE a;\nSELECT 1;\n')).toContain('1 DROP TABLE a');
    expect(await whys("--comment it's\nDROP TABLE a;\n")).not.toEqual([]);
  });

  test('a dump: its executable comments and table locks count', async () => {
    const sql = `/*!40101 SET NAMES utf8mb4 */;
DROP TABLE IF EXISTS \`t\`;
CREATE TABLE \`t\` (\`id\` int NOT NULL) ENGINE=InnoDB;
LOCK TABLES \`t\` WRITE;
INSERT INTO \`t\` VALUES (1),(2);
UNLOCK TABLES;
`;
    expect((await analyseMysql(sql)).map(({ line }) => line)).toEqual([1, 2, 4]);
  });
});
