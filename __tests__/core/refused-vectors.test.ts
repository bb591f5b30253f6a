import { describe, expect, test } from '@jest/globals';
import { compareFacts } from '../../src/core/compare.ts';
import { checkFacts } from '../../src/core/facts.ts';
import { documentHash } from '../../src/core/hash.ts';
import { checkJson, maxPayloadBytes, maxRecordBytes } from '../../src/core/json.ts';
import { checkPayload, parsePayloadText } from '../../src/core/payload.ts';
import { checkPolicy } from '../../src/core/policy.ts';
import { checkRecord } from '../../src/core/record.ts';
import { frozen } from '../support/frozen.ts';

const { refusals, comparisons } = frozen;

const checks = {
  facts: checkFacts,
  payload: checkPayload,
  record: checkRecord,
  policy: checkPolicy,
} as const;

test.each(refusals.documents)('frozen: $kind "$name" is refused', (vector) => {
  if (vector.kind === 'json') {
    const bytes = Buffer.from(vector.hex, 'hex');
    expect(checkJson(bytes, { maxBytes: maxPayloadBytes }).ok).toBe(false);
    return;
  }
  const read = checkJson(vector.text, { maxBytes: maxRecordBytes });
  if (!read.ok) throw new Error(`The text of "${vector.name}" is no JSON.`);
  const checked =
    vector.kind === 'payload text'
      ? parsePayloadText(vector.text)
      : checks[vector.kind](read.value);
  const fields = checked.ok ? [] : checked.problems.map(({ field }) => field);
  expect([...new Set(fields)].sort()).toEqual(vector.fields);
  expect(checked.ok).toBe(false);
});

describe('frozen comparisons', () => {
  test.each(comparisons.vectors)('$name', ({ signed, final, differences }) => {
    expect(compareFacts(signed, final)).toEqual(differences);
  });
});

/** The files are data that others may test against, so that a change of them is a change of the format. */
test.each([
  ['refusals.json', refusals, 'c7aacc6bdef889cb0517bca7a2262f24ab8419ca70d288a11885bf0cb7d434f3'],
  [
    'comparisons.json',
    comparisons,
    '0830dc91b6f6d01b1355ba437ee68433b0698bcd7a3a8ef751aca9ef0f8dc9e7',
  ],
])('%s is the file that was frozen', (_, content, hash) => {
  expect(documentHash(content)).toBe(hash);
});
