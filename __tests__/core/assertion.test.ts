import { describe, expect, test } from '@jest/globals';
import {
  assertionSchema,
  credentialIdSchema,
  receivedAssertionSchema,
  userHandleSchema,
  type AssertionJson,
} from '../../src/core/assertion.ts';
import { problemsOf } from '../../src/core/problems.ts';
import { createPayload, createWorld, decide, without } from '../support/approvals.ts';

const world = createWorld();
const assertion = decide(createPayload(), world.passkeys.alex).assertion!;

/** How many characters base64url without padding needs. */
const charactersOf = (bytes: number) => Buffer.alloc(bytes).toString('base64url').length;
const notBase64url = 'is not base64url without padding';

type Change = (draft: Record<string, unknown>, response: Record<string, unknown>) => unknown;

function changed(change: Change): unknown {
  const draft = structuredClone(assertion) as unknown as Record<string, unknown> & {
    response: Record<string, unknown>;
  };
  change(draft, draft.response);
  return draft;
}

/** What the schema says of a value, in words for a person. */
function said(schema: typeof assertionSchema, value: unknown): readonly string[] {
  const parsed = schema.safeParse(value);
  if (parsed.success) return [];
  return problemsOf(parsed.error).map(({ field, message }) => `${field}: ${message}`);
}

describe('the size of a member is limited', () => {
  const sizes: readonly [string, number, (text: string) => Change][] = [
    ['id', 1023, (text) => (draft) => (draft.id = text)],
    ['rawId', 1023, (text) => (draft) => (draft.rawId = text)],
    ['response.clientDataJSON', 8192, (text) => (_, answer) => (answer.clientDataJSON = text)],
    [
      'response.authenticatorData',
      4096,
      (text) => (_, answer) => (answer.authenticatorData = text),
    ],
    ['response.signature', 2048, (text) => (_, answer) => (answer.signature = text)],
    ['response.userHandle', 64, (text) => (_, answer) => (answer.userHandle = text)],
  ];

  test.each(sizes)('%s to %i bytes', (field, bytes, put) => {
    const most = charactersOf(bytes);
    for (const schema of [assertionSchema, receivedAssertionSchema as typeof assertionSchema]) {
      expect(said(schema, changed(put('A'.repeat(most))))).toEqual([]);
      expect(said(schema, changed(put('A'.repeat(most + 1))))).toEqual([
        `${field}: must have a length of at most ${most}`,
      ]);
      expect(said(schema, changed(put('')))).toEqual([
        `${field}: must have a length of at least 1`,
        `${field}: ${notBase64url}`,
      ]);
      for (const text of ['A=', 'A+/A', 'AA\n', ' AA', 'Ä', '%41']) {
        expect(said(schema, changed(put(text)))).toEqual([`${field}: ${notBase64url}`]);
      }
    }
  });

  test('as that of an id and a user handle on their own', () => {
    expect(credentialIdSchema.safeParse('A'.repeat(1364)).success).toBe(true);
    expect(credentialIdSchema.safeParse('A'.repeat(1365)).success).toBe(false);
    expect(userHandleSchema.safeParse('A'.repeat(86)).success).toBe(true);
    expect(userHandleSchema.safeParse('A'.repeat(87)).success).toBe(false);
  });
});

describe('the closed form, for a record', () => {
  test.each<[string, Change]>([
    ['as it is', () => undefined],
    ['without a user handle', (_, answer) => delete answer.userHandle],
    ['of a platform', (draft) => (draft.authenticatorAttachment = 'platform')],
    ['of a key that is plugged in', (draft) => (draft.authenticatorAttachment = 'cross-platform')],
  ])('takes an assertion %s', (_, change) => {
    expect(said(assertionSchema, changed(change))).toEqual([]);
  });

  const unknown = 'is not a member of this format; remove it';

  test.each<[string, Change, readonly string[]]>([
    ['with another member', (draft) => (draft.verified = true), [`verified: ${unknown}`]],
    [
      'with another member of its response',
      (_, answer) => (answer.attestationObject = 'AAAA'),
      [`response.attestationObject: ${unknown}`],
    ],
    [
      'with extension results',
      (draft) => (draft.clientExtensionResults = { appid: true }),
      [`clientExtensionResults.appid: ${unknown}`],
    ],
    [
      'without the place of extension results',
      (draft) => delete draft.clientExtensionResults,
      ['clientExtensionResults: is missing'],
    ],
    ['of another type', (draft) => (draft.type = 'password'), ['type: must be "public-key"']],
    [
      'of an unknown attachment',
      (draft) => (draft.authenticatorAttachment = 'wormhole'),
      ['authenticatorAttachment: must be "platform" or "cross-platform"'],
    ],
    [
      'with null for a user handle',
      (_, answer) => (answer.userHandle = null),
      ['response.userHandle: must be a string'],
    ],
    ['without a response', (draft) => delete draft.response, ['response: is missing']],
  ])('refuses one %s', (_, change, problems) => {
    expect(said(assertionSchema, changed(change))).toEqual(problems);
  });

  test.each(['clientDataJSON', 'authenticatorData', 'signature'] as const)(
    'refuses one without %s',
    (member) => {
      const value = { ...assertion, response: without(assertion.response, member) };
      expect(said(assertionSchema, value)).toEqual([`response.${member}: is missing`]);
    },
  );
});

describe('the open form, for what a browser or a service sends', () => {
  const read = (change: Change): AssertionJson => receivedAssertionSchema.parse(changed(change));

  test('keeps what a record keeps', () => {
    expect(read(() => undefined)).toEqual(assertion);
    expect(Object.keys(read(() => undefined))).toEqual(Object.keys(assertion));
  });

  test.each(['platform', 'cross-platform'])('keeps the attachment %s', (attachment) => {
    const received = read((draft) => (draft.authenticatorAttachment = attachment));
    expect(received).toEqual({ ...assertion, authenticatorAttachment: attachment });
  });

  test.each(['wormhole', '', null, 7, {}])('counts the attachment %p as none', (attachment) => {
    const received = read((draft) => (draft.authenticatorAttachment = attachment));
    expect(Object.keys(received)).not.toContain('authenticatorAttachment');
  });

  test.each([null, undefined])('counts the user handle %p as none', (userHandle) => {
    const received = read((_, answer) => (answer.userHandle = userHandle));
    expect(Object.keys(received.response)).toEqual([
      'clientDataJSON',
      'authenticatorData',
      'signature',
    ]);
  });

  test('refuses another type', () => {
    const value = changed((draft) => (draft.type = 'password'));
    expect(receivedAssertionSchema.safeParse(value).success).toBe(false);
  });
});
