import sqlite from 'node-sql-parser/build/sqlite.js';
import type { Finding } from './finding.ts';
import { analysePlain } from './plain.ts';
import { answerQuestions } from './worker.ts';

const parser = new sqlite.Parser();

/** What of a SQLite file destroys data, blocks, or can't be judged. */
export async function analyseSqlite(text: string): Promise<readonly Finding[]> {
  const parse = (sql: string): unknown => parser.parse(sql, { database: 'sqlite' }).ast;
  return Promise.resolve(analysePlain(text, { dialect: 'sqlite', parse }));
}

answerQuestions(analyseSqlite);
