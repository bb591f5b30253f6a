import { describe, expect, test } from '@jest/globals';
import type { Finding } from '../../../src/collect/sql/finding.ts';
import { analysePostgresql } from '../../../src/collect/sql/postgresql.ts';

/** Why it counts, with what the parser says. */
const reasonOf = ({ why = '', detail }: Finding) =>
  detail === undefined ? why : `${why} (${detail})`;

/** Findings as `line why: statement`. */
async function found(sql: string): Promise<readonly string[]> {
  const findings = await analysePostgresql(sql);
  return findings.map((finding) => {
    const { line, statement, why } = finding;
    return why === undefined
      ? `${line} ${statement}`
      : `${line} ${reasonOf(finding)}: ${statement}`;
  });
}

async function whys(sql: string): Promise<readonly string[]> {
  return (await analysePostgresql(sql)).map(reasonOf);
}

describe('harmless', () => {
  test.each([
    ['nothing', ''],
    ['blanks', ' \r\n\t'],
    ['only comments', '-- DROP TABLE users;\n/* TRUNCATE orders; /* nested */ DELETE FROM x; */'],
    ['empty statements', ';;\n;'],
    [
      'a new table with what belongs to it',
      `CREATE TABLE "order lines" (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         order_id uuid NOT NULL REFERENCES orders (id) ON DELETE CASCADE ON UPDATE CASCADE,
         sku text NOT NULL CHECK (length(sku) > 0 AND is_a_sku(sku)),
         added_at timestamptz NOT NULL DEFAULT now(),
         UNIQUE (order_id, sku));
       CREATE UNIQUE INDEX ON "order lines" (lower(sku));
       ALTER TABLE "order lines" ADD COLUMN note text NOT NULL, ADD CHECK (note <> ''), ALTER note SET NOT NULL;
       COMMENT ON TABLE "order lines" IS 'DROP TABLE users; -- only a text';`,
    ],
    ['a table made of a query', 'CREATE TABLE a AS SELECT * FROM b; CREATE INDEX ON a (id)'],
    ['a materialised view', 'CREATE MATERIALIZED VIEW totals AS SELECT sum(price) FROM orders'],
    ['an index that blocks nobody', 'CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON orders (at)'],
    ['a column without rows to change', 'ALTER TABLE orders ADD COLUMN IF NOT EXISTS note text'],
    [
      'a column with a constant',
      "ALTER TABLE o ADD paid boolean NOT NULL DEFAULT false, ADD tags text[] DEFAULT '{}'::text[]",
    ],
    [
      'a column with the time',
      'ALTER TABLE o ADD at timestamptz NOT NULL DEFAULT now(), ADD d date DEFAULT CURRENT_DATE',
    ],
    ['a default', 'ALTER TABLE o ALTER COLUMN at SET DEFAULT now(), ALTER paid DROP DEFAULT'],
    [
      'a constraint for later',
      'ALTER TABLE o ADD CONSTRAINT c CHECK (a > 0) NOT VALID, ADD FOREIGN KEY (b) REFERENCES d NOT VALID',
    ],
    ['validating it', 'ALTER TABLE o VALIDATE CONSTRAINT c'],
    ['a constraint of an index', 'ALTER TABLE o ADD CONSTRAINT u UNIQUE USING INDEX i'],
    [
      'statistics',
      'ALTER TABLE o ALTER a SET STATISTICS 500; CREATE STATISTICS s ON a, b FROM o; ANALYZE o',
    ],
    [
      'types',
      "CREATE TYPE mood AS ENUM ('ok'); ALTER TYPE mood ADD VALUE 'sad'; CREATE TYPE p AS (x int); CREATE DOMAIN e AS text CHECK (VALUE <> '')",
    ],
    [
      'sequences and schemas',
      'CREATE SCHEMA shop; CREATE SEQUENCE shop.s; ALTER SEQUENCE shop.s OWNED BY shop.t.id',
    ],
    [
      'a well-known extension',
      'CREATE EXTENSION IF NOT EXISTS pgcrypto; CREATE EXTENSION "uuid-ossp"',
    ],
    ['a view', 'CREATE VIEW v AS SELECT my_function(a) FROM t'],
    [
      'adding rows',
      "INSERT INTO t (id, a) VALUES (gen_random_uuid(), upper('x')) ON CONFLICT DO NOTHING",
    ],
    [
      'adding or correcting the rows given',
      'INSERT INTO t VALUES (1, 2) ON CONFLICT (id) DO UPDATE SET a = excluded.a',
    ],
    [
      'adding rows of a query',
      'WITH x AS (SELECT id FROM u) INSERT INTO t SELECT id FROM x ON CONFLICT DO NOTHING RETURNING id',
    ],
    [
      'changing some rows',
      'UPDATE orders SET paid = true WHERE paid IS NULL AND id IN (SELECT order_id FROM payments)',
    ],
    ['deleting some rows', "DELETE FROM sessions WHERE expires_at < now() - interval '30 days'"],
    [
      'rows that are elsewhere',
      'DELETE FROM t USING u WHERE t.id = u.id; UPDATE t SET a = 1 WHERE EXISTS (SELECT 1 FROM u WHERE u.id = t.id)',
    ],
    [
      'conditions with NOT',
      'DELETE FROM t WHERE NOT active; DELETE FROM t WHERE NOT (a = 1 AND b = 2); DELETE FROM t WHERE NOT (a = 1 OR true); DELETE FROM t WHERE NOT EXISTS (SELECT 1 FROM u WHERE u.id = t.id)',
    ],
    [
      'MERGE that only adds',
      'MERGE INTO t USING u ON t.id = u.id WHEN NOT MATCHED THEN INSERT VALUES (u.id) WHEN MATCHED THEN DO NOTHING',
    ],
    [
      'transactions',
      'BEGIN; SAVEPOINT a; ROLLBACK TO a; RELEASE a; COMMIT; START TRANSACTION READ ONLY; ROLLBACK',
    ],
    [
      'settings',
      "SET lock_timeout = '5s'; SET LOCAL statement_timeout TO 0; SET search_path TO shop, public; RESET lock_timeout",
    ],
    [
      'what pg_dump writes first',
      "SET client_encoding = 'UTF8'; SET standard_conforming_strings = on; SELECT pg_catalog.set_config('search_path', '', false); SET check_function_bodies = false",
    ],
    ['refreshing beside readers', 'REFRESH MATERIALIZED VIEW CONCURRENTLY totals'],
    ['a byte order mark', '\uFEFFSELECT 1'],
    ['dollar quotes', 'SELECT $a$ $$; DROP TABLE users; $$ $a$'],
    ['escapes', "SELECT E'\\'; DROP TABLE users; --', U&'\\0041', 'it''s; DROP TABLE users'"],
    [
      'words that look destructive',
      'SELECT "drop", truncated, t.delete FROM "DELETE FROM x" AS t WHERE a = \'TRUNCATE\'',
    ],
  ])('%s', async (_, sql) => {
    expect(await found(sql)).toEqual([]);
  });
});

describe('the statement says it itself', () => {
  test.each([
    'DROP TABLE users',
    'DROP TABLE IF EXISTS a, b.c CASCADE',
    'DROP SCHEMA shop CASCADE',
    'DROP VIEW v',
    'DROP MATERIALIZED VIEW v',
    'DROP TYPE mood',
    'DROP INDEX CONCURRENTLY i',
    'DROP SEQUENCE s',
    'DROP DATABASE shop',
    'DROP FUNCTION f(int)',
    'DROP TRIGGER a ON t',
    'DROP EXTENSION pgcrypto',
    'DROP ROLE app',
    'DROP OWNED BY app',
    'DROP POLICY p ON t',
    'TRUNCATE orders, lines RESTART IDENTITY CASCADE',
    'ALTER TABLE t DROP COLUMN a',
    'ALTER TABLE t DROP CONSTRAINT c',
    'ALTER TABLE t ALTER a DROP NOT NULL',
    'ALTER TABLE t DISABLE TRIGGER ALL',
    'ALTER TABLE t DISABLE ROW LEVEL SECURITY',
    'ALTER TABLE t DETACH PARTITION p',
    'ALTER TABLE t SET UNLOGGED',
    'ALTER TABLE t OWNER TO app',
    'ALTER TABLE t RENAME COLUMN a TO b',
    'ALTER TABLE t RENAME TO u',
    'ALTER TABLE t SET SCHEMA old',
    'ALTER INDEX i RENAME TO j',
    'ALTER VIEW v ALTER a SET DEFAULT 1',
    "ALTER TYPE mood RENAME VALUE 'a' TO 'b'",
  ])('%s', async (sql) => {
    expect(await found(sql)).toEqual([`1 ${sql}`]);
  });
});

describe('why it counts', () => {
  const everyRow = (verb: string, table = 't') => `${verb} of every row of ${table}`;
  const code = 'runs or keeps code that is not analysed';
  const rights = 'changes who may do what';
  const session = 'changes how the session reads or checks what follows';
  const index = 'blocks writes while the index is built';
  const checks = 'blocks while it checks every row';
  const rewrites = 'rewrites the table';
  const catalog = "changes the database's own tables";
  test.each([
    ['DELETE FROM t', everyRow('DELETE')],
    ['UPDATE shop.t SET a = 1', everyRow('UPDATE', 'shop.t')],
    ['UPDATE t SET a = u.a FROM u', everyRow('UPDATE')],
    ['DELETE FROM t WHERE true', everyRow('DELETE')],
    ['DELETE FROM t WHERE 1 = 1', everyRow('DELETE')],
    ['DELETE FROM t WHERE id = id', everyRow('DELETE')],
    ['DELETE FROM t WHERE NOT id <> id', everyRow('DELETE')],
    ['DELETE FROM t WHERE NOT (id = 1 AND false)', everyRow('DELETE')],
    ['DELETE FROM t WHERE NOT (NOT (id = 1 OR true))', everyRow('DELETE')],
    ['DELETE FROM t WHERE NOT EXISTS (SELECT id FROM u)', everyRow('DELETE')],
    ['DELETE FROM t WHERE id = 1 OR 1 = 1', everyRow('DELETE')],
    ["DELETE FROM t WHERE (true AND now() > '2020-01-01')", everyRow('DELETE')],
    ["UPDATE t SET a = 1 WHERE name LIKE '%'", everyRow('UPDATE')],
    ['UPDATE t SET a = 1 WHERE EXISTS (SELECT id FROM u)', everyRow('UPDATE')],
    [
      'WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d',
      'DELETE of every row of t, DELETE inside of another statement',
    ],
    [
      'WITH d AS (DELETE FROM t WHERE id = 1 RETURNING *) INSERT INTO u SELECT * FROM d',
      'DELETE inside of another statement',
    ],
    [
      'WITH a AS (WITH b AS (UPDATE t SET a = 1 RETURNING *) SELECT * FROM b) SELECT * FROM a',
      everyRow('UPDATE'),
    ],
    [
      'SELECT * FROM (SELECT 1) s UNION (WITH d AS (DELETE FROM t RETURNING 1) SELECT * FROM d)',
      'DELETE of every row of t, DELETE inside of another statement',
    ],
    [
      'MERGE INTO pg_class c USING u ON c.oid = u.id WHEN NOT MATCHED THEN INSERT VALUES (u.id)',
      "changes the database's own tables",
    ],
    [
      'MERGE INTO t USING u ON t.id = u.id WHEN MATCHED THEN DELETE',
      'MERGE may change or delete any row of t',
    ],
    [
      'MERGE INTO t USING u ON t.id = u.id WHEN MATCHED THEN UPDATE SET a = 1',
      'MERGE may change or delete any row of t',
    ],
    [
      'INSERT INTO t SELECT * FROM t ON CONFLICT (id) DO UPDATE SET a = 0',
      'overwrites any rows of t',
    ],
    ['COPY t FROM STDIN', 'moves data that is not in the statement'],
    ["COPY (SELECT 1) TO PROGRAM 'sh'", 'moves data that is not in the statement'],
    ['DO $$ BEGIN DROP TABLE t; END $$', code],
    ['CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ SELECT 1 $$', code],
    ['CREATE OR REPLACE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN END $$', code],
    ['CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END', code],
    ['CALL p()', code],
    ['PREPARE s AS SELECT 1', code],
    ['EXECUTE s', code],
    ['CREATE TABLE t AS EXECUTE s', code],
    ["LOAD 'evil'", code],
    ['CREATE EXTENSION dblink', 'brings in code that is not analysed'],
    [
      'CREATE TRIGGER a BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION f()',
      'changes what other statements do',
    ],
    ['CREATE RULE r AS ON INSERT TO t DO INSTEAD NOTHING', 'changes what other statements do'],
    ['CREATE INDEX i ON t (a)', index],
    ['CREATE TABLE IF NOT EXISTS t (a int); CREATE INDEX i ON t (a)', index],
    ['CREATE TABLE t (a int); SET search_path = live; CREATE INDEX i ON t (a)', index],
    [
      "CREATE TABLE t (a int); SELECT set_config('search_path', 'live', false); CREATE INDEX i ON t (a)",
      index,
    ],
    ['BEGIN; CREATE TABLE t (a int); ROLLBACK; CREATE INDEX i ON t (a)', index],
    ['CREATE TEMP TABLE t (a int) ON COMMIT DROP; COMMIT; CREATE INDEX i ON t (a)', index],
    ['CREATE TEMP TABLE t ON COMMIT DROP AS SELECT 1 AS a; COMMIT; CREATE INDEX i ON t (a)', index],
    ['UPDATE pg_database SET datallowconn = false WHERE oid = 1', catalog],
    ['DELETE FROM pg_catalog.pg_attribute WHERE attnum = 1', catalog],
    ["INSERT INTO information_schema.sql_features VALUES ('x')", catalog],
    ['SELECT 1 FROM t FOR UPDATE', 'locks rows'],
    ['CREATE TABLE new.t (a int); CREATE INDEX i ON t (a)', index],
    ['CREATE TABLE p PARTITION OF t FOR VALUES IN (1)', 'blocks the partitioned table'],
    ['ALTER TABLE t ADD a int NOT NULL', 'NOT NULL without a default'],
    ['ALTER TABLE t ADD a int NOT NULL DEFAULT NULL', 'NOT NULL without a default'],
    ['ALTER TABLE t ADD a uuid DEFAULT gen_random_uuid()', rewrites],
    ['ALTER TABLE t ADD a bigserial', rewrites],
    ['ALTER TABLE t ADD a int UNIQUE', 'blocks while it checks or rewrites every row'],
    [
      'ALTER TABLE t ADD a int GENERATED ALWAYS AS (b + 1) STORED',
      'blocks while it checks or rewrites every row',
    ],
    ['ALTER TABLE t ADD CHECK (a > 0)', checks],
    ['ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u', checks],
    ['ALTER TABLE t ADD PRIMARY KEY (a)', checks],
    ['ALTER TABLE t ALTER a SET NOT NULL', 'blocks while it reads every row, and fails on a NULL'],
    ['ALTER TABLE t ALTER a TYPE varchar(5)', 'rewrites the table or narrows the type'],
    ['CREATE OR REPLACE VIEW v AS SELECT 1', 'replaces what may be there'],
    ['REFRESH MATERIALIZED VIEW v', 'blocks reads'],
    ['ALTER SEQUENCE s RESTART', 'may hand out numbers again'],
    ['LOCK TABLE t', 'blocks'],
    ['CLUSTER t', 'blocks'],
    ['REINDEX TABLE t', 'may block'],
    ['VACUUM FULL t', 'may block'],
    ['CREATE TABLE t (a int, b int); ALTER TABLE t DROP COLUMN a', ''],
    ['GRANT ALL ON t TO app', rights],
    ['REVOKE SELECT ON t FROM app', rights],
    ['GRANT admin TO app', rights],
    ['ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO app', rights],
    ['CREATE ROLE app', rights],
    ['ALTER ROLE app SUPERUSER', rights],
    ['ALTER SCHEMA shop OWNER TO app', rights],
    ['CREATE POLICY p ON t USING (true)', rights],
    ['SET session_replication_role = replica', session],
    ['SET ROLE admin', session],
    ['SET SESSION AUTHORIZATION admin', session],
    ['SET row_security_active = off', session],
    ['RESET ALL', session],
    ['RESET standard_conforming_strings', session],
    ['SET standard_conforming_strings = 0', session],
    ['SET standard_conforming_strings = 1; SET standard_conforming_strings = on, on', session],
    ["UPDATE pg_catalog.pg_class SET relname = 'x' WHERE oid = 1", catalog],
    ['DELETE FROM pg_authid WHERE oid = 1', catalog],
    ["SET client_encoding = 'SJIS'", session],
    ["PREPARE TRANSACTION 'a'", 'ends a transaction of somebody else'],
    ["COMMIT PREPARED 'a'", 'ends a transaction of somebody else'],
    [
      'EXPLAIN ANALYZE DELETE FROM t WHERE id = 1',
      'unknown kind of statement (ExplainStmt), DELETE inside of another statement',
    ],
    ['ALTER SYSTEM SET fsync = off', 'unknown kind of statement (AlterSystemStmt)'],
    [
      "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p",
      'unknown kind of statement (CreateSubscriptionStmt)',
    ],
    ["NOTIFY a, 'b'", 'unknown kind of statement (NotifyStmt)'],
    ["SELECT dblink_exec('DROP TABLE t')", 'calls dblink_exec(), which may do anything'],
    ["SELECT shop.lower('a')", 'calls shop.lower(), which may do anything'],
    [
      "SELECT set_config('standard_conforming_strings', 'off', false)",
      'calls set_config(), which may do anything',
    ],
    [
      "INSERT INTO t VALUES (1, (SELECT query_to_xml('DROP TABLE t', true, true, '')))",
      'calls query_to_xml(), which may do anything',
    ],
    ['UPDATE t SET a = lo_unlink(b) WHERE id = 1', 'calls lo_unlink(), which may do anything'],
    [
      'ALTER TABLE t ADD a int DEFAULT evil()',
      'rewrites the table, calls evil(), which may do anything',
    ],
    [
      'CREATE TABLE a AS SELECT pg_terminate_backend(1)',
      'calls pg_terminate_backend(), which may do anything',
    ],
    ['CREATE SCHEMA s CREATE TABLE t (a int) GRANT ALL ON t TO PUBLIC', rights],
    ['SELECT constructor()', 'calls constructor(), which may do anything'],
  ])('%s', async (sql, why) => {
    expect(await whys(sql)).toEqual([why]);
  });
});

describe('what does not parse is unknown', () => {
  const unparsed = (what: string) => `unknown, does not parse (${what})`;

  test('it is named with its line, and the rest is still read', async () => {
    expect(
      await found('CREATE TABLE a (b int);\n\nDORP TABLE x;\nDROP TABLE y;\nSELECT 1'),
    ).toEqual([`3 ${unparsed('syntax error at or near "DORP"')}: DORP TABLE x`, '4 DROP TABLE y']);
  });

  test('commands of psql', async () => {
    expect(await whys('\\i other.sql')).toEqual([unparsed('syntax error at or near "\\"')]);
    expect(await whys('SELECT 1 \\gexec')).toHaveLength(1);
    expect(await whys('\\restrict abc\nSELECT 1;')).toHaveLength(1);
    expect(await whys("SELECT :'name'")).toHaveLength(1);
  });

  test('data for COPY, as pg_dump writes it', async () => {
    expect((await whys('COPY t (a) FROM stdin;\n1\tx\n\\.\n'))[0]).toBe(
      'moves data that is not in the statement',
    );
  });

  test('placeholders of a tool', async () => {
    expect(await whys('CREATE TABLE ${schema}.t (a int)')).toHaveLength(1);
    expect(await whys('CREATE TABLE {{ schema }}.t (a int)')).toHaveLength(1);
  });

  test('a quote, comment or dollar quote that does not end hides nothing', async () => {
    for (const open of ["'", '"', '/*', '$$', '$a$', "E'\\'"]) {
      expect(await whys(`SELECT 1;\nSELECT ${open}; DROP TABLE x;`)).not.toEqual([]);
    }
  });

  test('U+0000, at which the parser would stop reading', async () => {
    expect(await whys('SELECT 1;\0 DROP TABLE users')).toEqual([
      unparsed('holds the character U+0000'),
    ]);
  });

  test('nested so deep that the parser gives up', async () => {
    const deep = `SELECT ${'('.repeat(20_000)}1${')'.repeat(20_000)}`;
    expect(await whys(`${deep};\nSELECT 1`)).toEqual([unparsed('memory exhausted at or near "("')]);
  });

  test('nested so deep that it can not be judged', async () => {
    const deep = (depth: number) => `SELECT ${'NOT '.repeat(depth)}true;\nDROP TABLE x`;
    expect(await whys(deep(500))).toEqual(['']);
    expect(await whys(deep(4_000))).toEqual(['unknown, nested too deep', '']);
  });

  test('nested so deep that the parser breaks: no answer, so that its thread ends', async () => {
    await expect(analysePostgresql(`SELECT ${'1+'.repeat(100_000)}1`)).rejects.toThrow();
  });
});

describe('lines are those of the file', () => {
  test.each([
    ['after comments and blank lines', '-- a\n\n/* b\n c */\n\n  DROP TABLE x;', 5 + 1],
    ['with CRLF', '-- a\r\n\r\nSELECT 1;\r\nDROP TABLE x;\r\n', 4],
    ['after characters of several bytes', "-- äöü 漢字 😀\nSELECT '😀😀';\nDROP TABLE x", 3],
    ['with a byte order mark', '\uFEFFSELECT 1;\nDROP TABLE x', 2],
    ['on the line of another statement', 'SELECT 1; SELECT 2;\nSELECT 3; DROP TABLE x', 2],
    ['with a comment between the words', 'SELECT 1;\nDROP -- a\n/* b */ TABLE\n x', 2],
    ['where the file does not parse', "SELECT '漢';\r\nSELEKT '字';\r\n-- c\r\nDROP TABLE x;", 4],
  ])('%s', async (_, sql, line) => {
    const findings = await analysePostgresql(sql);
    expect(findings.at(-1)).toEqual({ line, statement: 'DROP TABLE x' });
  });

  test('a comment ends at a carriage return, as PostgreSQL reads it', async () => {
    expect(await found('-- note\rDROP TABLE x')).toEqual(['1 DROP TABLE x']);
  });

  test('the statement is shown without comments, and its texts as they are', async () => {
    expect(
      await found(
        "DROP /* not */ TABLE -- really\n  users; DELETE FROM t WHERE 'a  -- b' = 'a  -- b'",
      ),
    ).toEqual([
      '1 DROP TABLE users',
      "2 DELETE of every row of t: DELETE FROM t WHERE 'a  -- b' = 'a  -- b'",
    ]);
  });

  test('of a statement that is not shown the parser says nothing either', async () => {
    const sql = `ALTER ROLE app VALID UNTIL '${'x'.repeat(65_536)}' PASSWORD hunter22`;
    expect(await found(sql)).toEqual([
      `1 unknown, does not parse: (a statement of ${sql.length} bytes)`,
    ]);
  });

  test('a statement of more than 64 KiB is not shown', async () => {
    const sql = `DELETE FROM t WHERE true OR a IN (${Array(20_000).fill('12345').join(',')})`;
    expect(await found(`\n${sql}`)).toEqual([
      `2 DELETE of every row of t: (a statement of ${sql.length} bytes)`,
    ]);
  });
});

describe('files as migration tools write them', () => {
  test('goose: what stands under Down counts, as a client that only sees comments would run it', async () => {
    const sql = `-- +goose Up
-- +goose StatementBegin
CREATE TABLE carts (id bigint PRIMARY KEY);
-- +goose StatementEnd

-- +goose Down
DROP TABLE carts;
`;
    expect(await found(sql)).toEqual(['7 DROP TABLE carts']);
  });

  test('dbmate: the same', async () => {
    const sql =
      '-- migrate:up\nALTER TABLE a ADD b text;\n\n-- migrate:down\nALTER TABLE a DROP b;\n';
    expect(await found(sql)).toEqual(['5 ALTER TABLE a DROP b']);
  });

  test('Liquibase: a rollback in a comment does not run', async () => {
    const sql = `--liquibase formatted sql
--changeset alex:1
CREATE TABLE carts (id int);
--rollback DROP TABLE carts;
`;
    expect(await found(sql)).toEqual([]);
  });

  test('Prisma', async () => {
    const sql = `/*
  Warnings:

  - You are about to drop the column \`name\` on the \`User\` table.

*/
-- AlterTable
ALTER TABLE "User" DROP COLUMN "name",
ADD COLUMN     "fullName" TEXT NOT NULL;

-- CreateIndex
CREATE UNIQUE INDEX "User_email_key" ON "User"("email");
`;
    expect(await found(sql)).toEqual([
      '8 NOT NULL without a default: ALTER TABLE "User" DROP COLUMN "name", ADD COLUMN "fullName" TEXT NOT NULL',
      '12 blocks writes while the index is built: CREATE UNIQUE INDEX "User_email_key" ON "User"("email")',
    ]);
  });

  test('Rails: what its dump of the structure begins with is harmless, the functions are not', async () => {
    const sql = `SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
SET default_tablespace = '';
SET default_table_access_method = heap;

CREATE FUNCTION public.touch() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN NEW.updated_at = now(); RETURN NEW; END; $$;

CREATE TABLE public.users (id bigint NOT NULL, email character varying NOT NULL);
CREATE SEQUENCE public.users_id_seq START WITH 1 INCREMENT BY 1 NO MINVALUE NO MAXVALUE CACHE 1;
ALTER SEQUENCE public.users_id_seq OWNED BY public.users.id;
ALTER TABLE ONLY public.users ALTER COLUMN id SET DEFAULT nextval('public.users_id_seq'::regclass);
ALTER TABLE ONLY public.users ADD CONSTRAINT users_pkey PRIMARY KEY (id);
CREATE INDEX index_users_on_email ON public.users USING btree (email);

SET search_path TO "$user", public;

INSERT INTO "schema_migrations" (version) VALUES ('20261122100000'), ('20261121100000');
`;
    expect((await analysePostgresql(sql)).map(({ line, why }) => [line, why])).toEqual([
      [14, 'runs or keeps code that is not analysed'],
    ]);
  });

  test('Flyway, Atlas, golang-migrate, sqlx: plain files in a transaction', async () => {
    const sql = `BEGIN;
-- Modify "users" table
ALTER TABLE "users" ADD COLUMN "phone" character varying(20) NULL;
-- Create index "users_phone" to table: "users"
CREATE INDEX CONCURRENTLY "users_phone" ON "users" ("phone");
COMMIT;
`;
    expect(await found(sql)).toEqual([]);
  });
});
