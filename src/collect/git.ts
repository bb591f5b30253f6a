import {
  execFile,
  type ExecFileException,
  spawn,
  type ChildProcess,
  type ChildProcessWithoutNullStreams,
} from 'node:child_process';
import { access, constants, mkdtemp, realpath, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, isAbsolute, join, relative, sep } from 'node:path';
import { Fault } from '../core/fault.ts';
import { visible } from '../core/text.ts';

/** A git that no earlier step of the job put there, with an empty home of its own. */
export interface Git {
  readonly program: string;
  /** A private temporary folder. */
  readonly home: string;
  /** Ended when git is given back. */
  readonly running: Set<ChildProcess>;
  readonly limits: GitLimits;
}

/** How long git may take for an answer, and how much it may say. */
export interface GitLimits {
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

export interface GitCall {
  readonly args: readonly string[];
  /** As `core.bare=false`, for this call. */
  readonly settings?: readonly string[];
  readonly cwd: string;
  /** Given to git, so that it neither searches for a repository nor asks who owns it (safe.directory). */
  readonly gitDir: string;
  readonly workTree?: string;
  readonly objectDirectory?: string;
  readonly input?: string | Buffer;
}

const limits: GitLimits = { timeoutMs: 120_000, maxBytes: 256 * 1024 * 1024 };

/** Where systems install git; looked at before PATH, which an earlier step may have changed. */
const wellKnownPrograms = [
  '/usr/bin/git',
  '/usr/local/bin/git',
  '/opt/homebrew/bin/git',
  '/bin/git',
] as const;

/**
 * The absolute path of git: a well-known one, else from the absolute entries of PATH. Neither the program nor what it links
 * to may lie in a folder that earlier steps write to.
 * @throws Fault facts_uncollectable
 */
export async function findGit(options: {
  readonly path: string | undefined;
  readonly untrusted: readonly string[];
  readonly wellKnown?: readonly string[];
}): Promise<string> {
  const { path = '', wellKnown = wellKnownPrograms } = options;
  const untrusted = await Promise.all(options.untrusted.map(realPathOf));
  const candidates = path
    .split(delimiter)
    .filter((folder) => isAbsolute(folder))
    .map((folder) => join(folder, 'git'));
  for (const candidate of [...wellKnown, ...candidates]) {
    const program = await executableAt(candidate);
    if (program === undefined) continue;
    const places = [candidate, await realPathOf(candidate)];
    if (!untrusted.some((root) => places.some((place) => isInside(root, place)))) return candidate;
  }
  throw new Fault(
    'facts_uncollectable',
    `No git was found at ${wellKnown.join(', ')}, or in an absolute folder of PATH outside the workspace and the temporary folders. Install git on this machine.`,
  );
}

async function executableAt(path: string): Promise<string | undefined> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile() ? path : undefined;
  } catch {
    return undefined;
  }
}

async function realPathOf(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}

/** Whether a path is the root or lies below it; both absolute. */
export function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}

/** Finds git, and lends it a private home for as long as `work` runs. @throws Fault facts_uncollectable */
export async function withGit<T>(
  options: { readonly path: string | undefined; readonly untrusted: readonly string[] },
  work: (git: Git) => Promise<T>,
): Promise<T> {
  const untrusted = [...options.untrusted, tmpdir()];
  const program = await findGit({ path: options.path, untrusted });
  const home = await mkdtemp(join(tmpdir(), 'deploy-warrant-git-'));
  const running = new Set<ChildProcess>();
  try {
    return await work({ program, home, running, limits });
  } finally {
    for (const child of running) child.kill('SIGKILL');
    await rm(home, { recursive: true, force: true });
  }
}

/** What git prints. @throws Fault facts_uncollectable when it fails, or answers too late or too much */
export async function runGit(git: Git, call: GitCall): Promise<Buffer> {
  return outputOf(call, await execute(git, call));
}

/** One line that git prints without its line break, or nothing when git answers "there is none" by exit code 1. */
export async function askGit(git: Git, call: GitCall): Promise<string | undefined> {
  const answer = await execute(git, call);
  if (answer.code === 1) return undefined;
  return outputOf(call, answer).toString('utf8').replace(/\n$/, '');
}

function outputOf(call: GitCall, { code, output, complaint }: Answer): Buffer {
  if (code === 0) return output;
  throw new Fault(
    'facts_uncollectable',
    `git ${String(call.args[0])} failed in ${visible(call.cwd)}: ${visible(complaint, 300)}`,
  );
}

interface Answer {
  readonly code: number;
  readonly output: Buffer;
  readonly complaint: string;
}

/** A git that goes on answering until it is given back with the others. */
export function startGit(git: Git, call: Omit<GitCall, 'input'>): ChildProcessWithoutNullStreams {
  const options = { cwd: call.cwd, env: environmentOf(git, call) } as const;
  const child = spawn(git.program, argumentsOf(call), options);
  git.running.add(child);
  child.on('close', () => git.running.delete(child));
  return child;
}

/** Nothing in the configuration of a repository may start a program or change what these commands say. */
const overrides = [
  'core.fsmonitor=false',
  'core.hooksPath=/dev/null',
  'core.quotePath=false',
  'core.commitGraph=false',
];

function argumentsOf({ settings = [], args }: GitCall): readonly string[] {
  return [...[...overrides, ...settings].flatMap((setting) => ['-c', setting]), ...args];
}

function execute(git: Git, call: GitCall): Promise<Answer> {
  const { cwd, input } = call;
  const options = {
    cwd,
    env: environmentOf(git, call),
    encoding: 'buffer',
    timeout: git.limits.timeoutMs,
    killSignal: 'SIGKILL',
    maxBuffer: git.limits.maxBytes,
  } as const;
  return new Promise((resolve) => {
    const child = execFile(git.program, argumentsOf(call), options, (error, output, complaint) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      const said = complaint.toString('utf8').trim() || endOf(error, git.limits);
      resolve({ code, output, complaint: said });
    });
    // git may end before it has read everything; its exit code tells why.
    child.stdin?.on('error', () => undefined).end(input ?? '');
  });
}

/** Why a program that said nothing gave no answer. */
function endOf(error: ExecFileException | null, { timeoutMs }: GitLimits): string {
  const { killed, signal, message = '' } = error ?? {};
  if (killed === true) return `no answer within ${timeoutMs / 1000} s`;
  return typeof signal === 'string' ? `it was ended by ${signal}` : message;
}

/** Built from nothing, so that no `GIT_*` variable, loader option or home of this job reaches git. */
function environmentOf(git: Git, call: GitCall): Record<string, string> {
  const { gitDir, workTree, objectDirectory } = call;
  return {
    LC_ALL: 'C',
    HOME: git.home,
    XDG_CONFIG_HOME: git.home,
    GIT_DIR: gitDir,
    ...(workTree === undefined ? {} : { GIT_WORK_TREE: workTree }),
    ...(objectDirectory === undefined ? {} : { GIT_OBJECT_DIRECTORY: objectDirectory }),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_NO_LAZY_FETCH: '1',
    GIT_ALLOW_PROTOCOL: 'none',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
  };
}
