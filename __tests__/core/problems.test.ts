import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { fieldPath, problemsOf } from '../../src/core/problems.ts';

function told(schema: z.ZodType, value: unknown, prefix?: string): readonly string[] {
  const { error } = schema.safeParse(value);
  return error === undefined
    ? []
    : problemsOf(error, prefix).map(({ field, message }) => `${field}: ${message}`);
}

describe('a field is named as people write it', () => {
  test.each([
    [['migration', 'files', 0, 'path'], '', 'migration.files[0].path'],
    [[2, 'id'], '', '[2].id'],
    [['id'], 'approvers.alex', 'approvers.alex.id'],
    [[1], 'emails', 'emails[1]'],
    [[], 'emails', 'emails'],
    [[], '', ''],
  ])('%j after %j is %j', (path, prefix, field) => {
    expect(fieldPath(path, prefix)).toBe(field);
  });

  test('from the whole document on, where nothing stands before it', () => {
    expect(fieldPath(['approvers', 'alex'])).toBe('approvers.alex');
  });
});

describe('what a value is not', () => {
  test.each<[z.ZodType, unknown, string]>([
    [z.string(), 1, 'must be a string'],
    [z.number(), 'x', 'must be a number'],
    [z.number(), Number.NaN, 'must be a number'],
    [z.int(), 1.5, 'must be a whole number'],
    [z.boolean(), 'true', 'must be true or false'],
    [z.object({}), [], 'must be an object'],
    [z.record(z.string(), z.string()), 'x', 'must be an object'],
    [z.array(z.string()), {}, 'must be a list'],
    [z.null(), 1, 'must be null'],
    [z.string(), undefined, 'is missing'],
    [z.literal('deploy-facts/v1'), 'x', 'must be "deploy-facts/v1"'],
    [z.enum(['approved', 'rejected']), 'x', 'must be "approved" or "rejected"'],
    [z.string().min(1), '', 'must have a length of at least 1'],
    [z.string().max(2), 'abc', 'must have a length of at most 2'],
    [z.array(z.int()).min(1), [], 'must have a length of at least 1'],
    [z.array(z.int()).max(1), [1, 2], 'must have a length of at most 1'],
    [z.int().min(5), 4, 'must be at least 5'],
    [z.int().max(60), 61, 'must be at most 60'],
  ])('%#: %p', (schema, value, message) => {
    expect(told(z.object({ field: schema }), { field: value })).toEqual([`field: ${message}`]);
  });

  test('is told in the words of the schema where it has some', () => {
    expect(told(z.string().regex(/^x$/, 'is not an x'), 'y')).toEqual([': is not an x']);
    expect(told(z.string().min(1, 'names nobody'), '')).toEqual([': names nobody']);
    expect(told(z.array(z.int()).min(2, 'has Too few'), [])).toEqual([': has Too few']);
  });

  test('is told in the words of the library where we have none', () => {
    expect(told(z.url(), 'x')).toEqual([': Invalid URL']);
  });
});

test('every unknown member is a problem, with its own field', () => {
  const schema = z.strictObject({ deep: z.array(z.strictObject({ a: z.int() })) });
  const document = { deep: [{ a: 1, b: 1, 'c d': 1 }, { a: 'x' }], status: 'approved' };
  expect(told(schema, document, 'record')).toEqual([
    'record.deep[0].b: is not a member of this format; remove it',
    'record.deep[0].c d: is not a member of this format; remove it',
    'record.deep[1].a: must be a number',
    'record.status: is not a member of this format; remove it',
  ]);
});
