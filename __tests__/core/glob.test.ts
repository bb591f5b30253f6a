import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { expandGlob, type FolderEntry } from '../../src/collect/glob.ts';
import { globLevels, globProblem, matchesGlob, nameMatcher } from '../../src/core/glob.ts';

describe('a glob matches', () => {
  test.each([
    ['refs/heads/main', 'refs/heads/main'],
    ['refs/heads/*', 'refs/heads/main'],
    ['refs/heads/release-?', 'refs/heads/release-1'],
    ['refs/heads/release/**', 'refs/heads/release/1'],
    ['refs/heads/release/**', 'refs/heads/release/2026/1'],
    ['refs/**/main', 'refs/main'],
    ['refs/**/main', 'refs/heads/a/b/main'],
    ['refs/**/**', 'refs/heads/main'],
    ['**', 'refs/heads/main'],
    ['refs/tags/v1.*', 'refs/tags/v1.2'],
    ['refs/heads/*', 'refs/heads/.hidden'],
    [
      'acme/shop/.github/workflows/deploy.yml@refs/heads/*',
      'acme/shop/.github/workflows/deploy.yml@refs/heads/main',
    ],
    [
      'gitlab.com/acme/shop/*/.gitlab-ci.yml@refs/heads/main',
      'gitlab.com/acme/shop//.gitlab-ci.yml@refs/heads/main',
    ],
  ])('%s: %s', (glob, text) => {
    expect(globProblem(glob)).toBeUndefined();
    expect(matchesGlob(glob, text)).toBe(true);
  });
});

describe('a glob does not match', () => {
  test.each([
    ['refs/heads/main', 'refs/heads/main2'],
    ['refs/heads/main', 'refs/heads/mai'],
    ['refs/heads/main', 'refs/heads/Main'],
    ['refs/heads/main', 'x/refs/heads/main'],
    ['refs/heads/main', 'refs/heads/main/x'],
    ['refs/heads/*', 'refs/heads/feature/x'],
    ['refs/heads/*', 'refs/heads'],
    ['refs/heads/release/**', 'refs/heads/release'],
    ['refs/tags/v1.*', 'refs/tags/v12'],
    ['refs/tags/v?', 'refs/tags/v'],
    ['refs/tags/v+', 'refs/tags/vv'],
    ['refs/**/main', 'refs/heads/mainly'],
    ['refs/heads/main', 'refs/heads/main\n'],
  ])('%s: %s', (glob, text) => {
    expect(matchesGlob(glob, text)).toBe(false);
  });
});

describe('a glob is refused', () => {
  const unclean =
    'must be a clean relative path: no slash at either end, no empty name, no . or ..';
  const partly = 'holds ** as a part of a name; it must stand alone between slashes';
  test.each([
    ...Array.from('[]{}()!\\').map((odd) => [
      `db/${odd}/x`,
      `holds "${odd}", which has no meaning here; use only *, ? and **, and an entry for each glob`,
    ]),
    ['', unclean],
    ['/db', unclean],
    ['db/', unclean],
    ['db//x', unclean],
    ['.', unclean],
    ['db/./x', unclean],
    ['../db', unclean],
    ['db/..', unclean],
    ['db/**x', partly],
    ['x**/db', partly],
    ['db/***', partly],
  ])('%j', (glob, problem) => {
    expect(globProblem(glob)).toBe(problem);
  });

  test.each(['db/.x', 'db/...', 'db/x.', 'db/..x', '*', 'a*b*/?', 'a,b', '@~#%&=+ $^|'])(
    'but not %j',
    (glob) => {
      expect(globProblem(glob)).toBeUndefined();
    },
  );
});

test.each([
  ['db/x', ['db', 'x']],
  ['**', ['**', '*']],
  ['db/**', ['db', '**', '*']],
  ['db/**/**', ['db', '**', '*']],
  ['db/**/**/**/x', ['db', '**', 'x']],
  ['**/db/**/x', ['**', 'db', '**', 'x']],
  ['db/*/*', ['db', '*', '*']],
])('the levels of %s: any number of names in a row is one level', (glob, levels) => {
  expect(globLevels(glob)).toEqual(levels);
});

describe('the pattern of a name', () => {
  test.each(Array.from('$()+.[]\\^{|}-/#,'))('takes %s as it is', (character) => {
    const fits = nameMatcher(`a${character}b${character}`);
    expect(fits(`a${character}b${character}`)).toBe(true);
    for (const other of ['ab', 'aab', 'axbx', '', 'a', 'b']) expect(fits(other)).toBe(false);
  });

  test.each([
    ['*', '', true],
    ['*', 'two\nlines', true],
    ['?', '\n', true],
    ['?', '🚀', true],
    ['?', '', false],
    ['??', '🚀', false],
    ['a*c', 'ac', true],
    ['a*c', 'abbc', true],
    ['a*c', 'abcd', false],
    ['a*c', 'xabc', false],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['a*b*c?', 'axbxcx', true],
  ])('%s, %j: %p', (pattern, name, fits) => {
    expect(nameMatcher(pattern)(name)).toBe(fits);
  });
});

/** The folders that these paths make. */
function folders(paths: readonly string[]): (folder: string) => readonly FolderEntry[] {
  return (folder) => {
    const entries = new Map<string, FolderEntry>();
    for (const path of paths) {
      const inside = folder === '' ? path : path.slice(folder.length + 1);
      if (folder !== '' && !path.startsWith(`${folder}/`)) continue;
      const [name = '', ...rest] = inside.split('/');
      entries.set(name, { name, kind: rest.length === 0 ? 'file' : 'folder' });
    }
    return [...entries.values()];
  };
}

test('a policy and the disk find the same files: there is one matcher', () => {
  const name = fc.constantFrom('a', 'b', 'ab', '.a');
  const pattern = fc.constantFrom('a', '*', '**', '?', 'a*', '*b', '.a');
  const paths = fc.uniqueArray(
    fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/')),
    { minLength: 1, maxLength: 12 },
  );
  const globs = fc.array(pattern, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'));
  let matched = 0;
  fc.assert(
    fc.property(paths, globs, (all, glob) => {
      // What is a file is no folder.
      const files = all.filter((path) => !all.some((other) => other.startsWith(`${path}/`)));
      const refuseLink = (): never => {
        throw new Error('There are no links here.');
      };
      const found = expandGlob(glob, { list: folders(files), refuseLink });
      expect([...found].sort()).toEqual(files.filter((path) => matchesGlob(glob, path)).sort());
      matched += found.length;
    }),
    { numRuns: 300 },
  );
  expect(matched).toBeGreaterThan(50);
});
