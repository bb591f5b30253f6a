import { describe, expect, test } from '@jest/globals';
import type { Circumstances } from '../../src/core/circumstances.ts';
import { checkCircumstances } from '../../src/core/rule-circumstances.ts';

/** Every member, as a gate would tell it of a job of GitHub. */
const full: Circumstances = {
  provider: 'github',
  trigger: 'push',
  runner: 'github-hosted',
  event_commit: 'a'.repeat(40),
  identity: {
    issuer: 'https://token.actions.githubusercontent.com',
    attested: ['environment', 'commit'],
    job_workflow_ref: 'acme/shop/.github/workflows/deploy.yml@refs/heads/main',
  },
  last_deploy: {
    commit: 'b'.repeat(40),
    redeemed_at: '2026-11-22T10:10:00Z',
    payload_hash: 'c'.repeat(64),
  },
  commit_authors: [{ name: '', email: '' }],
  new_migrations: ['db/001.sql'],
};

const checked = (changes: object) => checkCircumstances({ ...full, ...changes });
const faults = (changes: object): readonly string[] => {
  const result = checked(changes);
  return result.ok ? [] : result.problems.map(({ field, message }) => `${field}: ${message}`);
};
const many = <T>(length: number, one: T): readonly T[] => Array.from({ length }, () => one);

test('are accepted with every member, and with none but the provider', () => {
  expect(checkCircumstances(full)).toEqual({ ok: true, value: full });
  for (const provider of ['github', 'gitlab', 'local']) {
    expect(checkCircumstances({ provider })).toEqual({ ok: true, value: { provider } });
  }
  expect(faults({ identity: { issuer: 'https://gitlab.com', attested: [] } })).toEqual([]);
});

test('are a copy that nobody changes later', () => {
  const authors = [{ name: 'Kim', email: 'kim@example.com' }];
  const result = checked({ commit_authors: authors });
  authors.pop();
  expect(result.ok && result.value.commit_authors).toHaveLength(1);
  expect(result.ok && Object.isFrozen(result.value)).toBe(true);
});

describe('are refused', () => {
  test.each<[string, object, string]>([
    [
      'of an unknown provider',
      { provider: 'x' },
      'provider: must be "github" or "gitlab" or "local"',
    ],
    ['with an empty trigger', { trigger: '' }, 'trigger: must not be empty'],
    ['with an empty runner', { runner: '' }, 'runner: must not be empty'],
    ['with a runner that is a number', { runner: 7 }, 'runner: must be a string'],
    [
      'with an identity of nobody',
      { identity: { issuer: '', attested: [] } },
      'identity.issuer: must not be empty',
    ],
    [
      'with an identity that attests nothing',
      { identity: { issuer: 'https://gitlab.com' } },
      'identity.attested: is missing',
    ],
    [
      'with an unknown member of the identity',
      { identity: { ...full.identity, sub: 'x' } },
      'identity.sub: is not a member of this format; remove it',
    ],
    [
      'with an unknown member of the last deploy',
      { last_deploy: { ...full.last_deploy, by: 'x' } },
      'last_deploy.by: is not a member of this format; remove it',
    ],
    [
      'without the time of the last deploy',
      { last_deploy: { commit: 'b'.repeat(40), payload_hash: 'c'.repeat(64) } },
      'last_deploy.redeemed_at: is missing',
    ],
    [
      'with an author without an address',
      { commit_authors: [{ name: 'Kim' }] },
      'commit_authors[0].email: is missing',
    ],
    [
      'with an unknown member of an author',
      { commit_authors: [{ name: 'Kim', email: '', id: '7' }] },
      'commit_authors[0].id: is not a member of this format; remove it',
    ],
  ])('%s', (_, changes, expected) => {
    expect(faults(changes)).toEqual([expected]);
  });
});

test.each<[string, (length: number) => object, number, string]>([
  ['trigger', (length) => ({ trigger: 'x'.repeat(length) }), 255, 'trigger: is too long'],
  ['runner', (length) => ({ runner: 'x'.repeat(length) }), 255, 'runner: is too long'],
  [
    'list of what is attested',
    (length) => ({ identity: { issuer: 'x', attested: many(length, 'commit') } }),
    100,
    'identity.attested: must have a length of at most 100',
  ],
  [
    'name of an author',
    (length) => ({ commit_authors: [{ name: 'x'.repeat(length), email: '' }] }),
    1000,
    'commit_authors[0].name: is too long',
  ],
  [
    'address of an author',
    (length) => ({ commit_authors: [{ name: '', email: 'x'.repeat(length) }] }),
    1000,
    'commit_authors[0].email: is too long',
  ],
  [
    'list of authors',
    (length) => ({ commit_authors: many(length, { name: 'x', email: 'y' }) }),
    1000,
    'commit_authors: must have a length of at most 1000',
  ],
  [
    'list of new migrations',
    (length) => ({ new_migrations: many(length, 'db/001.sql') }),
    1000,
    'new_migrations: must have a length of at most 1000',
  ],
])('the %s is not too long', (_, of, most, message) => {
  expect(faults(of(most))).toEqual([]);
  expect(faults(of(most + 1))).toEqual([message]);
});
