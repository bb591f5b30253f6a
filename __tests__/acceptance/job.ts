/**
 * One job of a workflow, as a GitHub runner sets it up: a checkout of a real git repository, the event file, the
 * environment, and the two steps as processes of the built bundles with their inputs from the action files.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parse } from 'yaml';

const root = resolve(import.meta.dirname, '../..');

type Step = 'request' | 'verify';
export type Inputs = Readonly<Record<string, string>>;

export interface StepResult {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly outputs: Readonly<Record<string, string>>;
  /** All that it wrote to the runner's files, by what they are for (`OUTPUT`, `STATE`, `STEP_SUMMARY` …). */
  readonly files: Readonly<Record<string, string>>;
}

export interface RunningStep {
  readonly result: Promise<StepResult>;
  /** Resolves with the first match in stdout. Rejects with the whole log when the step ends without one. */
  readonly sees: (pattern: RegExp) => Promise<RegExpMatchArray>;
  readonly kill: (signal: NodeJS.Signals) => void;
}

export interface Job {
  readonly workspace: string;
  /** What the runner calls RUNNER_TEMP: outside the workspace. */
  readonly temp: string;
  readonly commit: string;
  readonly runId: string;
  /** The fact inputs both steps of this job declare. */
  readonly facts: Inputs;
  readonly start: (step: Step, inputs: Inputs, env?: Inputs) => RunningStep;
  /** The whole environment of such a step but for the runner's files, for a test that starts the process itself. */
  readonly variables: (step: Step, inputs: Inputs, env?: Inputs) => Inputs;
  /** Resolves when the request step has kept for its post step what it created. */
  readonly kept: () => Promise<void>;
  /** The post step of the request step before it, with that one's inputs and state; as on a runner it always runs. */
  readonly startPost: () => RunningStep;
  readonly git: (...args: readonly string[]) => string;
  readonly write: (path: string, content: string) => void;
}

export interface JobOptions {
  readonly bundles: string;
  /** Takes the place of the facts that every job here declares. */
  readonly facts?: Inputs;
  readonly env?: Inputs;
  readonly actor?: { readonly login: string; readonly id: string; readonly type: 'User' | 'Bot' };
  /** Another job on the same checkout: a second runner of the same run. */
  readonly sameRunAs?: Job;
  readonly attempt?: string;
}

export const repository = { name: 'acme/shop', id: '123456789' };
const agent = { login: 'release-agent[bot]', id: '41898282', type: 'Bot' } as const;

let jobs = 0;
const folders = new Set<string>();
const children = new Set<ChildProcess>();

/** Ends the steps that still run, and removes what all jobs of this test file have left. */
export function endJobs(): void {
  for (const child of children) child.kill('SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  folders.clear();
}

/** A run of its own, unless `sameRunAs` is given: its own run id, and a region so that no job supersedes another's request. */
export function startJob(options: JobOptions): Job {
  jobs += 1;
  const { bundles, sameRunAs: twin } = options;
  const folder = mkdtempSync(join(tmpdir(), 'deploy-warrant-job-'));
  folders.add(folder);
  const temp = join(folder, 'temp');
  const workspace = twin?.workspace ?? join(folder, 'workspace');
  mkdirSync(temp, { recursive: true });
  mkdirSync(workspace, { recursive: true });

  const write = (path: string, content: string): void => {
    mkdirSync(dirname(join(workspace, path)), { recursive: true });
    writeFileSync(join(workspace, path), content);
  };
  const git = (...args: readonly string[]): string =>
    execFileSync('git', args, {
      cwd: workspace,
      env: gitEnvironment(temp),
      encoding: 'utf8',
    }).trim();

  if (twin === undefined) {
    git('init', '--quiet', '--initial-branch=main');
    write('README.md', '# shop\n');
    write('deploy.sh', '#!/bin/sh\necho deployed\n');
    git('add', '--all');
    git('commit', '--quiet', '-m', 'Open the shop');
    write('db/001.sql', 'create table orders (id text primary key);\n');
    write('db/002.sql', 'drop table carts;\n');
    git('add', '--all');
    git('commit', '--quiet', '-m', 'Add orders, drop carts');
    git('remote', 'add', 'origin', `https://github.com/${repository.name}.git`);
  }

  const actor = options.actor ?? agent;
  const runId = twin?.runId ?? String(9_000_000_000 + process.pid * 1_000 + jobs);
  const eventPath = join(temp, 'event.json');
  const commit = git('rev-parse', 'HEAD');
  writeFileSync(
    eventPath,
    JSON.stringify({
      ref: 'refs/heads/main',
      repository: { id: Number(repository.id), full_name: repository.name },
      sender: { login: actor.login, id: Number(actor.id), type: actor.type },
      workflow: '.github/workflows/deploy.yml',
    }),
  );

  const env: Record<string, string> = {
    PATH: process.env.PATH ?? '',
    HOME: temp,
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    GITHUB_ACTOR: actor.login,
    GITHUB_ACTOR_ID: actor.id,
    GITHUB_TRIGGERING_ACTOR: actor.login,
    GITHUB_API_URL: 'https://api.github.com',
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_EVENT_NAME: 'workflow_dispatch',
    GITHUB_EVENT_PATH: eventPath,
    GITHUB_JOB: 'deploy',
    GITHUB_REF: 'refs/heads/main',
    GITHUB_REF_NAME: 'main',
    GITHUB_REF_TYPE: 'branch',
    GITHUB_REPOSITORY: repository.name,
    GITHUB_REPOSITORY_ID: repository.id,
    GITHUB_REPOSITORY_OWNER: 'acme',
    GITHUB_RUN_ATTEMPT: options.attempt ?? '1',
    GITHUB_RUN_ID: runId,
    GITHUB_RUN_NUMBER: '7',
    GITHUB_SHA: commit,
    GITHUB_WORKFLOW: 'Deploy',
    GITHUB_WORKFLOW_REF: `${repository.name}/.github/workflows/deploy.yml@refs/heads/main`,
    GITHUB_WORKFLOW_SHA: commit,
    GITHUB_WORKSPACE: workspace,
    RUNNER_TEMP: temp,
    RUNNER_OS: 'Linux',
    RUNNER_ENVIRONMENT: 'github-hosted',
    ...options.env,
  };

  const facts: Inputs = twin?.facts ?? {
    service: 'api',
    environment: 'production',
    region: `region-${process.pid}-${jobs}`,
    migration: 'sql',
    'migration-files': 'db/*.sql',
    'migration-command': 'npm run migrate',
    'migration-dialect': 'postgresql',
    'rollback-version': 'v1.41.2',
    ...options.facts,
  };

  let steps = 0;
  let asked: { readonly inputs: Inputs; readonly statePath: string } | undefined;
  const startBundle = (bundle: string, variables: Inputs, state?: string): RunningStep => {
    steps += 1;
    const files = Object.fromEntries(
      ['OUTPUT', 'STATE', 'STEP_SUMMARY', 'ENV', 'PATH'].map((name) => {
        const path = join(temp, `${name.toLowerCase()}-${steps}`);
        writeFileSync(path, '');
        return [`GITHUB_${name}`, path] as const;
      }),
    );
    const saved = state === undefined ? {} : readFileCommands(state);
    const states = Object.entries(saved).map(([name, value]) => [`STATE_${name}`, value]);
    return startStep({
      bundle: join(bundles, bundle),
      cwd: workspace,
      files,
      env: { ...env, ...files, ...Object.fromEntries(states), ...variables },
    });
  };
  return {
    ...{ workspace, temp, commit, runId, facts, git, write },
    start: (step, inputs, extra = {}) => {
      const variables = inputVariables(step, { ...facts, ...inputs });
      if (step === 'request') {
        asked = { inputs: variables, statePath: join(temp, `state-${steps + 1}`) };
      }
      return startBundle(`${step}.js`, { ...variables, ...extra });
    },
    variables: (step, inputs, extra = {}) => ({
      ...env,
      ...inputVariables(step, { ...facts, ...inputs }),
      ...extra,
    }),
    kept: async () => {
      while (asked === undefined || readFileSync(asked.statePath, 'utf8') === '') {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
    startPost: () => {
      if (asked === undefined) throw new Error('There was no request step');
      return startBundle('cleanup.js', asked.inputs, asked.statePath);
    },
  };
}

/** The variables a runner derives from `with:`: every declared input, its default where none is given, and no other. */
function inputVariables(step: Step, inputs: Inputs): Record<string, string> {
  const file = join(root, step === 'verify' ? 'verify/action.yml' : 'action.yml');
  const declared = (
    parse(readFileSync(file, 'utf8')) as { inputs: Record<string, { default?: string }> }
  ).inputs;
  const unknown = Object.keys(inputs).filter((name) => !(name in declared));
  if (unknown.length > 0) throw new Error(`${file} has no input ${unknown.join(', ')}`);
  return Object.fromEntries(
    Object.entries(declared).map(([name, { default: byDefault }]) => [
      `INPUT_${name.toUpperCase()}`,
      inputs[name] ?? byDefault ?? '',
    ]),
  );
}

function startStep(o: {
  readonly bundle: string;
  readonly cwd: string;
  /** Paths by the names of their variables. */
  readonly files: Readonly<Record<string, string>>;
  readonly env: Record<string, string>;
}): RunningStep {
  const child: ChildProcess = spawn(process.execPath, [o.bundle], {
    cwd: o.cwd,
    env: o.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  child.once('close', () => children.delete(child));
  let stdout = '';
  let stderr = '';
  const watchers = new Set<() => void>();
  child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
    for (const watch of watchers) watch();
  });
  child.stderr!.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const result = new Promise<StepResult>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode, signal) =>
      resolve({
        ...{ exitCode, signal, stdout, stderr },
        outputs: readFileCommands(o.files.GITHUB_OUTPUT!),
        files: Object.fromEntries(
          Object.entries(o.files).map(([name, path]) => [name.slice(7), contentOf(path)]),
        ),
      }),
    );
  });
  return {
    result,
    kill: (signal) => void child.kill(signal),
    sees: (pattern) =>
      new Promise((resolve, reject) => {
        const watch = (): void => {
          const match = pattern.exec(stdout);
          if (match === null) return;
          watchers.delete(watch);
          resolve(match);
        };
        watchers.add(watch);
        watch();
        const ended = ({ exitCode }: StepResult): void => {
          reject(
            new Error(`ended with ${exitCode} before ${String(pattern)}:\n${stdout}\n${stderr}`),
          );
        };
        result.then(ended, reject);
      }),
  };
}

/** Reads the file of GITHUB_OUTPUT or GITHUB_STATE as the runner does: `name=value`, or `name<<DELIMITER`, lines, `DELIMITER`. */
function readFileCommands(path: string): Record<string, string> {
  const outputs: Record<string, string> = {};
  const lines = contentOf(path).split('\n');
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index]!;
    if (line === '') continue;
    const heredoc = /^([^=<]+)<<(.+)$/.exec(line);
    if (heredoc === null) {
      const at = line.indexOf('=');
      if (at < 1) throw new Error(`${path} holds a line that the runner refuses: ${line}`);
      outputs[line.slice(0, at)] = line.slice(at + 1);
      continue;
    }
    const end = lines.indexOf(heredoc[2]!, index + 1);
    if (end < 0) throw new Error(`${path} has no end for ${heredoc[1]!}`);
    outputs[heredoc[1]!] = lines.slice(index + 1, end).join('\n');
    index = end;
  }
  return outputs;
}

/** Empty where it is gone with the job, because the test did not wait for the step. */
function contentOf(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

function gitEnvironment(home: string): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    HOME: home,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Ada',
    GIT_AUTHOR_EMAIL: 'ada@example.com',
    GIT_COMMITTER_NAME: 'Ada',
    GIT_COMMITTER_EMAIL: 'ada@example.com',
  };
}
