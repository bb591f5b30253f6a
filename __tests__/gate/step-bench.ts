import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  requestStep,
  verifyStep,
  type RequestStepContext,
  type RequestStepOutcome,
  type StepContext,
} from '../../src/gate/steps.ts';
import type { VerifyOutcome } from '../../src/gate/verify.ts';
import { startJob, type Inputs, type Job } from '../acceptance/job.ts';
import { createWorld, type World } from '../support/approvals.ts';
import { startStubService, type StubService } from './stub-service.ts';

export const apiKey = 'dw_request_0123456789abcdefghijklmnopqrstuvwxyz';

/** Both steps of one GitHub job, in this process, with a service that does as it is told. */
export interface StepBench {
  readonly world: World;
  readonly service: StubService;
  readonly job: Job;
  readonly env: Readonly<Record<string, string>>;
  /** What both steps are given unless a test says otherwise. */
  readonly inputs: Inputs;
  /** Where the steps run, which is not the workspace. */
  readonly cwd: string;
  readonly recordParent: string;
  readonly lines: readonly string[];
  readonly warnings: readonly string[];
  readonly masked: readonly string[];
  readonly stop: AbortController;
  readonly request: (
    inputs?: Inputs,
    context?: Partial<RequestStepContext>,
  ) => Promise<RequestStepOutcome>;
  readonly verify: (inputs?: Inputs, context?: Partial<StepContext>) => Promise<VerifyOutcome>;
  readonly close: () => Promise<void>;
}

/** A job that deploys the second of two commits, without a migration. */
export function startPlainJob(): Job {
  const migration = { 'migration-files': '', 'migration-command': '', 'migration-dialect': '' };
  return startJob({ bundles: '', facts: { migration: 'none', ...migration } });
}

export async function createStepBench(
  job: Job,
  rule: Parameters<typeof createWorld>[0] = {},
): Promise<StepBench> {
  // These jobs have no token that attests them, unless a test gives them one.
  const world = createWorld({ require_oidc: false, ...rule });
  const service = await startStubService(world, () => Date.now());
  const folder = mkdtempSync(join(tmpdir(), 'deploy-warrant-steps-'));
  const [cwd, recordParent] = [join(folder, 'cwd'), join(folder, 'records')];
  for (const one of [cwd, recordParent]) mkdirSync(one);
  const [lines, warnings, masked]: [string[], string[], string[]] = [[], [], []];
  const stop = new AbortController();
  const env = job.variables('request', {});
  const inputs = {
    ...job.facts,
    'api-url': service.apiUrl,
    'api-key': apiKey,
    policy: JSON.stringify(world.policy),
  };
  const context = (given: Inputs): StepContext => ({
    read: (name) => ({ ...inputs, ...given })[name] ?? '',
    ...{ env, cwd, recordParent },
    signal: stop.signal,
    log: (line) => lines.push(line),
    warn: (line) => warnings.push(line),
    mask: (secret) => masked.push(secret),
  });
  return {
    ...{ world, service, job, env, inputs, cwd, recordParent, lines, warnings, masked, stop },
    request: (given = {}, other = {}) =>
      requestStep({ ...context(given), onCreated: () => Promise.resolve(), ...other }),
    verify: (given = {}, other = {}) => verifyStep({ ...context(given), ...other }),
    close: async () => {
      await service.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
