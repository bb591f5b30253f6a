import { describe, expect, test } from '@jest/globals';
import { parseCommit } from '../../src/collect/commit-object.ts';

const tree = '1'.repeat(40);
const parent = '2'.repeat(40);
const people = [
  'author Ada <ada@example.com> 1700000000 +0100',
  'committer Kim <kim@example.com> 1700000001 +0000',
];

/** The bytes of a commit: its headers, and the message if it has one. */
function commit(headers: readonly string[], message?: string) {
  const end = message === undefined ? '' : `\n${message}`;
  return parseCommit({ type: 'commit', body: Buffer.from(`${headers.join('\n')}\n${end}`) });
}

describe('a commit', () => {
  test('says its tree, parents, people, subject and time', () => {
    const second = '3'.repeat(40);
    const headers = [`tree ${tree}`, `parent ${parent}`, `parent ${second}`, ...people];
    expect(
      commit(headers, 'Add a\nthing\n\nWords\n\nCo-authored-by: Lee <lee@example.com>\n'),
    ).toEqual({
      tree,
      parents: [parent, second],
      authors: [
        { name: 'Ada', email: 'ada@example.com' },
        { name: 'Lee', email: 'lee@example.com' },
      ],
      subject: 'Add a\nthing',
      time: 1_700_000_001,
    });
  });

  test('may have no message, no people and no time', () => {
    expect(commit([`tree ${tree}`])).toEqual({
      tree,
      parents: [],
      authors: [{ name: '', email: '' }],
      subject: '',
      time: 0,
    });
  });

  test('whose header has no end has no message', () => {
    expect(commit([`tree ${tree}`, ...people])).toMatchObject({ subject: '', time: 1_700_000_001 });
  });
});

describe('is no commit', () => {
  test.each([
    ['without anything', []],
    ['without a tree', people],
    ['whose tree is none', ['tree 12ab', ...people]],
    ['whose tree comes late', [...people, `tree ${tree}`]],
    ['with a parent that is none', [`tree ${tree}`, 'parent ../../etc', ...people]],
    ['with a short parent among others', [`tree ${tree}`, `parent ${parent}`, 'parent 12ab']],
  ])('one %s', (_, headers) => {
    expect(commit(headers, 'words')).toBeUndefined();
  });

  test('an object of another kind', () => {
    expect(parseCommit({ type: 'tag', body: Buffer.from(`tree ${tree}\n\n`) })).toBeUndefined();
  });
});
