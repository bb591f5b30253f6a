import { findSecret } from '../../core/secrets.ts';
import { visible } from '../../core/text.ts';
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
const maxDetailLength = 100;
const maxLineLength = 400;
/** Only so much of a statement is searched for a secret; less than that is shown, and nothing that a parser says of a longer one. */
const maxSearchedLength = 4_096;

/**
 * Findings as the facts list them, such as `db/002.sql:14 DROP TABLE users`: one line each, in order, acceptable as free text. A
 * statement that looks as if it held a secret is only named by its kind and why it counts. Where there are too many, the last line counts what is
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

function describe(path: string, { line, statement, why, detail }: Finding): string {
  const place = `${visible(path, maxPathLength)}:${line}`;
  const named = why === undefined ? place : `${place} ${visible(why, maxReasonLength)}`;
  const colon = why === undefined || statement === '' ? ' ' : ': ';
  // In the form that is shown: composed characters may be those of a secret.
  const text = statement.slice(0, maxSearchedLength).normalize('NFC');
  if (holdsSecret(text)) {
    return `${named}${colon}${kindOf(text)} (text not shown: looks like a secret)`;
  }
  const isFit =
    detail !== undefined && statement.length <= maxSearchedLength && !holdsSecret(detail);
  const said = isFit ? ` (${visible(detail, maxDetailLength)})` : '';
  return shorten(`${named}${said}${colon}${text}`.trimEnd());
}

/** The words that say what a statement does, without any name or value: `DROP TABLE`. */
function kindOf(statement: string): string {
  const words =
    /^(?:CREATE(?: OR REPLACE)?(?: (?:UNIQUE|TEMP|TEMPORARY|MATERIALIZED))?|ALTER|DROP|TRUNCATE|SET|INSERT OR) (?:[A-Z]+)\b|^[A-Z]+\b/i.exec(
      statement,
    );
  return words?.[0].slice(0, 60).toUpperCase() ?? 'a statement';
}

function holdsSecret(text: string): boolean {
  return secretForms.some((form) => form.test(text)) || findSecret(text) !== undefined;
}

const secretForms = [
  // `PASSWORD 'x'`, `db_password = 'x'`, `app.secret TO 'x'`, `PASSWORD('x')`, `IDENTIFIED WITH a BY 'x'`
  /(?<![A-Z0-9])(?:PASS(?:WORD|WD|PHRASE)?|SECRET|IDENTIFIED(?:\s+WITH\s+\S{1,60})?\s+(?:BY|AS))["`\]]?\s{0,9}(?:[=(,]|=>|:=|TO\b)?\s{0,9}[EN]?(?:'|\$)/i,
  // A text in double quotes, as MySQL has it; elsewhere that is a name.
  /(?<![A-Z0-9])(?:(?:PASS(?:WORD|WD|PHRASE)?|SECRET)["`\]]?\s{0,9}(?:[=(]|=>|:=)|IDENTIFIED(?:\s+WITH\s+\S{1,60})?\s+(?:BY|AS))\s{0,9}"/i,
  // Statements about accounts and connections with any text in them, or with a password whose quotes were forgotten.
  /(?:^|;)\s*(?:CREATE|ALTER|SET)\s+(?:ROLE|USER|SERVER|SUBSCRIPTION|FOREIGN)\b(?:[^']*'|.*\bPASSWORD\s+(?!NULL\b)\w)/is,
  /(?:^|;)\s*SET\s+PASSWORD\b/i,
  // The keys of SQLCipher.
  /(?:^|;)\s*(?:PRAGMA\s+(?:HEX|TEXT)?(?:RE)?KEY\b|ATTACH\b.*\bKEY\b)/is,
] as const;

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
