import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { withGit } from '../../src/collect/git.ts';
import { findRepository } from '../../src/collect/repository.ts';
import { proveWorkTree } from '../../src/collect/tree.ts';
import { faultOf, gitIn, snapshot, temporaryFolder, TestRepository } from './git-repository.ts';

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

let repo: TestRepository;
let commit: string;
beforeEach(() => {
  repo = new TestRepository(freshFolder());
  repo
    .write('README.md')
    .write('src/app.ts')
    .write('src/deep/er/util.ts')
    .write('bin/run', '#!/bin/sh\n');
  repo.makeExecutable('bin/run');
  symlinkSync('README.md', join(repo.top, 'link'));
  commit = repo.commitAll();
});

/** The clean checkout passes first, so that what follows is refused for what the test did. */
async function refusal(change: () => void) {
  expect((await prove(repo.top, commit)).files.length).toBeGreaterThan(0);
  change();
  const { code, message, details } = await faultOf(() => prove(repo.top, commit));
  return { code, message, problems: (details.problems ?? []).map((problem) => problem.message) };
}

describe('a clean checkout is proven', () => {
  test('with files, links, executables and folders', async () => {
    const { files, leftOut } = await prove(repo.top, commit);
    expect(files.map(({ path, kind }) => `${kind} ${path}`).sort()).toEqual([
      'file README.md',
      'file bin/run',
      'file src/app.ts',
      'file src/deep/er/util.ts',
      'link link',
    ]);
    expect(leftOut).toEqual([]);
  });

  test('of an empty commit', async () => {
    const empty = new TestRepository(freshFolder());
    expect(await prove(empty.top, empty.commitAll())).toEqual({ files: [], leftOut: [] });
  });

  test('with SHA-256 as the hash of the repository', async () => {
    const modern = new TestRepository(freshFolder(), ['--object-format=sha256']);
    modern.write('a/file');
    const id = modern.commitAll();
    expect(id).toHaveLength(64);
    expect((await prove(modern.top, id)).files).toEqual([{ path: 'a/file', kind: 'file' }]);
    modern.write('a/file', 'changed\n');
    expect((await faultOf(() => prove(modern.top, id))).code).toBe('facts_mismatch');
  });

  test('with build output that is not tracked, ignored or not', async () => {
    repo.write('.gitignore', 'node_modules/\n');
    commit = repo.commitAll();
    repo.write('node_modules/x/index.js').write('dist/app.js').write('src/generated.ts');
    expect((await prove(repo.top, commit)).files).toHaveLength(6);
  });

  test('with packed objects, and in a linked work tree', async () => {
    repo.git('gc', '--quiet');
    const linked = `${repo.top}-linked`;
    repo.git('worktree', 'add', '--quiet', '--detach', linked);
    expect((await prove(linked, commit)).files).toHaveLength(5);
    writeFileSync(join(linked, 'README.md'), 'changed\n');
    expect((await faultOf(() => prove(linked, commit))).message).toContain(
      '- README.md has other content',
    );
  });

  test('with objects that lie in another repository', async () => {
    const shared = `${repo.top}-shared`;
    gitIn(root, ['clone', '--quiet', '--shared', repo.top, shared]);
    expect((await prove(shared, commit)).files).toHaveLength(5);
  });

  test('with names that need escapes: blanks, line breaks, bytes that are not UTF-8', async () => {
    repo.write('with blank').write('line\nbreak').write('ünïcode');
    writeFileSync(Buffer.from(`${repo.top}/latin-\xff`, 'latin1'), 'x');
    commit = repo.commitAll();
    expect((await prove(repo.top, commit)).files).toHaveLength(9);
    const { message } = await refusal(() => repo.write('line\nbreak', 'changed'));
    expect(message).toContain('- line\\u{000A}break has other content');
  });

  test('whatever the index says, and if there is none', async () => {
    rmSync(join(repo.top, '.git', 'index'));
    expect((await prove(repo.top, commit)).files).toHaveLength(5);
  });

  test('and nothing in the repository is written, not even the index', async () => {
    repo.git('config', 'core.splitIndex', 'true');
    repo.git('config', 'core.sparseCheckout', 'true');
    writeFileSync(join(repo.top, '.git', 'info', 'sparse-checkout'), '/*\n!/src/\n');
    repo.write('README.md', 'changed\n').remove('src');
    const before = snapshot(repo.top);
    await faultOf(() => prove(repo.top, commit));
    expect(snapshot(repo.top)).toEqual(before);
  });
});

describe('a checkout that differs is refused, and the file is named', () => {
  test('changed tracked file', async () => {
    expect(await refusal(() => repo.write('src/app.ts', 'changed\n'))).toEqual({
      code: 'facts_mismatch',
      message: `The checked-out files are not those of commit ${commit}:\n- src/app.ts has other content\nWhat is deployed must be what the commit holds. Undo the changes or check out afresh, and let builds write only files that are not tracked.`,
      problems: ['src/app.ts has other content'],
    });
  });

  test('changed and staged', async () => {
    const { code, problems } = await refusal(() => repo.write('src/app.ts', 'x\n').git('add', '.'));
    expect({ code, problems }).toEqual({
      code: 'facts_mismatch',
      problems: ['src/app.ts has other content'],
    });
  });

  test('changed with the same size and times', async () => {
    const file = join(repo.top, 'src/app.ts');
    const { problems } = await refusal(() => {
      execFileSync('sh', [
        '-c',
        'cp -p "$1" "$1.old" && printf X | dd of="$1" conv=notrunc 2>/dev/null && touch -r "$1.old" "$1"',
        'sh',
        file,
      ]);
    });
    expect(problems).toEqual(['src/app.ts has other content']);
  });

  test('deleted tracked file', async () => {
    const { code, problems } = await refusal(() => repo.remove('src/app.ts'));
    expect({ code, problems }).toEqual({
      code: 'facts_mismatch',
      problems: ['src/app.ts is missing'],
    });
  });

  test('deleted folder: each of its files', async () => {
    const { problems } = await refusal(() => repo.remove('src'));
    expect(problems).toEqual(['src/app.ts is missing', 'src/deep/er/util.ts is missing']);
  });

  test('skip-worktree hides a change from git status', async () => {
    const { code, problems } = await refusal(() => {
      repo.git('update-index', '--skip-worktree', 'src/app.ts');
      repo.write('src/app.ts', 'changed\n');
      expect(repo.git('status', '--porcelain')).toBe('');
    });
    expect({ code, problems }).toEqual({
      code: 'facts_mismatch',
      problems: ['src/app.ts has other content'],
    });
  });

  test('skip-worktree hides a deletion from git status', async () => {
    const { problems } = await refusal(() => {
      repo.git('update-index', '--skip-worktree', 'src/app.ts');
      repo.remove('src/app.ts');
      expect(repo.git('status', '--porcelain')).toBe('');
    });
    expect(problems).toEqual(['src/app.ts is missing']);
  });

  test('assume-unchanged hides a change from git status', async () => {
    const { code, problems } = await refusal(() => {
      repo.git('update-index', '--assume-unchanged', 'src/app.ts');
      repo.write('src/app.ts', 'changed\n');
      expect(repo.git('status', '--porcelain')).toBe('');
    });
    expect({ code, problems }).toEqual({
      code: 'facts_mismatch',
      problems: ['src/app.ts has other content'],
    });
  });

  test('a filter of the configuration lies about a change', async () => {
    const { code, problems } = await refusal(() => {
      repo.git('config', 'filter.lie.clean', 'git cat-file blob HEAD:%f');
      writeFileSync(join(repo.top, '.git', 'info', 'attributes'), '* filter=lie\n');
      repo.write('src/app.ts', 'changed\n');
      repo.git('add', 'src/app.ts');
      expect(repo.git('diff', 'HEAD')).toBe('');
    });
    expect({ code, problems }).toEqual({
      code: 'facts_mismatch',
      problems: ['src/app.ts has other content'],
    });
  });

  test('a replace ref puts another commit in the place of this one', async () => {
    const { code, problems } = await refusal(() => {
      repo.write('src/app.ts', 'changed\n');
      const evil = repo.commitAll();
      repo.git('replace', commit, evil);
      repo.git('update-ref', 'refs/heads/main', commit);
      expect(repo.git('status', '--porcelain')).toBe('');
      expect(repo.head()).toBe(commit);
    });
    expect({ code, problems }).toEqual({
      code: 'facts_mismatch',
      problems: ['src/app.ts has other content'],
    });
  });

  test("a replace ref puts another tree in the place of the commit's", async () => {
    const { problems } = await refusal(() => {
      const tree = repo.git('rev-parse', `${commit}^{tree}`);
      repo.write('src/app.ts', 'changed\n').git('add', '.');
      repo.git('replace', tree, repo.git('write-tree'));
      expect(repo.git('status', '--porcelain')).toBe('');
    });
    expect(problems).toEqual(['src/app.ts has other content']);
  });

  test('an object of the store that is not what its id says', async () => {
    const { code, message } = await refusal(() => {
      const tree = repo.git('rev-parse', `${commit}^{tree}`);
      repo.write('src/app.ts', 'changed\n').git('add', '.');
      const evil = repo.git('write-tree');
      const path = (id: string) => join(repo.top, '.git/objects', id.slice(0, 2), id.slice(2));
      rmSync(path(tree));
      execFileSync('cp', [path(evil), path(tree)]);
      expect(repo.git('cat-file', 'tree', tree)).toBe(repo.git('cat-file', 'tree', evil));
    });
    expect(code).toBe('facts_uncollectable');
    expect(message).toContain('does not hold what its id says');
  });

  test('a file became executable, or is no longer', async () => {
    const first = await refusal(() => repo.makeExecutable('src/app.ts'));
    expect(first).toMatchObject({
      code: 'facts_mismatch',
      problems: ['src/app.ts is executable and should not be'],
    });
    chmodSync(join(repo.top, 'src/app.ts'), 0o644);
    const second = await refusal(() => {
      repo.git('config', 'core.fileMode', 'false');
      chmodSync(join(repo.top, 'bin/run'), 0o644);
      expect(repo.git('status', '--porcelain')).toBe('');
    });
    expect(second.problems).toEqual(['bin/run should be executable']);
  });

  test('a symbolic link leads elsewhere', async () => {
    const { problems } = await refusal(() => {
      repo.remove('link');
      symlinkSync('src/app.ts', join(repo.top, 'link'));
    });
    expect(problems).toEqual(['link is a symbolic link to another place']);
  });

  test("a file with the link's text stands in the place of the link, and the other way round", async () => {
    const first = await refusal(() => repo.remove('link').write('link', 'README.md'));
    expect(first.problems).toEqual(['link is a file and should be a symbolic link']);
    repo.remove('link');
    symlinkSync('README.md', join(repo.top, 'link'));
    const second = await refusal(() => {
      renameSync(join(repo.top, 'src/app.ts'), join(repo.top, 'copy'));
      symlinkSync('../copy', join(repo.top, 'src/app.ts'));
    });
    expect(second.problems).toEqual(['src/app.ts is a symbolic link and should be a file']);
  });

  test('a link to a folder with the same files stands in the place of a folder', async () => {
    const { problems } = await refusal(() => {
      renameSync(join(repo.top, 'src'), `${repo.top}-elsewhere`);
      symlinkSync(`${repo.top}-elsewhere`, join(repo.top, 'src'));
    });
    expect(problems).toEqual(['src is a symbolic link and should be a folder']);
  });

  test('a pipe in the place of a file is not read', async () => {
    const { problems } = await refusal(() => {
      repo.remove('src/app.ts');
      execFileSync('sh', ['-c', 'mkfifo "$0"', join(repo.top, 'src/app.ts')]);
    });
    expect(problems).toEqual(['src/app.ts is a special file and should be a file']);
  });

  test('the name in other case', async () => {
    const { problems } = await refusal(() => {
      renameSync(join(repo.top, 'README.md'), join(repo.top, 'readme.md'));
    });
    expect(problems).toEqual(['README.md is missing']);
  });

  test('more than ten files: ten are named, the rest counted', async () => {
    for (let file = 10; file < 35; file += 1) repo.write(`many/${file}`);
    commit = repo.commitAll();
    const { message, problems } = await refusal(() => {
      for (let file = 10; file < 35; file += 1) repo.write(`many/${file}`, 'changed\n');
    });
    expect(problems).toHaveLength(10);
    expect(message).toContain('- many/19 has other content\n- and 15 more\n');
    expect(message).not.toContain('many/20');
  });

  test('a core.worktree of the configuration points to a clean copy', async () => {
    const { problems } = await refusal(() => {
      const copy = join(repo.top, 'copy');
      mkdirSync(copy);
      gitIn(repo.top, ['--work-tree', copy, 'checkout', '--quiet', '--force', 'HEAD', '--', '.']);
      repo.git('config', 'core.worktree', copy);
      repo.write('src/app.ts', 'changed\n');
      expect(gitIn(repo.top, ['diff', 'HEAD'])).toBe('');
    });
    expect(problems).toEqual(['src/app.ts has other content']);
  });

  test('a tree that names the git folder or its parent is not followed', async () => {
    const blob = repo.git('rev-parse', 'HEAD:README.md');
    for (const name of ['', '.', '..', '.git', '.GIT', 'a/b']) {
      const tree = repo.tree([[`100644 ${name}`, blob]]);
      const id = repo.git('commit-tree', '-m', 'hostile', tree);
      const { code, message } = await faultOf(() => prove(repo.top, id));
      expect(code).toBe('facts_uncollectable');
      expect(message).toContain(`it holds the name "${name}"`);
    }
  });
});

describe('where there is no proof, there is a refusal', () => {
  test('a commit that is not in the checkout', async () => {
    const { code, message } = await faultOf(() => prove(repo.top, '1'.repeat(40)));
    expect(code).toBe('facts_uncollectable');
    expect(message).toContain(`The git object ${'1'.repeat(40)} is not in this checkout.`);
  });

  test('an id that is no commit', async () => {
    const blob = repo.git('rev-parse', 'HEAD:README.md');
    const { code, message } = await faultOf(() => prove(repo.top, blob));
    expect(code).toBe('facts_uncollectable');
    expect(message).toContain('is no commit, nor a tag of one');
  });

  test('what looks like a commit or a tag of one, and is none', async () => {
    const text = `${repo.git('cat-file', 'commit', commit)}\n`;
    const tag = `object ${commit}\ntype commit\ntag v1\ntagger T <t@x> 5 +0000\n\nv1\n`;
    expect((await prove(repo.top, repo.object('tag', tag))).files).not.toEqual([]);
    const looksLike = [
      ['blob', text],
      ['blob', tag],
      ['tag', text],
      ['commit', tag],
    ] as const;
    for (const [type, content] of looksLike) {
      const { message } = await faultOf(() => prove(repo.top, repo.object(type, content)));
      expect(message).toContain('is no commit, nor a tag of one');
    }
  });

  test('no checkout at all', async () => {
    const { code, message } = await faultOf(() => findRepository({ start: root }));
    expect(code).toBe('facts_uncollectable');
    expect(message).toContain('There is no git checkout at');
  });

  test('a checkout above the workspace does not count', async () => {
    const within = join(repo.top, 'src');
    const { message } = await faultOf(() => findRepository({ start: within, within }));
    expect(message).toContain(`above it inside of the workspace ${within}`);
  });

  test('missing objects are never fetched, though the repository promises them', async () => {
    const partial = freshFolder();
    repo.git('config', 'uploadpack.allowFilter', 'true');
    gitIn(root, [
      'clone',
      '--quiet',
      '--no-checkout',
      '--filter=tree:0',
      `file://${repo.top}`,
      partial,
    ]);
    const before = readdirSync(join(partial, '.git/objects/pack')).length;
    const { code, message } = await faultOf(() => prove(partial, commit));
    expect(code).toBe('facts_uncollectable');
    expect(message).toContain('with actions/checkout a filter such as tree:0 leaves folders out');
    expect(readdirSync(join(partial, '.git/objects/pack'))).toHaveLength(before);
  });
});

describe('a commit that no checkout can hold is refused', () => {
  const refusalOf = async (id: string) => {
    const { code, message } = await faultOf(() => prove(repo.top, id));
    return `${code}: ${message}`;
  };
  let blob: string;
  let tree: string;
  beforeEach(() => {
    blob = repo.git('rev-parse', 'HEAD:README.md');
    tree = repo.git('rev-parse', 'HEAD^{tree}');
  });

  test('a file of an unknown mode', async () => {
    const odd = repo.commitOf(repo.tree([['100600 README.md', blob]]));
    expect(await refusalOf(odd)).toContain(
      'facts_mismatch: The checked-out files are not those of commit',
    );
    expect(await refusalOf(odd)).toContain('README.md has the unknown mode 100600 in the commit');
  });

  test('a folder that is a file', async () => {
    expect(await refusalOf(repo.commitOf(repo.tree([['40000 src', blob]])))).toBe(
      `facts_uncollectable: The git object ${blob} is no folder that can be checked out: it is a blob.`,
    );
  });

  test.each([
    ['without an id', '100644 README.md\0'],
    ['with half an id', `100644 README.md\0${'a'.repeat(19)}`],
    ['without a name', '100644'],
    ['without a mode', `README.md\0${'a'.repeat(20)}`],
  ])('a folder that is cut off: %s', async (_, content) => {
    const odd = repo.object('tree', content);
    expect(await refusalOf(repo.commitOf(odd))).toBe(
      `facts_uncollectable: The git object ${odd} is no folder that can be checked out: it is cut off.`,
    );
  });

  test('more than a million paths, made of seven objects', async () => {
    const bomb = repo.commitOf(repo.bomb(6, repo.tree([])));
    expect(await refusalOf(bomb)).toBe(
      'facts_uncollectable: The commit holds more than 1000000 paths.',
    );
  }, 60_000);

  test('folders so deep that the system reads none of them', async () => {
    const name = 'd'.repeat(200);
    const names = (count: number) => Array.from({ length: count }, () => name);
    let deep = tree;
    for (const each of names(24)) deep = repo.tree([[`40000 ${each}`, deep]]);
    const half = join(repo.top, ...names(12));
    mkdirSync(half, { recursive: true });
    mkdirSync(join(repo.top, 'rest', ...names(11)), { recursive: true });
    renameSync(join(repo.top, 'rest'), join(half, name));
    try {
      expect(await refusalOf(repo.commitOf(deep))).toMatch(
        /^facts_uncollectable: \.\/d+.*d can't be read \(ENAMETOOLONG\), so it can't be compared with the commit\.$/,
      );
    } finally {
      renameSync(join(half, name), join(repo.top, 'rest'));
    }
  });
});
