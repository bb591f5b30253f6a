import { describe, expect, test } from '@jest/globals';
import type * as z from 'zod';
import {
  confirmationSchema,
  confirmationStatuses,
  createAnswerSchema,
  createBodySchema,
  errorSchema,
  latestDeploySchema,
  redemptionAnswerSchema,
  redemptionBodySchema,
} from '../../src/core/api.ts';
import { problemsOf } from '../../src/core/problems.ts';
import { createEvidence, createWorld } from '../support/approvals.ts';

const payloadHash = 'ab'.repeat(32);
const nonce = 'A'.repeat(43);
const id = '123e4567-e89b-42d3-a456-426614174000';

const confirmation = { id, status: 'approved', payloadHash, expiresAt: '2026-11-22T11:00:00Z' };
const created = {
  id,
  url: `https://approve.example.com/approve/${id}`,
  payloadHash,
  expiresAt: '2026-11-22T11:00:00Z',
};
const create = {
  username: 'alex',
  action: 'Deploy api to production',
  payload: { schema: 'deploy-approval/v1' },
};
const redemption = {
  payloadHash,
  redemptionKey: nonce,
  runId: '9876543210',
  runAttempt: '1',
  job: 'deploy',
};

/** What is wrong with a good document after this change of it. */
function wrong(schema: z.ZodType, document: object, change: object): readonly string[] {
  expect(schema.safeParse(document).success).toBe(true);
  const { error } = schema.safeParse({ ...document, ...change });
  return (error === undefined ? [] : problemsOf(error)).map(
    ({ field, message }) => `${field}: ${message}`,
  );
}

const noUuid = 'is not a UUID in lower case';
const noHash = 'is not a SHA-256 in 64 lower-case hex digits';
const noNonce = 'is not 32 bytes in base64url';
const noTime = 'is not an RFC 3339 time in UTC';
const noUrl = 'is not an http or https URL';
const noDecimal = 'is not a decimal number without leading zeros';

describe('an answer', () => {
  test('may have unknown members, and null for absent ones', () => {
    const parsed = confirmationSchema.parse({
      ...confirmation,
      nonce: null,
      payload: null,
      rawAssertion: null,
      decidedAt: null,
      username: null,
      verified: true,
    });
    expect(Object.entries(parsed).filter(([, value]) => value !== undefined)).toEqual(
      Object.entries(confirmation),
    );
    expect(createAnswerSchema.parse({ ...created, queue: 7, nonce: null }).nonce).toBeUndefined();
    expect(errorSchema.parse({ code: 'gone', message: 'Gone.', problems: null }).code).toBe('gone');
  });

  test('takes times in UTC with and without fractions of a second', () => {
    for (const decidedAt of ['2026-11-22T10:05:00Z', '2026-11-22T10:05:00.123Z']) {
      expect(confirmationSchema.parse({ ...confirmation, decidedAt }).decidedAt).toBe(decidedAt);
    }
  });

  test('has evidence in the closed form of a record', () => {
    const assertion = createEvidence(createWorld()).record.decisions[0]!.assertion!;
    const rawAssertion = { ...assertion, clientExtensionResults: { a: 1 }, extra: true };
    expect(confirmationSchema.parse({ ...confirmation, rawAssertion }).rawAssertion).toEqual(
      assertion,
    );
  });

  test.each(confirmationStatuses)('may say %s', (status) => {
    expect(confirmationSchema.parse({ ...confirmation, status }).status).toBe(status);
  });

  test.each<[object, string]>([
    ...['Approved', 'done', '', true, ['approved'], undefined].map((status): [object, string] => [
      { status },
      `status: must be ${confirmationStatuses.map((known) => `"${known}"`).join(' or ')}`,
    ]),
    [{ id: 'latest' }, `id: ${noUuid}`],
    [{ id: id.toUpperCase() }, `id: ${noUuid}`],
    [{ id: `${id}/../keys` }, `id: ${noUuid}`],
    [{ id: `../${id}` }, `id: ${noUuid}`],
    [{ id: id.replaceAll('-', '') }, `id: ${noUuid}`],
    [{ id: undefined }, 'id: is missing'],
    [{ payloadHash: payloadHash.toUpperCase() }, `payloadHash: ${noHash}`],
    [{ payloadHash: payloadHash.slice(1) }, `payloadHash: ${noHash}`],
    [{ payloadHash: `${payloadHash}a` }, `payloadHash: ${noHash}`],
    [{ payloadHash: null }, 'payloadHash: must be a string'],
    [{ expiresAt: 'tomorrow' }, `expiresAt: ${noTime}`],
    [{ expiresAt: '2026-11-22T11:00:00+01:00' }, `expiresAt: ${noTime}`],
    [{ expiresAt: '2026-11-22T11:00:00' }, `expiresAt: ${noTime}`],
    [{ expiresAt: 1 }, `expiresAt: ${noTime}`],
    [{ nonce: 'A'.repeat(42) }, `nonce: ${noNonce}`],
    [{ nonce: 'A'.repeat(44) }, `nonce: ${noNonce}`],
    [{ nonce: `${nonce}=` }, `nonce: ${noNonce}`],
    [{ nonce: `${'A'.repeat(42)}B` }, `nonce: ${noNonce}`],
    [{ payload: [] }, 'payload: must be an object'],
    [{ payload: '{}' }, 'payload: must be an object'],
    [{ rawAssertion: 'approved' }, 'rawAssertion: must be an object'],
    [{ decidedAt: '2026-02-30T00:00:00Z' }, `decidedAt: ${noTime}`],
    [{ username: '' }, 'username: must have a length of at least 1'],
    [{ username: 'x'.repeat(256) }, 'username: must have a length of at most 255'],
  ])('is refused where a known member is wrong: %j', (change, problem) => {
    expect(wrong(confirmationSchema, confirmation, change)).toEqual([problem]);
  });

  test('has a whole assertion or none', () => {
    expect(wrong(confirmationSchema, confirmation, { rawAssertion: {} })).toContain(
      'rawAssertion.response: is missing',
    );
  });

  test.each<[object, string]>([
    [{ url: 'javascript:alert(1)' }, `url: ${noUrl}`],
    [{ url: 'httpsx://approve.example.com' }, `url: ${noUrl}`],
    [{ url: 'xhttps://approve.example.com' }, `url: ${noUrl}`],
    [{ url: '/approve/1' }, `url: ${noUrl}`],
    [{ url: null }, `url: ${noUrl}`],
    [{ id: 'x' }, `id: ${noUuid}`],
    [{ payloadHash: 'x' }, `payloadHash: ${noHash}`],
    [{ expiresAt: 'x' }, `expiresAt: ${noTime}`],
    [{ nonce: 'x' }, `nonce: ${noNonce}`],
  ])('of create is refused where a known member is wrong: %j', (change, problem) => {
    expect(wrong(createAnswerSchema, created, change)).toEqual([problem]);
  });

  test('of create leads to a page over http too: a service may run on the own machine', () => {
    expect(wrong(createAnswerSchema, created, { url: 'http://127.0.0.1:1/approve/1' })).toEqual([]);
  });

  test.each<[object, string]>([
    [{ payloadHash: 'ab' }, `payloadHash: ${noHash}`],
    [{ redeemedAt: undefined }, `redeemedAt: ${noTime}`],
    [{ redeemedAt: true }, `redeemedAt: ${noTime}`],
  ])('of redeem is refused where a known member is wrong: %j', (change, problem) => {
    const answer = { payloadHash, redeemedAt: '2026-11-22T10:10:00Z' };
    expect(wrong(redemptionAnswerSchema, answer, change)).toEqual([problem]);
  });

  test('of the latest deploy may have no member, and none that is wrong', () => {
    const latest = { payload: {}, payloadHash, redeemedAt: '2026-11-22T10:10:00Z' };
    expect(latestDeploySchema.parse({ ...latest, extra: 1 })).toEqual(latest);
    expect(wrong(latestDeploySchema, {}, { payload: [], payloadHash: 1, redeemedAt: 'x' })).toEqual(
      ['payload: must be an object', 'payloadHash: must be a string', `redeemedAt: ${noTime}`],
    );
  });

  test('that is no success has a code and a message, and each problem its field', () => {
    const error = { code: 'gone', message: 'Gone.' };
    const problems = [{ field: 'action', message: 'is missing' }];
    expect(errorSchema.parse({ ...error, problems, extra: 1 })).toEqual({ ...error, problems });
    const bad = { code: 1, message: null, problems: [{ field: 'x' }, { message: 'y' }] };
    expect(wrong(errorSchema, error, bad)).toEqual([
      'code: must be a string',
      'message: must be a string',
      'problems[0].message: is missing',
      'problems[1].field: is missing',
    ]);
    expect(wrong(errorSchema, error, { problems: {} })).toEqual(['problems: must be a list']);
  });
});

describe('a body', () => {
  test('is closed', () => {
    const unknown = 'is not a member of this format; remove it';
    expect(wrong(createBodySchema, create, { status: 'approved' })).toEqual([`status: ${unknown}`]);
    expect(wrong(redemptionBodySchema, redemption, { force: true })).toEqual([`force: ${unknown}`]);
  });

  test('may be as long as it may', () => {
    const longest = { username: 'x'.repeat(255), action: 'x'.repeat(500) };
    const decideBy = '2026-11-22T11:00:00Z';
    expect(wrong(createBodySchema, create, { ...longest, decideBy })).toEqual([]);
    const decimal = '1'.repeat(255);
    expect(
      wrong(redemptionBodySchema, redemption, {
        runId: decimal,
        runAttempt: decimal,
        job: 'x'.repeat(255),
      }),
    ).toEqual([]);
    expect(wrong(redemptionBodySchema, redemption, { runId: '0' })).toEqual([]);
  });

  test.each<[object, string]>([
    [{ username: '' }, 'username: must have a length of at least 1'],
    [{ username: 'x'.repeat(256) }, 'username: must have a length of at most 255'],
    [{ username: undefined }, 'username: is missing'],
    [{ action: '' }, 'action: must have a length of at least 1'],
    [{ action: 'x'.repeat(501) }, 'action: must have a length of at most 500'],
    [{ payload: 'text' }, 'payload: must be an object'],
    [{ payload: [] }, 'payload: must be an object'],
    [{ payload: null }, 'payload: must be an object'],
    [{ decideBy: 'soon' }, `decideBy: ${noTime}`],
    [{ decideBy: null }, `decideBy: ${noTime}`],
  ])('of create is refused where a member is wrong: %j', (change, problem) => {
    expect(wrong(createBodySchema, create, change)).toEqual([problem]);
  });

  test.each<[object, string]>([
    [{ redemptionKey: 'short' }, `redemptionKey: ${noNonce}`],
    [{ redemptionKey: undefined }, 'redemptionKey: is missing'],
    [{ runId: '' }, `runId: ${noDecimal}`],
    [{ runId: 9876543210 }, 'runId: must be a string'],
    [{ runId: '-1' }, `runId: ${noDecimal}`],
    [{ runId: '1a' }, `runId: ${noDecimal}`],
    [{ runId: '1'.repeat(256) }, 'runId: must have a length of at most 255'],
    [{ runAttempt: '01' }, `runAttempt: ${noDecimal}`],
    [{ runAttempt: '1'.repeat(256) }, 'runAttempt: must have a length of at most 255'],
    [{ job: '' }, 'job: must have a length of at least 1'],
    [{ job: 'x'.repeat(256) }, 'job: must have a length of at most 255'],
    [{ payloadHash: 'ab' }, `payloadHash: ${noHash}`],
  ])('of redeem is refused where a member is wrong: %j', (change, problem) => {
    expect(wrong(redemptionBodySchema, redemption, change)).toEqual([problem]);
  });
});
