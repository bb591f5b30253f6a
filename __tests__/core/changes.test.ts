import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { acceptableText, maxListedCommits } from '../../src/core/changes.ts';
import { checkPayload } from '../../src/core/payload.ts';
import { examplePayload } from '../support/deploy.ts';
import { secretSamples } from '../support/secrets.ts';

const commit = { commit: 'c'.repeat(40), subject: 'Fix the checkout', author: 'Alex Doe' };

function problemsOf(changes: unknown): readonly string[] {
  const checked = checkPayload({ ...examplePayload(), context: { changes } });
  return checked.ok ? [] : checked.problems.map(({ field, message }) => `${field}: ${message}`);
}

describe('the list of what is new', () => {
  test('with every member, and with none but the commits', () => {
    const all = {
      ...{ since: 'a'.repeat(40), deployed_at: '2026-11-20T10:00:00Z', more: '999999999' },
      ...{ commits: [commit], incomplete: true },
    };
    expect(problemsOf(all)).toEqual([]);
    expect(problemsOf({ commits: [] })).toEqual([]);
    expect(problemsOf({ since: 'a'.repeat(40), commits: [] })).toEqual([]);
  });

  test('names at most 20 commits', () => {
    const of = (length: number) => ({ commits: Array.from({ length }, () => commit) });
    expect(maxListedCommits).toBe(20);
    expect(problemsOf(of(20))).toEqual([]);
    expect(problemsOf(of(21))).toEqual([
      'context.changes.commits: must name at most 20 commits; count the others',
    ]);
  });

  test.each(['0', '', '01', '-1', '1.5', '1e3', ' 1', '1 ', 'x1', '1x', '1234567890'])(
    'counts the others in decimal, not as %j',
    (more) => {
      expect(problemsOf({ commits: [], more })).toEqual([
        'context.changes.more: must be a decimal number above zero',
      ]);
    },
  );

  test('says a time only beside the commit that was deployed then', () => {
    expect(problemsOf({ commits: [], deployed_at: '2026-11-20T10:00:00Z' })).toEqual([
      'context.changes.deployed_at: must stand beside since, the commit that was deployed then',
    ]);
    expect(problemsOf({ since: 'a'.repeat(40), deployed_at: 'now', commits: [] })).toEqual([
      'context.changes.deployed_at: must be a time in the form YYYY-MM-DDTHH:MM:SSZ',
    ]);
  });

  test('has commits that each name an id, a subject and an author, and nothing more', () => {
    expect(problemsOf({ commits: [{}, { ...commit, email: 'alex@example.com' }] })).toEqual([
      'context.changes.commits[0].commit: is missing',
      'context.changes.commits[0].subject: is missing',
      'context.changes.commits[0].author: is missing',
      'context.changes.commits[1].email: is not a member of this format; remove it',
    ]);
    expect(problemsOf({ commits: [], branch: 'main' })).toEqual([
      'context.changes.branch: is not a member of this format; remove it',
    ]);
    expect(problemsOf({ commits: [], incomplete: false })).toEqual([
      'context.changes.incomplete: must be true',
    ]);
  });
});

describe('words of a commit, as they may be signed', () => {
  const shown = (words: string, maxLength = 40) =>
    acceptableText(words, { maxLength, absent: '(no message)' });

  test.each([
    [
      'are left alone where they are fine',
      'Fix the checkout of Größe 38',
      'Fix the checkout of Größe 38',
    ],
    ['stand on one line, with single blanks', 'Fix\tthe \r\n\n  check\v\fout', 'Fix the check out'],
    ['have no blank at either end', '\n  Fix it \n', 'Fix it'],
    ['are composed', 'Gro\u0308\u00dfe', 'Gr\u00f6\u00dfe'],
    ['have hidden characters written out', 'a\u202eb\u0000c', 'a\\u{202E}b\\u{0000}c'],
    ['may be absent', '', '(no message)'],
    ['may be blank', ' \t\n ', '(no message)'],
  ])('%s', (_, words, expected) => {
    expect(shown(words)).toBe(expected);
    expect(problemsOf({ commits: [{ ...commit, subject: shown(words) }] })).toEqual([]);
  });

  test('are shortened in the middle', () => {
    expect(shown('0123456789', 10)).toBe('0123456789');
    expect(shown('01234567890', 10)).toBe('01234…7890');
  });

  test.each(secretSamples)('are hidden where they look like a secret: no. %# %s', (_, secret) => {
    expect(shown(`Use ${secret} for it`)).toBe('(hidden: looks like a secret)');
  });

  test('are hidden where they look like a secret on one line only', () => {
    const lines = ['-----BEGIN', 'PRIVATE KEY-----'].join('\n');
    expect(shown(lines)).toBe('(hidden: looks like a secret)');
  });

  test('are hidden where only a part of the secret would be shown', () => {
    const long = ['-----BEGIN', 'PRIVATE KEY-----', 'x'.repeat(99)].join(' ');
    expect(shown(long)).toBe('(hidden: looks like a secret)');
  });

  test('can be signed, whatever they are', () => {
    const unit = fc.constantFrom(
      ' ',
      '\n',
      '\u0000',
      '\u202e',
      'e',
      '\u0301',
      '\u0323',
      '\ud800',
      '😀',
      '\u034f',
    );
    const words = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit, minLength: 1, maxLength: 60 }),
    );
    fc.assert(
      fc.property(words, fc.integer({ min: 3, max: 30 }), (text, maxLength) => {
        expect(problemsOf({ commits: [{ ...commit, subject: shown(text, maxLength) }] })).toEqual(
          [],
        );
      }),
    );
  });
});
