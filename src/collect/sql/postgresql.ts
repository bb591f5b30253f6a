import { loadModule, parseSync, scanSync, SqlError } from 'libpg-query';
import {
  joinPieces,
  joinReasons,
  lineCounter,
  withoutByteOrderMark,
  type Finding,
} from './finding.ts';
import { judgeStatement, type NewTables } from './postgresql-rules.ts';
import { children, type Node } from './tree.ts';
import { answerQuestions } from './worker.ts';

/** A longer statement is not lexed again to be shown. */
const maxShownBytes = 64 * 1024;

/**
 * What of a PostgreSQL file destroys data, blocks, or can't be judged, by PostgreSQL's own parser. What does not parse is
 * cut at the semicolons that its lexer finds, so that the rest is still read.
 */
export async function analysePostgresql(file: string): Promise<readonly Finding[]> {
  await loadModule();
  const text = withoutByteOrderMark(file);
  // The parser is written in C: its text would end there, that of a client might not.
  if (text.includes('\0')) return [unreadable(text, 'holds the character U+0000')];
  if (text.trim() === '') return [];
  const bytes = Buffer.from(text);
  const source: Source = { bytes, lineAt: lineCounter(bytes), created: new Set() };
  const parsed = parse(text);
  if (parsed.ok) return parsed.statements.flatMap((statement) => judge(source, statement));
  const findings = semicolonCuts(bytes).flatMap((cut) => judgeCut(source, cut));
  return findings.some(({ why }) => why === unparsed)
    ? findings
    : [...findings, unreadable(text, parsed.problem)];
}

interface Source {
  readonly bytes: Buffer;
  readonly lineAt: (byte: number) => number;
  readonly created: NewTables;
}

/** A part of the file, in bytes. */
interface Cut {
  readonly start: number;
  readonly end: number;
}

interface ParsedStatement extends Cut {
  readonly tree: unknown;
}

interface RawStatement {
  readonly stmt?: unknown;
  readonly stmt_location?: number;
  readonly stmt_len?: number;
}

type Parsed =
  | { readonly ok: true; readonly statements: readonly ParsedStatement[] }
  | { readonly ok: false; readonly problem: string };

const unparsed = 'unknown, does not parse';

function parse(text: string): Parsed {
  try {
    const statements = children(parseSync(text) as Node, 'stmts') as readonly RawStatement[];
    const size = Buffer.byteLength(text);
    return {
      ok: true,
      statements: statements.map(({ stmt, stmt_location: start = 0, stmt_len: length }) => ({
        tree: stmt,
        start,
        end: length === undefined || length === 0 ? size : start + length,
      })),
    };
  } catch (error) {
    // Any other error is one of the parser itself, whose memory is then good for nothing more.
    if (error instanceof SqlError) return { ok: false, problem: error.message };
    throw error;
  }
}

function judge(source: Source, { tree, ...cut }: ParsedStatement): readonly Finding[] {
  const reasons = reasonsOf(tree, source.created);
  return reasons.length === 0 ? [] : [{ ...show(source, cut), ...joinReasons(reasons) }];
}

function reasonsOf(tree: unknown, created: NewTables): readonly string[] {
  try {
    return judgeStatement(tree, created);
  } catch {
    // The stack ran over. Whatever else went wrong would make nothing harmless either.
    return ['unknown, nested too deep'];
  }
}

function judgeCut(source: Source, cut: Cut): readonly Finding[] {
  const text = source.bytes.toString('utf8', cut.start, cut.end);
  if (text.trim() === '') return [];
  const parsed = parse(text);
  if (!parsed.ok) {
    const shown = { ...show(source, cut), why: unparsed };
    return [isLong(cut) ? shown : { ...shown, detail: parsed.problem }];
  }
  return parsed.statements.flatMap((statement) =>
    judge(source, {
      tree: statement.tree,
      start: cut.start + statement.start,
      end: cut.start + statement.end,
    }),
  );
}

/** The parts between semicolons; all in one where not even the lexer can read it. */
function semicolonCuts(bytes: Buffer): readonly Cut[] {
  const tokens = scan(bytes.toString()) ?? [];
  const cuts: Cut[] = [];
  let start = 0;
  for (const semicolon of tokens.filter(({ text }) => text === ';')) {
    cuts.push({ start, end: semicolon.start });
    start = semicolon.end;
  }
  return [...cuts, { start, end: bytes.length }];
}

function scan(text: string) {
  try {
    return scanSync(text).tokens;
  } catch (error) {
    // It gives the reason in the place of JSON.
    if (error instanceof SqlError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The statement without its comments, and the line of its first token. */
function show({ bytes, lineAt }: Source, cut: Cut): Finding {
  const { start, end } = cut;
  const text = bytes.toString('utf8', start, end);
  if (isLong(cut)) {
    const line = lineAt(start + leadingBytes(text));
    return { line, statement: `(a statement of ${end - start} bytes)` };
  }
  const tokens = scan(text);
  const pieces = tokens?.filter(({ tokenName }) => !tokenName.endsWith('_COMMENT'));
  return {
    line: lineAt(start + (pieces?.[0]?.start ?? leadingBytes(text))),
    statement: pieces === undefined ? text.trim() : joinPieces(pieces).replace(/;$/, ''),
  };
}

function isLong({ start, end }: Cut): boolean {
  return end - start > maxShownBytes;
}

function leadingBytes(text: string): number {
  return Buffer.byteLength(text) - Buffer.byteLength(text.trimStart());
}

function unreadable(text: string, problem: string): Finding {
  const statement = text.trim();
  const line = text.slice(0, text.indexOf(statement)).split('\n').length;
  return { line, statement, why: unparsed, detail: problem };
}

answerQuestions(analysePostgresql, loadModule);
