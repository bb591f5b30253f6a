import { describe, expect, test } from '@jest/globals';
import { analysePostgresql } from '../../../src/collect/sql/postgresql.ts';
import type { Finding } from '../../../src/collect/sql/finding.ts';
import { listStatements } from '../../../src/collect/sql/statement-lines.ts';
import { checkFacts } from '../../../src/core/facts.ts';
import { exampleFacts } from '../../support/deploy.ts';
import { secretSamples } from '../../support/secrets.ts';

const [, secret] = secretSamples.find(([rule]) => rule.includes('AWSAccessKeyID')) ?? ['', ''];

const list = (...findings: Finding[]) => listStatements([{ path: 'db/3.sql', findings }]);
const one = (statement: string, why?: string) =>
  list({ line: 7, statement, ...(why === undefined ? {} : { why }) });

/** Whether the facts take them. */
function acceptable(statements: readonly string[]): boolean {
  const files = [{ path: 'db/3.sql', sha256: '0'.repeat(64) }];
  const migration = { kind: 'sql', command: 'x', destructive: true, files, statements };
  return checkFacts({ ...exampleFacts(), migration }).ok;
}

describe('one line for each statement', () => {
  test('place and statement; the reason where the statement does not say it', () => {
    expect(one('DROP TABLE users')).toEqual(['db/3.sql:7 DROP TABLE users']);
    expect(one('CREATE INDEX i ON t (a)', 'blocks')).toEqual([
      'db/3.sql:7 blocks: CREATE INDEX i ON t (a)',
    ]);
    expect(one('', 'unknown, is not UTF-8 text')).toEqual([
      'db/3.sql:7 unknown, is not UTF-8 text',
    ]);
  });

  test('in the order of files and lines', () => {
    const findings = [{ line: 9, statement: 'DROP TABLE b' }];
    expect(
      listStatements([
        { path: 'z.sql', findings: [{ line: 1, statement: 'DROP TABLE a' }] },
        { path: 'a.sql', findings },
      ]),
    ).toEqual(['z.sql:1 DROP TABLE a', 'a.sql:9 DROP TABLE b']);
  });

  test('nothing for harmless files', () => {
    expect(listStatements([{ path: 'a.sql', findings: [] }])).toEqual([]);
  });

  test('a long one is cut at its end', () => {
    const [line = ''] = one(`DROP TABLE ${'a'.repeat(5_000)}`);
    expect(line).toHaveLength(401);
    expect(line.endsWith('a…')).toBe(true);
    expect(acceptable([line])).toBe(true);
  });

  test.each([
    ['a line break in a text', "DELETE FROM t WHERE 'a\nb' = 'a'", '\\u{000A}'],
    ['a direction mark', 'DROP TABLE "\u202Eresu"', '\\u{202E}'],
    ['a blank that looks like another', 'DROP TABLE "a\u00A0b"', '\\u{00A0}'],
    ['a tag character', 'DROP TABLE "a\u{E0041}"', '\\u{E0041}'],
  ])('%s is written out', (_, statement, written) => {
    const [line = ''] = one(statement);
    expect(line).toContain(written);
    expect(acceptable([line])).toBe(true);
  });

  test('decomposed characters are composed', () => {
    expect(one('DROP TABLE "cafe\u0301"')).toEqual(['db/3.sql:7 DROP TABLE "caf\u00e9"']);
  });
});

describe('a statement with a secret is only named by its kind', () => {
  const note = 'text not shown: looks like a secret';
  test.each([
    ["ALTER ROLE app WITH LOGIN PASSWORD 'hunter22'", `ALTER ROLE (${note})`],
    ["CREATE USER 'app'@'%' IDENTIFIED BY 'hunter22'", `CREATE USER (${note})`],
    [
      "CREATE USER app IDENTIFIED WITH caching_sha2_password BY 'hunter22'",
      `CREATE USER (${note})`,
    ],
    ["SET PASSWORD FOR app = 'hunter22'", `SET PASSWORD (${note})`],
    ["UPDATE users SET password = 'hunter22'", `UPDATE (${note})`],
    ['UPDATE users SET "password" = E\'hunter22\'', `UPDATE (${note})`],
    [
      "CREATE SUBSCRIPTION s CONNECTION 'host=x password=hunter22'",
      `CREATE SUBSCRIPTION (${note})`,
    ],
    ["CREATE SERVER s OPTIONS (host 'x')", `CREATE SERVER (${note})`],
    [`DELETE FROM keys WHERE 'x' = '${secret}'`, `DELETE (${note})`],
    // MySQL takes double quotes for a text.
    ['CREATE USER app IDENTIFIED BY "hunter22"', `CREATE USER (${note})`],
    ['GRANT ALL ON *.* TO app IDENTIFIED WITH x AS "hunter22"', `GRANT (${note})`],
    ['SET PASSWORD FOR app = "hunter22"', `SET PASSWORD (${note})`],
    ['UPDATE users SET password = "hunter22"', `UPDATE (${note})`],
    ['UPDATE users SET a = PASSWORD("hunter22")', `UPDATE (${note})`],
    ["UPDATE users SET app_password = 'hunter22'", `UPDATE (${note})`],
    ["CHANGE MASTER TO MASTER_PASSWORD='hunter22'", `CHANGE (${note})`],
    ["ALTER DATABASE shop SET app.jwt_secret TO 'hunter22'", `ALTER DATABASE (${note})`],
    ["SET @password := 'hunter22'", `SET (${note})`],
    ['SET @password := "hunter22"', `SET (${note})`],
    ["PRAGMA key = 'hunter22'", `PRAGMA (${note})`],
    ["PRAGMA rekey = 'hunter22'", `PRAGMA (${note})`],
    ["ATTACH DATABASE 'x.db' AS y KEY 'hunter22'", `ATTACH (${note})`],
    // What can't be read is shown as it stands, with its line breaks.
    ["UPDATE users SET password =\n  'hunter22'", `UPDATE (${note})`],
    ["-- a\n;\nALTER  ROLE app VALID UNTIL '", `a statement (${note})`],
    ['ALTER ROLE app PASSWORD hunter22', `ALTER ROLE (${note})`],
    // NFC makes a K of the sign for Kelvin.
    [`DELETE FROM keys WHERE a = '${secret.replace('K', '\u212A')}'`, `DELETE (${note})`],
    [`DELETE FROM keys WHERE a = '${'x'.repeat(380)} ${secret}'`, `DELETE (${note})`],
  ])('%s', (statement, shown) => {
    const lines = one(statement, 'a reason');
    expect(lines).toEqual([`db/3.sql:7 a reason: ${shown}`]);
    expect(acceptable(lines)).toBe(true);
  });

  test.each([
    'ALTER TABLE users DROP COLUMN password',
    'ALTER TABLE users DROP COLUMN "password"',
    'ALTER TABLE users RENAME COLUMN password TO "hash"',
    'CREATE INDEX i ON users ("password", "mail")',
    'ALTER ROLE "app" SUPERUSER',
    'ALTER ROLE app PASSWORD NULL',
    'PRAGMA writable_schema = ON',
    "ATTACH DATABASE 'x.db' AS y",
  ])('%s holds none', (statement) => {
    expect(one(statement)).toEqual([`db/3.sql:7 ${statement}`]);
  });

  const why = 'unknown, does not parse';
  const detail = 'syntax error at or near "hunter22"';
  const said = (statement: string) => list({ line: 7, statement, why, detail });

  test('nor is then told what the parser says of it', () => {
    expect(said("ALTER ROLE app PASSWORD hunter22';")).toEqual([
      `db/3.sql:7 ${why}: ALTER ROLE (${note})`,
    ]);
    expect(said('ALTER ROLE app hunter22')).toEqual([
      `db/3.sql:7 ${why} (${detail}): ALTER ROLE app hunter22`,
    ]);
  });

  test('nor of one whose end nobody searches', () => {
    const long = (rows: number) => `INSERT INTO t VALUES ${'(1),'.repeat(rows)} PASSWORD hunter22`;
    expect(said(long(1_000)).join()).toContain(`(${detail}): INSERT INTO t`);
    expect(said(long(1_024)).join()).not.toContain('hunter22');
  });

  test('nor what it says with a secret in it, where there is no statement', () => {
    const gaveUp = (said: string) => list({ line: 1, statement: '', why, detail: said });
    expect(gaveUp('out of memory')).toEqual([`db/3.sql:1 ${why} (out of memory)`]);
    expect(gaveUp(`can't read ${secret}`)).toEqual([`db/3.sql:1 ${why}`]);
  });

  test('from file to line', async () => {
    for (const sql of ["ALTER ROLE app PASSWORD 'hunter22", "ALTER ROLE app PASSWORD hunter22';"]) {
      expect(list(...(await analysePostgresql(sql)))).toEqual([
        `db/3.sql:1 ${why}: ALTER ROLE (${note})`,
      ]);
    }
  });
});

describe('too many', () => {
  const many = (count: number, statement: string) =>
    Array.from({ length: count }, (_, index) => ({ line: index + 1, statement }));

  test('200 are shown, the others counted by their kind', () => {
    const lines = list(
      ...many(200, 'DROP TABLE a'),
      ...many(5, 'TRUNCATE b'),
      ...many(60, 'DROP INDEX c'),
    );
    expect(lines).toHaveLength(201);
    expect(lines.at(-1)).toBe('and 65 more that are not shown: 60 DROP INDEX, 5 TRUNCATE B');
    expect(acceptable(lines)).toBe(true);
  });

  test('the most frequent twelve kinds are named, equally frequent ones by the alphabet', () => {
    const objects = 'ABCDEFGHIJKLM'.split('');
    const drops = objects.flatMap((object) => many(1, `DROP ${object} x`));
    const shuffled = [...drops.slice(5).toReversed(), ...drops.slice(0, 5)];
    const lines = list(...many(200, 'TRUNCATE a'), ...shuffled, ...many(2, '(SELECT 1)'));
    const named = objects.slice(0, 11).map((object) => `1 DROP ${object}`);
    expect(lines.at(-1)).toBe(
      `and 15 more that are not shown: 2 a statement, ${named.join(', ')}, 2 others`,
    );
  });

  test('long ones take at most 16 KiB', () => {
    const lines = list(...many(150, `DROP TABLE ${'漢'.repeat(600)}`));
    expect(Buffer.byteLength(JSON.stringify(lines))).toBeLessThan(17 * 1024);
    expect(lines.at(-1)).toMatch(/^and \d+ more that are not shown: \d+ DROP TABLE$/);
  });

  test('a flood of harmless looks does not hide the kind of what stands behind it', () => {
    const lines = list(...many(500, 'CREATE INDEX i ON t (a)'), {
      line: 501,
      statement: 'DROP TABLE users',
    });
    expect(lines.at(-1)).toContain('1 DROP TABLE');
  });
});
