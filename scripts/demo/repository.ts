/** The checkout that the demo deploys: a clone at HEAD in a folder of its own. The source is only ever read. */
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { runCommand } from './processes.ts';

export interface Checkout {
  readonly folder: string;
  /** Where the source was when it was cloned. */
  readonly head: string;
  /** What is deployed: `head`, or the migration that the demo committed on top. */
  readonly commit: string;
  /** What the deploy can go back to: the commit before it, absent in a repository of one commit. */
  readonly previous: string | undefined;
  /** Whether the demo committed a migration, because none was named. */
  readonly migrationAdded: boolean;
  /** What stands in `migration-files`. */
  readonly migration: string;
  /** The first of its files. */
  readonly migrationPath: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

const author = 'deploy-warrant-demo';
const addedMigration = 'create table warrants (id text primary key);\ndrop table paper_warrants;\n';

/**
 * An environment for git that knows neither this machine's configuration nor a surrounding repository: no signing, no
 * hooks, no filters of the person's own; and a repository of another owner may be read.
 */
export async function gitEnvironment(folder: string): Promise<Record<string, string>> {
  const config = join(folder, 'gitconfig');
  await writeFile(
    config,
    `[user]\n\tname = ${author}\n\temail = ${author}@example.com\n[safe]\n\tdirectory = *\n[core]\n\tautocrlf = false\n[gc]\n\tauto = 0\n`,
  );
  return {
    GIT_CONFIG_GLOBAL: config,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
  };
}

/** Clones `source` at its HEAD. @throws Error with a sentence for the person when there is nothing to clone. */
export async function cloneAtHead(o: {
  readonly source: string;
  /** The clone becomes a folder in it. */
  readonly parent: string;
  readonly env: Environment;
  /** A path or glob in the repository; without one a migration is committed in the clone. */
  readonly migration: string | undefined;
}): Promise<Checkout> {
  const { source, env } = o;
  const root = await repositoryRoot(source, env);
  const folder = join(o.parent, plainName(basename(root)));
  await git(['clone', '--quiet', '--no-hardlinks', root, folder], { cwd: root, env });
  const head = await git(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'], {
    cwd: folder,
    env,
  }).catch(() => {
    throw new Error(
      `${source} has no commit yet. Commit something there, or name another repository.`,
    );
  });
  await nameAfter(root, { folder, env });

  // A ref is one of the facts, and a detached HEAD has none.
  await git(['symbolic-ref', '--quiet', 'HEAD'], { cwd: folder, env }).catch(() =>
    git(['switch', '--quiet', '--create', 'demo'], { cwd: folder, env }),
  );
  const migration = o.migration ?? (await commitMigration(folder, env));
  const pathspec = `:(glob)${migration}`;
  const files = await git(['ls-files', '-z', '--', pathspec], { cwd: folder, env });
  const [migrationPath = ''] = files.split('\0');
  if (migrationPath === '') {
    throw new Error(
      `${migration} matches no committed file of ${source}. Name one, or leave --migration out.`,
    );
  }
  const commit = await git(['rev-parse', 'HEAD'], { cwd: folder, env });
  const previous = await git(['rev-parse', '--verify', '--quiet', 'HEAD^'], {
    cwd: folder,
    env,
  }).catch(() => undefined);
  const migrationAdded = o.migration === undefined;
  return { folder, head, commit, previous, migration, migrationPath, migrationAdded };
}

/** Commits one more file on top, as an agent might between approval and deploy. */
export async function commitFile(o: {
  readonly folder: string;
  readonly env: Environment;
  readonly path: string;
  readonly content: string;
  readonly message: string;
}): Promise<void> {
  const { folder, env, path } = o;
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), o.content);
  // The repository may ignore the path, and must still hold it.
  await git(['add', '--force', '--', path], { cwd: folder, env });
  await git(['commit', '--quiet', '--no-verify', '-m', o.message, '--', path], {
    cwd: folder,
    env,
  });
}

/** Puts the checkout back to the commit that was asked for. */
export async function restore({ folder, commit }: Checkout, env: Environment): Promise<void> {
  await git(['reset', '--quiet', '--hard', commit], { cwd: folder, env });
}

/**
 * A repository is called after its `origin`, or else after its folder. The clone gets the address of the source's; what is
 * no address of a forge, such as a path of this machine, is left out.
 */
async function nameAfter(
  root: string,
  { folder, env }: { readonly folder: string; readonly env: Environment },
): Promise<void> {
  const url = await git(['remote', 'get-url', 'origin'], { cwd: root, env }).catch(() => '');
  const isForge = /^(?:(?:https|ssh):\/\/[^/]+\/|[^/:]+@[^/:]+:)[A-Za-z0-9._/-]+$/.test(url);
  const change = isForge ? ['set-url', 'origin', url] : ['remove', 'origin'];
  await git(['remote', ...change], { cwd: folder, env });
}

const plainName = (name: string): string =>
  name
    .replace(/\.git$/, '')
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[.-]+/, '') || 'repository';

/** The top of a work tree, or a bare repository. */
async function repositoryRoot(source: string, env: Environment): Promise<string> {
  for (const question of ['--show-toplevel', '--absolute-git-dir']) {
    const root = await git(['rev-parse', question], { cwd: source, env }).catch(() => undefined);
    if (root !== undefined) return root;
  }
  throw new Error(`${source} is not a git repository. Name one by --repo PATH.`);
}

async function commitMigration(folder: string, env: Environment): Promise<string> {
  const tracked = new Set(
    (await git(['ls-files', '-z', '--', 'db'], { cwd: folder, env })).split('\0'),
  );
  let number = 1;
  const path = (): string => `db/${String(number).padStart(3, '0')}.sql`;
  while (tracked.has(path())) number += 1;
  await commitFile({
    folder,
    env,
    path: path(),
    content: addedMigration,
    message: 'Add a migration for the demo',
  });
  return path();
}

async function git(
  args: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env: Environment },
): Promise<string> {
  const { exitCode, stdout, stderr } = await runCommand({ command: 'git', args, cwd, env });
  if (exitCode !== 0) throw new Error(`git ${args.join(' ')} failed in ${cwd}:\n${stderr.trim()}`);
  return stdout.trimEnd();
}
