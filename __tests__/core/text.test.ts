import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { freeTextProblem, isBroadLabel, maxTextLength, visible } from '../../src/core/text.ts';
import { describeVectors, vectorPath } from '../support/vectors.ts';

describe('free text', () => {
  test.each([
    'npm run migrate -- --to=42 && echo "done"',
    'a  b   c',
    'Größe 38, naïve, 日本語, العربية, עברית, हिन्दी',
    '🚀 🇩🇪 👍🏽',
    '<script>alert(1)</script> `rm -rf /` $(x) %0A ::error::',
    "' OR 1=1 --",
    'x'.repeat(maxTextLength),
    '🚀'.repeat(maxTextLength),
  ])('fine: %s', (text) => {
    expect(freeTextProblem(text)).toBeUndefined();
  });

  test.each([
    ['nothing', '', 'must not be empty; leave it out instead'],
    ['a line feed', 'a\nb', 'must be one line, but holds U+000A'],
    ['a carriage return', 'a\rb', 'must be one line, but holds U+000D'],
    ['a line separator', 'a\u2028b', 'must be one line, but holds U+2028'],
    ['a paragraph separator', 'a\u2029b', 'must be one line, but holds U+2029'],
    ['a blank before', ' a', 'must not begin or end with a blank'],
    ['a blank after', 'a ', 'must not begin or end with a blank'],
    ['only a blank', ' ', 'must not begin or end with a blank'],
    ['501 characters', 'x'.repeat(501), 'must be at most 500 characters long, not 501'],
    ['501 rockets', '🚀'.repeat(501), 'must be at most 500 characters long, not 501'],
    ['NFD', 'Gro\u0308ße', 'must be in Unicode normalization form NFC (composed characters)'],
    [
      'a compatibility singleton',
      '\u212b',
      'must be in Unicode normalization form NFC (composed characters)',
    ],
  ])('refused: %s', (_, text, problem) => {
    expect(freeTextProblem(text)).toBe(problem);
  });

  test.each([
    ['NUL', '\u0000'],
    ['tab', '\t'],
    ['vertical tab', '\u000b'],
    ['escape', '\u001b'],
    ['delete', '\u007f'],
    ['C1 control', '\u0085'],
    ['right-to-left override', '\u202e'],
    ['right-to-left mark', '\u200f'],
    ['left-to-right isolate', '\u2066'],
    ['pop isolate', '\u2069'],
    ['Arabic letter mark', '\u061c'],
    ['zero-width space', '\u200b'],
    ['zero-width joiner', '\u200d'],
    ['word joiner', '\u2060'],
    ['invisible plus', '\u2064'],
    ['byte order mark', '\ufeff'],
    ['soft hyphen', '\u00ad'],
    ['combining grapheme joiner', '\u034f'],
    ['interlinear annotation', '\ufff9'],
    ['tag a', '\u{e0061}'],
    ['language tag', '\u{e0001}'],
    ['variation selector 16', '\ufe0f'],
    ['variation selector 256', '\u{e01ef}'],
    ['Mongolian variation selector', '\u180b'],
    ['Hangul filler', '\u3164'],
    ['half-width Hangul filler', '\uffa0'],
    ['Khmer inherent vowel', '\u17b4'],
    ['musical format', '\u{1d173}'],
    ['private use', '\ue000'],
    ['private use, plane 16', '\u{100000}'],
    ['noncharacter', '\uffff'],
    ['noncharacter, plane 1', '\u{1fffe}'],
    ['lone surrogate', '\ud800'],
    ['no-break space', '\u00a0'],
    ['em space', '\u2003'],
    ['ideographic space', '\u3000'],
    ['blank Braille pattern', '\u2800'],
  ])('refused wherever it stands: %s', (_, character) => {
    const code = character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
    for (const text of [character, `a${character}`, `${character}a`, `a ${character} b`]) {
      expect(freeTextProblem(text)).toBe(
        `must not hold U+${code}: control, invisible, direction and look-alike blank characters are refused`,
      );
    }
  });

  test('a problem never repeats the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 4 }), (text) => {
        fc.pre(/[^\u0000-\u007f]/.test(text));
        expect(freeTextProblem(text) ?? '').not.toContain(text);
      }),
    );
  });

  test('property: what is fine is one line, visible, composed, and shown unchanged', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), (text) => {
        if (freeTextProblem(text) !== undefined) return;
        expect(text).toBe(text.trim().normalize('NFC'));
        expect(text).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
        expect(visible(text)).toBe(text);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('broad labels', () => {
  test.each([
    'latest',
    'LATEST',
    'Latest',
    '*',
    'all',
    'All',
    'any',
    'ANY',
    'HEAD',
    'head',
    'tbd',
    'TBD',
  ])('broad: %s', (value) => {
    expect(isBroadLabel(value)).toBe(true);
  });
  test.each([
    '',
    'latest-1',
    'my-latest',
    'allocator',
    'company',
    'ahead',
    'v1.41.2',
    'main',
    '**',
  ])('concrete: %j', (value) => {
    expect(isBroadLabel(value)).toBe(false);
  });
});

describe('visible', () => {
  test.each([
    ['plain', 'plain'],
    ['a b', 'a b'],
    ['a\nb\t', 'a\\u{000A}b\\u{0009}'],
    ['\u202egnp.exe', '\\u{202E}gnp.exe'],
    ['x\u{e0061}\ufe0f', 'x\\u{E0061}\\u{FE0F}'],
    ['\ud800', '\\u{D800}'],
    ['a\u00a0b', 'a\\u{00A0}b'],
    ['🚀', '🚀'],
  ])('%j is shown as %s', (value, shown) => {
    expect(visible(value)).toBe(shown);
  });

  test.each([
    ['abcdefghij', 10, 'abcdefghij'],
    ['abcdefghijk', 10, 'abcde…hijk'],
    ['abcdefghijk', 3, 'a…k'],
    ['🚀'.repeat(11), 5, '🚀🚀…🚀🚀'],
  ])('shortened in the middle: %s to %d', (value, length, shown) => {
    expect(visible(value, length)).toBe(shown);
  });

  test('at most 120 characters, if no length is asked for', () => {
    expect(visible('x'.repeat(120))).toBe('x'.repeat(120));
    expect(visible('x'.repeat(121))).toBe(`${'x'.repeat(60)}…${'x'.repeat(59)}`);
  });

  test('property: one visible line of at most the length asked for', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.integer({ min: 3, max: 50 }),
        (value, length) => {
          const shown = visible(value, length);
          expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
          expect(Array.from(shown).length).toBeLessThanOrEqual(length);
        },
      ),
    );
  });
});

describeVectors('naughty strings', () => {
  const naughty = JSON.parse(
    readFileSync(vectorPath('naughty-strings', 'blns.json'), 'utf8'),
  ) as string[];

  test('each is refused as free text, or is one line that may be shown as it is', () => {
    expect(naughty.length).toBeGreaterThan(500);
    for (const text of naughty) {
      if (freeTextProblem(text) !== undefined) continue;
      expect(visible(text, maxTextLength)).toBe(text);
      expect(text).not.toMatch(
        /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u,
      );
    }
  });

  test('each is shown on one line without a hidden character', () => {
    for (const text of naughty) {
      expect(visible(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
    }
  });
});
