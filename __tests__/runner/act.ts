/**
 * Runs a workflow by act, a real interpreter of workflow files, in host mode: no container, no download. The actions of the
 * example are those built from today's sources; actions of others have local stand-ins.
 */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Why these tests can't run on this machine; `undefined` where they can. */
export const missing =
  spawnSync('act', ['--version']).status === 0
    ? undefined
    : 'act is not installed here: scripts/tools/install.sh FOLDER, then PATH=FOLDER/bin:$PATH';

type Texts = Readonly<Record<string, string>>;

/** A repository, and the run that is made of it. */
export interface Shop {
  readonly folder: string;
  readonly commit: string;
  readonly runId: string;
  /** As GITHUB_WORKFLOW_REF names the workflow. */
  readonly workflow: string;
  readonly git: (...args: readonly string[]) => string;
}

export interface RunOptions {
  /** The file name of the workflow, such as `one-job.yml`. */
  readonly workflow: string;
  readonly shop: Shop;
  readonly vars: Texts;
  readonly secrets: Texts;
  readonly env: Texts;
  /** Local folders that stand for `owner/repository@ref`. */
  readonly actions: Texts;
}

export interface Run {
  readonly exitCode: number | null;
  readonly log: string;
  /** A line for each `deploy.sh` that was started: its arguments. */
  readonly deployed: readonly string[];
}

export interface RunningWorkflow {
  readonly result: Promise<Run>;
  /** The link to the approval page that the n-th request step prints. */
  readonly link: (which?: number) => Promise<string>;
  readonly kill: (signal: NodeJS.Signals) => void;
}

const running = new Set<ChildProcess>();
let runs = 0;

/** For `afterAll`: ends what a failed test has left. */
export function endRuns(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** A repository `acme/shop` with a migration, a deploy command and this workflow. */
export function makeShop(
  folder: string,
  workflow: { readonly name: string; readonly text: string },
): Shop {
  const write = (path: string, text: string, mode = 0o644): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text, { mode });
  };
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', ...args], {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: process.env.PATH, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
    }).trim();
  write('package.json', '{ "scripts": { "migrate": "true" } }\n');
  write('deploy.sh', '#!/bin/sh\necho "$@" >>"$DEPLOYED"\n', 0o755);
  write('db/migrations/001.sql', 'create table orders (id text primary key);\n');
  git('init', '--quiet', '--initial-branch=main');
  git('add', '--all');
  git('commit', '--quiet', '-m', 'Open the shop');
  write('db/migrations/002.sql', 'alter table orders add column name text;\n');
  // act does not know `deployment` of an environment; without an API there are no deployments here anyway.
  const known = workflow.text.replaceAll(/^ +deployment: false\n/gm, '');
  write(`.github/workflows/${workflow.name}`, known);
  git('add', '--all');
  git('commit', '--quiet', '-m', 'Name the orders');
  git('remote', 'add', 'origin', 'https://github.com/acme/shop.git');
  runs += 1;
  const runId = String(7_000_000_000 + process.pid * 1_000 + runs);
  const ref = `acme/shop/.github/workflows/${workflow.name}@refs/heads/main`;
  return { folder, commit: git('rev-parse', 'HEAD'), runId, workflow: ref, git };
}

/** An action as a release has it: both action files and the bundles. */
export function makeAction(folder: string, bundles: string): string {
  for (const path of ['action.yml', 'verify/action.yml']) cpSync(path, join(folder, path));
  cpSync(bundles, join(folder, 'dist'), { recursive: true });
  return folder;
}

/** An action that runs one line of bash, for one that can't be fetched here. */
export function makeStandIn(folder: string, script: string): string {
  mkdirSync(folder, { recursive: true });
  const action = {
    name: 'Stand-in',
    description: 'Stands for an action of others',
    runs: { using: 'composite', steps: [{ shell: 'bash', run: script }] },
  };
  writeFileSync(join(folder, 'action.yml'), JSON.stringify(action));
  return folder;
}

/** What GitHub sets and act does not. */
function variablesOf({ commit, runId, workflow }: Shop): Texts {
  return {
    GITHUB_ACTOR_ID: '41898282',
    GITHUB_REPOSITORY_ID: '123456789',
    GITHUB_RUN_ID: runId,
    GITHUB_TRIGGERING_ACTOR: 'release-agent[bot]',
    GITHUB_WORKFLOW_REF: workflow,
    GITHUB_WORKFLOW_SHA: commit,
    RUNNER_ENVIRONMENT: 'github-hosted',
  };
}

/** Starts act. */
export function startRun(options: RunOptions): RunningWorkflow {
  const { shop, workflow, vars, secrets, actions } = options;
  const home = `${shop.folder}.home`;
  mkdirSync(home, { recursive: true });
  const event = join(home, 'event.json');
  writeFileSync(event, JSON.stringify({ sender: { type: 'Bot' }, ref: 'refs/heads/main' }));
  const deployed = join(home, 'deployed');
  const env = { ...variablesOf(shop), DEPLOYED: deployed, ...options.env };

  const named = (flag: string, values: Texts): string[] =>
    Object.entries(values).flatMap(([name, value]) => [flag, `${name}=${value}`]);
  const child = spawn(
    'act',
    [
      'workflow_dispatch',
      ...['--workflows', `.github/workflows/${workflow}`, '--eventpath', event],
      ...['--platform', 'ubuntu-24.04=-self-hosted', '--no-cache-server'],
      // Or it would copy the folder, changes and all, and skip the step.
      '--no-skip-checkout',
      ...['--actor', 'release-agent[bot]'],
      ...named('--local-repository', actions),
      ...named('--var', vars),
      ...named('--secret', secrets),
      ...named('--env', env),
    ],
    {
      cwd: shop.folder,
      // The Node that runs these tests is the one of the actions.
      env: { PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ''}`, HOME: home },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  running.add(child);
  let log = '';
  const watchers = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      log += chunk;
      for (const watch of watchers) watch();
    });
  }
  const result = new Promise<Run>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => {
      running.delete(child);
      const lines = existsSync(deployed) ? readFileSync(deployed, 'utf8').trim().split('\n') : [];
      resolve({ exitCode, log, deployed: lines });
    });
  });
  return {
    result,
    kill: (signal) => void child.kill(signal),
    link: (which = 0) =>
      new Promise((resolve, reject) => {
        const watch = (): void => {
          const links = log.match(/http:\/\/localhost:\d+\/approve\/[0-9a-f-]{36}/g) ?? [];
          const found = [...new Set(links)][which];
          if (found === undefined) return;
          watchers.delete(watch);
          resolve(found);
        };
        watchers.add(watch);
        watch();
        void result.then(
          () => reject(new Error(`act ended without asking:\n${log.slice(-6_000)}`)),
          reject,
        );
      }),
  };
}
