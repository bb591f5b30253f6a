import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withGit } from '../../src/collect/git.ts';
import { findRepository } from '../../src/collect/repository.ts';
import { proveWorkTree } from '../../src/collect/tree.ts';
import { faultOf, gitIn, temporaryFolder, TestRepository } from './git-repository.ts';

const root = temporaryFolder();
afterAll(() => rmSync(root, { recursive: true, force: true }));
let count = 0;
const freshFolder = () => join(root, `case-${(count += 1)}`);

async function prove(top: string, commit: string) {
  const repository = await findRepository({ start: top });
  return withGit({ path: undefined, untrusted: [] }, (git) =>
    proveWorkTree(git, { repository, commit }),
  );
}

async function problemsOf(top: string, commit: string) {
  const { code, details } = await faultOf(() => prove(top, commit));
  return [code, ...(details.problems ?? []).map(({ message }) => message)];
}

/** The commands of actions/checkout v5 for one commit, as its log shows them. */
function checkoutAsAction(
  origin: string,
  commit: string,
  options: { readonly sparse?: readonly string[]; readonly cone?: boolean } = {},
): TestRepository {
  const checkout = new TestRepository(freshFolder());
  const { sparse, cone = true } = options;
  checkout.git('remote', 'add', 'origin', `file://${origin}`);
  checkout.git('config', '--local', 'gc.auto', '0');
  const filter = sparse === undefined ? [] : ['--filter=blob:none'];
  const refspec = `+${commit}:refs/remotes/origin/main`;
  checkout.git(
    '-c',
    'protocol.version=2',
    'fetch',
    '--quiet',
    '--no-tags',
    '--prune',
    ...filter,
    '--depth=1',
    'origin',
    refspec,
  );
  if (sparse !== undefined && cone) checkout.git('sparse-checkout', 'set', ...sparse);
  if (sparse !== undefined && !cone) {
    checkout.git('config', 'core.sparseCheckout', 'true');
    mkdirSync(join(checkout.top, '.git', 'info'), { recursive: true });
    writeFileSync(
      join(checkout.top, '.git', 'info', 'sparse-checkout'),
      `\n${sparse.join('\n')}\n`,
    );
  }
  checkout.git('checkout', '--quiet', '--force', '-B', 'main', 'refs/remotes/origin/main');
  return checkout;
}

let origin: TestRepository;
let commit: string;
beforeEach(() => {
  origin = new TestRepository(freshFolder());
  origin.git('config', 'uploadpack.allowFilter', 'true');
  origin.git('config', 'uploadpack.allowAnySHA1InWant', 'true');
  for (const path of ['README.md', 'api/app.ts', 'api/db/001.sql', 'web/app.ts', 'web/db/001.sql'])
    origin.write(path);
  origin.commitAll();
  commit = origin.write('README.md', 'second\n').commitAll();
});

describe('checkouts as actions/checkout makes them', () => {
  test('shallow', async () => {
    const { top } = checkoutAsAction(origin.top, commit);
    expect((await prove(top, commit)).files).toHaveLength(5);
  });

  test('sparse by folders: what is left out is counted', async () => {
    const { top } = checkoutAsAction(origin.top, commit, { sparse: ['api'] });
    const { files, leftOut } = await prove(top, commit);
    expect(files.map(({ path }) => path).sort()).toEqual([
      'README.md',
      'api/app.ts',
      'api/db/001.sql',
    ]);
    expect(leftOut).toEqual(['web/app.ts', 'web/db/001.sql']);
  });

  test('sparse by patterns', async () => {
    const { top } = checkoutAsAction(origin.top, commit, {
      sparse: ['*.sql', '!/web/**'],
      cone: false,
    });
    const { files, leftOut } = await prove(top, commit);
    expect(files).toEqual([{ path: 'api/db/001.sql', kind: 'file' }]);
    expect(leftOut).toHaveLength(4);
  });

  test('sparse: a file changed inside, and one changed outside of what is checked out', async () => {
    const checkout = checkoutAsAction(origin.top, commit, { sparse: ['api'] });
    checkout.write('api/app.ts', 'changed\n').write('web/app.ts', 'planted\n');
    expect(await problemsOf(checkout.top, commit)).toEqual([
      'facts_mismatch',
      'api/app.ts has other content',
      'web/app.ts has other content',
    ]);
  });

  test('sparse: a file that the patterns keep was deleted and marked skip-worktree', async () => {
    const checkout = checkoutAsAction(origin.top, commit, { sparse: ['api'] });
    checkout.git('update-index', '--skip-worktree', 'api/app.ts');
    checkout.remove('api/app.ts');
    expect(checkout.git('status', '--porcelain')).toBe('');
    expect(await problemsOf(checkout.top, commit)).toEqual([
      'facts_mismatch',
      'api/app.ts is missing',
    ]);
  });

  test('patterns without core.sparseCheckout leave nothing out, nor does the setting without patterns', async () => {
    const checkout = checkoutAsAction(origin.top, commit);
    checkout.remove('web');
    const missing = ['facts_mismatch', 'web/app.ts is missing', 'web/db/001.sql is missing'];
    writeFileSync(join(checkout.top, '.git/info/sparse-checkout'), '/*\n!/web/\n');
    expect(await problemsOf(checkout.top, commit)).toEqual(missing);
    checkout.git('config', 'core.sparseCheckout', 'true');
    expect((await prove(checkout.top, commit)).leftOut).toHaveLength(2);
    rmSync(join(checkout.top, '.git/info/sparse-checkout'));
    expect(await problemsOf(checkout.top, commit)).toEqual(missing);
  });

  // Only root can give a folder to someone else.
  (process.getuid?.() === 0 ? test : test.skip)(
    'owned by another user, as in a container job',
    async () => {
      const { top } = checkoutAsAction(origin.top, commit, { sparse: ['api'] });
      const { execFileSync } = await import('node:child_process');
      execFileSync('chown', ['-R', '12345:12345', top]);
      expect(() => gitIn(top, ['status'])).toThrow('dubious ownership');
      expect((await prove(top, commit)).leftOut).toHaveLength(2);
    },
  );
});

describe('submodules', () => {
  let library: TestRepository;
  let recorded: string;
  beforeEach(() => {
    library = new TestRepository(freshFolder());
    recorded = library.write('lib.ts').write('inner/x').commitAll();
    origin.git('submodule', '--quiet', 'add', library.top, 'vendor/library');
    commit = origin.commitAll();
  });

  test('are proven file by file', async () => {
    const { files } = await prove(origin.top, commit);
    expect(files.map(({ path }) => path)).toContain('vendor/library/inner/x');
    origin.write('vendor/library/inner/x', 'changed\n');
    expect(await problemsOf(origin.top, commit)).toEqual([
      'facts_mismatch',
      'vendor/library/inner/x has other content',
    ]);
  });

  test('inside of submodules too', async () => {
    const outer = new TestRepository(freshFolder());
    outer.git('submodule', '--quiet', 'add', origin.top, 'shop');
    outer.git('submodule', '--quiet', 'update', '--init', '--recursive');
    const id = outer.commitAll();
    expect((await prove(outer.top, id)).files.map(({ path }) => path)).toContain(
      'shop/vendor/library/lib.ts',
    );
    outer.write('shop/vendor/library/lib.ts', 'changed\n');
    expect(await problemsOf(outer.top, id)).toEqual([
      'facts_mismatch',
      'shop/vendor/library/lib.ts has other content',
    ]);
  });

  test('at another commit than the recorded one are refused, though their files are the same', async () => {
    gitIn(join(origin.top, 'vendor/library'), [
      'commit',
      '--quiet',
      '--allow-empty',
      '--message=moved',
    ]);
    const moved = gitIn(join(origin.top, 'vendor/library'), ['rev-parse', 'HEAD']);
    origin.git('config', 'submodule.vendor/library.ignore', 'all');
    expect(origin.git('status', '--porcelain')).toBe('');
    expect(await problemsOf(origin.top, commit)).toEqual([
      'facts_mismatch',
      `vendor/library is a submodule at ${moved} and should be at ${recorded}`,
    ]);
  });

  test('may be left out; then their folder is empty', async () => {
    const checkout = checkoutAsAction(origin.top, commit);
    const { files, leftOut } = await prove(checkout.top, commit);
    expect(files).toHaveLength(6);
    expect(leftOut).toEqual(['vendor/library']);
    checkout.write('vendor/library/lib.ts', 'planted\n');
    expect(checkout.git('status', '--porcelain')).toBe('');
    expect(await problemsOf(checkout.top, commit)).toEqual([
      'facts_mismatch',
      'vendor/library is a submodule that was not checked out, and holds files',
    ]);
  });

  test('replaced by a link, or gone', async () => {
    origin.remove('vendor/library');
    expect(await problemsOf(origin.top, commit)).toEqual([
      'facts_mismatch',
      'vendor/library is missing',
    ]);
    symlinkSync(library.top, join(origin.top, 'vendor/library'));
    expect(await problemsOf(origin.top, commit)).toEqual([
      'facts_mismatch',
      'vendor/library is a symbolic link and should be a folder',
    ]);
  });
});

describe('files that a checkout converts', () => {
  const content = Buffer.from('a large file\0\r\n'.repeat(1000));
  const oid = createHash('sha256').update(content).digest('hex');
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${content.length}\n`;

  function commitPointer(attributes: string) {
    origin.write('.gitattributes', attributes).write('model.bin', pointer);
    commit = origin.commitAll();
  }

  test('a Git LFS file is proven by its pointer in the commit, checked out or not', async () => {
    commitPointer('*.bin filter=lfs diff=lfs merge=lfs -text\n');
    expect((await prove(origin.top, commit)).files).toHaveLength(7);
    origin.write('model.bin', content);
    expect((await prove(origin.top, commit)).files).toHaveLength(7);
  });

  test('another file than the pointer names is refused', async () => {
    commitPointer('*.bin filter=lfs diff=lfs merge=lfs -text\n');
    const flaw = 'model.bin is not the Git LFS file whose pointer the commit holds';
    for (const other of [Buffer.concat([content, content]), Buffer.alloc(content.length), '']) {
      origin.write('model.bin', other);
      expect(await problemsOf(origin.top, commit)).toEqual(['facts_mismatch', flaw]);
    }
    // A pointer to the changed file is not the commit's pointer.
    origin.write('model.bin', pointer.replace(oid, '0'.repeat(64)));
    expect(await problemsOf(origin.top, commit)).toEqual(['facts_mismatch', flaw]);
  });

  test('the content of a pointer is refused where the commit does not say filter=lfs', async () => {
    commitPointer('*.txt filter=lfs\n');
    origin.write('model.bin', content);
    // Attributes that are not of the commit do not count.
    writeFileSync(join(origin.top, '.git/info/attributes'), '*.bin filter=lfs\n');
    writeFileSync(join(root, 'attributes'), '*.bin filter=lfs\n');
    origin.git('config', 'core.attributesFile', join(root, 'attributes'));
    expect(await problemsOf(origin.top, commit)).toEqual([
      'facts_mismatch',
      'model.bin has other content',
    ]);
  });

  test('nor does it count that another file with the same pointer says filter=lfs', async () => {
    origin.write('.gitattributes', 'model.bin filter=lfs\n').write('model.bin', pointer);
    commit = origin.write('fixture.txt', pointer).commitAll();
    origin.write('model.bin', content).write('fixture.txt', content);
    expect(await problemsOf(origin.top, commit)).toEqual([
      'facts_mismatch',
      'fixture.txt has other content',
    ]);
  });

  test('a file that says filter=lfs without being a pointer, changed', async () => {
    origin.write('.gitattributes', '*.bin filter=lfs\n').write('model.bin', 'no pointer\n');
    commit = origin.commitAll();
    expect((await prove(origin.top, commit)).files).toHaveLength(7);
    origin.write('model.bin', 'changed\n');
    expect(await problemsOf(origin.top, commit)).toEqual([
      'facts_mismatch',
      'model.bin has other content',
    ]);
  });

  test('nor is one that says so and is longer than any pointer', async () => {
    origin.write('.gitattributes', '*.bin filter=lfs\n');
    commit = origin.write('model.bin', pointer + '\n'.repeat(1024)).commitAll();
    origin.write('model.bin', content);
    expect(await problemsOf(origin.top, commit)).toEqual([
      'facts_mismatch',
      'model.bin has other content',
    ]);
  });

  test('a git that says nothing of the attributes: nothing is proven', async () => {
    commitPointer('*.bin filter=lfs\n');
    origin.write('model.bin', content);
    const repository = await findRepository({ start: origin.top });
    const { code, details } = await withGit({ path: undefined, untrusted: [] }, async (git) => {
      const program = join(git.home, 'git');
      const script = `case "$*" in *check-attr*) exec cat >/dev/null;; *) exec ${git.program} "$@";; esac`;
      writeFileSync(program, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      return faultOf(() => proveWorkTree({ ...git, program }, { repository, commit }));
    });
    expect(code).toBe('facts_uncollectable');
    expect(details.problems?.map(({ message }) => message)).toEqual([
      'model.bin goes through the filter "unknown", which is not run here',
    ]);
  });

  test('a filter is never run: what it changes is not proven, and the filter is named', async () => {
    origin.write('.gitattributes', '*.secret filter=crypt\n').write('a.secret', 'sealed\n');
    commit = origin.commitAll();
    expect((await prove(origin.top, commit)).files).toHaveLength(7);
    const proof = join(root, 'filter-was-run');
    origin.git('config', 'filter.crypt.clean', `touch ${proof}; echo sealed`);
    origin.git('config', 'filter.crypt.process', `touch ${proof}`);
    origin.write('a.secret', 'open\n');
    expect(await problemsOf(origin.top, commit)).toEqual([
      'facts_uncollectable',
      'a.secret goes through the filter "crypt", which is not run here',
    ]);
    expect(() => gitIn(root, ['hash-object', proof])).toThrow();
    // A file that surely differs decides.
    origin.write('README.md', 'changed\n');
    expect(await problemsOf(origin.top, commit)).toEqual([
      'facts_mismatch',
      'README.md has other content',
    ]);
  });

  test('CRLF where the commit says eol=crlf, and only there', async () => {
    origin.write('.gitattributes', '*.bat text eol=crlf\n*.ps1 eol=crlf -text\n*.txt text=auto\n');
    for (const name of ['a.bat', 'a.ps1', 'a.txt']) origin.write(name, 'one\ntwo\n');
    commit = origin.commitAll();
    origin.write('a.bat', 'one\r\ntwo\r\n');
    expect((await prove(origin.top, commit)).files).toHaveLength(9);

    const crlf =
      'has CRLF line ends where the commit has LF: set core.autocrlf to false before the checkout';
    origin.write('a.ps1', 'one\r\ntwo\r\n').write('a.txt', 'one\r\ntwo\r\n');
    expect(await problemsOf(origin.top, commit)).toEqual([
      'facts_mismatch',
      `a.ps1 ${crlf}`,
      `a.txt ${crlf}`,
    ]);
    for (const changed of ['one\r\ntwo\n', 'one\r\nTWO\r\n', 'one\r\ntwo\r\n\r\n']) {
      origin.write('a.bat', changed);
      expect(await problemsOf(origin.top, commit)).toContain('a.bat has other content');
    }
  });

  test('other attributes that change a file are not undone, and named', async () => {
    origin.write('.gitattributes', 'a.c ident\nb.ps1 working-tree-encoding=UTF-16LE\n');
    origin.write('a.c', '// $Id$\n').write('b.ps1', Buffer.from('hello\n', 'utf16le'));
    commit = origin.commitAll();
    origin.write('a.c', '// $Id: 0123 $\n');
    expect(await problemsOf(origin.top, commit)).toEqual([
      'facts_uncollectable',
      'a.c is changed at checkout by the attribute ident, which is not undone here',
      'b.ps1 is changed at checkout by the attribute working-tree-encoding, which is not undone here',
    ]);
  });
});
