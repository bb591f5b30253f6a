import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { collectMigration } from '../../src/collect/migrations.ts';
import { withGit } from '../../src/collect/git.ts';
import type { SqlDialect } from '../../src/collect/declared.ts';
import { findRepository } from '../../src/collect/repository.ts';
import { changesSince } from '../../src/collect/since.ts';
import { proveWorkTree } from '../../src/collect/tree.ts';
import { sha256Hex } from '../../src/core/hash.ts';
import { faultOf, temporaryFolder, TestRepository } from './git-repository.ts';

const root = temporaryFolder();
afterAll(() => rmSync(root, { recursive: true, force: true }));
let count = 0;
let repo: TestRepository;
beforeEach(() => {
  repo = new TestRepository(join(root, `case-${(count += 1)}`));
  for (const name of ['001', '002', '010']) repo.write(`db/${name}.sql`, `-- ${name}\n`);
  repo.write('seed/a.sql').write('seed/b.sql').commitAll();
});

interface Declared {
  /** Reads the files as SQL; else they are of kind `other`. */
  readonly dialect?: SqlDialect;
  readonly since?: string;
}

/** Proves the work tree as it was committed, makes the change, then collects the migration. */
async function collect(
  globs: readonly string[],
  change = (): unknown => undefined,
  { dialect, ...since }: Declared = {},
) {
  const repository = await findRepository({ start: repo.top });
  const commit = repo.head();
  return withGit({ path: undefined, untrusted: [] }, async (git) => {
    const proof = await proveWorkTree(git, { repository, commit });
    change();
    const files = { globs, command: 'npm run migrate', ...since };
    return collectMigration({
      declared:
        dialect === undefined ? { kind: 'other', ...files } : { kind: 'sql', dialect, ...files },
      top: repo.top,
      ...proof,
      findSince: (ref) => changesSince(git, { repository, commit, since: ref }),
    });
  });
}

async function pathsOf(
  globs: readonly string[],
  change = (): unknown => undefined,
  declared: Declared = {},
) {
  const { migration } = await collect(globs, change, declared);
  return migration.kind === 'none' ? [] : migration.files.map(({ path }) => path);
}

async function refusal(
  globs: readonly string[],
  change = (): unknown => undefined,
  declared: Declared = {},
) {
  const { code, message } = await faultOf(() => collect(globs, change, declared));
  return `${code}: ${message}`;
}

const nothing = (): undefined => undefined;
const sqlFacts = async (...globs: string[]) =>
  (await collect(globs, nothing, { dialect: 'postgresql' })).migration;

describe('what a migration runs', () => {
  test('harmless SQL: files with the hashes of their bytes, no statements', async () => {
    expect(await sqlFacts('db/*.sql')).toEqual({
      kind: 'sql',
      command: 'npm run migrate',
      destructive: false,
      files: ['001', '002', '010'].map((name) => ({
        path: `db/${name}.sql`,
        sha256: sha256Hex(`-- ${name}\n`),
      })),
    });
  });

  test('destructive SQL: each statement with its file and line, in order', async () => {
    repo.write('db/002.sql', '-- old names\n\nDROP TABLE users;\nSELECT 1;\nDROP TABLE carts;\n');
    repo.write('db/001.sql', 'TRUNCATE orders;').commitAll();
    expect(await sqlFacts('db/002.sql', 'db/*.sql')).toMatchObject({
      destructive: true,
      statements: [
        'db/002.sql:3 DROP TABLE users',
        'db/002.sql:5 DROP TABLE carts',
        'db/001.sql:1 TRUNCATE orders',
      ],
    });
  });

  test('the log lists them, and says nothing of a harmless migration', async () => {
    const notices = async () =>
      (await collect(['db/*.sql'], nothing, { dialect: 'mysql' })).notices;
    expect(await notices()).toEqual([]);
    repo.write('db/002.sql', 'DROP TABLE users').commitAll();
    expect(await notices()).toEqual([
      'The migration counts as destructive:',
      '  db/002.sql:1 DROP TABLE users',
    ]);
  });

  test('what does not parse is destructive, and named with its line', async () => {
    repo.write('db/002.sql', 'SELECT 1;\nDORP TABLE users;\n').commitAll();
    expect(await sqlFacts('db/*.sql')).toMatchObject({
      destructive: true,
      statements: [
        'db/002.sql:2 unknown, does not parse (syntax error at or near "DORP"): DORP TABLE users',
      ],
    });
  });

  test('what is not UTF-8 is destructive', async () => {
    repo.write('db/002.sql', Buffer.from("SELECT '\xe9'", 'latin1')).commitAll();
    expect(await sqlFacts('db/*.sql')).toMatchObject({
      destructive: true,
      statements: ['db/002.sql:1 unknown, is not UTF-8 text'],
    });
  });

  test('other: never read, always destructive', async () => {
    expect((await collect(['db/001.sql'])).migration).toEqual({
      kind: 'other',
      command: 'npm run migrate',
      destructive: true,
      files: [{ path: 'db/001.sql', sha256: sha256Hex('-- 001\n') }],
    });
  });

  test('none reads nothing', async () => {
    const none = { declared: { kind: 'none' }, top: '/nowhere', files: [], leftOut: [] } as const;
    const findSince = () => Promise.reject(new Error('asked for'));
    expect(await collectMigration({ ...none, findSince })).toEqual({
      migration: { kind: 'none' },
      notices: [],
    });
  });

  test('lines in their order, bytewise within a line, each file once', async () => {
    expect(await pathsOf(['seed/*', 'db/010.sql', 'db/*.sql', 'seed/a.sql'])).toEqual([
      'seed/a.sql',
      'seed/b.sql',
      'db/010.sql',
      'db/001.sql',
      'db/002.sql',
    ]);
  });

  test('files of a submodule belong to it', async () => {
    const library = new TestRepository(join(root, 'library'));
    library.write('sql/1.sql').commitAll();
    repo.git('submodule', '--quiet', 'add', library.top, 'vendor');
    repo.commitAll();
    expect(await pathsOf(['vendor/sql/*', 'vendor/**/1.sql'])).toEqual(['vendor/sql/1.sql']);
  });
});

describe('a migration is refused', () => {
  test('a glob without a match', async () => {
    expect(await refusal(['db/*.sql', 'sql/*.sql'])).toBe(
      'configuration: migration-files: the glob "sql/*.sql" matches no file. Globs start at the root of the checkout; with no migration to run, say migration: none.',
    );
    expect(await refusal(['db'])).toContain('matches no file');
    expect(await refusal([' db/*.sql'])).toContain('the glob " db/*.sql" matches no file');
  });

  test('a glob that leads out of the checkout', async () => {
    writeFileSync(join(root, 'outside.sql'), '');
    expect(await refusal(['../outside.sql'])).toMatch(
      /^configuration: .*must be a clean relative path/,
    );
    expect(await refusal([join(root, 'outside.sql')])).toMatch(
      /^configuration: .*must be a clean relative path/,
    );
  });

  test('a file that the commit does not hold, though it would run', async () => {
    const text = await refusal(['db/*.sql'], () => repo.write('db/003.sql').write('db/.004.sql'));
    expect(text).toBe(
      'facts_mismatch: migration-files: the glob "db/*.sql" matches what the commit does not hold: db/.004.sql, db/003.sql. Commit it, remove it, or narrow the glob.',
    );
  });

  test('more than ten such files: ten are named, the rest counted', async () => {
    const text = await refusal(['db/*.sql'], () => {
      for (let file = 100; file < 115; file += 1) repo.write(`db/${file}.sql`);
    });
    expect(text).toContain('db/109.sql and 5 more. Commit it');
  });

  test('a committed file that a sparse checkout leaves out', async () => {
    repo.git('sparse-checkout', 'set', '--no-cone', '/*', '!/db/002.sql');
    expect(await refusal(['db/*.sql'])).toBe(
      'facts_uncollectable: migration-files: the glob "db/*.sql" matches what the sparse checkout leaves out: db/002.sql. Check it out too, or narrow the glob.',
    );
  });

  test('a symbolic link to a file, committed or not, inside or out', async () => {
    symlinkSync('001.sql', join(repo.top, 'db/000.sql'));
    repo.commitAll();
    expect(await refusal(['db/*.sql'])).toBe(
      'facts_uncollectable: migration-files: db/000.sql is a symbolic link, so what it stands for can change without the commit. Name the files themselves.',
    );
    expect(
      await refusal(['seed/*'], () => symlinkSync('/etc/passwd', join(repo.top, 'seed/c'))),
    ).toMatch(/^facts_mismatch: .*does not hold: seed\/c\./);
  });

  test('a link to a folder, where files outside of the tree would run', async () => {
    symlinkSync(root, join(repo.top, 'db/more'));
    repo.commitAll();
    const text = 'facts_uncollectable: migration-files: db/more is a symbolic link';
    expect(await refusal(['db/**/*.sql'])).toContain(text);
    expect(await refusal(['db/more/*.sql'])).toContain(text);
    expect(await pathsOf(['db/*.sql'])).toHaveLength(3);
  });

  test('a link put in the place of a proven file', async () => {
    const swap = () => {
      repo.remove('seed/a.sql');
      symlinkSync('b.sql', join(repo.top, 'seed/a.sql'));
    };
    expect(await refusal(['seed/*.sql'], swap)).toMatch(
      /^facts_uncollectable: .*seed\/a\.sql can't be read/,
    );
  });

  test('a file that is too large; one of exactly the limit is not', async () => {
    repo.write('db/011.sql', Buffer.alloc(1024 * 1024)).commitAll();
    expect(await pathsOf(['db/*.sql'])).toHaveLength(4);
    repo.write('db/011.sql', Buffer.alloc(1024 * 1024 + 1)).commitAll();
    expect(await refusal(['db/*.sql'])).toMatch(
      /^facts_uncollectable: The migration file db\/011\.sql is larger than 1048576 bytes/,
    );
  });

  test('files that are too large together', async () => {
    for (let file = 0; file < 33; file += 1)
      repo.write(`big/${file}.sql`, Buffer.alloc(1024 * 1024));
    repo.commitAll();
    expect(await refusal(['big/*'])).toMatch(
      /^facts_uncollectable: The 33 migration files hold 34603008 bytes together, more than/,
    );
  });

  test('globs that lead through the same folders again and again', async () => {
    // 40 folders in each other with 20 files in each: 800 files, but thousands of ways through them.
    const folders = Array.from({ length: 40 }, (_, depth) => 'a/'.repeat(depth + 1));
    for (const folder of folders) {
      for (let number = 0; number < 20; number += 1) repo.write(`${folder}${number}.txt`, '');
    }
    repo.write(`${folders.at(-1)}last.sql`).commitAll();
    expect(await pathsOf(['**/last.sql'])).toHaveLength(1);
    expect(await refusal(['**/*/**/*/**/*/**/last.sql'])).toBe(
      'facts_uncollectable: migration-files: the globs lead through more than 200000 files and folders. Name the folders of the migrations instead of searching with **.',
    );
  });

  test('too many files', async () => {
    for (let file = 0; file < 1001; file += 1) repo.write(`many/${file}.sql`, '');
    repo.commitAll();
    expect(await refusal(['many/*'])).toMatch(
      /^facts_uncollectable: The migration has 1001 files; at most 1000/,
    );
    repo.remove('many/0.sql').commitAll();
    expect(await pathsOf(['many/*'])).toHaveLength(1000);
  });

  test('a name that is not UTF-8', async () => {
    writeFileSync(Buffer.from(`${repo.top}/db/\xff.sql`, 'latin1'), '');
    repo.commitAll();
    expect(await refusal(['db/*.sql'])).toMatch(
      /^facts_uncollectable: The name of the migration file db\/\uFFFD\.sql is not UTF-8/,
    );
  });
});

describe('since limits the files to those that the deployed commit adds or changes', () => {
  let first: string;
  beforeEach(() => {
    first = repo.head();
    repo.git('tag', 'v1');
    repo.write('db/003.sql', '-- new').write('db/001.sql', '-- changed').remove('db/010.sql');
    repo.commitAll();
  });
  const since = (name: string) => ({ since: name });
  const limited = ['db/001.sql', 'db/003.sql'];

  test('by a full id, a tag, a branch, a branch of origin, an annotated tag', async () => {
    repo.git('branch', 'release/1', first);
    repo.git('update-ref', 'refs/remotes/origin/stable', first);
    repo.git('tag', '--annotate', '--message=second', 'v1.0', first);
    for (const name of [first, 'v1', 'refs/tags/v1', 'release/1', 'stable', 'v1.0']) {
      expect(await pathsOf(['db/*.sql'], nothing, since(name))).toEqual(limited);
    }
  });

  test('the log says which commit it was, and how many files are left', async () => {
    const { notices } = await collect(['db/*.sql'], nothing, since('v1'));
    expect(notices).toEqual([
      `since refs/tags/v1 is commit ${first}: the deployed commit adds or changes 2 of 3 migration files.`,
    ]);
  });

  test('a file that only became executable is not changed', async () => {
    repo.makeExecutable('db/002.sql').commitAll();
    expect(await pathsOf(['db/*.sql'], nothing, since('v1'))).toEqual(limited);
  });

  test('a link whose text became a file of the same bytes is changed', async () => {
    symlinkSync('DROP TABLE users', join(repo.top, 'db/004.sql'));
    const before = repo.commitAll();
    repo.remove('db/004.sql').write('db/004.sql', 'DROP TABLE users').commitAll();
    expect(repo.git('rev-parse', `${before}:db/004.sql`)).toBe(
      repo.git('rev-parse', 'HEAD:db/004.sql'),
    );
    expect(await pathsOf(['db/*.sql'], nothing, since(before))).toEqual(['db/004.sql']);
  });

  test('of an earlier commit no folder is opened but where a file leads', async () => {
    // 20 objects, and 10 to the power of 20 folders.
    const bomb = repo.commitOf(repo.bomb(20, repo.git('rev-parse', 'HEAD^{tree}')));
    expect(await pathsOf(['db/*.sql'], nothing, since(bomb))).toEqual([
      'db/001.sql',
      'db/002.sql',
      'db/003.sql',
    ]);
  });

  test('a ref that names no commit', async () => {
    const blob = repo.git('rev-parse', 'HEAD:db/001.sql');
    repo.git('update-ref', 'refs/tags/blob', blob);
    expect(await refusal(['db/*.sql'], nothing, since('blob'))).toBe(
      `facts_uncollectable: since: the commit refs/tags/blob (${blob}) can't be read in this checkout. A shallow checkout does not hold it: fetch it (actions/checkout with fetch-depth: 0). The git object ${blob} is no commit, nor a tag of one.`,
    );
  });

  test('a file in the place of a folder, and of a submodule', async () => {
    const library = new TestRepository(join(root, `library-${count}`));
    library.write('1.sql').commitAll();
    repo.git('submodule', '--quiet', 'add', library.top, 'vendor');
    const before = repo.commitAll();
    expect(await refusal(['vendor/*.sql'], nothing, since(before))).toContain('changes none since');
    const submodule = new TestRepository(join(repo.top, 'vendor'));
    submodule.write('2.sql').commitAll();
    repo.commitAll();
    expect(await pathsOf(['vendor/*.sql'], nothing, since(before))).toEqual([
      'vendor/1.sql',
      'vendor/2.sql',
    ]);
  });

  test('nothing is left', async () => {
    expect(await refusal(['seed/*.sql'], nothing, since('v1'))).toBe(
      `configuration: migration-files: of 2 files the deployed commit adds or changes none since refs/tags/v1 (${first}). With no migration to run, say migration: none; else correct since.`,
    );
  });

  test('a name that means two commits', async () => {
    repo.git('branch', 'v1');
    expect(await refusal(['db/*.sql'], nothing, since('v1'))).toMatch(
      /^configuration: since: "v1" means refs\/heads\/v1 and refs\/tags\/v1, which are different/,
    );
    expect(await pathsOf(['db/*.sql'], nothing, since('refs/tags/v1'))).toEqual(limited);
  });

  test('a branch named like the full id of another commit is not looked at', async () => {
    repo.git('update-ref', `refs/heads/${first}`, 'HEAD');
    expect(await pathsOf(['db/*.sql'], nothing, since(first))).toEqual(limited);
  });

  test('a name that stands for all below it is none', async () => {
    repo.git('branch', 'old/one', first);
    expect(await refusal(['db/*.sql'], nothing, since('old'))).toMatch(
      /^facts_uncollectable: since: there is no tag or branch "old"/,
    );
  });

  test.each([
    'HEAD~1',
    'v1^{}',
    '--all',
    'refs/tags/*',
    'v1..main',
    'a b',
    '@{-1}',
    'v1\n',
    '/v1',
    'v1/',
  ])('an expression, a pattern or an option: %j', async (name) => {
    expect(await refusal(['db/*.sql'], nothing, since(name))).toMatch(
      /^configuration: since: .* is neither a full commit id nor the name of a tag or branch/,
    );
  });

  test.each(['HEAD', 'abcdef1', 'v2'])(
    'a short id, HEAD, or a name that is not there: %s',
    async (name) => {
      expect(await refusal(['db/*.sql'], nothing, since(name))).toMatch(
        /^facts_uncollectable: since/,
      );
    },
  );

  test('a replace ref that shows another commit is not followed', async () => {
    const now = repo.head();
    repo.git('replace', first, now);
    expect(await pathsOf(['db/*.sql'], nothing, since('v1'))).toEqual(limited);
  });

  test('a commit that a shallow checkout does not hold', async () => {
    const absent = '1'.repeat(40);
    expect(await refusal(['db/*.sql'], nothing, since(absent))).toMatch(
      /^facts_uncollectable: since: the commit 1{40} can't be read in this checkout.*fetch-depth: 0/,
    );
  });
});
