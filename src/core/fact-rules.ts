import * as z from 'zod';
import { findSecret } from './secrets.ts';
import { broadLabels, freeTextProblem, isBroadLabel, maxTextLength, visible } from './text.ts';
import { isTime, timePattern } from './time.ts';

/** A string with the rules of one kind of fact; `problem` says what is wrong as the end of a sentence. */
function rule(problem: (value: string) => string | undefined) {
  return z.string().check((context) => {
    const message = problem(context.value);
    if (message !== undefined) {
      context.issues.push({ code: 'custom', message, input: context.value });
    }
  });
}

/** A value for a message, unless it looks like a secret. */
function shown(value: string): string {
  return findSecret(value) === undefined ? `"${visible(value, 80)}"` : 'a value that is not shown';
}

const maxIdentifierLength = 255;

/** The rules of a string stand in its metadata too, for the JSON Schemas. */
function identifier(pattern: RegExp, form: string) {
  return rule((value) => {
    if (value === '') return 'must not be empty';
    if (value.length > maxIdentifierLength) {
      return `must be at most ${maxIdentifierLength} characters long, not ${value.length}`;
    }
    return pattern.test(value) ? undefined : `must be ${form}, not ${shown(value)}`;
  }).meta({
    description: form,
    minLength: 1,
    maxLength: maxIdentifierLength,
    pattern: pattern.source,
  });
}

function concrete(pattern: RegExp, form: string) {
  return identifier(pattern, form)
    .check(refuseBroadLabel)
    .meta({ description: `${form}; ${notBroad}` });
}

const notBroad = `not ${broadLabels.join(', ')} in any case`;

function refuseBroadLabel(context: z.core.ParsePayload<string>): void {
  if (isBroadLabel(context.value)) {
    const message = `must name one thing, and "${context.value}" could be any; name the exact one`;
    context.issues.push({ code: 'custom', message, input: context.value });
  }
}

const freeText = `one line in NFC of 1 to ${maxTextLength} code points, without control, invisible, direction and look-alike blank characters, and without a blank at either end`;
const freeTextSchema = {
  description: freeText,
  minLength: 1,
  maxLength: maxTextLength,
  // As much of the rule as a pattern can say that needs no table of Unicode.
  pattern:
    '^[^\\u0000-\\u0020\\u007F-\\u00A0](?:[^\\u0000-\\u001F\\u007F-\\u00A0]*[^\\u0000-\\u0020\\u007F-\\u00A0])?$',
};

/** Free text: commands, values, notes, reasons (DESIGN 3.1). */
export const text = rule(freeTextProblem).meta(freeTextSchema);

/** A time in our one form, and in the calendar. */
export const time = z
  .string()
  .refine(isTime, 'must be a time in the form YYYY-MM-DDTHH:MM:SSZ')
  .meta({ pattern: timePattern.source });

/** A choice from a closed list, with the list in the message. */
export function oneOf<const T extends readonly [string, ...string[]]>(choices: T) {
  return z.enum(choices, { error: () => `must be one of: ${choices.join(', ')}` });
}

const objectId = /^(?!0+$)(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
const decimal = /^(?:0|[1-9][0-9]{0,19})$/;
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const providerName = /^[a-z][a-z0-9-]*:[A-Za-z0-9_][A-Za-z0-9._@+/-]*$/;

/** No part of the path is empty, `.` or `..`, and there is no backslash. */
const cleanPath = /^(?!(?:.*\/)?\.{0,2}(?:\/|$))[^\\]+$/;

/** The allow-lists of DESIGN 3.1. All ASCII, so that no two of them can look alike. */
export const identifiers = {
  service: concrete(
    /^@?[A-Za-z0-9][A-Za-z0-9._-]*(?:\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/,
    'a name such as api, shop/api or @acme/api',
  ),
  environment: concrete(
    /^[A-Za-z0-9._:/%@#+=()$-](?:[A-Za-z0-9 ._:/%@#+=()$-]*[A-Za-z0-9._:/%@#+=()$-])?$/,
    'letters, digits, inner blanks and ._:/%@#+=()$-',
  ),
  target: concrete(
    /^[A-Za-z0-9][A-Za-z0-9._:/-]*$/,
    'a letter or digit, then letters, digits and ._:/-',
  ),
  server: identifier(
    /^https?:\/\/[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?(?:\/[A-Za-z0-9._~-]+)*$/,
    'the URL of the forge without a slash at the end, such as https://github.com',
  ),
  repository: identifier(
    /^[A-Za-z0-9_][A-Za-z0-9._-]*(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._-]+)*$/,
    'a path such as owner/name or group/subgroup/project',
  ),
  id: rule((value) =>
    decimal.test(value) || uuid.test(value) || (providerName.test(value) && value.length <= 255)
      ? undefined
      : `must be a decimal number, a UUID in lower case, or provider:name, not ${shown(value)}`,
  ).meta({
    description: 'a decimal number, a UUID in lower case, or provider:name',
    maxLength: 255,
    pattern: [decimal, uuid, providerName].map(({ source }) => `(?:${source})`).join('|'),
  }),
  ref: identifier(
    // git-check-ref-format(1): no component begins with a dot or ends with .lock, no "..", no "@{", none of \ ~ ^ : ? * [.
    /^refs(?!.*(?:\.\.|@\{|\/\.|\.lock(?:\/|$)|\.$))(?:\/[!-)+-.0-9;->@A-Z\]_-}]+){2,}$/,
    'a full ref such as refs/heads/main or refs/tags/v1.2.0',
  ),
  commit: rule((value) =>
    objectId.test(value)
      ? undefined
      : `must be a full commit id, 40 or 64 lower-case hex digits and not all zero, not ${shown(value)}`,
  ).meta({ description: 'a full commit id, not all zero', pattern: objectId.source }),
  digest: identifier(/^sha256:[0-9a-f]{64}$/, 'sha256: and 64 lower-case hex digits'),
  sha256: identifier(/^[0-9a-f]{64}$/, '64 lower-case hex digits'),
  workflow: identifier(/^[!-~](?:[ -~]*[!-~])?$/, 'printable ASCII without a blank at either end'),
  login: identifier(
    /^[A-Za-z0-9_][A-Za-z0-9._@+-]*(?:\[bot\])?$/,
    'a login such as alexdoe or release-agent[bot]',
  ),
  count: identifier(/^[1-9][0-9]{0,8}$/, 'a decimal number above zero, without leading zeros'),
  decimal: identifier(decimal, 'a decimal number without leading zeros'),
  migrationPath: rule(
    (value) =>
      freeTextProblem(value) ??
      (cleanPath.test(value)
        ? undefined
        : `must be a clean path inside the repository, relative and with single slashes, not ${shown(value)}`),
  ).meta({
    ...freeTextSchema,
    description: `a clean path inside the repository, relative and with single slashes; ${freeText}`,
    pattern: cleanPath.source,
  }),
  rollbackValue: text
    .check(refuseBroadLabel)
    .meta({ ...freeTextSchema, description: `${notBroad}; ${freeText}` }),
};
