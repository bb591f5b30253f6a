import { visible } from '../../core/text.ts';
import {
  joinPieces,
  joinReasons,
  lineCounter,
  withoutByteOrderMark,
  type Finding,
} from './finding.ts';
import { judgeTree, type Known } from './plain-rules.ts';
import { isPlainCommand } from './plain-commands.ts';
import { writeForParser } from './plain-writing.ts';
import { cutStatements, type PlainDialect, type Statement } from './tokens.ts';

/** A parser of one statement. @throws Error if it is none */
export type ParseStatement = (sql: string) => unknown;

/** More is no statement that a person wrote; the parser works by recursion. */
const maxDepth = 100;

/**
 * What of a MySQL or SQLite file destroys data, blocks, or can't be judged. The parser is lenient, and reads strings and
 * comments in its own way: it is given each statement alone, written anew from tokens of our own.
 */
export function analysePlain(
  file: string,
  options: { readonly dialect: PlainDialect; readonly parse: ParseStatement },
): readonly Finding[] {
  const text = withoutByteOrderMark(file);
  const lineAt = lineCounter(text);
  const known: Known = { dialect: options.dialect, created: new Set() };
  const findings: Finding[] = [];
  // Some clients end there, others do not.
  const zero = text.indexOf('\0');
  if (zero >= 0) findings.push({ line: lineAt(zero), statement: '', why: 'unknown, holds U+0000' });
  for (const statement of cutStatements(text, options.dialect)) {
    const reasons = judge(statement, { ...options, known });
    if (reasons.length === 0) continue;
    findings.push({
      line: lineAt(statement.first.start),
      statement: joinPieces(statement.tokens),
      ...joinReasons(reasons),
    });
  }
  return findings;
}

function judge(
  { first, tokens }: Statement,
  options: { readonly parse: ParseStatement; readonly known: Known },
): readonly string[] {
  const { known } = options;
  const odd = tokens.find((token) => token.kind === 'odd');
  if (odd !== undefined) return [`unknown, ${visible(odd.why)}`];
  if (isPlainCommand(tokens, known.dialect)) {
    // What was created may be gone, and the name be that of an older table again.
    if (/^rollback$/i.test(first.text)) known.created.clear();
    return [];
  }
  if (depthOf(tokens) > maxDepth) return ['unknown, nested too deep'];
  const written = writeForParser(tokens, known.dialect);
  let tree: unknown;
  try {
    tree = options.parse(written.sql);
  } catch {
    // Its messages list what it would take instead, at length. A stack that runs over is an answer as well.
    return [/^(?:drop|truncate)$/i.test(first.text) ? '' : 'unknown, does not parse'];
  }
  try {
    return judgeTree(tree, { ...known, tokens, nameOf: written.nameOf });
  } catch {
    // The stack ran over. Whatever else went wrong would make nothing harmless either.
    return ['unknown, nested too deep'];
  }
}

function depthOf(tokens: Statement['tokens']): number {
  let depth = 0;
  let deepest = 0;
  for (const { text } of tokens) {
    if (text === '(' || /^case$/i.test(text)) deepest = Math.max(deepest, (depth += 1));
    if (text === ')' || /^end$/i.test(text)) depth -= 1;
  }
  return deepest;
}
