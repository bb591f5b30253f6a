/** The built actions as a runner starts them, in front of the real service and people with software passkeys. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { endJobs, startJob, type Inputs, type Job, type JobOptions } from '../acceptance/job.ts';
import { builtBundles } from '../support/bundles.ts';
import {
  call,
  createKey,
  decide,
  enrol,
  removeFolders,
  startTestService,
  type Person,
  type TestService,
} from '../support/service.ts';

export interface ActionWorld {
  readonly bundles: string;
  readonly service: TestService;
  readonly apiKey: string;
  readonly alex: Person;
  readonly policy: (rule?: object) => string;
  readonly job: (options?: Omit<JobOptions, 'bundles'>) => Job;
  /** What both steps need beside the facts; with a policy for alex. */
  readonly access: Inputs;
  /** The newest request of a job, as soon as it is there, decided by alex. */
  readonly decideNext: (job: Job, decision: 'approved' | 'rejected') => Promise<string>;
  readonly statusOf: (id: string) => Promise<string>;
  readonly close: () => Promise<void>;
}

export async function startActionWorld(): Promise<ActionWorld> {
  const [bundles, service] = [await builtBundles(), await startTestService()];
  const [apiKey, alex] = [await createKey(service), await enrol(service, 'alex')];
  const policy = (rule: object = {}) =>
    JSON.stringify({
      schema: 'approval-policy/v1',
      relying_party: { id: service.rpId, origin: service.url },
      approvers: {
        alex: {
          accounts: [{ provider: 'github', id: '1234567', login: 'alexdoe' }],
          passkeys: [alex.passkey.pinned],
        },
      },
      // These jobs have no token that attests them.
      environments: { production: { approvers: ['alex'], require_oidc: false, ...rule } },
    });
  return {
    ...{ bundles, service, apiKey, alex, policy },
    job: (options = {}) => startJob({ bundles, ...options }),
    access: { 'api-url': service.apiUrl, 'api-key': apiKey, policy: policy() },
    decideNext: async (job, decision) => {
      const id = await createdId(job);
      const answer = await decide(service, id, alex, decision);
      if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
      return id;
    },
    statusOf: async (id) =>
      (await call(service, `/api/confirmations/${id}`, { key: apiKey })).body.status,
    close: async () => {
      await service.close();
      await removeFolders();
      endJobs();
    },
  };
}

/** The id that a request step leaves for its post step, read as soon as it is there. */
export async function createdId(job: Job): Promise<string> {
  for (let tries = 0; tries < 5_000; tries += 1) {
    const ids = savedState(job).confirmations;
    if (ids !== undefined) return ids;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('The request step has saved no id.');
}

/** What the first step of a job has saved for its post step. */
export function savedState(job: Job): Readonly<Record<string, string>> {
  return readFileCommands(readFileSync(join(job.temp, 'state-1'), 'utf8'));
}

/** Reads a file of GITHUB_OUTPUT or GITHUB_STATE as the runner does: the last value of a name counts. */
export function readFileCommands(text: string): Readonly<Record<string, string>> {
  const values: Record<string, string> = {};
  const lines = text.split('\n');
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at]!;
    if (line === '') continue;
    const [, name, delimiter] = /^([^=<]+)<<(.+)$/.exec(line) ?? [];
    if (name === undefined) throw new Error(`no heredoc: ${line}`);
    const end = lines.indexOf(delimiter!, at + 1);
    if (end < 0) return values;
    values[name] = lines.slice(at + 1, end).join('\n');
    at = end;
  }
  return values;
}

export interface Command {
  readonly name: string;
  readonly data: string;
}

/**
 * The commands in a log, by the rules of the runner (ActionCommand.TryParseV2 and TryParse): a line that begins with `::` after
 * white space, or one that holds `##[` anywhere.
 */
export function commandsIn(log: string): readonly Command[] {
  return log.split(/\r\n|\r|\n/).flatMap((line) => {
    const [, name, data] = /^\s*::([^\s:]+)(?: [^:]*)?::(.*)$/s.exec(line) ?? [];
    if (name !== undefined) return [{ name, data: data ?? '' }];
    const [, old, rest] = /##\[([^\]\s]+)[^\]]*\](.*)$/s.exec(line) ?? [];
    return old === undefined ? [] : [{ name: old, data: rest ?? '' }];
  });
}

export interface ProcessResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a bundle with exactly this environment. */
export async function runBundle(
  path: string,
  options: {
    readonly env?: Readonly<Record<string, string>>;
    readonly args?: readonly string[];
    readonly cwd?: string;
    readonly node?: string;
  } = {},
): Promise<ProcessResult> {
  const child = spawn(options.node ?? process.execPath, [path, ...(options.args ?? [])], {
    cwd: options.cwd,
    env: { PATH: process.env.PATH, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => resolve({ exitCode, stdout, stderr }));
  });
}
