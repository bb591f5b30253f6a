/** A statement that destroys data, blocks others, or can't be judged. */
export interface Finding {
  /** Where the statement begins; 1-based, a line ends with LF. */
  readonly line: number;
  /** The statement in one line: without comments, each gap as one blank, otherwise as written. */
  readonly statement: string;
  /** Why it counts, where the statement does not say so itself (`DROP TABLE users` does). */
  readonly why?: string;
  /** What the parser says besides. It may repeat any part of the text. */
  readonly detail?: string;
}

/** A token as it stands in the text. Offsets count whatever the lexer counts. */
export interface Piece {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Tokens as one line, with a blank where there was a gap: what stood there was white space or a comment. */
export function joinPieces(pieces: readonly Piece[]): string {
  return pieces
    .map(({ text, start }, index) => {
      const before = pieces[index - 1];
      return before !== undefined && before.end < start ? ` ${text}` : text;
    })
    .join('');
}

/** Several reasons as one, each once; an empty one is none. */
export function joinReasons(reasons: Iterable<string>): { readonly why?: string } {
  const named = [...new Set(reasons)].filter((reason) => reason !== '');
  return named.length === 0 ? {} : { why: named.join(', ') };
}

/** A file in lines, for the line of an offset that counts the same units. */
export function lineCounter(text: string | Uint8Array): (offset: number) => number {
  const breaks: number[] = [];
  for (let at = text.indexOf('\n' as never); at >= 0; at = text.indexOf('\n' as never, at + 1)) {
    breaks.push(at);
  }
  return (offset) => {
    let low = 0;
    let high = breaks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (Number(breaks[middle]) < offset) low = middle + 1;
      else high = middle;
    }
    return low + 1;
  };
}

/** A byte order mark at the start of a file, which clients of databases skip. */
export function withoutByteOrderMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}
