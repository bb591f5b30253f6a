import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readFileSync, readdirSync } from 'node:fs';
import {
  checkJson,
  JsonError,
  maxPayloadBytes,
  maxRecordBytes,
  parseJson,
  parseJsonWithPlaces,
} from '../../src/core/json.ts';
import { describeVectors, vectorPath } from '../support/vectors.ts';

const limits = { maxBytes: 1024 };
const parse = (text: string) => parseJson(text, limits);
const utf8 = (text: string) => new TextEncoder().encode(text);

function errorOf(input: string | Uint8Array, options: Parameters<typeof parseJson>[1] = limits) {
  try {
    parseJson(input, options);
  } catch (error) {
    if (error instanceof JsonError) return error;
    throw error;
  }
  throw new Error(`was read: ${String(input)}`);
}

describe('what it reads', () => {
  test.each([
    ['{}', {}],
    ['[]', []],
    [' \t\r\n[ 1 , 2 ] \n', [1, 2]],
    ['{ "a" : { "b" : [ true , false , null ] } }', { a: { b: [true, false, null] } }],
    ['"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u2028"', '"\\/\b\f\n\r\té\u2028'],
    ['"\\ud83d\\ude80 🚀"', '🚀 🚀'],
    ['""', ''],
    ['-0', -0],
    ['0.5e-3', 0.0005],
    ['1E+2', 100],
    ['9007199254740991', 9007199254740991],
    ['0e5', 0],
    ['0E-12', 0],
    ['1.5E+12', 1.5e12],
    ['1e20', 1e20],
    ['[ ]', []],
    ['{ }', {}],
    ['0.0', 0],
    ['{"":1}', { '': 1 }],
    ['{"a":1,"A":2}', { a: 1, A: 2 }],
    [
      '{"constructor":1,"toString":2,"hasOwnProperty":3}',
      JSON.parse('{"constructor":1,"toString":2,"hasOwnProperty":3}'),
    ],
  ])('%s', (text, value) => {
    expect(parse(text)).toEqual(value);
    expect(parseJson(utf8(text), limits)).toEqual(value);
  });

  test('property: any JSON text that JSON.stringify writes, as JSON.parse reads it', () => {
    const value = fc.jsonValue({ maxDepth: 5, stringUnit: 'binary' }).filter(isReadable);
    fc.assert(
      fc.property(value, fc.nat(3), (wanted, indent) => {
        const text = JSON.stringify(wanted, null, indent);
        expect(parseJson(text, { maxBytes: maxRecordBytes })).toEqual(JSON.parse(text));
      }),
    );
  });

  test('property: whatever text it reads, JSON.parse reads the same; and it never fails otherwise than by a JsonError', () => {
    const unit = fc.constantFrom(
      ...Array.from('{}[]":,\\u0019eE+-. \ntrfalsn'),
      '\u0000',
      'é',
      '🚀',
      '\ud800',
      '\ufeff',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit }),
          fc.json().map((text) => text.slice(1)),
        ),
        (text) => {
          let value;
          try {
            value = parse(text);
          } catch (error) {
            expect(error).toBeInstanceOf(JsonError);
            return;
          }
          expect(value).toEqual(JSON.parse(text));
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('objects have no prototype, so that no look-up reaches Object.prototype (threat 38)', () => {
    const value = parse('{"a":{"b":1}}') as Record<string, object>;
    expect(Object.getPrototypeOf(value)).toBeNull();
    expect(Object.getPrototypeOf(value.a)).toBeNull();
    expect('toString' in value).toBe(false);
  });

  test('the limits of a payload and of a record', () => {
    expect([maxPayloadBytes, maxRecordBytes]).toEqual([64 * 1024, 256 * 1024]);
  });
});

/** fast-check's values that our rules refuse are tested one by one below. */
function isReadable(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value === 'number') return !Number.isInteger(value) || Number.isSafeInteger(value);
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(
    ([key, member]) => key !== '__proto__' && key.isWellFormed() && isReadable(member),
  );
}

describe('what it refuses, and where', () => {
  test.each([
    ['', 1, 1, 'Expected a value, found the end'],
    ['   ', 1, 4, 'Expected a value, found the end'],
    ['{}x', 1, 3, 'Expected the end, found "x"'],
    ['{} {}', 1, 4, 'Expected the end, found "{"'],
    ['{\n  "a": 1,\n  "b": }', 3, 8, 'Expected a value, found "}"'],
    ['{"a":1,}', 1, 8, 'Expected a member name in double quotes, found "}"'],
    ["{'a':1}", 1, 2, 'Expected a member name in double quotes, found "\'"'],
    ['{a:1}', 1, 2, 'Expected a member name in double quotes, found "a"'],
    ['{"a" 1}', 1, 6, 'Expected ":", found "1"'],
    ['{"a":1 "b":2}', 1, 8, 'Expected "," or "}", found """'],
    ['{"a":1', 1, 7, 'Expected "," or "}", found the end'],
    ['[1 2]', 1, 4, 'Expected "," or "]", found "2"'],
    ['[1,]', 1, 4, 'Expected a value, found "]"'],
    ['[1', 1, 3, 'Expected "," or "]", found the end'],
    ['tru', 1, 1, 'Expected a value, found "t"'],
    ['nul', 1, 1, 'Expected a value, found "n"'],
    ['falsE', 1, 1, 'Expected a value, found "f"'],
    ['truex', 1, 5, 'Expected the end, found "x"'],
    ['NaN', 1, 1, 'Expected a value, found "N"'],
    ['/**/1', 1, 1, 'Expected a value, found "/"'],
    ['01', 1, 2, 'Expected the end, found "1"'],
    ['+1', 1, 1, 'Expected a value, found "+"'],
    ['-', 1, 1, 'Expected a value, found "-"'],
    ['1.', 1, 2, 'Expected the end, found "."'],
    ['.5', 1, 1, 'Expected a value, found "."'],
    ['1e', 1, 2, 'Expected the end, found "e"'],
    ['\u00a01', 1, 1, 'Expected a value, found "\\u{00A0}"'],
    ['"\u202e', 1, 3, 'Expected a character, an escape or the closing quote, found the end'],
    ['\u202e', 1, 1, 'Expected a value, found "\\u{202E}"'],
    ['"a\nb"', 1, 3, 'Expected a character, an escape or the closing quote, found "\\u{000A}"'],
    ['"\u0000"', 1, 2, 'Expected a character, an escape or the closing quote, found "\\u{0000}"'],
    ['"\\x41"', 1, 2, 'Not an escape of JSON'],
    ['"\\', 1, 2, 'Not an escape of JSON'],
    ['"\\u12', 1, 2, '\\u needs four hex digits'],
    ['"\\u00g0"', 1, 2, '\\u needs four hex digits'],
    ['"\\u{41}"', 1, 2, '\\u needs four hex digits'],
  ])('the text %j', (text, line, column, problem) => {
    const error = errorOf(text);
    expect(error.message).toBe(`${problem} (line ${line}, column ${column})`);
    expect([error.line, error.column]).toEqual([line, column]);
  });

  test.each([
    ['{"a":1,"a":1}', 'a', 8],
    ['{"a":1,"\\u0061":2}', 'a', 8],
    ['[{"b":{"a":1,"x":2,"a":3}}]', 'a', 20],
    ['{"":1,"":2}', '', 7],
  ])(
    'a member name that stands twice, at any depth and after unescaping: %s',
    (text, name, column) => {
      expect(errorOf(text).message).toBe(
        `The member "${name}" stands twice (line 1, column ${column})`,
      );
    },
  );

  test('a member name is shown escaped and shortened', () => {
    const key = `${'k'.repeat(300)}\\u202e`;
    expect(errorOf(`{"${key}":1,"${key}":2}`).message).toMatch(
      /^The member "k+…k+\\u\{202E\}" stands twice/,
    );
    expect(errorOf(`{"${key}":1,"${key}":2}`).message.length).toBeLessThan(120);
  });

  test.each([
    ['{"__proto__":1}', 2],
    ['{"a":{"\\u005f_proto__":{}}}', 7],
  ])('the member __proto__: %s', (text, column) => {
    expect(errorOf(text).message).toBe(
      `The member name __proto__ is not allowed (line 1, column ${column})`,
    );
  });

  test.each([
    ['"\\ud800"', 1],
    ['"\\udc00\\ud800"', 1],
    ['{"\\ud83d":1}', 2],
    ['"\ud800"', 1],
    ['["x","\\ud83d🚀"]', 6],
  ])('a lone surrogate: %j', (text, column) => {
    expect(errorOf(text).message).toBe(
      `A string holds a lone surrogate (line 1, column ${column})`,
    );
  });

  test.each(['1e400', '-1e400', '1e-400', '-0.1e-330', '9007199254740992', '-9007199254740993'])(
    'a number that a double does not hold: %s',
    (text) => {
      expect(errorOf(`[${text}]`).message).toBe(
        'A number is too large or too small to be exact (line 1, column 2)',
      );
    },
  );

  test('a byte order mark, in bytes and in text', () => {
    for (const input of ['\ufeff{}', new Uint8Array([0xef, 0xbb, 0xbf, 0x7b, 0x7d])]) {
      expect(errorOf(input).message).toBe('A byte order mark is not allowed (line 1, column 1)');
    }
  });

  test.each([
    ['a stray continuation byte', [0x22, 0x80, 0x22]],
    ['an overlong form of a quote', [0x22, 0xc0, 0xa2, 0x22]],
    ['a surrogate in UTF-8', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['a sequence cut short', [0x22, 0xe2, 0x82]],
    ['UTF-16 with a byte order mark', [0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]],
  ])('bytes that are not UTF-8: %s', (_, bytes) => {
    expect(errorOf(new Uint8Array(bytes)).message).toBe('Not valid UTF-8 (line 1, column 1)');
  });

  test('UTF-16, whose bytes are UTF-8 too, as the text that they are', () => {
    expect(errorOf(new Uint8Array([0x00, 0x7b, 0x00, 0x7d])).message).toBe(
      'Expected a value, found "\\u{0000}" (line 1, column 1)',
    );
  });

  test('depth: 8 levels are read, 9 are not', () => {
    const nested = (depth: number) => `${'[{"a":'.repeat(depth / 2)}1${'}]'.repeat(depth / 2)}`;
    expect(() => parse(nested(8))).not.toThrow();
    expect(errorOf(`[${nested(8)}]`).message).toBe(
      'Nested deeper than 8 levels (line 1, column 21)',
    );
    expect(errorOf('[[[]]]', { maxBytes: 100, maxDepth: 2 }).message).toBe(
      'Nested deeper than 2 levels (line 1, column 3)',
    );
    for (const side of ['[],[],[],[],[],[],[],[],[],{}', '{"a":[]},[],[],[],[],[],[],[],[],{}']) {
      expect(parse(`[${side}]`)).toHaveLength(10);
      expect(parse(`[[${side}]]`)).toHaveLength(1);
    }
  });

  test('depth: a hundred thousand brackets are no stack overflow', () => {
    const options = { maxBytes: maxRecordBytes };
    expect(errorOf('['.repeat(100_000), options).message).toMatch(/^Nested deeper/);
    expect(errorOf('{"a":'.repeat(50_000), options).message).toMatch(/^Nested deeper/);
  });

  test('size: the limit counts UTF-8 bytes, of bytes and of text', () => {
    expect(parseJson('"ää"', { maxBytes: 6 })).toBe('ää');
    expect(errorOf('"ää"', { maxBytes: 5 }).message).toBe(
      'Too large: 6 bytes, the limit is 5 (line 1, column 1)',
    );
    expect(errorOf(utf8('"ää"'), { maxBytes: 5 }).message).toMatch(/^Too large: 6 bytes/);
  });

  test('size: the time to read a large text does not run away', () => {
    const text = JSON.stringify(Array.from({ length: 8000 }, (_, i) => `${'a\n'.repeat(10)}${i}`));
    const before = process.cpuUsage();
    expect(parseJson(text, { maxBytes: 1_000_000 })).toHaveLength(8000);
    expect(process.cpuUsage(before).user).toBeLessThan(5_000_000);
  });
});

test('an error has its problem and its place apart, and its name', () => {
  const error = errorOf('[\n1,]');
  expect([error.name, error.problem, error.line, error.column]).toEqual([
    'JsonError',
    'Expected a value, found "]"',
    2,
    3,
  ]);
});

test('checkJson: the value, or the one problem', () => {
  expect(checkJson('[1]', limits)).toEqual({ ok: true, value: [1] });
  const message = 'Expected a value, found "]" (line 1, column 4)';
  expect(checkJson('[1,]', limits)).toEqual({ ok: false, problems: [{ field: '', message }] });
});

describeVectors('JSONTestSuite (threat 11)', () => {
  const folder = vectorPath('json-test-suite', 'test_parsing');
  const files = readdirSync(folder);
  const read = (name: string) =>
    parseJson(readFileSync(vectorPath('json-test-suite', 'test_parsing', name)), {
      maxBytes: maxRecordBytes,
    });
  const named = (prefix: string) => files.filter((name) => name.startsWith(prefix));
  const duplicates = ['y_object_duplicated_key.json', 'y_object_duplicated_key_and_value.json'];

  test('all files are there', () => {
    expect([named('n_').length, named('i_').length, named('y_').length]).toEqual([188, 35, 95]);
  });
  test.each(named('n_'))('refused: %s', (name) => {
    expect(() => read(name)).toThrow(JsonError);
  });
  test.each(named('i_'))('refused, because readers disagree about it: %s', (name) => {
    expect(() => read(name)).toThrow(JsonError);
  });
  test.each(duplicates)('refused, because a member stands twice: %s', (name) => {
    expect(() => read(name)).toThrow(/stands twice/);
  });
  test.each(named('y_').filter((name) => !duplicates.includes(name)))('read: %s', (name) => {
    const text = readFileSync(vectorPath('json-test-suite', 'test_parsing', name), 'utf8');
    expect(read(name)).toEqual(JSON.parse(text));
  });
});

describe('places', () => {
  const text = '{\n  "a": [1, {"b.c": "x"}],\n  "d": {}, "e": "\\n"\n}';
  const placeOf = (field: string) => parseJsonWithPlaces(text, limits).placeOf(field);

  test.each([
    ['', 1, 1],
    ['a', 2, 3],
    ['a[0]', 2, 9],
    ['a[1]', 2, 12],
    ['a[1].b.c', 2, 13],
    ['d', 3, 3],
    ['e', 3, 12],
  ])('of %p are those of the name, or of the element', (field, line, column) => {
    expect(placeOf(field)).toEqual({ line, column });
  });

  test.each([
    ['d.missing', 3, 3],
    ['d.missing[2].more', 3, 3],
    ['a[2]', 2, 3],
    ['missing', 1, 1],
    ['missing.more', 1, 1],
    ['a.', 2, 3],
    ['a[', 2, 3],
    ['.a', 1, 1],
    ['[0]', 1, 1],
  ])('of %p, which is not there, are those of what it is missing from', (field, line, column) => {
    expect(placeOf(field)).toEqual({ line, column });
  });

  test('come beside the same value, and for any text without an exception', () => {
    expect(parseJsonWithPlaces(text, limits).value).toEqual(parse(text));
    fc.assert(
      fc.property(fc.json({ maxDepth: 3 }), fc.string(), (json, field) => {
        fc.pre(checkJson(json, { maxBytes: maxRecordBytes }).ok);
        const read = parseJsonWithPlaces(json, { maxBytes: maxRecordBytes });
        expect(read.value).toEqual(parseJson(json, { maxBytes: maxRecordBytes }));
        const { line, column } = read.placeOf(field);
        expect(line).toBeGreaterThan(0);
        expect(column).toBeGreaterThan(0);
      }),
    );
  });

  test('of a text that is refused are those of its fault', () => {
    const messageOf = (text: string, options = limits) => {
      try {
        return parseJsonWithPlaces(text, options).value;
      } catch (error) {
        return (error as JsonError).message;
      }
    };
    expect(messageOf('{"a":1,}')).toBe(
      'Expected a member name in double quotes, found "}" (line 1, column 8)',
    );
    expect(messageOf(`${'['.repeat(8)}${']'.repeat(8)}`)).toEqual([[[[[[[[]]]]]]]]);
    expect(messageOf('['.repeat(9))).toBe('Nested deeper than 8 levels (line 1, column 9)');
    const shallow = { maxBytes: 5, maxDepth: 2 };
    expect(messageOf('[[[', shallow)).toBe('Nested deeper than 2 levels (line 1, column 3)');
    expect(messageOf('[[[[[[', shallow)).toBe(
      'Too large: 6 bytes, the limit is 5 (line 1, column 1)',
    );
  });
});
