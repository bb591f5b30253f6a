import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { collectChanges, type CollectedChanges } from '../../src/collect/changes.ts';
import { withGit } from '../../src/collect/git.ts';
import { newCommits, type History } from '../../src/collect/history.ts';
import { openObjects } from '../../src/collect/objects.ts';
import { findRepository } from '../../src/collect/repository.ts';
import { proveWorkTree } from '../../src/collect/tree.ts';
import { changesSchema } from '../../src/core/changes.ts';
import { circumstancesSchema } from '../../src/core/circumstances.ts';
import { faultOf, gitIn, temporaryFolder, TestRepository } from './git-repository.ts';

const root = temporaryFolder();
afterAll(() => rmSync(root, { recursive: true, force: true }));
let count = 0;
const freshFolder = () => join(root, `case-${(count += 1)}`);

interface Asked {
  readonly top?: string;
  readonly commit?: string;
  readonly since?: string | undefined;
  readonly migrationPaths?: readonly string[];
  readonly needAuthors?: boolean;
}

async function changes(asked: Asked = {}): Promise<CollectedChanges> {
  const { top = repo.top, commit = gitIn(top, ['rev-parse', 'HEAD']), since } = asked;
  const repository = await findRepository({ start: top });
  const proof = await withGit({ path: undefined, untrusted: [] }, (git) =>
    proveWorkTree(git, { repository, commit }),
  );
  const found = await collectChanges({
    checkout: { ...proof, repository, untrusted: [] },
    env: {},
    commit,
    lastCommit: since,
    migrationPaths: asked.migrationPaths ?? [],
    needAuthors: asked.needAuthors ?? false,
  });
  // Whatever is found is fit to be signed, and to stand in a verdict.
  changesSchema.parse({ commits: found.commits });
  circumstancesSchema.parse({
    provider: 'local',
    ...(found.authors === undefined ? {} : { commit_authors: found.authors }),
    ...(found.newMigrations === undefined ? {} : { new_migrations: found.newMigrations }),
  });
  return found;
}

const subjects = ({ commits }: CollectedChanges) => commits.map(({ subject }) => subject);
const emails = ({ authors }: CollectedChanges) => authors?.map(({ email }) => email);

async function refusal(asked: Asked): Promise<string> {
  const { code, message } = await faultOf(() => changes(asked));
  return `${code}: ${message}`;
}

let repo: TestRepository;
let clock = 1_700_000_000;
beforeEach(() => {
  repo = new TestRepository(freshFolder());
});

/** A commit of one new file, by an author, a minute after the last. */
function commit(subject: string, author = 'Alex Doe <alex@example.com>', seconds?: number): string {
  clock += 60;
  const at = `${seconds ?? clock} +0000`;
  repo.write(`files/${count}-${clock}`).git('add', '--all');
  return commitStaged(subject, { author, at });
}

function commitStaged(
  message: string | Buffer,
  options: { readonly author: string; readonly at: string; readonly more?: readonly string[] },
): string {
  const tree = repo.git('write-tree');
  const branch = repo.git('symbolic-ref', 'HEAD');
  const head = repo
    .git('for-each-ref', '--format=%(objectname)', branch)
    .split('\n')
    .filter(Boolean);
  const lines = [
    `tree ${tree}`,
    ...head.map((parent) => `parent ${parent}`),
    `author ${options.author} ${options.at}`,
    `committer CI <ci@example.com> ${options.at}`,
    ...(options.more ?? []),
  ];
  return move(
    rawCommit(
      Buffer.concat([Buffer.from(`${lines.join('\n')}\n\n`, 'latin1'), Buffer.from(message)]),
    ),
  );
}

/** Any bytes as a commit object. */
function rawCommit(content: Buffer): string {
  const args = ['hash-object', '-t', 'commit', '-w', '--literally', '--stdin'];
  return execFileSync('git', args, { cwd: repo.top, input: content, encoding: 'utf8' }).trim();
}

function move(id: string): string {
  repo.git('update-ref', 'HEAD', id);
  return id;
}

/** A merge of HEAD with another commit, over the tree that is checked out. */
function merge(other: string): string {
  clock += 60;
  const lines = [
    `tree ${repo.git('write-tree')}`,
    `parent ${repo.head()}`,
    `parent ${other}`,
    `author Dana <dana@example.com> ${clock} +0000`,
    `committer CI <ci@example.com> ${clock} +0000`,
  ];
  return move(rawCommit(Buffer.from(`${lines.join('\n')}\n\nMerge\n`)));
}

describe('the commits since the last deploy', () => {
  test('newest first, with subject and author, and without those that were deployed', async () => {
    commit('one');
    const since = commit('two');
    const three = commit('three', 'Dana Roe <dana@example.com>');
    const four = commit('four\nmore of it\n\nand a body');
    const found = await changes({ since });
    expect(found).toEqual({
      commits: [
        { commit: four, subject: 'four more of it', author: 'Alex Doe' },
        { commit: three, subject: 'three', author: 'Dana Roe' },
      ],
      more: 0,
      authors: [
        { name: 'Alex Doe', email: 'alex@example.com' },
        { name: 'Dana Roe', email: 'dana@example.com' },
      ],
    });
  });

  test('none, for the same commit again and for an older one', async () => {
    const old = commit('old');
    const since = commit('new');
    expect(await changes({ since })).toEqual({ commits: [], more: 0, authors: [] });
    repo.git('checkout', '--quiet', '--force', '--detach', old);
    expect(await changes({ since })).toEqual({ commits: [], more: 0, authors: [] });
  });

  test('with all that was merged, and of that only what is new', async () => {
    const base = commit('base');
    const side = commit('side');
    const deeper = commit('deeper', 'Eve <eve@example.com>');
    move(base);
    const since = commit('deployed');
    merge(deeper);
    const found = await changes({ since });
    expect(subjects(found)).toEqual(['Merge', 'deeper', 'side']);
    expect(emails(found)).toEqual(['dana@example.com', 'eve@example.com', 'alex@example.com']);
    expect(subjects(await changes({ since: side }))).toEqual(['Merge', 'deployed', 'deeper']);
  });

  test('on another branch than the last deploy: what that one did not hold', async () => {
    const base = commit('base');
    const since = commit('deployed from a branch');
    move(base);
    commit('on main');
    expect(subjects(await changes({ since }))).toEqual(['on main']);
  });

  test('at most 20 are named, the others counted, all authors known', async () => {
    const since = commit('base');
    for (let number = 1; number <= 23; number += 1) {
      commit(`number ${number}`, `A${number} <a${number}@example.com>`);
    }
    const found = await changes({ since });
    expect(found.commits).toHaveLength(20);
    expect(found.commits[0]?.subject).toBe('number 23');
    expect(found.more).toBe(3);
    expect(found.authors).toHaveLength(23);
  });

  test('whose clocks are wrong: none is left out', async () => {
    commit('base', undefined, 2_000_000_000);
    const since = commit('deployed', undefined, 1);
    commit('in the past', undefined, 5);
    commit('in the future', undefined, 4_000_000_000);
    commit('no time', undefined, 0);
    expect(subjects(await changes({ since })).sort()).toEqual([
      'in the future',
      'in the past',
      'no time',
    ]);
  });

  test('whose clocks are wrong: what was taken for new and turns out to be old is not named', async () => {
    commit('base', undefined, 40);
    const shared = commit('shared', undefined, 100);
    const since = commit('deployed', undefined, 50);
    move(shared);
    commit('new', undefined, 200);
    expect(subjects(await changes({ since }))).toEqual(['new']);
  });

  test('without a last deploy: the commit itself', async () => {
    commit('first');
    expect(subjects(await changes())).toEqual(['first']);
    commit('second');
    expect(await changes()).toMatchObject({ commits: [{ subject: 'second' }], more: 0 });
  });

  test('without a last deploy: what the commit merged, too', async () => {
    const base = commit('base');
    const side = commit('side');
    move(base);
    commit('main');
    merge(side);
    expect(subjects(await changes())).toEqual(['Merge', 'side']);
  });
});

describe('a history that is too long to be read', () => {
  const history = async (options: { from?: string; maxCommits?: number; maxMs?: number }) => {
    const { from = repo.head(), maxCommits = 100, maxMs = 60_000 } = options;
    const repository = await findRepository({ start: repo.top });
    return withGit({ path: undefined, untrusted: [] }, async (git) => {
      const objects = await openObjects(git, { repository, id: from });
      return newCommits(objects, { from, last: since, limits: { maxCommits, maxMs } });
    });
  };
  let since: string;
  beforeEach(() => {
    since = commit('deployed');
    for (const subject of ['one', 'two', 'three']) commit(subject);
  });
  const subjectsOf = ({ commits }: History) => commits.map(([, { subject }]) => subject);

  test('is named as far as it was read, newest first, and said not to be whole', async () => {
    const part = await history({ maxCommits: 3 });
    expect(subjectsOf(part)).toEqual(['three']);
    expect(part.gap).toBe('more than 3 commits would have to be read');
    const whole = await history({ maxCommits: 5 });
    expect(subjectsOf(whole)).toEqual(['three', 'two', 'one']);
    expect(whole).not.toHaveProperty('gap');
  });

  test('so is one that takes too long', async () => {
    expect((await history({ maxMs: 0 })).gap).toBe('reading them took longer than 0 s');
  });

  test('a commit that is not there has none', async () => {
    const { code, message } = await faultOf(() => history({ from: '1'.repeat(40) }));
    expect(code).toBe('facts_uncollectable');
    expect(message).toBe(`The commit ${'1'.repeat(40)} is not in this checkout.`);
  });
});

describe('authors are who the commits name', () => {
  test('co-authors too, wherever and however their trailer stands', async () => {
    const since = commit('base');
    clock += 60;
    const message =
      'subject\n\nco-AUTHORED-by: Dana <dana@example.com>\n\nnot the end\n  Co-authored-by : Eve Roe\n  <eve@example.com>\r\nCo-authored-by:<nobody@example.com>\rCo-authored-by: F <f@example.com>\nCo-authored-by: G\r <g@example.com>\n\nSigned-off-by: S <s@example.com>\n';
    commitStaged(message, { author: 'Alex <alex@example.com>', at: `${clock} +0000` });
    expect((await changes({ since })).authors).toEqual([
      { name: 'Alex', email: 'alex@example.com' },
      { name: 'Dana', email: 'dana@example.com' },
      { name: 'Eve Roe', email: 'eve@example.com' },
      { name: '', email: 'nobody@example.com' },
      { name: 'F', email: 'f@example.com' },
      { name: 'G', email: 'g@example.com' },
    ]);
  });

  test('a .mailmap makes nobody another', async () => {
    const since = commit('base');
    repo.write('.mailmap', 'Dana <dana@example.com> <alex@example.com>\n');
    repo.git('config', 'log.mailmap', 'true');
    commit('by Alex');
    expect(repo.git('log', '-1', '--format=%aE', '--use-mailmap')).toBe('dana@example.com');
    expect(emails(await changes({ since }))).toEqual(['alex@example.com']);
  });

  test('names in another encoding are read in it, and an address stays its bytes', async () => {
    const since = commit('base');
    clock += 60;
    const at = `${clock} +0000`;
    const author = 'J\xfcrgen <alex@example.com>';
    const more = ['encoding ISO-8859-1'];
    commitStaged(Buffer.from('Gr\xf6\xdfe', 'latin1'), { author, at, more });
    const found = await changes({ since });
    expect(found.commits).toMatchObject([{ subject: 'Größe', author: 'Jürgen' }]);
    expect(emails(found)).toEqual(['alex@example.com']);
  });

  test.each(['UTF-16LE', 'ISO-2022-JP', 'x-user-defined', 'nonsense'])(
    'the encoding %s hides no address',
    async (encoding) => {
      const since = commit('base');
      clock += 60;
      const author = 'A <alex@example.com>';
      const options = { author, at: `${clock} +0000`, more: [`encoding ${encoding}`] };
      commitStaged('x\n\nCo-authored-by: D <dana@example.com>\n', options);
      expect(emails(await changes({ since }))).toEqual(['alex@example.com', 'dana@example.com']);
    },
  );

  test.each([
    ['<alex@example.com>', '', 'alex@example.com'],
    ['Alex', 'Alex', ''],
    ['A <alex@example.com> <dana@example.com>', 'A', 'alex@example.com'],
    ['A <alex@example.com', 'A', 'alex@example.com'],
  ])('of an odd line: %s', async (line, name, email) => {
    const since = commit('base');
    clock += 60;
    const lines = [`tree ${repo.git('write-tree')}`, `parent ${since}`, `author ${line}`];
    move(rawCommit(Buffer.from(`${lines.join('\n')}\ncommitter C <c@x> 5 +0000\n\nx`)));
    const { authors } = await changes({ since });
    expect(authors).toHaveLength(1);
    expect(authors?.[0]?.email.startsWith(email)).toBe(true);
    expect(authors?.[0]?.name.startsWith(name)).toBe(true);
  });

  test('more than a thousand of them are refused where a rule asks', async () => {
    const since = commit('base');
    clock += 60;
    const trailers = Array.from(
      { length: 1000 },
      (_, n) => `Co-authored-by: N <n${n}@example.com>`,
    );
    const at = `${clock} +0000`;
    commitStaged(`x\n\n${trailers.join('\n')}\n`, { author: 'A <a@example.com>', at });
    expect((await changes({ since })).authors).toBeUndefined();
    expect(await refusal({ since, needAuthors: true })).toContain(
      `facts_uncollectable: The policy asks who wrote the commits since the last deploy (${since}), and these name more than 1000 authors.`,
    );
  });
});

describe('words of a commit are made fit to be signed', () => {
  test.each([
    ['a \u202Ebidi and a \u200Bzero-width', 'a \\u{202E}bidi and a \\u{200B}zero-width'],
    ['tabs\tand   blanks ', 'tabs and blanks'],
    ['e\u0301', '\u00E9'],
    ['', '(no message)'],
    ['\n\n  \n', '(no message)'],
    ['::set-output name=x::y', '::set-output name=x::y'],
    ['\u001B[31mred', '\\u{001B}[31mred'],
    [`key ${['AKIA', 'IOSFODNN7QXMPLRS'].join('')}`, '(hidden: looks like a secret)'],
  ])('%j', async (message, shown) => {
    const since = commit('base');
    clock += 60;
    commitStaged(message, { author: 'A <a@example.com>', at: `${clock} +0000` });
    expect(subjects(await changes({ since }))).toEqual([shown]);
  });

  test('a long one is shortened in the middle', async () => {
    const since = commit('base');
    commit(`begin ${'x'.repeat(5000)} end`, `${'N'.repeat(300)} <a@example.com>`);
    const [first] = (await changes({ since })).commits;
    expect(first?.subject).toMatch(/^begin x+…x+ end$/);
    expect(Array.from(first?.subject ?? '')).toHaveLength(120);
    expect(Array.from(first?.author ?? '')).toHaveLength(60);
  });

  test('a commit without a name shows the address', async () => {
    const since = commit('base');
    commit('x', '<a@example.com>');
    expect((await changes({ since })).commits[0]?.author).toBe('a@example.com');
  });
});

describe('nothing in the repository lies about its history', () => {
  let since: string;
  let hidden: string;
  beforeEach(() => {
    commit('base');
    since = commit('deployed');
    hidden = commit('hidden', 'Eve <eve@example.com>');
    commit('on top');
  });
  const all = ['on top', 'hidden'];
  const logged = () => repo.git('log', '--format=%s', `${since}..HEAD`).split('\n');

  test('a replace ref', async () => {
    const tree = repo.git('rev-parse', 'HEAD^{tree}');
    repo.git('replace', repo.head(), repo.git('commit-tree', '-p', since, '-m', 'on top', tree));
    expect(logged()).toEqual(['on top']);
    expect(subjects(await changes({ since }))).toEqual(all);
  });

  test('a graft', async () => {
    writeFileSync(join(repo.top, '.git/info/grafts'), `${repo.head()} ${since}\n`);
    expect(logged()).toEqual(['on top']);
    expect(subjects(await changes({ since }))).toEqual(all);
  });

  test('a commit-graph that was tampered with', async () => {
    const onTop = repo.head();
    commit('newest');
    repo.git('commit-graph', 'write', '--reachable');
    // The parent of a commit: its position in the graph, after the tree's id. See gitformat-commit-graph(5).
    const path = join(repo.top, '.git/objects/info/commit-graph');
    const graph = readFileSync(path);
    const chunk = (name: string) => Number(graph.readBigUInt64BE(graph.indexOf(name) + 4));
    const position = (id: string) => (graph.indexOf(Buffer.from(id, 'hex')) - chunk('OIDL')) / 20;
    graph.writeUInt32BE(position(since), chunk('CDAT') + position(onTop) * 36 + 20);
    rmSync(path);
    writeFileSync(path, graph);
    expect(logged()).toEqual(['newest', 'on top']);
    const found = await changes({ since, needAuthors: true });
    expect(subjects(found)).toEqual(['newest', ...all]);
    expect(emails(found)).toContain('eve@example.com');
  });

  test('a boundary of a shallow checkout that is none', async () => {
    writeFileSync(join(repo.top, '.git/shallow'), `${repo.head()}\n`);
    expect(logged()).toEqual(['on top']);
    expect(subjects(await changes({ since }))).toEqual(all);
  });

  test('settings of the log', async () => {
    for (const setting of ['log.excludeDecoration', 'log.follow', 'core.commitGraph']) {
      repo.git('config', setting, 'true');
    }
    repo.git('config', 'log.date', 'format:%x');
    repo.git('config', 'i18n.logOutputEncoding', 'UTF-16');
    expect(subjects(await changes({ since }))).toEqual(all);
  });

  test('an object that is not what its id says', async () => {
    const path = (id: string) => join(repo.top, '.git/objects', id.slice(0, 2), id.slice(2));
    rmSync(path(hidden));
    execFileSync('cp', [path(since), path(hidden)]);
    expect(await refusal({ since })).toContain(
      `facts_uncollectable: The git object ${hidden} does not hold what its id says`,
    );
  });

  test('a parent that is no commit', async () => {
    const tree = repo.git('rev-parse', 'HEAD^{tree}');
    const lines = [`tree ${tree}`, `parent ${tree}`, 'author A <a@x> 5 +0000'];
    const odd = rawCommit(Buffer.from(`${lines.join('\n')}\ncommitter C <c@x> 5 +0000\n\nx`));
    expect(await refusal({ since, commit: odd })).toContain(
      `facts_uncollectable: The git object ${tree} stands for a commit, and is none.`,
    );
  });

  test('a commit whose parent is no id', async () => {
    const lines = [`tree ${repo.git('rev-parse', 'HEAD^{tree}')}`, 'parent 12ab', 'author A <a@x>'];
    const odd = rawCommit(Buffer.from(`${lines.join('\n')}\n\nx`));
    for (const last of [since, undefined]) {
      expect(await refusal({ since: last, commit: odd })).toContain(
        `facts_uncollectable: The git object ${odd} stands for a commit, and is none.`,
      );
    }
  });

  test('nor is anything written or run there', async () => {
    const proof = join(repo.top, 'was-run');
    repo.git('config', 'core.fsmonitor', `touch ${proof}; false`);
    repo.git('config', 'core.pager', `touch ${proof}`);
    await changes({ since });
    expect(existsSync(proof)).toBe(false);
  });
});

describe('a checkout that does not hold the history', () => {
  let origin: string;
  let ids: string[];
  const clone = (...options: readonly string[]) => {
    const top = freshFolder();
    gitIn(root, ['clone', '--quiet', ...options, `file://${origin}`, top]);
    return top;
  };
  beforeEach(() => {
    ids = ['base', 'deployed', 'two', 'three'].map((subject) => {
      repo.write(`db/${subject}.sql`);
      return commit(subject);
    });
    origin = repo.top;
  });

  test('of depth 1 says so, and names the commit itself', async () => {
    const top = clone('--depth=1');
    const found = await changes({ top, since: ids[1] });
    expect(found).toEqual({
      commits: [expect.objectContaining({ subject: 'three' })],
      more: 0,
      gap: `the checkout does not hold the commit ${ids[1]}`,
    });
  });

  test('of depth 1 without a last deploy is whole: only the commit itself is asked for', async () => {
    const found = await changes({ top: clone('--depth=1'), needAuthors: true });
    expect(found).toMatchObject({ commits: [{ subject: 'three' }], authors: [expect.anything()] });
    expect(found).not.toHaveProperty('gap');
  });

  test('is refused where a rule asks for the authors', async () => {
    expect(await refusal({ top: clone('--depth=1'), since: ids[1], needAuthors: true })).toBe(
      `facts_uncollectable: The policy asks who wrote the commits since the last deploy (${ids[1]}), and not all of them are known: the checkout does not hold the commit ${ids[1]}. Check out the whole history: with actions/checkout set fetch-depth: 0 (with filter: blob:none it is quick).`,
    );
  });

  test('is refused without a last deploy too, where the commit merged what is not there', async () => {
    repo.git('checkout', '--quiet', '--orphan', 'other');
    const other = commit('other');
    repo.git('checkout', '--quiet', '--force', 'main');
    merge(other);
    const asked = { top: clone('--depth=1') };
    expect((await changes(asked)).gap).toContain('does not hold the history that far back');
    expect(await refusal({ ...asked, needAuthors: true })).toContain(
      'facts_uncollectable: The policy asks who wrote the commits since the commit before, and not all of them are known: the checkout does not hold the history that far back.',
    );
  });

  test('is refused where a rule asks for new migrations', async () => {
    const asked = { top: clone('--depth=1'), since: ids[1], migrationPaths: ['db/*.sql'] };
    expect(await refusal(asked)).toContain(
      `facts_uncollectable: The policy asks which migrations are new since the last deploy, and the checkout does not hold its commit ${ids[1]}. Check out the whole history`,
    );
  });

  test('but reaches back to the last deploy is whole', async () => {
    const top = clone('--depth=3');
    const found = await changes({ top, since: ids[1], needAuthors: true });
    expect(subjects(found)).toEqual(['three', 'two']);
  });

  test('where a merged branch goes further back than the checkout, it says so', async () => {
    repo.git('checkout', '--quiet', '--orphan', 'other');
    for (const subject of ['a', 'b', 'c', 'd']) commit(subject);
    const other = repo.head();
    repo.git('checkout', '--quiet', '--force', 'main');
    merge(other);
    const top = clone('--depth=3');
    const asked = { top, since: ids[2] };
    const found = await changes(asked);
    expect(found.gap).toBe('the checkout does not hold the history that far back');
    expect(found).not.toHaveProperty('authors');
    expect(await refusal({ ...asked, needAuthors: true })).toContain('that far back. Check out');
  });

  test('a filter of actions/checkout leaves commits and folders there', async () => {
    gitIn(origin, ['config', 'uploadpack.allowFilter', 'true']);
    const top = clone('--filter=blob:none');
    const asked = { top, since: ids[1], needAuthors: true, migrationPaths: ['db/*.sql'] };
    expect(await changes(asked)).toMatchObject({ newMigrations: ['db/three.sql', 'db/two.sql'] });
  });

  test('a last deploy of the other hash algorithm is in no history of this one', async () => {
    expect((await changes({ since: 'a'.repeat(64) })).gap).toContain('does not hold the commit');
    const modern = new TestRepository(freshFolder(), ['--object-format=sha256']);
    const short = modern.write('db/1.sql').commitAll().slice(0, 40);
    const asked = { top: modern.top, since: short };
    expect((await changes(asked)).gap).toBe(`the checkout does not hold the commit ${short}`);
    expect(await refusal({ ...asked, migrationPaths: ['db/*'] })).toContain(
      `the checkout does not hold its commit ${short}.`,
    );
  });
});

describe('new migrations', () => {
  const asked = { migrationPaths: ['db/**/*.sql', 'seed/*'] };
  let since: string;
  beforeEach(() => {
    repo.write('db/001.sql').write('db/old/000.sql').write('src/a.sql').write('db/readme.md');
    since = commit('deployed');
  });

  test('are what the globs match, added or changed, and nothing else', async () => {
    repo.write('db/001.sql', 'changed\n').write('db/new/002.sql').write('seed/users.csv');
    repo.write('src/b.sql').write('db/notes.md').remove('db/old/000.sql');
    commit('new');
    const { newMigrations } = await changes({ ...asked, since });
    expect(newMigrations).toEqual(['db/001.sql', 'db/new/002.sql', 'seed/users.csv']);
  });

  test('one that was renamed is new, and one that became a link', async () => {
    repo.git('mv', 'db/001.sql', 'db/100.sql');
    repo.remove('db/old/000.sql');
    symlinkSync('../100.sql', join(repo.top, 'db/old/000.sql'));
    repo.git('config', 'diff.renames', 'copies');
    commit('renamed');
    expect((await changes({ ...asked, since })).newMigrations).toEqual([
      'db/100.sql',
      'db/old/000.sql',
    ]);
  });

  test('none, where nothing changed, where no deploy is known; not known, where no rule asks', async () => {
    commit('other');
    expect((await changes({ ...asked, since })).newMigrations).toEqual([]);
    expect((await changes(asked)).newMigrations).toEqual([]);
    expect(await changes({ since })).not.toHaveProperty('newMigrations');
  });

  test('attributes hide none', async () => {
    repo
      .write('.gitattributes', 'db/** -diff export-ignore linguist-generated\n')
      .write('db/002.sql');
    commit('hidden');
    expect((await changes({ ...asked, since })).newMigrations).toEqual(['db/002.sql']);
  });

  test('in a submodule count, all of them where its older commit is not there', async () => {
    const library = new TestRepository(freshFolder());
    library.write('1.sql').commitAll();
    repo.git('submodule', 'add', '--quiet', `file://${library.top}`, 'db/lib');
    since = commit('with a submodule');
    library.write('2.sql').commitAll();
    gitIn(join(repo.top, 'db/lib'), ['pull', '--quiet']);
    commit('moved');
    expect((await changes({ ...asked, since })).newMigrations).toEqual(['db/lib/2.sql']);
    const shallow = freshFolder();
    gitIn(root, ['clone', '--quiet', `file://${repo.top}`, shallow]);
    gitIn(shallow, ['submodule', 'update', '--quiet', '--init', '--depth=1']);
    const found = await changes({ ...asked, since, top: shallow });
    expect(found.newMigrations).toEqual(['db/lib/1.sql', 'db/lib/2.sql']);
  });

  test('in a submodule that is new, or stands where a file stood, are all of its files', async () => {
    const library = new TestRepository(freshFolder());
    library.write('1.sql').write('readme.md').commitAll();
    const url = `file://${library.top}`;
    repo.git('submodule', 'add', '--quiet', url, 'db/lib');
    repo.remove('db/001.sql').git('add', '--all');
    repo.git('submodule', 'add', '--quiet', url, 'db/001.sql');
    commit('with submodules');
    expect((await changes({ ...asked, since })).newMigrations).toEqual([
      'db/001.sql/1.sql',
      'db/lib/1.sql',
    ]);
  });

  test('in a submodule that is not checked out are none: nothing there can run', async () => {
    const library = new TestRepository(freshFolder());
    library.write('1.sql').commitAll();
    repo.git('submodule', 'add', '--quiet', `file://${library.top}`, 'db/lib');
    commit('with a submodule');
    const top = freshFolder();
    gitIn(root, ['clone', '--quiet', `file://${repo.top}`, top]);
    expect((await changes({ ...asked, since, top })).newMigrations).toEqual([]);
    expect((await changes({ ...asked, since })).newMigrations).toEqual(['db/lib/1.sql']);
  });

  test('more than a thousand are refused', async () => {
    for (let number = 0; number < 1001; number += 1) repo.write(`seed/${number}`);
    commit('many');
    expect(await refusal({ ...asked, since })).toBe(
      'facts_uncollectable: migration_paths of the policy: 1001 files are new since the last deploy, more than 1000. Deploy in smaller steps.',
    );
    repo.remove('seed/7');
    commit('one less');
    expect((await changes({ ...asked, since })).newMigrations).toHaveLength(1000);
  });

  test('whose name can not be shown are refused', async () => {
    repo.write('db/a\u202Eb.sql');
    commit('odd');
    expect(await refusal({ ...asked, since })).toContain(
      "facts_uncollectable: migration_paths of the policy: the name of the new file db/a\\u{202E}b.sql can't be shown to a person.",
    );
  });

  test('that the commit does not hold are refused, ignored ones too', async () => {
    repo.write('.gitignore', '*.local.sql\n');
    commit('ignore');
    repo.write('db/002.sql').write('db/x.local.sql');
    expect(await refusal({ ...asked, since })).toBe(
      'facts_mismatch: migration_paths of the policy: the glob "db/**/*.sql" matches what the commit does not hold: db/002.sql, db/x.local.sql. Commit it or remove it, and let builds write elsewhere.',
    );
    expect(await refusal(asked)).toContain('facts_mismatch: ');
    expect((await changes({ since })).commits).toHaveLength(1);
    for (let number = 100; number < 110; number += 1) repo.write(`db/${number}.sql`);
    expect(await refusal(asked)).toContain('db/108.sql and 2 more. Commit it or remove it');
  });

  test('that a commit without any file does not hold are refused', async () => {
    const empty = new TestRepository(freshFolder());
    const id = empty.commitAll();
    expect((await changes({ ...asked, top: empty.top })).commits[0]?.commit).toBe(id);
    empty.write('db/002.sql');
    expect(await refusal({ ...asked, top: empty.top })).toContain('does not hold: db/002.sql.');
  });

  test('that a sparse checkout leaves out are new all the same', async () => {
    repo.write('db/new/002.sql');
    commit('new');
    repo.git('sparse-checkout', 'set', '--no-cone', '/*', '!/db/new/');
    expect(existsSync(join(repo.top, 'db/new'))).toBe(false);
    expect((await changes({ ...asked, since })).newMigrations).toEqual(['db/new/002.sql']);
  });
});
