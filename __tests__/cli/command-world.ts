/** The built command line in a checkout of its own, in front of the real service and alex with a software passkey. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProcessResult } from '../action/runner.ts';
import { builtBundles } from '../support/bundles.ts';
import {
  createKey,
  decide,
  enrol,
  removeFolders,
  startTestService,
  type Person,
  type TestService,
} from '../support/service.ts';

export interface RunningCommand {
  readonly result: Promise<ProcessResult>;
  readonly kill: (signal: NodeJS.Signals) => void;
  /** Resolves once the pattern is in stdout or stderr; rejects when the process ends without. */
  readonly sees: (pattern: RegExp) => Promise<RegExpExecArray>;
  /** The id of the request that it made. */
  readonly asked: () => Promise<string>;
}

export interface CommandWorld {
  readonly service: TestService;
  readonly alex: Person;
  readonly key: string;
  readonly folder: string;
  readonly checkout: string;
  readonly policyPath: string;
  /** A folder of its own for record folders. */
  readonly records: string;
  /** Flags of the facts and of the policy. */
  readonly facts: readonly string[];
  readonly writePolicy: (rule?: object) => void;
  /** Starts a command with the request key in the environment. */
  readonly start: (
    args: readonly string[],
    env?: Readonly<Record<string, string>>,
  ) => RunningCommand;
  readonly decide: (id: string, decision?: 'approved' | 'rejected') => Promise<void>;
  readonly close: () => Promise<void>;
}

export async function startCommandWorld(
  config: Parameters<typeof startTestService>[0] = {},
): Promise<CommandWorld> {
  const bundle = join(await builtBundles(), 'cli.js');
  const service = await startTestService(config);
  const [alex, key] = [await enrol(service, 'alex'), await createKey(service)];
  const folder = mkdtempSync(join(tmpdir(), 'deploy-warrant-command-'));
  const [checkout, records] = [join(folder, 'checkout'), join(folder, 'records')];
  const policyPath = join(folder, 'policy.json');
  for (const path of [checkout, records]) mkdirSync(path);
  writeFileSync(join(checkout, 'README.md'), '# shop\n');
  const git = (...args: readonly string[]) =>
    execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', ...args], {
      cwd: checkout,
    });
  git('init', '--quiet', '--initial-branch=main');
  git('add', '--all');
  git('commit', '--quiet', '-m', 'Open the shop');
  const writePolicy = (rule: object = {}): void => {
    const policy = {
      schema: 'approval-policy/v1',
      relying_party: { id: service.rpId, origin: service.url },
      approvers: {
        alex: {
          accounts: [{ provider: 'github', id: '1234567', login: 'alexdoe' }],
          passkeys: [alex.passkey.pinned],
        },
      },
      environments: { production: { approvers: ['alex'], require_oidc: false, ...rule } },
    };
    writeFileSync(policyPath, JSON.stringify(policy));
  };
  writePolicy();
  const given = {
    DEPLOY_WARRANT_API_URL: service.apiUrl,
    DEPLOY_WARRANT_API_KEY: key,
    RUNNER_TEMP: records,
  };
  return {
    ...{ service, alex, key, folder, checkout, policyPath, records, writePolicy },
    facts: [
      ...['--service', 'api', '--environment', 'production', '--region', 'eu-west-1'],
      ...['--migration', 'none', '--rollback-version', 'v1', '--policy', policyPath],
    ],
    start: (args, env = {}) =>
      startCommand([bundle, ...args], { cwd: checkout, env: { ...given, ...env } }),
    decide: async (id, decision = 'approved') => {
      const { status, body } = await decide(service, id, alex, decision);
      if (status !== 200) throw new Error(JSON.stringify(body));
    },
    close: async () => {
      for (const child of children) child.kill('SIGKILL');
      await service.close();
      await removeFolders();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const children = new Set<ChildProcess>();

function startCommand(
  args: readonly string[],
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): RunningCommand {
  const child = spawn(process.execPath, args, {
    cwd: options.cwd,
    env: { PATH: process.env.PATH, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  let hasEnded = false;
  const result = new Promise<ProcessResult>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => {
      hasEnded = true;
      children.delete(child);
      resolve({ exitCode, stdout, stderr });
    });
  });
  const sees = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const found = pattern.exec(stdout + stderr);
      if (found !== null) return found;
      if (hasEnded) throw new Error(`ended before ${String(pattern)}:\n${stdout}${stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  return {
    ...{ result, sees },
    kill: (signal) => void child.kill(signal),
    asked: async () => (await sees(/\/approve\/([0-9a-f-]{36})/))[1]!,
  };
}
