import { DatabaseSync } from 'node:sqlite';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { analyseSqlite } from '../../../src/collect/sql/sqlite.ts';

/** What opens, closes, separates and destroys, put together in any order; nothing limits rows. */
const pieces = [
  'DROP TABLE users;',
  'DELETE FROM users;',
  'DELETE FROM users WHERE 1;',
  "UPDATE users SET name = '';",
  'REPLACE INTO users VALUES (1, 2);',
  'SELECT 1',
  'SELECT',
  "'a'",
  ';',
  ',',
  "'",
  '"',
  '`',
  '[',
  ']',
  '\\',
  '--',
  '-- ',
  '#',
  '/*',
  '/*!',
  '*/',
  '\n',
  '\r',
  '\r\n',
  ' ',
  '$$',
  '(',
  ')',
  'CREATE TRIGGER x AFTER INSERT ON users BEGIN',
  'SELECT 1;',
  'END;',
  'BEGIN;',
  'COMMIT;',
];

/** What SQLite itself leaves of a table, after as much of the text as it would run. */
function survivors(text: string): unknown {
  using database = new DatabaseSync(':memory:');
  database.exec("CREATE TABLE users (id PRIMARY KEY, name); INSERT INTO users VALUES (1, 'alex');");
  try {
    database.exec(text);
  } catch {
    // It ran what stands before the fault.
  }
  try {
    return { ...database.prepare('SELECT id, name FROM users').get() };
  } catch {
    return 'no such table';
  }
}

test('SQLite itself never loses anything to a file that is called harmless', async () => {
  let harmless = 0;
  let destroyed = 0;
  const text = fc
    .array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 12 })
    .map((parts) => parts.join(''));
  await fc.assert(
    fc.asyncProperty(text, async (value) => {
      const left = survivors(value);
      const isKept = JSON.stringify(left) === '{"id":1,"name":"alex"}';
      if (!isKept) destroyed += 1;
      if ((await analyseSqlite(value)).length > 0) return;
      harmless += 1;
      expect(left).toEqual({ id: 1, name: 'alex' });
    }),
    { numRuns: 3_000 },
  );
  // Both happen often enough to say something.
  expect(harmless).toBeGreaterThan(50);
  expect(destroyed).toBeGreaterThan(300);
});
