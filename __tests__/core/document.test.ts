import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { checkDocument } from '../../src/core/document.ts';

const schema = z.strictObject({ note: z.string(), files: z.array(z.string()).optional() });
const none = () => [];
const password = ['PGPASS', 'WORD=kS8bLq2x'].join('');
const secretMessage =
  "looks like a secret (password): give the secret's name instead, such as secret:DB_PASSWORD, and replace the secret if it is real";

test('a good document is handed back as a frozen copy', () => {
  const document = { note: 'x', files: ['a', 'b'] };
  const checked = checkDocument(document, schema, none);
  expect(checked).toEqual({ ok: true, value: document });
  if (!checked.ok) return;
  expect(checked.value).not.toBe(document);
  expect(Object.isFrozen(checked.value)).toBe(true);
});

describe('a bad document', () => {
  test('has all problems at once: of the form, between the values, and secrets', () => {
    const document = { note: password, files: [1, `a ${password}`], extra: { deep: password } };
    const between = [{ field: 'files', message: 'are too many' }];
    expect(checkDocument(document, schema, () => between)).toEqual({
      ok: false,
      problems: [
        { field: 'files[0]', message: 'must be a string' },
        { field: 'extra', message: 'is not a member of this format; remove it' },
        { field: 'files', message: 'are too many' },
        { field: 'note', message: secretMessage },
        { field: 'files[1]', message: secretMessage },
        { field: 'extra.deep', message: secretMessage },
      ],
    });
  });

  test.each<[string, unknown, readonly { field: string; message: string }[]]>([
    ['only its form', { note: 1 }, []],
    ['only what is between its values', { note: 'x' }, [{ field: 'note', message: 'is odd' }]],
    ['only a secret', { note: password }, []],
  ])('is refused for %s', (_, document, between) => {
    expect(checkDocument(document, schema, () => between).ok).toBe(false);
  });

  test('shows no name of a member that is a secret, and no other name with what hides in it', () => {
    const document = { note: 'x', [password]: 1, 'a\u202eb': 1 };
    expect(checkDocument(document, schema, none)).toEqual({
      ok: false,
      problems: [
        {
          field: '(a member whose name is not shown)',
          message: 'is not a member of this format; remove it',
        },
        { field: 'a\\u{202E}b', message: 'is not a member of this format; remove it' },
      ],
    });
  });

  test.each([
    ['a JSON web token', 'JSON web token', ['ey', 'JhbGciOiJI.eyJzdWIiOiIx.abcdefgh'].join('')],
    ['a key of Google', 'Google API key', ['AI', 'za', 'b3'.repeat(17), 'x'].join('')],
  ])('is refused for %s beside other texts', (_, rule, secret) => {
    const checked = checkDocument({ note: 'plain', files: ['a', secret, 'b'] }, schema, none);
    expect(checked).toEqual({
      ok: false,
      problems: [{ field: 'files[1]', message: secretMessage.replace('password', rule) }],
    });
  });

  test('has what is compared as a copy of its own', () => {
    const document = { note: 'x' };
    const seen: unknown[] = [];
    checkDocument(document, schema, (copy) => {
      seen.push(copy);
      return [];
    });
    expect(seen).toEqual([document]);
    expect(Object.getPrototypeOf(seen[0])).toBeNull();
  });

  test('may be anything but an object', () => {
    expect(checkDocument(null, schema, none)).toEqual({
      ok: false,
      problems: [{ field: '', message: 'must be an object' }],
    });
    expect(checkDocument(password, schema, none)).toEqual({
      ok: false,
      problems: [
        { field: '', message: 'must be an object' },
        { field: '', message: secretMessage },
      ],
    });
  });
});
