import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { canonicalText } from '../../src/core/canonical.ts';
import { fingerprint } from '../../src/core/fingerprint.ts';
import { documentHash, sha256Hex } from '../../src/core/hash.ts';
import { maxRecordBytes, parseJson } from '../../src/core/json.ts';
import { examplePayload } from '../support/deploy.ts';
import { describeVectors, vectorPath } from '../support/vectors.ts';

describe('canonicalText (RFC 8785)', () => {
  test.each([
    [{ b: 1, a: [true, null, 'x'] }, '{"a":[true,null,"x"],"b":1}'],
    [
      { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\u{1f600}': 5, '\u0080': 6, ö: 7 },
      '{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}',
    ],
    [
      '\u0000\b\t\n\f\r"\\/\u001f\u007f\u2028é',
      '"\\u0000\\b\\t\\n\\f\\r\\"\\\\/\\u001f\u007f\u2028é"',
    ],
    [[1e21, 1e-7, -0, 0.1, 100], '[1e+21,1e-7,0,0.1,100]'],
    [{}, '{}'],
    [[], '[]'],
    [null, 'null'],
  ])('%j', (value, text) => {
    expect(canonicalText(value)).toBe(text);
  });

  test.each([[Number.NaN], [Infinity], [-Infinity], ['\ud800'], [{ '\udc00': 1 }], [1n]])(
    'no canonical form: %p',
    (value) => {
      expect(() => canonicalText(value)).toThrow();
      expect(() => canonicalText([{ deep: value }])).toThrow();
    },
  );

  test.each([[undefined], [() => 1], [Symbol('x')]])('not JSON: %p', (value) => {
    expect(() => canonicalText(value)).toThrow('Only a JSON value has a canonical form.');
  });

  test('no canonical form: a value that holds itself', () => {
    const value: Record<string, unknown> = {};
    value.self = [value];
    expect(() => canonicalText(value)).toThrow();
  });

  test('property: our reader reads it back, and its form is its own', () => {
    const text = fc.string({ unit: 'grapheme' });
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 5 },
        text,
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('any'), { maxLength: 4 }),
        fc.dictionary(
          text.filter((key) => key !== '__proto__'),
          tie('any'),
          { maxKeys: 4 },
        ),
      ),
    })).any;
    fc.assert(
      fc.property(value, (document) => {
        const form = canonicalText(document);
        const again = parseJson(form, { maxBytes: maxRecordBytes });
        expect(canonicalText(again)).toBe(form);
        expect(again).toEqual(JSON.parse(form));
      }),
    );
  });
});

describeVectors('RFC 8785 vectors (threat 12)', () => {
  const inputs = readdirSync(vectorPath('rfc8785-jcs', 'testdata', 'input'));
  const read = (folder: string, name: string) =>
    readFileSync(vectorPath('rfc8785-jcs', 'testdata', folder, name));

  test('all pairs are there', () => {
    expect(inputs).toHaveLength(6);
  });
  test.each(inputs)('%s', (name) => {
    const document = parseJson(read('input', name), { maxBytes: maxRecordBytes });
    const form = canonicalText(document);
    expect(form).toBe(read('output', name).toString().trimEnd());
    const hex = read('outhex', name.replace('.json', '.txt')).toString().replace(/\s/g, '');
    expect(Buffer.from(form).toString('hex')).toBe(hex);
  });
});

describe('hash and fingerprint', () => {
  test('SHA-256 of bytes and of text as UTF-8 (FIPS 180-4 examples)', () => {
    const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    expect(sha256Hex('abc')).toBe(abc);
    expect(sha256Hex(new Uint8Array([0x61, 0x62, 0x63]))).toBe(abc);
    expect(sha256Hex('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(sha256Hex('é')).toBe(sha256Hex(new Uint8Array([0xc3, 0xa9])));
  });

  test('a document is hashed in its canonical form', () => {
    const text = canonicalText(examplePayload());
    expect(documentHash(examplePayload())).toBe(
      createHash('sha256').update(text, 'utf8').digest('hex'),
    );
    expect(documentHash({ b: 1, a: 2 })).toBe(documentHash({ a: 2, b: 1 }));
    expect(documentHash({ a: [1, 2] })).not.toBe(documentHash({ a: [2, 1] }));
    expect(documentHash({ a: '1' })).not.toBe(documentHash({ a: 1 }));
  });

  test('the fingerprint is the first 8 digits', () => {
    expect(fingerprint('9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08')).toBe(
      '9f86-d081',
    );
  });
});
