import { afterAll, describe, expect, test } from '@jest/globals';
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { askGit, findGit, runGit, withGit } from '../../src/collect/git.ts';
import {
  checkedOutRef,
  configured,
  findRepository,
  headCommit,
} from '../../src/collect/repository.ts';
import { faultOf, gitIn, programAsGit, temporaryFolder, TestRepository } from './git-repository.ts';

const root = temporaryFolder();
afterAll(() => rmSync(root, { recursive: true, force: true }));

const workspace = join(root, 'workspace');
const trusted = join(root, 'opt');
const ran = join(root, 'the-fake-git-ran');

/** A program that says it is git, and leaves a trace when it runs. */
function fakeGit(folder: string): string {
  mkdirSync(folder, { recursive: true });
  const program = join(folder, 'git');
  writeFileSync(program, `#!/bin/sh\ntouch ${ran}\necho ${'a'.repeat(40)}\n`, { mode: 0o755 });
  return program;
}

describe('which git is run', () => {
  fakeGit(join(workspace, 'bin'));
  const good = fakeGit(trusted);

  test('a fake git first in PATH is not run while there is one at a known place', async () => {
    const repo = new TestRepository(join(root, 'fake'));
    const commit = repo.write('a').commitAll();
    const repository = await findRepository({ start: repo.top });
    const path = `${join(workspace, 'bin')}:${trusted}:${process.env.PATH ?? ''}`;
    const options = { path, untrusted: [workspace] };
    expect(await findGit(options)).not.toBe(good);
    expect(await withGit(options, (git) => headCommit(git, repository))).toBe(commit);
    expect(existsSync(ran)).toBe(false);
  });

  test('entries of PATH inside the workspace are passed over', async () => {
    const path = `${join(workspace, 'bin')}:${trusted}`;
    expect(await findGit({ path, untrusted: [workspace], wellKnown: [] })).toBe(good);
  });

  test('relative and empty entries of PATH are passed over', async () => {
    const here = relative(process.cwd(), fakeGit(join(root, 'relative')));
    const path = `:${dirname(here)}`;
    const found = await findGit({ path: `${path}:${trusted}`, untrusted: [], wellKnown: [] });
    expect(found).toBe(good);
    const { code } = await faultOf(() => findGit({ path, untrusted: [], wellKnown: [] }));
    expect(code).toBe('facts_uncollectable');
  });

  test('a link outside the workspace to a git inside is passed over, and so is one through a linked workspace', async () => {
    const links = join(root, 'links');
    mkdirSync(links);
    symlinkSync(join(workspace, 'bin', 'git'), join(links, 'git'));
    symlinkSync(workspace, join(root, 'same-workspace'));
    const options = { path: `${links}:${join(root, 'same-workspace', 'bin')}`, wellKnown: [] };
    expect((await faultOf(() => findGit({ ...options, untrusted: [workspace] }))).code).toBe(
      'facts_uncollectable',
    );
    const alias = join(root, 'same-workspace');
    expect((await faultOf(() => findGit({ ...options, untrusted: [alias] }))).code).toBe(
      'facts_uncollectable',
    );
  });

  test('a known place counts no more than another if it leads into the workspace', async () => {
    const wellKnown = [join(root, 'links', 'git'), good];
    expect(await findGit({ path: '', untrusted: [workspace], wellKnown })).toBe(good);
  });

  test("files that can't be executed and folders are no git; then the message says where it looked", async () => {
    mkdirSync(join(root, 'a', 'git'), { recursive: true });
    mkdirSync(join(root, 'b'));
    writeFileSync(join(root, 'b', 'git'), '', { mode: 0o644 });
    const path = `${join(root, 'a')}:${join(root, 'b')}`;
    const { code, message } = await faultOf(() =>
      findGit({ path, untrusted: [], wellKnown: ['/nowhere/git'] }),
    );
    expect(code).toBe('facts_uncollectable');
    expect(message).toMatch(
      /^No git was found at \/nowhere\/git, or in an absolute folder of PATH .* Install git on this machine\.$/,
    );
  });
});

describe('how git is run', () => {
  const repo = new TestRepository(join(root, 'repo'));
  const commit = repo.write('a').commitAll();
  const repository = { top: repo.top, gitDir: join(repo.top, '.git') };
  const other = new TestRepository(join(root, 'other'));
  other.write('b').commitAll('another');

  test('GIT_* variables of the job do not reach git', async () => {
    const hostile = {
      GIT_DIR: join(other.top, '.git'),
      GIT_WORK_TREE: other.top,
      GIT_OBJECT_DIRECTORY: join(other.top, '.git/objects'),
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'remote.origin.url',
      GIT_CONFIG_VALUE_0: 'https://example.com/planted',
      GIT_CONFIG_PARAMETERS: "'remote.origin.url=https://example.com/planted'",
      GIT_TRACE: join(root, 'traced'),
    };
    Object.assign(process.env, hostile);
    try {
      await withGit({ path: undefined, untrusted: [] }, async (git) => {
        expect(await headCommit(git, repository)).toBe(commit);
        expect(await configured(git, repository, ['remote.origin.url'])).toBeUndefined();
      });
      expect(existsSync(join(root, 'traced'))).toBe(false);
    } finally {
      for (const name of Object.keys(hostile)) Reflect.deleteProperty(process.env, name);
    }
  });

  test('the configuration of the user is not read', async () => {
    const home = join(root, 'home');
    mkdirSync(home);
    writeFileSync(
      join(home, '.gitconfig'),
      '[remote "origin"]\n\turl = https://example.com/planted\n',
    );
    const before = process.env.HOME;
    process.env.HOME = home;
    try {
      await withGit({ path: undefined, untrusted: [] }, async (git) => {
        expect(await configured(git, repository, ['remote.origin.url'])).toBeUndefined();
      });
    } finally {
      process.env.HOME = before;
    }
  });

  test('hooks and fsmonitor of the repository are not run', async () => {
    const trace = join(root, 'hook-ran');
    const hook = join(root, 'hook');
    writeFileSync(hook, `#!/bin/sh\ntouch ${trace}\n`, { mode: 0o755 });
    const hooked = new TestRepository(join(root, 'hooked'));
    hooked.write('a').commitAll();
    hooked.git('config', 'core.fsmonitor', hook);
    for (const name of ['post-index-change', 'post-checkout', 'reference-transaction']) {
      symlinkSync(hook, join(hooked.top, '.git', 'hooks', name));
    }
    const gitDir = join(hooked.top, '.git');
    await withGit({ path: undefined, untrusted: [] }, async (git) => {
      const call = { cwd: hooked.top, gitDir, workTree: hooked.top };
      // Not what the collectors ask, but what would run them.
      await runGit(git, { ...call, args: ['update-index', '--refresh'] });
      await runGit(git, { ...call, args: ['status'] });
      await runGit(git, { ...call, args: ['read-tree', 'HEAD'] });
    });
    expect(existsSync(trace)).toBe(false);
    hooked.git('status');
    expect(existsSync(trace)).toBe(true);
  });

  test('replace refs are not followed', async () => {
    const replaced = new TestRepository(join(root, 'replaced'));
    const first = replaced.write('a').commitAll('first');
    replaced.git('replace', first, replaced.write('a', 'evil').commitAll('evil'));
    const call = {
      args: ['cat-file', 'commit', first],
      cwd: root,
      gitDir: join(replaced.top, '.git'),
    };
    const output = await withGit({ path: undefined, untrusted: [] }, (git) => runGit(git, call));
    expect(output.toString()).toMatch(/\nfirst\n$/);
    expect(replaced.git('cat-file', 'commit', first)).toMatch(/\nevil$/);
  });

  test('nothing is fetched, though the repository promises what is missing', async () => {
    const source = new TestRepository(join(root, 'source'));
    source.git('config', 'uploadpack.allowFilter', 'true');
    source.git('config', 'uploadpack.allowAnySHA1InWant', 'true');
    source.write('a').commitAll();
    const blob = source.git('rev-parse', 'HEAD:a');
    const partial = join(root, 'partial');
    const clone = ['clone', '--quiet', '--no-checkout', '--filter=blob:none'];
    gitIn(root, [...clone, `file://${source.top}`, partial]);
    const call = { args: ['cat-file', 'blob', blob], cwd: partial, gitDir: join(partial, '.git') };
    const { code } = await faultOf(() =>
      withGit({ path: undefined, untrusted: [] }, (git) => runGit(git, call)),
    );
    expect(code).toBe('facts_uncollectable');
    expect(gitIn(partial, ['cat-file', 'blob', blob])).toBe('content of a');
  });

  test('its complaint is passed on, in English and escaped', async () => {
    const call = {
      args: ['rev-parse', '--verify', 'no\u202Ebranch'],
      cwd: repo.top,
      gitDir: repository.gitDir,
    };
    const { code, message } = await faultOf(() =>
      withGit({ path: undefined, untrusted: [] }, (git) => runGit(git, call)),
    );
    expect(code).toBe('facts_uncollectable');
    expect(message).toBe(`git rev-parse failed in ${repo.top}: fatal: Needed a single revision`);
  });

  test('one that is killed, or is no program, has said nothing', async () => {
    const program = join(root, 'killed');
    writeFileSync(program, '#!/bin/sh\necho half; kill -9 $$\n', { mode: 0o755 });
    const call = { args: ['rev-parse'], cwd: root, gitDir: root };
    const complaintOf = async (path: string) => {
      const git = programAsGit(path, root);
      const faults = await Promise.all(
        [runGit, askGit].map((ask) => faultOf(() => ask(git, call))),
      );
      return faults.map(({ message }) => message);
    };
    const ended = `git rev-parse failed in ${root}: it was ended by SIGKILL`;
    expect(await complaintOf(program)).toEqual([ended, ended]);
    const nowhere = `git rev-parse failed in ${root}: spawn ${join(root, 'nowhere')} ENOENT`;
    expect(await complaintOf(join(root, 'nowhere'))).toEqual([nowhere, nowhere]);
  });

  test.each([
    ['answers too late', 'exec sleep 60', { timeoutMs: 200 }, 'no answer within 0.2 s'],
    ['says too much', 'echo 12345', { maxBytes: 4 }, 'stdout maxBuffer length exceeded'],
  ])('one that %s has said nothing', async (name, script, limits, said) => {
    const program = join(root, name.replaceAll(' ', '-'));
    writeFileSync(program, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const git = programAsGit(program, root, limits);
    for (const ask of [runGit, askGit]) {
      const { code, message } = await faultOf(() =>
        ask(git, { args: ['rev-parse'], cwd: root, gitDir: root }),
      );
      expect(code).toBe('facts_uncollectable');
      expect(message).toBe(`git rev-parse failed in ${root}: ${said}`);
    }
  });

  test('one that calls something else a commit', async () => {
    const program = join(root, 'liar');
    writeFileSync(program, '#!/bin/sh\necho refs/heads/main\n', { mode: 0o755 });
    const { code, message } = await faultOf(() =>
      headCommit(programAsGit(program, root), repository),
    );
    expect(code).toBe('facts_uncollectable');
    expect(message).toBe('git names no commit for HEAD, but "refs/heads/main".');
  });

  test('a repository without a commit names its state', async () => {
    const empty = new TestRepository(join(root, 'empty'));
    const unborn = await findRepository({ start: empty.top });
    const { code, message } = await faultOf(() =>
      withGit({ path: undefined, untrusted: [] }, (git) => headCommit(git, unborn)),
    );
    expect({ code, message }).toEqual({
      code: 'facts_uncollectable',
      message: `git rev-parse failed in ${empty.top}: fatal: Needed a single revision`,
    });
  });

  test('the branch that is checked out, and none when HEAD is detached', async () => {
    await withGit({ path: undefined, untrusted: [] }, async (git) => {
      expect(await checkedOutRef(git, repository)).toBe('refs/heads/main');
      repo.git('checkout', '--quiet', '--detach');
      expect(await checkedOutRef(git, repository)).toBeUndefined();
    });
  });

  test('its home is private, and gone afterwards even when the work fails', async () => {
    let home = '';
    const work = withGit({ path: undefined, untrusted: [] }, (git) => {
      home = git.home;
      expect(existsSync(home)).toBe(true);
      throw new Error('on purpose');
    });
    await expect(work).rejects.toThrow('on purpose');
    expect(existsSync(home)).toBe(false);
  });
});
