import type * as z from 'zod';
import type { Problem } from './verdict.ts';

/** A path into a document as people write it: `migration.files[0].path`. */
export function fieldPath(path: readonly PropertyKey[], prefix = ''): string {
  let field = prefix;
  for (const part of path) {
    if (typeof part === 'number') field += `[${part}]`;
    else field += field === '' ? String(part) : `.${String(part)}`;
  }
  return field;
}

/** What zod found wrong, one problem for each member, in words for a person. */
export function problemsOf(error: z.ZodError, prefix = ''): Problem[] {
  return error.issues.flatMap((issue): Problem[] => {
    const field = fieldPath(issue.path, prefix);
    switch (issue.code) {
      case 'unrecognized_keys':
        return issue.keys.map((key) => ({
          field: fieldPath([key], field),
          message: 'is not a member that this format knows',
        }));
      case 'invalid_type':
        if (issue.message.endsWith('received undefined')) {
          return [{ field, message: 'is missing' }];
        }
        return [{ field, message: `must be of type ${issue.expected}` }];
      case 'invalid_value':
        if (issue.message.startsWith('Invalid')) {
          const values = issue.values.map((value) => JSON.stringify(value));
          return [{ field, message: `must be ${values.join(' or ')}` }];
        }
        return [{ field, message: issue.message }];
      case 'too_small':
      case 'too_big':
      case 'invalid_format':
      case 'not_multiple_of':
      case 'invalid_union':
      case 'invalid_key':
      case 'invalid_element':
      case 'custom':
        return [{ field, message: issue.message }];
    }
  });
}
