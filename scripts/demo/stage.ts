/** What the demo plays on: a clone, the service, who approves, a policy, and the command line of a deploy job. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { findChromium, launchChromium } from '../../__tests__/support/chromium.ts';
import type { Approver } from './approver.ts';
import { chromiumApprover } from './chromium-approver.ts';
import { CommandLine, type Flags } from './command-line.ts';
import type { DemoOptions } from './options.ts';
import { personalApprover } from './personal-approver.ts';
import { cloneAtHead, gitEnvironment, type Checkout } from './repository.ts';
import { showFact } from './screen.ts';
import { listPasskeys, startService, type RunningService } from './service.ts';
import { softwareApprover } from './software-approver.ts';

export interface Stage {
  readonly checkout: Checkout;
  readonly gitEnv: Readonly<Record<string, string | undefined>>;
  readonly service: RunningService;
  /** Of the deploy job: it can ask, withdraw and redeem, and never decide. */
  readonly apiKey: string;
  readonly username: string;
  readonly approver: Approver;
  /** Whether the approver is a person, who is given time. */
  readonly inPerson: boolean;
  /** The command line of a run of its own: its approvals are for no other run. */
  readonly newRun: () => { readonly runId: string; readonly commands: CommandLine };
  /** What every deploy here declares, and the access to the service. */
  readonly flags: Flags;
}

const kept = ['PATH', 'HOME', 'USER', 'LANG', 'TMPDIR', 'SYSTEMROOT'];

/** Sets all up below the folder `work`, and leaves what has to be ended in `cleanup`. */
export async function setStage(o: {
  readonly options: DemoOptions;
  readonly work: string;
  readonly cleanup: AsyncDisposableStack;
}): Promise<Stage> {
  const { options, work } = o;
  const { bundles } = options;
  // Only what a process needs: a CI that runs this demo is not the one that the demo plays.
  const env = Object.fromEntries(kept.map((name) => [name, process.env[name]]));
  await mkdir(work);
  const gitEnv = { ...env, ...(await gitEnvironment(work)) };
  const [checkout, service, browser] = await Promise.all([
    cloneAtHead({
      source: options.repository,
      parent: join(work, 'checkout'),
      env: gitEnv,
      migration: options.migration,
    }),
    startService({ bundles, data: join(work, 'store'), env }),
    openBrowser(o),
  ]);
  showFact(
    'repository',
    `${options.repository} at ${checkout.head.slice(0, 8)}, cloned; it is only read`,
  );
  showFact(
    'migration',
    checkout.migrationAdded
      ? `${checkout.migration}, committed in the clone because none was named`
      : checkout.migration,
  );
  showFact('service', `${service.origin}, with an empty store`);

  const approver = await chooseApprover({ options, service, browser });
  const sha256 = await approver.enrol(service.inviteUrl, 'alex');
  // A person may have chosen another name.
  const [{ username } = { username: '' }] = await listPasskeys(service);
  showFact('approver', `${username}: ${approver.description}`);
  showFact('passkey', `enrolled by invite, SHA-256 ${sha256.slice(0, 16)}…`);

  const administration = new CommandLine({
    bundles,
    cwd: work,
    env: {
      ...env,
      DEPLOY_WARRANT_API_KEY: service.adminKey,
      DEPLOY_WARRANT_API_URL: service.apiUrl,
    },
  });
  const [policy, apiKey] = await Promise.all([
    administration.run('policy', [
      // Both have a rule, so that another environment is refused for being another one.
      ...['--environment=production', '--environment=staging'],
      `--account=${username}=local:demo-approver:demo-approver`,
    ]),
    administration.run('key', [
      ...['--note=deploy job', '--repositories=*', '--services=api'],
      '--environments=production,staging',
    ]),
  ]);
  const policyPath = join(work, 'policy.json');
  await writeFile(policyPath, policy);
  const job = administration.with({ DEPLOY_WARRANT_API_KEY: apiKey.trim() }, checkout.folder);
  let run = Date.now();
  return {
    checkout,
    gitEnv,
    service,
    apiKey: apiKey.trim(),
    username,
    approver,
    inPerson: options.open,
    newRun: () => {
      run += 1;
      const runId = String(run);
      return { runId, commands: job.with({ DEPLOY_WARRANT_RUN_ID: runId }) };
    },
    flags: {
      service: 'api',
      environment: 'production',
      region: 'eu-west-1',
      'actor-type': 'agent',
      migration: 'sql',
      'migration-files': checkout.migration,
      'migration-command': 'npm run migrate',
      'migration-dialect': 'postgresql',
      ...(checkout.previous === undefined
        ? { 'rollback-runbook': 'docs/rollback.md' }
        : { 'rollback-version': checkout.previous }),
      policy: policyPath,
    },
  };
}

async function openBrowser(o: {
  readonly options: DemoOptions;
  readonly cleanup: AsyncDisposableStack;
}): Promise<Browser | undefined> {
  const { open, withoutBrowser } = o.options;
  if (open || withoutBrowser || findChromium() === undefined) return undefined;
  const launching = launchChromium({ handleSignals: false });
  // Known before it is there: what fails meanwhile must not leave it behind.
  o.cleanup.defer(async () => {
    const browser = await launching.catch(() => undefined);
    await browser?.close();
  });
  return await launching;
}

async function chooseApprover(o: {
  readonly options: DemoOptions;
  readonly service: RunningService;
  readonly browser: Browser | undefined;
}): Promise<Approver> {
  if (o.options.open) return personalApprover(o.service);
  return o.browser === undefined ? softwareApprover() : await chromiumApprover(o.browser);
}
