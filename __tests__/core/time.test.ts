import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatTime, isTime, parseTime, timePattern } from '../../src/core/time.ts';

describe('times are exactly YYYY-MM-DDTHH:MM:SSZ (DESIGN 3.2)', () => {
  test('both ways', () => {
    expect(formatTime(0)).toBe('1970-01-01T00:00:00Z');
    expect(formatTime(Date.UTC(2026, 10, 22, 10, 0, 0, 999))).toBe('2026-11-22T10:00:00Z');
    expect(parseTime('2026-11-22T10:00:00Z')).toBe(Date.UTC(2026, 10, 22, 10));
    expect(parseTime('2028-02-29T23:59:59Z')).toBe(Date.UTC(2028, 1, 29, 23, 59, 59));
  });

  test('property: a whole second comes back', () => {
    const seconds = fc.integer({ min: -62_167_219_200, max: 253_402_300_799 });
    fc.assert(fc.property(seconds, (s) => expect(parseTime(formatTime(s * 1000))).toBe(s * 1000)));
  });

  test.each([
    '',
    '2026-11-22',
    '2026-11-22T10:00Z',
    '2026-11-22T10:00:00',
    '2026-11-22T10:00:00z',
    '2026-11-22t10:00:00Z',
    '2026-11-22 10:00:00Z',
    '2026-11-22T10:00:00.000Z',
    '2026-11-22T10:00:00+00:00',
    '2026-11-22T10:00:00-01:00',
    '26-11-22T10:00:00Z',
    '+002026-11-22T10:00:00Z',
    '+012026-11-22T10:00:00Z',
    '-000001-11-22T10:00:00Z',
    ' 2026-11-22T10:00:00Z',
    '2026-11-22T10:00:00Z\n',
    '2026-11-22T10:00:00Z2026-11-22T10:00:00Z',
    '٢٠٢٦-11-22T10:00:00Z',
    '2026-00-22T10:00:00Z',
    '2026-13-22T10:00:00Z',
    '2026-11-00T10:00:00Z',
    '2026-02-30T10:00:00Z',
    '2026-02-29T10:00:00Z',
    '2026-11-31T10:00:00Z',
    '2026-11-22T24:00:00Z',
    '2026-11-22T25:00:00Z',
    '2026-11-22T10:60:00Z',
    '2026-11-22T23:59:60Z',
  ])('refused: %j', (text) => {
    expect(isTime(text)).toBe(false);
    expect(() => parseTime(text)).toThrow(
      new RangeError('A time has the form YYYY-MM-DDTHH:MM:SSZ.'),
    );
  });

  test.each([
    ' 2026-11-22T10:00:00Z',
    '2026-11-22T10:00:00Z\n',
    '+002026-11-22T10:00:00Z',
    '2026-11-22T10:00:00ZZ',
  ])('the form is the whole text: %j', (text) => {
    expect(timePattern.test(text)).toBe(false);
  });

  test.each([Number.NaN, Infinity])('no time: %p', (instant) => {
    expect(() => formatTime(instant)).toThrow(RangeError);
  });

  test.each([
    [Date.UTC(10_000, 0), '+010000-01-01T00:00:00Z'],
    [Date.UTC(-1, 0), '-000001-01-01T00:00:00Z'],
  ])('no year of four digits: %p', (instant, text) => {
    expect(() => formatTime(instant)).toThrow(new RangeError(`No four-digit year: ${text}`));
  });
});
