import { fieldPath } from './problems.ts';
import { visible } from './text.ts';
import type { Checked } from './verdict.ts';

export type JsonValue =
  string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** Size of a payload in UTF-8 bytes (DESIGN 3). */
export const maxPayloadBytes = 65_536;
/** Size of a record, a policy or an answer of the service in UTF-8 bytes (DESIGN 3). */
export const maxRecordBytes = 262_144;
const defaultMaxDepth = 8;

export interface JsonLimits {
  /** Size of the whole text in UTF-8 bytes. */
  readonly maxBytes: number;
  /** How many arrays and objects may stand inside each other; 8 if not given. */
  readonly maxDepth?: number;
}

/** A place in a text. `line` and `column` (in UTF-16 units) are counted from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Where and why a text is not acceptable JSON. */
export class JsonError extends Error {
  override readonly name = 'JsonError';
  readonly problem: string;
  readonly line: number;
  readonly column: number;

  constructor(problem: string, { line, column }: Place) {
    super(`${problem} (line ${line}, column ${column})`);
    this.problem = problem;
    this.line = line;
    this.column = column;
  }
}

/**
 * Reads JSON (RFC 8259) so that every reader of the same bytes sees the same value. Beyond the grammar it refuses what
 * readers disagree about (RFC 8259 sections 4, 6, 8.1, 8.2): a byte order mark, invalid UTF-8, a member name that stands
 * twice (after unescaping), lone surrogates, `__proto__`, numbers that a double can't hold; and depth and size over the limits.
 * Objects come without a prototype, so that no look-up reaches `Object.prototype`.
 * @throws JsonError
 */
export function parseJson(input: Uint8Array | string, limits: JsonLimits): JsonValue {
  return new Reader(decode(input, limits.maxBytes), limits.maxDepth ?? defaultMaxDepth).document();
}

/**
 * {@link parseJson}, and where each member stands: its name, or the beginning of an element of a list. Members are named by paths
 * as people write them, such as `migration.files[0].path`; one that is not there has the place of what it is missing from.
 * @throws JsonError
 */
export function parseJsonWithPlaces(
  input: Uint8Array | string,
  limits: JsonLimits,
): { readonly value: JsonValue; readonly placeOf: (field: string) => Place } {
  const text = decode(input, limits.maxBytes);
  const starts = new Map<string, number>();
  const value = new Reader(text, limits.maxDepth ?? defaultMaxDepth, starts).document();
  const placeOf = (field: string): Place => {
    let path = field;
    let at = starts.get(path);
    while (at === undefined) {
      // At the latest the empty path of the whole document is there.
      path = path.replace(/(?:^|[.[])[^.[]*$/, '');
      at = starts.get(path);
    }
    return place(text, at);
  };
  return { value, placeOf };
}

/** {@link parseJson} for a document: the value, or the one problem of its text. */
export function checkJson(input: Uint8Array | string, limits: JsonLimits): Checked<JsonValue> {
  try {
    return { ok: true, value: parseJson(input, limits) };
  } catch (error) {
    return { ok: false, problems: [{ field: '', message: (error as JsonError).message }] };
  }
}

const start: Place = { line: 1, column: 1 };

function place(text: string, at: number): Place {
  const before = text.slice(0, at);
  return { line: before.split('\n').length, column: at - before.lastIndexOf('\n') };
}

function decode(input: Uint8Array | string, maxBytes: number): string {
  const bytes = typeof input === 'string' ? new TextEncoder().encode(input) : input;
  if (bytes.byteLength > maxBytes) {
    throw new JsonError(`Too large: ${bytes.byteLength} bytes, the limit is ${maxBytes}`, start);
  }
  const text = typeof input === 'string' ? input : decodeUtf8(input);
  if (text.startsWith('\uFEFF')) throw new JsonError('A byte order mark is not allowed', start);
  return text;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new JsonError('Not valid UTF-8', start);
  }
}

const simpleEscapes: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);

const whiteSpace = /[ \t\n\r]*/y;
const plainCharacters = /[^"\\\u0000-\u001F]*/y;
const numberToken = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const hexDigits = /[0-9A-Fa-f]{4}/y;

/** Recursive descent over one text; `at` is the index of the next character. */
class Reader {
  private at = 0;
  private depth = 0;
  private readonly text: string;
  private readonly maxDepth: number;
  /** Where each value begins, by its path; kept only where somebody asks. */
  private readonly starts: Map<string, number> | undefined;
  private path = '';

  constructor(text: string, maxDepth: number, starts?: Map<string, number>) {
    this.text = text;
    this.maxDepth = maxDepth;
    this.starts = starts;
  }

  document(): JsonValue {
    this.match(whiteSpace);
    this.starts?.set('', this.at);
    const value = this.value();
    this.match(whiteSpace);
    if (this.at < this.text.length) throw this.unexpected('the end');
    return value;
  }

  private value(): JsonValue {
    switch (this.text[this.at]) {
      case '{':
        return this.nested(() => this.object());
      case '[':
        return this.nested(() => this.array());
      case '"':
        return this.string();
      case 't':
        return this.word('true', true);
      case 'f':
        return this.word('false', false);
      case 'n':
        return this.word('null', null);
      default:
        return this.number();
    }
  }

  private nested(read: () => JsonValue): JsonValue {
    if (this.depth === this.maxDepth) {
      throw this.error(`Nested deeper than ${this.maxDepth} levels`);
    }
    this.depth += 1;
    this.at += 1;
    this.match(whiteSpace);
    const value = read();
    this.depth -= 1;
    return value;
  }

  private object(): JsonValue {
    const members = Object.create(null) as Record<string, JsonValue>;
    if (this.take('}')) return members;
    do {
      this.match(whiteSpace);
      const start = this.at;
      if (this.text[start] !== '"') throw this.unexpected('a member name in double quotes');
      const key = this.string();
      if (key === '__proto__') throw this.error('The member name __proto__ is not allowed', start);
      if (Object.hasOwn(members, key)) {
        throw this.error(`The member "${visible(key, 60)}" stands twice`, start);
      }
      this.match(whiteSpace);
      if (!this.take(':')) throw this.unexpected('":"');
      this.match(whiteSpace);
      members[key] = this.member(key, start);
      this.match(whiteSpace);
    } while (this.take(','));
    if (!this.take('}')) throw this.unexpected('"," or "}"');
    return members;
  }

  private array(): JsonValue {
    const elements: JsonValue[] = [];
    if (this.take(']')) return elements;
    do {
      this.match(whiteSpace);
      elements.push(this.member(elements.length, this.at));
      this.match(whiteSpace);
    } while (this.take(','));
    if (!this.take(']')) throw this.unexpected('"," or "]"');
    return elements;
  }

  private member(name: string | number, start: number): JsonValue {
    if (this.starts === undefined) return this.value();
    const { path } = this;
    this.path = fieldPath([name], path);
    this.starts.set(this.path, start);
    const value = this.value();
    this.path = path;
    return value;
  }

  private string(): string {
    const start = this.at;
    let value = '';
    this.at += 1;
    for (;;) {
      value += this.match(plainCharacters);
      if (this.take('"')) break;
      if (!this.take('\\')) throw this.unexpected('a character, an escape or the closing quote');
      value += this.escape();
    }
    if (!value.isWellFormed()) throw this.error('A string holds a lone surrogate', start);
    return value;
  }

  /** What follows a backslash (RFC 8259 section 7). */
  private escape(): string {
    if (this.take('u')) {
      const digits = this.match(hexDigits);
      if (digits === '') throw this.error('\\u needs four hex digits', this.at - 2);
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    const meaning = simpleEscapes.get(this.text.charAt(this.at));
    if (meaning === undefined) throw this.error('Not an escape of JSON', this.at - 1);
    this.at += 1;
    return meaning;
  }

  private word<T extends boolean | null>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) throw this.unexpected('a value');
    this.at += word.length;
    return value;
  }

  /** Only numbers that every reader takes for the same one: no overflow, no underflow, whole numbers within 2^53. */
  private number(): number {
    const start = this.at;
    const token = this.match(numberToken);
    if (token === '') throw this.unexpected('a value');
    const value = Number(token);
    const whole = /^-?\d+$/.test(token);
    const vanished = value === 0 && /^[^eE]*[1-9]/.test(token);
    if (!Number.isFinite(value) || vanished || (whole && !Number.isSafeInteger(value))) {
      throw this.error('A number is too large or too small to be exact', start);
    }
    return value;
  }

  private take(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at += 1;
    return true;
  }

  /** The characters from here on that a sticky pattern covers; never fails, may be none. */
  private match(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? '';
    this.at += found.length;
    return found;
  }

  private unexpected(expected: string): JsonError {
    const code = this.text.codePointAt(this.at);
    const found = code === undefined ? 'the end' : `"${visible(String.fromCodePoint(code))}"`;
    return this.error(`Expected ${expected}, found ${found}`);
  }

  private error(problem: string, at = this.at): JsonError {
    return new JsonError(problem, place(this.text, at));
  }
}
