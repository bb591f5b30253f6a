import { describe, expect, test } from '@jest/globals';
import { ownCopy } from '../../src/core/own-copy.ts';

describe('a copy', () => {
  const original = { a: [{ b: 'x' }, null, 1], c: { d: true } };
  const copy = ownCopy(original) as typeof original;

  test('is equal, and later changes of the original are not in it', () => {
    expect(copy).toEqual({ a: [{ b: 'x' }, null, 1], c: { d: true } });
    original.c.d = false;
    original.a.length = 0;
    expect(copy).toEqual({ a: [{ b: 'x' }, null, 1], c: { d: true } });
  });

  test('has no prototype and is frozen, at every depth; lists stay lists', () => {
    for (const value of [copy, copy.c, copy.a[0]]) {
      expect(Object.getPrototypeOf(value)).toBeNull();
      expect(Object.isFrozen(value)).toBe(true);
    }
    expect(Array.isArray(copy.a)).toBe(true);
    expect(Object.isFrozen(copy.a)).toBe(true);
  });
});

test.each([null, 'x', 1, true, undefined])('%p stays what it is', (value) => {
  expect(ownCopy(value)).toBe(value);
});
