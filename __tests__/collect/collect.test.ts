import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { collectFacts } from '../../src/collect/collect.ts';
import { readDeclaredFacts } from '../../src/collect/declared.ts';
import { compareFacts } from '../../src/core/compare.ts';
import { sha256Hex } from '../../src/core/hash.ts';
import { faultOf, gitIn, temporaryFolder, TestRepository } from './git-repository.ts';

const root = temporaryFolder();
afterAll(() => rmSync(root, { recursive: true, force: true }));
let count = 0;

const inputs: Readonly<Record<string, string>> = {
  service: 'api',
  environment: 'production',
  region: 'eu-west-1',
  migration: 'none',
  'rollback-version': 'v1.41.2',
};
const declare = (more: Readonly<Record<string, string>> = {}) =>
  readDeclaredFacts((name) => ({ ...inputs, ...more })[name] ?? '');

let repo: TestRepository;
let commit: string;
let folder: string;
let job: Readonly<Record<string, string>>;
beforeEach(() => {
  folder = join(root, `case-${(count += 1)}`);
  repo = new TestRepository(join(folder, 'shop'));
  repo.write('README.md').write('api/app.ts').write('db/001.sql', 'DROP TABLE users;\n');
  commit = repo.commitAll();
  const event = join(folder, 'event.json');
  writeFileSync(event, '{"sender":{"type":"User"}}');
  job = {
    PATH: process.env.PATH ?? '',
    GITHUB_ACTIONS: 'true',
    GITHUB_EVENT_NAME: 'push',
    GITHUB_EVENT_PATH: event,
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_REPOSITORY: 'acme/shop',
    GITHUB_REPOSITORY_ID: '123456789',
    GITHUB_REF: 'refs/heads/main',
    GITHUB_SHA: commit,
    GITHUB_RUN_ID: '9876543210',
    GITHUB_RUN_ATTEMPT: '1',
    GITHUB_ACTOR: 'alexdoe',
    GITHUB_ACTOR_ID: '1234567',
    GITHUB_TRIGGERING_ACTOR: 'alexdoe',
    GITHUB_WORKFLOW_REF: 'acme/shop/.github/workflows/deploy.yml@refs/heads/main',
    GITHUB_WORKFLOW_SHA: commit,
    GITHUB_JOB: 'deploy',
    GITHUB_WORKSPACE: repo.top,
  };
});

const collect = (
  env: Readonly<Record<string, string>> = {},
  more: Readonly<Record<string, string>> = {},
) => collectFacts({ declared: declare(more), env: { ...job, ...env }, cwd: '/' });

describe('on GitHub', () => {
  test('facts that are valid, the run, and the workspace', async () => {
    const migration = {
      migration: 'sql',
      'migration-files': 'db/*.sql',
      'migration-dialect': 'postgresql',
      'migration-command': 'npm run migrate',
    };
    expect(await collect({}, migration)).toEqual({
      facts: {
        schema: 'deploy-facts/v1',
        service: 'api',
        environment: 'production',
        region: 'eu-west-1',
        server: 'https://github.com',
        repository: 'acme/shop',
        repository_id: '123456789',
        ref: 'refs/heads/main',
        commit,
        workflow: 'acme/shop/.github/workflows/deploy.yml@refs/heads/main',
        workflow_sha: commit,
        actor: { login: 'alexdoe', id: '1234567', type: 'human' },
        run_id: '9876543210',
        run_attempt: '1',
        migration: {
          kind: 'sql',
          command: 'npm run migrate',
          destructive: true,
          files: [{ path: 'db/001.sql', sha256: sha256Hex('DROP TABLE users;\n') }],
          statements: ['db/001.sql:1 DROP TABLE users'],
        },
        rollback: { kind: 'version', value: 'v1.41.2' },
      },
      circumstances: { provider: 'github', trigger: 'push', event_commit: commit },
      job: 'deploy',
      workspace: repo.top,
      checkout: {
        repository: { top: repo.top, gitDir: join(repo.top, '.git') },
        untrusted: [repo.top],
        files: ['README.md', 'api/app.ts', 'db/001.sql'].map((path) => ({ path, kind: 'file' })),
        leftOut: [],
      },
      notices: ['The migration counts as destructive:', '  db/001.sql:1 DROP TABLE users'],
    });
  });

  test('two collections of one checkout are equal', async () => {
    expect(await collect()).toEqual(await collect());
  });

  test('a checkout below the workspace, by working-directory or a folder in it', async () => {
    const env = { GITHUB_WORKSPACE: folder };
    for (const path of ['shop', 'shop/api', './shop/']) {
      const { facts, workspace } = await collect(env, { 'working-directory': path });
      expect(facts.commit).toBe(commit);
      expect(workspace).toBe(folder);
    }
  });

  describe('what is not checked out is a fact', () => {
    const list = (...paths: readonly string[]) =>
      sha256Hex(paths.map((path) => `${path}\n`).join(''));

    test('of a sparse checkout, and is said', async () => {
      expect((await collect()).facts).not.toHaveProperty('left_out');
      repo.git('sparse-checkout', 'set', 'api');
      const { facts, notices } = await collect();
      expect(facts.left_out).toEqual({ count: '1', sha256: list('db/001.sql') });
      expect(notices).toEqual([
        "This checkout leaves out 1 of the commit's paths, by its sparse patterns or as submodules that were not checked out: db/001.sql. What is there is proven; their number is put before the approver, and must be the same before the deploy.",
      ]);
    });

    test('patterns that an earlier step changed after the approval are a difference', async () => {
      repo.git('sparse-checkout', 'set', '--no-cone', '/*', '!/db/');
      const { facts: signed } = await collect();
      repo.git('sparse-checkout', 'set', '--no-cone', '/*', '!/api/');
      const { facts: final } = await collect();
      expect(compareFacts(signed, final)).toEqual([
        { field: 'left_out.sha256', signed: list('db/001.sql'), final: list('api/app.ts') },
      ]);
    });

    test('of submodules that were not checked out', async () => {
      const library = new TestRepository(join(folder, 'library'));
      library.write('x').commitAll();
      repo.git('submodule', '--quiet', 'add', library.top, 'vendor/library');
      const id = repo.commitAll();
      const env = { GITHUB_SHA: id };
      expect((await collect(env)).facts).not.toHaveProperty('left_out');
      repo.git('submodule', '--quiet', 'deinit', '--all');
      const { left_out: leftOut } = (await collect(env)).facts;
      expect(leftOut).toEqual({ count: '1', sha256: list('vendor/library') });
    });

    test('at most ten of the paths are named in the log', async () => {
      for (let n = 10; n < 25; n += 1) repo.write(`many/${n}`);
      const id = repo.commitAll();
      repo.git('sparse-checkout', 'set', 'api', 'db');
      const { notices } = await collect({ GITHUB_SHA: id });
      expect(notices[0]).toContain('leaves out 15 of');
      expect(notices[0]).toContain('many/18, many/19 and 5 more. What');
    });
  });
});

describe('the commit', () => {
  async function refusal(
    env: Readonly<Record<string, string>>,
    more: Readonly<Record<string, string>> = {},
  ) {
    const { code, message } = await faultOf(() => collect(env, more));
    return `${code}: ${message}`;
  }

  test('a moved HEAD is refused, with both ids', async () => {
    const moved = repo.write('new').commitAll();
    expect(await refusal({})).toBe(
      `facts_mismatch: This run is for commit ${commit}, but ${moved} is checked out. Check out the commit of the run, or, if another one is meant, give its full id as the input commit.`,
    );
  });

  test('a moved HEAD is refused though the files are the same', async () => {
    repo.commitAll('same tree');
    expect(await refusal({})).toMatch(/^facts_mismatch: /);
  });

  test('the input commit must be what is checked out, then GITHUB_SHA need not', async () => {
    const other = repo.write('new').commitAll();
    expect((await collect({}, { commit: other })).facts.commit).toBe(other);
    expect(await refusal({}, { commit })).toBe(
      `facts_mismatch: The input commit is ${commit}, but ${other} is checked out. Check out the commit that is to be deployed (actions/checkout with ref), or correct the input.`,
    );
    expect(await refusal({ GITHUB_SHA: other }, { commit })).toMatch(/^facts_mismatch: /);
  });

  test('an annotated tag in GITHUB_SHA stands for its commit, a tag of a tag too', async () => {
    repo.git('tag', '-a', 'v1', '-m', 'v1');
    repo.git('tag', '-a', 'v1-again', '-m', 'again', 'v1');
    for (const name of ['v1', 'v1-again']) {
      const GITHUB_SHA = repo.git('rev-parse', `refs/tags/${name}`);
      expect(GITHUB_SHA).not.toBe(commit);
      const { facts } = await collect({ GITHUB_SHA, GITHUB_REF: `refs/tags/${name}` });
      expect(facts.commit).toBe(commit);
    }
    const GITHUB_SHA = repo.git('rev-parse', 'refs/tags/v1');
    repo.write('new').commitAll();
    expect(await refusal({ GITHUB_SHA })).toMatch(/^facts_mismatch: /);
  });

  test('an annotated tag as the input commit is not its commit', async () => {
    repo.git('tag', '-a', 'v1', '-m', 'v1');
    expect(await refusal({}, { commit: repo.git('rev-parse', 'refs/tags/v1') })).toMatch(
      /^facts_mismatch: /,
    );
  });

  test('a branch that is called like the short or the full id of another commit changes nothing', async () => {
    const moved = repo.write('new').commitAll();
    for (const name of [commit, commit.slice(0, 7), 'HEAD']) {
      repo.git('update-ref', `refs/heads/${name}`, moved);
      repo.git('update-ref', `refs/tags/${name}`, moved);
    }
    expect(await refusal({})).toMatch(/^facts_mismatch: /);
    expect(await refusal({ GITHUB_SHA: commit.slice(0, 7) })).toMatch(/^facts_mismatch: /);
    expect(await refusal({ GITHUB_SHA: 'HEAD' })).toMatch(/^facts_mismatch: /);
    repo.git('checkout', '--quiet', '--detach', `${commit}^{commit}`);
    expect((await collect()).facts.commit).toBe(commit);
  });

  test('a replace ref for HEAD changes nothing', async () => {
    const evil = repo.write('api/app.ts', 'evil\n').commitAll();
    repo.git('replace', commit, evil);
    repo.git('update-ref', 'refs/heads/main', commit);
    expect(await refusal({})).toContain('- api/app.ts has other content');
  });

  test('a commit that the checkout does not hold', async () => {
    expect(await refusal({ GITHUB_SHA: '1'.repeat(40) })).toMatch(
      /^facts_mismatch: .*is checked out/,
    );
  });

  test('the commit of the run is known as the event names it, whether the checkout holds it or not', async () => {
    const other = repo.write('new').commitAll();
    repo.git('tag', '-a', 'v1', '-m', 'v1', commit);
    const blob = repo.object('blob', repo.git('cat-file', 'commit', commit));
    const events = [
      [commit, commit],
      [repo.git('rev-parse', 'refs/tags/v1'), commit],
      ['1'.repeat(40), '1'.repeat(40)],
      // A blob may look like a commit, and an id of the other hash algorithm begin like one.
      [blob, blob],
      [commit + '0'.repeat(24), commit + '0'.repeat(24)],
    ] as const;
    for (const [GITHUB_SHA, known] of events) {
      const { circumstances } = await collect({ GITHUB_SHA }, { commit: other });
      expect(circumstances.event_commit).toBe(known);
    }
  });

  test('a blob that looks like the commit', async () => {
    const GITHUB_SHA = repo.object('blob', `${repo.git('cat-file', 'commit', commit)}\n`);
    expect(await refusal({ GITHUB_SHA })).toMatch(/^facts_mismatch: .*is checked out/);
  });

  test('a tag that names a tree as a commit does', async () => {
    const tree = repo.git('rev-parse', 'HEAD^{tree}');
    const GITHUB_SHA = repo.object('tag', `tree ${tree}\n\n`);
    expect(await refusal({ GITHUB_SHA })).toMatch(/^facts_mismatch: .*is checked out/);
  });

  test('a tracked file that was changed', async () => {
    repo.write('api/app.ts', 'changed\n');
    expect(await refusal({})).toMatch(/^facts_mismatch: .*\n- api\/app\.ts has other content\n/);
  });
});

describe('is refused on GitHub', () => {
  test('a folder outside of the workspace, by path or by link', async () => {
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    symlinkSync(repo.top, join(empty, 'link'));
    for (const path of ['../shop', repo.top, 'link']) {
      const { code, message } = await faultOf(() =>
        collect({ GITHUB_WORKSPACE: empty }, { 'working-directory': path }),
      );
      expect(code).toBe('facts_uncollectable');
      expect(message).toContain(`inside of the workspace ${empty}`);
    }
  });

  test('a checkout that holds the workspace instead of lying in it', async () => {
    const { code } = await faultOf(() => collect({ GITHUB_WORKSPACE: join(repo.top, 'api') }));
    expect(code).toBe('facts_uncollectable');
  });

  test('a folder that is not there, or leads in a circle', async () => {
    const circle = join(folder, 'circle\u202E');
    symlinkSync(circle, circle);
    for (const [path, name, why] of [
      [join(folder, 'nowhere'), 'nowhere', 'ENOENT'],
      [circle, 'circle\\u{202E}', 'ELOOP'],
    ] as const) {
      const start = await faultOf(() => collect({}, { 'working-directory': path }));
      expect([start.code, start.message]).toEqual([
        'facts_uncollectable',
        `The folder ${join(folder, name)} can't be found (${why}). Check the input working-directory.`,
      ]);
      const workspace = await faultOf(() => collect({ GITHUB_WORKSPACE: path }));
      expect([workspace.code, workspace.message]).toEqual([
        'facts_uncollectable',
        `The workspace ${join(folder, name)} (GITHUB_WORKSPACE) can't be found (${why}). Let no step or container remove it.`,
      ]);
    }
  });

  test('facts that are not acceptable: all of them at once', async () => {
    const bad = { environment: 'latest', region: 'any', 'rollback-version': commit };
    const { code, message, details } = await faultOf(() => collect({ GITHUB_RUN_ID: '01' }, bad));
    expect(code).toBe('payload_invalid');
    expect(details.problems?.map(({ field }) => field).sort()).toEqual([
      'environment',
      'region',
      'rollback.value',
      'run_id',
    ]);
    expect(message).toMatch(/^The deploy facts are not acceptable:\n/);
  });

  test('a glob without a match', async () => {
    const more = { migration: 'sql', 'migration-files': 'sql/*.sql', 'migration-command': 'x' };
    expect((await faultOf(() => collect({}, more))).code).toBe('configuration');
  });
});

describe('on another machine', () => {
  const run = { DEPLOY_WARRANT_RUN_ID: '42' };
  const local = (
    env: Readonly<Record<string, string>> = run,
    more: Readonly<Record<string, string>> = {},
    cwd = repo.top,
  ) => collectFacts({ declared: declare(more), env, cwd });

  test('the facts of the checkout and of the user', async () => {
    const login = userInfo().username;
    expect(await local()).toEqual({
      facts: {
        schema: 'deploy-facts/v1',
        service: 'api',
        environment: 'production',
        region: 'eu-west-1',
        repository: 'shop',
        ref: 'refs/heads/main',
        commit,
        actor: { login, id: `local:${login}`, type: 'human' },
        run_id: '42',
        run_attempt: '1',
        migration: { kind: 'none' },
        rollback: { kind: 'version', value: 'v1.41.2' },
      },
      circumstances: { provider: 'local' },
      job: 'local',
      workspace: repo.top,
      checkout: expect.objectContaining({ untrusted: [repo.top], leftOut: [] }),
      notices: [],
    });
  });

  test('what the environment says about the run', async () => {
    const env = {
      ...run,
      DEPLOY_WARRANT_RUN_ATTEMPT: '3',
      DEPLOY_WARRANT_JOB: 'canary',
      CI: 'true',
    };
    const { facts, job } = await local(env);
    expect([facts.run_id, facts.run_attempt, job]).toEqual(['42', '3', 'canary']);
    expect(facts.actor.type).toBe('pipeline');
    expect((await local({ ...run, CI: 'false' })).facts.actor.type).toBe('human');
    expect((await local(run, { 'actor-type': 'agent' })).facts.actor.type).toBe('agent');
  });

  test('empty variables are absent ones', async () => {
    const empty = { DEPLOY_WARRANT_RUN_ATTEMPT: '', DEPLOY_WARRANT_JOB: '', CI: '' };
    const [{ facts, job }, plain] = [await local({ ...run, ...empty }), await local()];
    expect([facts.run_attempt, job]).toEqual([plain.facts.run_attempt, plain.job]);
  });

  // Only root can start a program as somebody else.
  (process.getuid?.() === 0 ? test : test.skip)(
    'a user without a name, as in a container, goes by its number',
    () => {
      // The folder for temporary files may be closed to others.
      const open = mkdtempSync('/tmp/deploy-warrant-test-');
      chmodSync(open, 0o755);
      try {
        const { top } = new TestRepository(join(open, 'shop'));
        gitIn(top, ['commit', '--quiet', '--allow-empty', '--message=one']);
        const script = `
          import { collectFacts } from ${JSON.stringify(resolve('src/collect/collect.ts'))};
          const declared = ${JSON.stringify(declare())};
          const { facts } = await collectFacts({ declared, env: ${JSON.stringify(run)}, cwd: '.' });
          process.stdout.write(JSON.stringify(facts.actor));`;
        const args = ['--input-type=module', '--eval', script];
        const user = { uid: 54_321, gid: 54_321, env: {} };
        const output = execFileSync(process.execPath, args, {
          ...user,
          cwd: top,
          encoding: 'utf8',
        });
        const login = 'uid-54321';
        expect(JSON.parse(output)).toEqual({ login, id: `local:${login}`, type: 'human' });
      } finally {
        rmSync(open, { recursive: true });
      }
    },
  );

  test("GitHub's variables count only where GITHUB_ACTIONS is true", async () => {
    const { facts } = await local({ ...job, ...run, GITHUB_ACTIONS: 'false' });
    expect(facts.repository).toBe('shop');
  });

  test.each([
    ['https://github.com/acme/shop.git', 'acme/shop'],
    ['https://alex:s3cret@github.com/acme/shop', 'acme/shop'],
    ['ssh://git@gitlab.example.com:2222/group/sub/shop.git/', 'group/sub/shop'],
    ['git@github.com:acme/shop.git', 'acme/shop'],
    ['github.com:/acme/shop', 'acme/shop'],
    ['/srv/git/other.git', 'other'],
    ['file:///srv/git/other', 'other'],
    ['../other', 'other'],
    ['https://example.com/.git', 'shop'],
  ])('the repository of origin %s', async (url, name) => {
    repo.git('remote', 'add', 'origin', url);
    const collected = await local();
    expect(collected.facts.repository).toBe(name);
    expect(JSON.stringify(collected)).not.toContain('s3cret');
  });

  test('another commit must be checked out, too', async () => {
    const { code } = await faultOf(() => local(run, { commit: '1'.repeat(40) }));
    expect(code).toBe('facts_mismatch');
  });

  test('without a run id, and without a branch: each variable is named', async () => {
    repo.git('checkout', '--quiet', '--detach');
    const { code, details } = await faultOf(() => local({}));
    expect(code).toBe('facts_uncollectable');
    expect(details.problems?.map(({ field }) => field)).toEqual([
      'DEPLOY_WARRANT_RUN_ID',
      'DEPLOY_WARRANT_REF',
    ]);
    const { facts } = await local({ ...run, DEPLOY_WARRANT_REF: 'refs/heads/release' });
    expect(facts.ref).toBe('refs/heads/release');
  });

  test('a ref that is not the branch that is checked out', async () => {
    const { code, message } = await faultOf(() =>
      local({ ...run, DEPLOY_WARRANT_REF: 'refs/heads/x' }),
    );
    expect(code).toBe('facts_uncollectable');
    expect(message).toContain(
      'DEPLOY_WARRANT_REF: is refs/heads/x, but refs/heads/main is checked out',
    );
    expect((await local({ ...run, DEPLOY_WARRANT_REF: 'refs/heads/main' })).facts.ref).toBe(
      'refs/heads/main',
    );
  });

  test.each(['abc', '007', '1.5', '-1', ' 1'])(
    'a run id that is no decimal number: %j',
    async (id) => {
      const { code, details } = await faultOf(() => local({ DEPLOY_WARRANT_RUN_ID: id }));
      expect(code).toBe('payload_invalid');
      expect(details.problems?.map(({ field }) => field)).toEqual(['run_id']);
    },
  );

  test('no checkout', async () => {
    const { code } = await faultOf(() => local(run, {}, dirname(root)));
    expect(code).toBe('facts_uncollectable');
  });

  test("a folder whose name is no repository's", async () => {
    const odd = new TestRepository(join(folder, 'my shop'));
    odd.write('a').commitAll();
    const { code, details } = await faultOf(() => local(run, {}, odd.top));
    expect(basename(odd.top)).toBe('my shop');
    expect(code).toBe('payload_invalid');
    expect(details.problems?.map(({ field }) => field)).toEqual(['repository']);
  });
});
