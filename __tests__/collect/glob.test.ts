import { describe, expect, test } from '@jest/globals';
import { expandGlob, type FolderEntry } from '../../src/collect/glob.ts';
import { globProblem } from '../../src/core/glob.ts';

/** A disk made of paths; a path that ends in `/ ->` is a link to a folder, one in ` ->` a link to a file. */
function expand(glob: string, paths: readonly string[]): readonly string[] {
  const list = (folder: string): readonly FolderEntry[] => {
    const start = folder === '' ? '' : `${folder}/`;
    const entries = new Map<string, FolderEntry>();
    for (const path of paths.filter((each) => each.startsWith(start))) {
      const [name = '', ...rest] = path.slice(start.length).split('/');
      if (rest[0] === ' ->') entries.set(name, { name, kind: 'linked-folder' });
      else if (rest.length > 0) entries.set(name, { name, kind: 'folder' });
      else if (name.endsWith(' ->')) entries.set(name, { name: name.slice(0, -3), kind: 'link' });
      else entries.set(name, { name, kind: 'file' });
    }
    return [...entries.values()];
  };
  const refuseLink = (path: string): never => {
    throw new Error(`link ${path}`);
  };
  return expandGlob(glob, { list, refuseLink });
}

const disk = [
  'db/010.sql',
  'db/002.sql',
  'db/001.SQL',
  'db/.hidden.sql',
  'db/notes.md',
  'db/old/000.sql',
  'db/old/deep/er/000.sql',
  'db/a+b(1).sql',
  'db/[id].sql',
  'top.sql',
];

describe('what a glob matches', () => {
  test.each([
    ['db/001.SQL', ['db/001.SQL']],
    ['db/???.sql', ['db/002.sql', 'db/010.sql']],
    ['db/*.sql', ['db/.hidden.sql', 'db/002.sql', 'db/010.sql', 'db/[id].sql', 'db/a+b(1).sql']],
    ['*.sql', ['top.sql']],
    ['*/*/*.sql', ['db/old/000.sql']],
    ['db/?id?.sql', ['db/[id].sql']],
    ['db/a+b?1?.sql', ['db/a+b(1).sql']],
    ['db/old/**', ['db/old/000.sql', 'db/old/deep/er/000.sql']],
    ['**/000.sql', ['db/old/000.sql', 'db/old/deep/er/000.sql']],
    ['**/**/er/**/*.sql', ['db/old/deep/er/000.sql']],
    ['db/**/002.sql', ['db/002.sql']],
  ])('%s', (glob, expected) => {
    expect(globProblem(glob)).toBeUndefined();
    expect(expand(glob, disk)).toEqual(expected);
  });

  test.each([
    'db',
    'db/old',
    'DB/*.sql',
    'db/001.sql',
    'db/*.sq',
    'db/*l/x',
    'b/*.sql',
    'db/002.sql/*',
    'db/...sql',
  ])('%s matches nothing here', (glob) => {
    expect(globProblem(glob)).toBeUndefined();
    expect(expand(glob, disk)).toEqual([]);
  });

  test('the order is that of the bytes, not of UTF-16', () => {
    const paths = ['b/\u{1F600}.sql', 'b/\uFF5E.sql', 'b/z.sql', 'b/Z.sql', 'b/10.sql', 'b/9.sql'];
    expect(expand('b/*', paths)).toEqual([
      'b/10.sql',
      'b/9.sql',
      'b/Z.sql',
      'b/z.sql',
      'b/\uFF5E.sql',
      'b/\u{1F600}.sql',
    ]);
  });

  test('a question mark is one character, and a line break is one too', () => {
    expect(expand('b/?', ['b/\u{1F600}', 'b/\n', 'b/ab'])).toEqual(['b/\n', 'b/\u{1F600}']);
  });
});

describe('links', () => {
  test('to folders are refused wherever the glob would look into them', () => {
    const paths = ['db/001.sql', 'db/current/ ->'];
    for (const glob of [
      'db/*/001.sql',
      'db/**/*.sql',
      '**/001.sql',
      'db/current/*.sql',
      'db/*',
      '**',
    ]) {
      expect(() => expand(glob, paths)).toThrow('link db/current');
    }
    expect(expand('db/*.sql', paths)).toEqual(['db/001.sql']);
  });

  test('to files are matched by their name', () => {
    expect(expand('db/*.sql', ['db/001.sql ->'])).toEqual(['db/001.sql']);
  });
});

describe('a glob is refused', () => {
  test.each(['', '/db/*.sql', 'db//x.sql', 'db/', './db/*.sql', 'db/../etc/x', '..', 'db/.'])(
    '%j: not a clean relative path',
    (glob) => {
      expect(globProblem(glob)).toContain('must be a clean relative path');
    },
  );

  test.each(['db/[0-9].sql', 'db/{a,b}.sql', '!db/x.sql', 'db\\x.sql', 'db/+(a).sql'])(
    '%j: characters that have a meaning elsewhere',
    (glob) => {
      expect(globProblem(glob)).toContain('has no meaning here; use only *, ? and **');
    },
  );

  test.each(['db/**.sql', 'db/a**/x', '***/x'])('%j: ** as a part of a name', (glob) => {
    expect(globProblem(glob)).toContain('it must stand alone');
  });
});
