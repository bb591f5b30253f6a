import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { collectMigration } from '../../src/collect/migrations.ts';
import { withGit } from '../../src/collect/git.ts';
import { findRepository } from '../../src/collect/repository.ts';
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

/** Proves the work tree as it was committed, makes the change, then collects the migration. */
async function collect(globs: readonly string[], change = (): unknown => undefined) {
  const repository = await findRepository({ start: repo.top });
  const proof = await withGit({ path: undefined, untrusted: [] }, (git) =>
    proveWorkTree(git, { repository, commit: repo.head() }),
  );
  change();
  const declared = { kind: 'sql', globs, command: 'npm run migrate' } as const;
  return collectMigration({ declared, top: repo.top, ...proof });
}

async function pathsOf(globs: readonly string[], change = (): unknown => undefined) {
  const migration = await collect(globs, change);
  return migration.kind === 'none' ? [] : migration.files.map(({ path }) => path);
}

async function refusal(globs: readonly string[], change = (): unknown => undefined) {
  const { code, message } = await faultOf(() => collect(globs, change));
  return `${code}: ${message}`;
}

describe('what a migration runs', () => {
  test('files with the hashes of their bytes; not analysed counts as destructive', async () => {
    expect(await collect(['db/*.sql'])).toEqual({
      kind: 'sql',
      command: 'npm run migrate',
      destructive: true,
      files: ['001', '002', '010'].map((name) => ({
        path: `db/${name}.sql`,
        sha256: sha256Hex(`-- ${name}\n`),
      })),
      statements: ['not analysed'],
    });
  });

  test('other: the same, destructive, without statements', async () => {
    const declared = { kind: 'other', globs: ['db/001.sql'], command: './migrate' } as const;
    const files = [{ path: 'db/001.sql', kind: 'file' }] as const;
    await Promise.resolve();
    expect(collectMigration({ declared, top: repo.top, files, leftOut: [] })).toEqual({
      kind: 'other',
      command: './migrate',
      destructive: true,
      files: [{ path: 'db/001.sql', sha256: sha256Hex('-- 001\n') }],
    });
  });

  test('none reads nothing', () => {
    const none = { declared: { kind: 'none' }, top: '/nowhere', files: [], leftOut: [] } as const;
    expect(collectMigration(none)).toEqual({ kind: 'none' });
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
    expect(await refusal(['../outside.sql'])).toMatch(/^configuration: .*must be a clean relative path/);
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
