import type { PlainDialect, Token } from './tokens.ts';

/**
 * A statement written for the parser: no comments, each string replaced by a short one, each quoted name that is not a plain
 * one by a plain one that stands for it. So nothing in them can be read otherwise than here.
 */
export function writeForParser(
  tokens: readonly Token[],
  dialect: PlainDialect,
): { readonly sql: string; readonly nameOf: (written: string) => string } {
  const originals = new Map<string, string>();
  const parts = tokens.map((token, index) => {
    const before = tokens[index - 1];
    const next = tokens[index + 1];
    if (isPrefix(token, next)) return '';
    const text = dialect === 'mysql' ? weakOperator(token, next, before) : undefined;
    return (needsBlank(before, token) ? ' ' : '') + (text ?? write(token, dialect, originals));
  });
  return { sql: parts.join(''), nameOf: (name) => originals.get(name) ?? name };
}

const standIn = 'quoted__';

function write(token: Token, dialect: PlainDialect, originals: Map<string, string>): string {
  if (token.kind === 'string') return /^['"]%+['"]$/.test(token.text) ? "'%'" : "'s'";
  if (token.kind === 'word' && token.text.startsWith(standIn)) return `${standIn}word`;
  if (token.kind !== 'name') return token.text;
  const name = token.text.slice(1, -1);
  // In SQLite a name in double quotes that names nothing is a text.
  if (dialect === 'sqlite' && token.text.startsWith('"') && !/^[^\W\d]/.test(name)) return "'s'";
  if (/^[^\W\d]\w*$/.test(name) && !name.startsWith(standIn)) return `\`${name}\``;
  const known = [...originals].find(([, original]) => original === name)?.[0];
  const written = known ?? `${standIn}${originals.size}`;
  originals.set(written, name);
  return `\`${written}\``;
}

/** The `x` of `x'00'`, or `_utf8mb4`: how the bytes of a text are meant. */
function isPrefix({ kind, text, end }: Token, next: Token | undefined): boolean {
  return (
    kind === 'word' &&
    next?.kind === 'string' &&
    next.start === end &&
    /^(?:[xbn]|_\w+)$/i.test(text)
  );
}

/** In MySQL `||` is OR and `&&` is AND, but the parser binds them like arithmetic. */
function weakOperator(token: Token, next?: Token, before?: Token): string | undefined {
  const isDouble = (one?: Token, other?: Token) =>
    one?.text === other?.text && one?.end === other?.start && /^[|&]$/.test(token.text);
  if (isDouble(token, next)) return token.text === '|' ? ' OR ' : ' AND ';
  return isDouble(before, token) ? '' : undefined;
}

function needsBlank(before: Token | undefined, token: Token): boolean {
  if (before === undefined) return false;
  if (before.end < token.start) return true;
  // Together these would begin a comment, or be one token: `- -`, `x'00'`, `'a''b'`.
  return (
    (before.text === '-' && token.text === '-') || token.kind === 'string' || token.kind === 'name'
  );
}
