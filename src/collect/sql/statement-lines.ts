import { findSecret } from '../../core/secrets.ts';
import { freeTextProblem, visible } from '../../core/text.ts';
import type { Finding } from './finding.ts';

export interface FileFindings {
  readonly path: string;
  readonly findings: readonly Finding[];
}

const maxLines = 200;
/** What stays of the payload's 64 KiB is for the list of files. */
const maxBytes = 16 * 1024;
const maxPathLength = 200;
const maxReasonLength = 150;
const maxLineLength = 400;
/** Only so much of a long statement is searched for a secret, and less than that is shown. */
const maxSearchedLength = 4_096;

/**
 * Findings as the facts list them, such as `db/002.sql:14 DROP TABLE users`: one line each, in order, acceptable as free text. A
 * statement that looks as if it held a secret is only named by its kind. Where there are too many, the last line counts what is
 * left out by its kind.
 */
export function listStatements(files: readonly FileFindings[]): readonly string[] {
  const all = files.flatMap(({ path, findings }) => findings.map((finding) => ({ path, finding })));
  const lines: string[] = [];
  let bytes = 0;
  for (const { path, finding } of all.slice(0, maxLines)) {
    const line = describe(path, finding);
    bytes += Buffer.byteLength(JSON.stringify(line)) + 1;
    if (bytes > maxBytes) break;
    lines.push(line);
  }
  const left = all.slice(lines.length).map(({ finding }) => kindOf(finding.statement));
  return left.length === 0 ? lines : [...lines, count(left)];
}

function describe(path: string, { line, statement, why }: Finding): string {
  const place = `${visible(path, maxPathLength)}:${line}`;
  const named = why === undefined ? place : `${place} ${visible(why, maxReasonLength)}`;
  if (statement === '') return named;
  const reason = why === undefined ? `${named} ` : `${named}: `;
  const hidden = `${reason}${kindOf(statement)} (text not shown: looks like a secret)`;
  if (holdsSecret(statement)) return hidden;
  const shown = shorten(`${reason}${statement.slice(0, maxSearchedLength)}`.trimEnd());
  if (freeTextProblem(shown) === undefined && findSecret(shown) === undefined) return shown;
  return hidden;
}

/** The words that say what a statement does, without any name or value: `DROP TABLE`. */
function kindOf(statement: string): string {
  const words =
    /^(?:CREATE(?: OR REPLACE)?(?: (?:UNIQUE|TEMP|TEMPORARY|MATERIALIZED))?|ALTER|DROP|TRUNCATE|SET|INSERT OR) (?:[A-Z]+)\b|^[A-Z]+\b/i.exec(
      statement,
    );
  return words?.[0].slice(0, 60).toUpperCase() ?? 'a statement';
}

function holdsSecret(statement: string): boolean {
  const text = statement.slice(0, maxSearchedLength);
  return password.test(text) || account.test(text) || findSecret(text) !== undefined;
}

/** `PASSWORD 'x'`, `password = 'x'`, `PASSWORD('x')`, `IDENTIFIED WITH a BY 'x'` */
const password =
  /\b(?:PASS(?:WORD|WD|PHRASE)?|SECRET|IDENTIFIED(?: WITH \S{1,60})? (?:BY|AS))["`\]]? {0,3}(?:[=(,]|=>)? {0,3}[EN]?(?:'|\$)/i;
/** Statements about accounts and connections, with any text in them. */
const account = /^(?:CREATE|ALTER|SET) (?:ROLE|USER|SERVER|SUBSCRIPTION|PASSWORD|FOREIGN)\b[^']*'/i;

function shorten(text: string): string {
  const characters = Array.from(visible(text.normalize('NFC'), Infinity));
  if (characters.length <= maxLineLength) return characters.join('');
  return `${characters.slice(0, maxLineLength).join('').trimEnd()}…`;
}

function count(kinds: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const kind of kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const sorted = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const named = sorted.slice(0, 12).map(([kind, number]) => `${number} ${kind}`);
  const others = sorted.slice(12).reduce((sum, [, number]) => sum + number, 0);
  if (others > 0) named.push(`${others} others`);
  return shorten(`and ${kinds.length} more that are not shown: ${named.join(', ')}`);
}
