import mysql from 'node-sql-parser/build/mysql.js';
import type { Finding } from './finding.ts';
import { analysePlain } from './plain.ts';
import { answerQuestions } from './worker.ts';

const parser = new mysql.Parser();

/** What of a MySQL file destroys data, blocks, or can't be judged. */
export async function analyseMysql(text: string): Promise<readonly Finding[]> {
  const parse = (sql: string): unknown => parser.parse(sql, { database: 'MySQL' }).ast;
  return Promise.resolve(analysePlain(text, { dialect: 'mysql', parse }));
}

answerQuestions(analyseMysql);
