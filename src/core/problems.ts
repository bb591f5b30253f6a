import type * as z from 'zod';
import type { Problem } from './verdict.ts';

/** A path into a document as people write it: `migration.files[0].path`. */
export function fieldPath(path: readonly PropertyKey[], prefix = ''): string {
  return path.reduce<string>((field, part) => {
    if (typeof part === 'number') return `${field}[${part}]`;
    return field === '' ? String(part) : `${field}.${String(part)}`;
  }, prefix);
}

/** What zod found wrong, one problem for each member, in words for a person. Fields are paths from `prefix` on. */
export function problemsOf(error: z.ZodError, prefix = ''): Problem[] {
  return error.issues.flatMap((issue): Problem[] => {
    const field = fieldPath(issue.path, prefix);
    if (issue.code !== 'unrecognized_keys') return [{ field, message: messageOf(issue) }];
    const message = 'is not a member of this format; remove it';
    return issue.keys.map((key) => ({ field: fieldPath([key], field), message }));
  });
}

const kinds: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'a list',
};

/** Our words in place of the library's; a schema's own message is left alone. */
function messageOf(issue: z.core.$ZodIssue): string {
  if (!/^(Invalid|Too) /.test(issue.message)) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      if (issue.message.endsWith('received undefined')) return 'is missing';
      return `must be ${kinds[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `must be ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`;
    case 'too_small':
      return `must ${unitOf(issue.origin)}at least ${issue.minimum}`;
    case 'too_big':
      return `must ${unitOf(issue.origin)}at most ${issue.maximum}`;
    default:
      return issue.message;
  }
}

function unitOf(origin: string): string {
  return origin === 'string' || origin === 'array' ? 'have a length of ' : 'be ';
}
