import type { Piece } from './finding.ts';

/** A token of MySQL or SQLite. */
export type Token = PlainToken | OddToken;

interface PlainToken extends Piece {
  readonly kind: 'word' | 'string' | 'name' | 'symbol';
}

/** What is not surely read as the database reads it. */
interface OddToken extends Piece {
  readonly kind: 'odd';
  readonly why: string;
}

export type PlainDialect = 'mysql' | 'sqlite';

export interface Statement {
  readonly first: Token;
  /** All of them. */
  readonly tokens: readonly Token[];
}

/**
 * Cuts a file of MySQL or SQLite into statements, as the database's own client does. Comments are left out, but what MySQL
 * runs of them (`/*!`) is not a comment. Where two readings are possible, a token is odd.
 * Offsets count UTF-16 units.
 */
export function* cutStatements(text: string, dialect: PlainDialect): Generator<Statement> {
  let tokens: Token[] = [];
  let delimiter = ';';
  for (let at = 0; at < text.length;) {
    if (tokens.length === 0 && dialect === 'mysql') {
      const command = clientCommand(text, at);
      if (command !== undefined) {
        if ('delimiter' in command) {
          delimiter = command.delimiter;
          yield* statementOf([command.token]);
        }
        at = command.end;
        continue;
      }
    }
    if (text.startsWith(delimiter, at) && !isInTrigger(tokens, dialect)) {
      yield* statementOf(tokens);
      tokens = [];
      at += delimiter.length;
      continue;
    }
    const token = tokenAt({ text, dialect, delimiter }, at);
    if ('text' in token) tokens.push(token);
    at = token.end;
  }
  yield* statementOf(tokens);
}

function* statementOf(tokens: readonly Token[]): Generator<Statement> {
  const [first] = tokens;
  if (first !== undefined) yield { first, tokens };
}

interface Lexer {
  readonly text: string;
  readonly dialect: PlainDialect;
  readonly delimiter: string;
}

/** White space or a comment. */
interface Gap {
  readonly end: number;
}

const space = { mysql: /[ \t\n\v\f\r]+/y, sqlite: /[ \t\n\f\r]+/y } as const;
const symbols = '(),.=<>!+-*/%&|^~@;';
const wordCharacters = /[\w$\u0080-\uFFFF]+/y;

function tokenAt(lexer: Lexer, at: number): Token | Gap {
  const { text, dialect } = lexer;
  const blank = match(space[dialect], text, at);
  if (blank !== undefined) return { end: at + blank.length };
  const comment = commentAt(lexer, at);
  if (comment !== undefined) return comment;
  const character = text.charAt(at);
  const quoted = quotedAt(lexer, at);
  if (quoted !== undefined) return quoted;
  const [word] = match(wordCharacters, text, at)?.split(lexer.delimiter) ?? [];
  if (word !== undefined) return { kind: 'word', text: word, start: at, end: at + word.length };
  const token = { text: character, start: at, end: at + 1 };
  if (symbols.includes(character)) return { kind: 'symbol', ...token };
  const why = character === '\\' ? 'holds a command of the client' : `holds "${character}"`;
  return { kind: 'odd', why, ...token };
}

function commentAt({ text, dialect }: Lexer, at: number): Token | Gap | undefined {
  if (text.startsWith('/*', at)) {
    const end = text.indexOf('*/', at + 2);
    if (end < 0) return oddToken(text, { start: at, end: text.length }, 'a comment does not end');
    const executable = dialect === 'mysql' && /\/\*(?:M?!|\+)/y;
    if (executable && match(executable, text, at) !== undefined) {
      return oddToken(text, { start: at, end: end + 2 }, 'MySQL runs what this comment holds');
    }
    return { end: end + 2 };
  }
  const start = dialect === 'mysql' ? /--(?=[ \t\n\v\f\r]|$)|#/y : /--/y;
  if (match(start, text, at) === undefined) return undefined;
  const end = lineEnd(text, at);
  const inner = text.slice(at, end).replace(/\r$/, '');
  // For some this ends the comment, for others it does not.
  if (inner.includes('\r')) {
    return oddToken(text, { start: at, end }, 'a comment holds a carriage return');
  }
  return { end };
}

function quotedAt({ text, dialect }: Lexer, at: number): Token | undefined {
  const open = text.charAt(at);
  if (open === '[' && dialect === 'sqlite') {
    const end = text.indexOf(']', at) + 1;
    if (end === 0) return oddToken(text, { start: at, end: text.length }, 'a name does not end');
    return { kind: 'name', text: text.slice(at, end), start: at, end };
  }
  if (open !== "'" && open !== '"' && open !== '`') return undefined;
  const isString = open === "'" || (open === '"' && dialect === 'mysql');
  const escapes = isString && dialect === 'mysql';
  for (let end = at + 1; end < text.length; end += 1) {
    const character = text.charAt(end);
    if (escapes && character === '\\') {
      // With NO_BACKSLASH_ESCAPES the text would end here.
      if (text.charAt(end + 1) === open) {
        const why = 'a backslash before a quote is read in two ways';
        return oddToken(text, { start: at, end: text.length }, why);
      }
      end += 1;
    } else if (character === open) {
      if (text.charAt(end + 1) !== open) {
        const token = { text: text.slice(at, end + 1), start: at, end: end + 1 };
        return { kind: isString ? 'string' : 'name', ...token };
      }
      end += 1;
    }
  }
  return oddToken(text, { start: at, end: text.length }, 'a quote does not end');
}

function oddToken(text: string, place: { start: number; end: number }, why: string): OddToken {
  return { kind: 'odd', why, text: text.slice(place.start, place.end), ...place };
}

/** A line for a client, where a statement would begin: DELIMITER of the mysql client, or a mark of Liquibase. */
function clientCommand(
  text: string,
  at: number,
): Gap | { readonly end: number; readonly token: Token; readonly delimiter: string } | undefined {
  const end = lineEnd(text, at);
  const line = text.slice(at, end);
  const [, delimiter] = /^delimiter[ \t]+(\S+)/i.exec(line) ?? [];
  if (delimiter !== undefined) {
    const place = { start: at, end: at + line.trimEnd().length };
    return { end, delimiter, token: oddToken(text, place, 'changes where statements end') };
  }
  // MySQL itself would refuse the statement that begins like this, and nothing in it can end before the line does.
  const mark =
    /^--(?:liquibase formatted sql|(?:changeset|comment|rollback)\b)[^;'"`#/*\\\r]*;?\s*$/i;
  return mark.test(line) ? { end } : undefined;
}

function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end;
}

/** SQLite reads a trigger up to `; END ;`. */
function isInTrigger(tokens: readonly Token[], dialect: PlainDialect): boolean {
  if (dialect !== 'sqlite' || tokens.length < 2) return false;
  const head = tokens.slice(0, 3).map(({ text }) => text.toUpperCase());
  if (!/^CREATE (?:TRIGGER|TEMP TRIGGER|TEMPORARY TRIGGER)/.test(head.join(' '))) return false;
  const [before, last] = tokens.slice(-2);
  return !(before?.text === ';' && last?.text.toUpperCase() === 'END');
}

function match(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}
