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
    ...secretProblems(copy, ''),
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

function secretProblems(value: unknown, field: string): Problem[] {
  if (typeof value === 'string') return secretProblem(value, field);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => {
    const inner = fieldPath([Array.isArray(value) ? Number(key) : key], field);
    return [...secretProblem(key, inner), ...secretProblems(member, inner)];
  });
}

function secretProblem(text: string, field: string): Problem[] {
  const rule = findSecret(text);
  if (rule === undefined) return [];
  const message = `looks like a secret (${rule}): give the secret's name instead, such as secret:DB_PASSWORD, and replace the secret if it is real`;
  return [{ field, message }];
}
