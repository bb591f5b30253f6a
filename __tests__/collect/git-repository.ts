import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Git, GitLimits } from '../../src/collect/git.ts';
import { Fault } from '../../src/core/fault.ts';

/** A temporary folder by its real path; the caller removes it. */
export function temporaryFolder(): string {
  return realpathSync(mkdtempSync(join(tmpdir(), 'deploy-warrant-test-')));
}

/** A real git repository, made by the git of this machine without anybody's configuration. */
export class TestRepository {
  readonly top: string;

  constructor(top: string, options: readonly string[] = []) {
    this.top = top;
    mkdirSync(top, { recursive: true });
    this.git('init', '--quiet', '--initial-branch=main', ...options);
  }

  git(...args: readonly string[]): string {
    return gitIn(this.top, args);
  }

  /** Writes into the work tree. */
  write(path: string, content: string | Buffer = `content of ${path}\n`): this {
    const file = join(this.top, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    return this;
  }

  remove(path: string): this {
    rmSync(join(this.top, path), { recursive: true });
    return this;
  }

  makeExecutable(path: string): this {
    chmodSync(join(this.top, path), 0o755);
    return this;
  }

  /** Commits all that is in the work tree. @returns the id */
  commitAll(message = 'a commit'): string {
    this.git('add', '--all');
    this.git('commit', '--quiet', '--allow-empty', `--message=${message}`);
    return this.head();
  }

  head(): string {
    return this.git('rev-parse', 'HEAD');
  }

  /** Stores any bytes as an object of a type, whether or not they are one. @returns the id */
  object(type: string, content: string | Buffer): string {
    const args = ['hash-object', '-t', type, '-w', '--literally', '--stdin'];
    return execFileSync('git', args, { cwd: this.top, input: content, encoding: 'utf8' }).trim();
  }

  /** Stores a tree of these entries, written as `100644 name` and the id, in their order. @returns the id */
  tree(entries: readonly (readonly [modeAndName: string, id: string])[]): string {
    const parts = entries.map(([head, id]) =>
      Buffer.concat([Buffer.from(`${head}\0`), Buffer.from(id, 'hex')]),
    );
    return this.object('tree', Buffer.concat(parts));
  }

  /** Stores a commit of a tree, without parents. @returns the id */
  commitOf(tree: string): string {
    return this.git('commit-tree', '-m', 'a commit', tree);
  }

  /** Stores a tree of this many levels with 10 folders in each, all of one level the same. @returns the id */
  bomb(levels: number, tree: string): string {
    const names = Array.from({ length: 10 }, (_, number) => String(number));
    const above = this.tree(names.map((name) => [`40000 ${name}`, tree]));
    return levels === 1 ? above : this.bomb(levels - 1, above);
  }
}

export function gitIn(folder: string, args: readonly string[]): string {
  const settings = ['protocol.file.allow=always', 'user.name=Test', 'user.email=test@example.com'];
  return execFileSync('git', [...settings.flatMap((setting) => ['-c', setting]), ...args], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '', GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' },
  }).trim();
}

/** A program in the place of git, with the limits of the real one where none are given. */
export function programAsGit(program: string, home: string, limits: Partial<GitLimits> = {}): Git {
  const all = { timeoutMs: 120_000, maxBytes: 256 * 1024 * 1024, ...limits };
  return { program, home, running: new Set(), limits: all };
}

/** Every path below a folder with its kind, mode, times and content: equal only if nothing was written. */
export function snapshot(folder: string): Readonly<Record<string, string>> {
  const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return Object.fromEntries(
    entries.map((path) => {
      const file = join(folder, path);
      const { mode, mtimeMs, ctimeMs } = lstatSync(file);
      const content = lstatSync(file).isSymbolicLink()
        ? readlinkSync(file)
        : lstatSync(file).isFile()
          ? createHash('sha256').update(readFileSync(file)).digest('hex')
          : '';
      return [path, `${mode} ${mtimeMs} ${ctimeMs} ${content}`];
    }),
  );
}

/** The refusal of a call, as code and message. */
export async function faultOf(call: () => unknown): Promise<Fault> {
  try {
    await call();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('It was not refused.');
}
