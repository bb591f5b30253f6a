import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Finding } from '../../../src/collect/sql/finding.ts';
import { analyseMysql } from '../../../src/collect/sql/mysql.ts';
import { analysePostgresql } from '../../../src/collect/sql/postgresql.ts';
import { analyseSqlite } from '../../../src/collect/sql/sqlite.ts';

interface Subject {
  readonly analyse: (text: string) => Promise<readonly Finding[]>;
  readonly harmless: readonly string[];
  readonly destructive: readonly string[];
  /** What may stand between two statements, or between two words. */
  readonly gaps: readonly string[];
}

const common = {
  harmless: [
    'SELECT 1;',
    "INSERT INTO t (a) VALUES ('it''s; DROP TABLE x');",
    "CREATE TABLE n (id int PRIMARY KEY, a varchar(5) DEFAULT '--');",
    'ALTER TABLE t ADD COLUMN a int;',
    'UPDATE t SET a = 1 WHERE id = 2;',
    'BEGIN; COMMIT;',
    ';',
  ],
  destructive: [
    'DROP TABLE x',
    'DELETE FROM x',
    'UPDATE x SET a = 1',
    'ALTER TABLE x DROP COLUMN a',
    'DROP INDEX x',
    'NONSENSE x',
  ],
  gaps: [
    ' ',
    '\n',
    '\r\n',
    '\t',
    '/* a */',
    "/* it's; */",
    '-- b; "c\n',
    '-- $$ `d\r\n',
    '/* -- */',
    '-- /*\n',
  ],
};

const subjects: Readonly<Record<string, Subject>> = {
  postgresql: {
    analyse: analysePostgresql,
    ...common,
    harmless: [
      ...common.harmless,
      "SELECT $a$ '; $b$ $a$;",
      "SELECT E'\\'; --';",
      'SELECT "a;""";',
    ],
    gaps: [...common.gaps, "/* /* ' */ */", '-- c\r'],
  },
  mysql: {
    analyse: analyseMysql,
    ...common,
    harmless: [...common.harmless, 'SELECT "a;\'", `b;"` FROM t;', "SELECT 'a\\\\';"],
    gaps: [...common.gaps, '# it\'s "\n', '--\n', '/* /* */'],
  },
  sqlite: {
    analyse: analyseSqlite,
    ...common,
    harmless: [...common.harmless, "SELECT '\\', [a;'];", 'SELECT "a;""", `b;"` FROM t;'],
    gaps: [...common.gaps, "--it's\n", '/* /* */'],
  },
};

/** Statements that say something else in each dialect, and pieces that begin without an end. */
const pieces = [
  'DROP',
  'TABLE',
  'x',
  'DELETE',
  'FROM',
  'SELECT',
  '1',
  ';',
  '*',
  '(',
  ')',
  "'",
  '"',
  '`',
  '[',
  ']',
  '$$',
  '$a$',
  '\\',
  '--',
  '-- ',
  '#',
  '/*',
  '*/',
  '/*!',
  '\n',
  '\r',
  ' ',
  ',',
  '=',
  'WHERE',
  'OR',
  'DELIMITER',
  '//',
  'é',
  '\0',
  '\u00a0',
  'CREATE',
  'TRIGGER',
  'BEGIN',
  'END',
  'INTO',
  'VALUES',
  'INSERT',
  'UPDATE',
  'SET',
  ':',
  '@',
  '{',
];

describe.each(Object.entries(subjects))('%s', (_, { analyse, harmless, destructive, gaps }) => {
  const before = fc.array(fc.constantFrom(...harmless, ...gaps)).map((parts) => parts.join(''));

  test('harmless files, one after the other, are harmless', async () => {
    await fc.assert(
      fc.asyncProperty(before, before, async (one, other) => {
        expect(await analyse(`${one}\n${other}`)).toEqual([]);
      }),
    );
  });

  test('comments never hide: a destructive statement anywhere is found on its line', async () => {
    const words = fc.constantFrom(...destructive).chain((statement) => {
      const parts = statement.split(' ');
      return fc
        .array(fc.constantFrom(...gaps), { minLength: parts.length, maxLength: parts.length })
        .map((between) =>
          parts.map((part, index) => (index === 0 ? '' : (between[index] ?? '')) + part).join(''),
        );
    });
    await fc.assert(
      fc.asyncProperty(before, words, before, async (one, statement, other) => {
        const findings = await analyse(`${one}\n${statement};${other}`);
        expect(findings).toHaveLength(1);
        expect(findings[0]?.line).toBe(`${one}\n`.split('\n').length);
      }),
    );
  });

  test('any text: never an exception, and always the same', async () => {
    const text = fc.oneof(
      fc.array(fc.constantFrom(...pieces), { maxLength: 30 }).map((parts) => parts.join(' ')),
      fc.array(fc.constantFrom(...pieces), { maxLength: 30 }).map((parts) => parts.join('')),
      fc.string({ unit: 'binary', maxLength: 60 }).filter((value) => value.isWellFormed()),
    );
    await fc.assert(
      fc.asyncProperty(text, async (value) => {
        const findings = await analyse(value);
        expect(await analyse(value)).toEqual(findings);
      }),
      { numRuns: 500 },
    );
  });

  test('whatever stands before it: a statement on a line of its own is found, or the file is', async () => {
    const text = fc
      .array(fc.constantFrom(...pieces), { maxLength: 20 })
      .map((parts) => parts.join(' '));
    await fc.assert(
      fc.asyncProperty(text, async (value) => {
        // All that could still be open in front of it: every quote and comment, each closed.
        const closed = `${value}\n*/ */ */ ' " \` ] $$ $a$ \n;\nDROP TABLE x;`;
        expect(await analyse(closed)).not.toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test('one byte of a destructive file changed: what still is that statement is found', async () => {
    const file = 'SELECT 1;\nDROP TABLE users;\nSELECT 2;\n';
    await fc.assert(
      fc.asyncProperty(
        fc.nat(file.length),
        fc.string({ maxLength: 1, unit: 'binary-ascii' }),
        async (at, character) => {
          const changed = file.slice(0, at) + character + file.slice(at);
          const findings = await analyse(changed);
          // Only inside of the comment or text that the character opens may it be no statement any more.
          if (findings.length === 0) expect(changed).toMatch(/(?:--|#)[^\n]*DROP TABLE users/);
        },
      ),
      { numRuns: 500 },
    );
  });
});
