import type * as z from 'zod';
import { ownCopy } from './own-copy.ts';
import { fieldPath, problemsOf } from './problems.ts';
import { findSecret } from './secrets.ts';
import { visible } from './text.ts';
import type { Checked, Problem } from './verdict.ts';

/**
 * Checks a document that is signed: its schema, the rules between its values, and that no string anywhere in it, unknown
 * members and member names too, looks like a secret. All problems at once; none holds a secret. The value is a frozen copy.
 */
export function checkDocument<T>(
  value: unknown,
  schema: z.ZodType<T>,
  problemsBetween: (value: unknown) => readonly Problem[],
): Checked<T> {
  const copy = ownCopy(value);
  const parsed = schema.safeParse(copy);
  const problems = [
    ...(parsed.success ? [] : problemsOf(parsed.error)),
    ...problemsBetween(copy),
    ...secretProblems(copy),
  ];
  if (parsed.success && problems.length === 0) return { ok: true, value: copy as T };
  return {
    ok: false,
    problems: problems.map(({ field, message }) => ({ field: shownField(field), message })),
  };
}

/** The path of a field; a member name is the sender's own text. */
function shownField(field: string): string {
  return findSecret(field) === undefined ? visible(field) : '(a member whose name is not shown)';
}

/** One problem for each string that looks like a secret. A member name needs none: an unknown one is refused, and not shown. */
function secretProblems(document: unknown): Problem[] {
  const strings = [...stringsOf(document, '')];
  // Nearly always there is no secret, and one scan of all strings as lines is far cheaper than a scan of each.
  if (findSecret(strings.map(({ text }) => text).join('\n')) === undefined) return [];
  return strings.flatMap(({ field, text }) => {
    const rule = findSecret(text);
    if (rule === undefined) return [];
    const message = `looks like a secret (${rule}): give the secret's name instead, such as secret:DB_PASSWORD, and replace the secret if it is real`;
    return [{ field, message }];
  });
}

function* stringsOf(value: unknown, field: string): Generator<{ field: string; text: string }> {
  if (typeof value === 'string') yield { field, text: value };
  if (typeof value !== 'object' || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    yield* stringsOf(member, fieldPath([Array.isArray(value) ? Number(key) : key], field));
  }
}
