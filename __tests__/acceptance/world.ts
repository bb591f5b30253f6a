/**
 * The world of the acceptance tests: the service of the built bundle as a process, people with passkeys in headless
 * Chromium on its real page, a proxy in front that sees every request, and jobs that run the built steps. No test double
 * stands for service, page or signature.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { chromiumApprover } from '../../scripts/demo/chromium-approver.ts';
import type { Approver } from '../../scripts/demo/approver.ts';
import { startProxy, type Alter, type Proxy } from '../../scripts/demo/proxy.ts';
import {
  createKey,
  invite,
  listPasskeys,
  startService,
  type Passkey,
  type RunningService,
} from '../../scripts/demo/service.ts';
import { exitCodes, type RefusalCode } from '../../src/core/verdict.ts';
import { refusalOutputs } from '../../src/gate/vocabulary.ts';
import { breaksOf } from '../support/breaks.ts';
import { builtBundles } from '../support/bundles.ts';
import { findChromium, launchChromium } from '../support/chromium.ts';
import {
  endJobs,
  repository,
  startJob,
  type Inputs,
  type Job,
  type JobOptions,
  type StepResult,
} from './job.ts';

export interface Person extends Approver {
  readonly username: string;
  readonly passkey: Passkey;
}

export interface World {
  readonly bundles: string;
  readonly service: RunningService;
  readonly apiKey: string;
  readonly alex: Person;
  readonly dana: Person;
  /** A policy for `production` over both people: quorum 1 unless the rule says otherwise. */
  readonly policy: (rule?: object, people?: object) => string;
  readonly job: (options?: Omit<JobOptions, 'bundles'>) => Job;
  /**
   * A proxy of its own in front of the service, so that a test sees its own requests only. It breaks some of the calls
   * (`support/breaks.ts`), and what a test says of its outcome has to come all the same: every break is one that may pass.
   * Only a test that counts tries, or makes faults of its own, says `steady`.
   */
  readonly proxy: (alter?: Alter, network?: 'steady') => Promise<Proxy>;
  /** What both steps need beside the facts. */
  readonly access: (proxy: Proxy, policy?: string) => Inputs;
  readonly close: () => Promise<void>;
}

/** Why these tests can't run on this machine; `undefined` where they can. */
export const missing = findChromium() === undefined ? 'Chromium is not installed here' : undefined;

/** @param variables of the service's process */
export async function startWorld(variables: Inputs = {}): Promise<World> {
  const data = mkdtempSync(join(tmpdir(), 'deploy-warrant-acceptance-'));
  const bundles = await builtBundles();
  const [service, browser] = await Promise.all([
    startService({ bundles, data, env: { PATH: process.env.PATH, ...variables } }),
    launchChromium(),
  ]);
  const alex = await enrol({ browser, service, username: 'alex' });
  const dana = await enrol({ browser, service, username: 'dana' });
  const apiKey = await createKey(service, {
    repositories: [repository.name],
    environments: ['*'],
  });
  const proxies: Proxy[] = [];

  return {
    bundles,
    service,
    apiKey,
    alex,
    dana,
    policy: (rule = {}, people = {}) =>
      JSON.stringify({
        schema: 'approval-policy/v1',
        relying_party: { id: 'localhost', origin: service.origin },
        approvers: { alex: pinned(alex, '1234567'), dana: pinned(dana, '7654321'), ...people },
        // These jobs have no token that attests them.
        environments: {
          production: { approvers: ['alex', 'dana'], require_oidc: false, ...rule },
        },
      }),
    job: (options = {}) => startJob({ bundles, ...options }),
    proxy: async (alter, network) => {
      const proxy = await startProxy({
        target: service.origin,
        ...(alter === undefined ? {} : { alter }),
        ...(network === 'steady' ? {} : { breaks: breaksOf(String(proxies.length)) }),
      });
      proxies.push(proxy);
      return proxy;
    },
    access: (proxy, policy) => ({
      'api-url': `${proxy.origin}/api`,
      'api-key': apiKey,
      ...(policy === undefined ? {} : { policy }),
    }),
    close: async () => {
      endJobs();
      await Promise.all(proxies.map((proxy) => proxy.close()));
      await browser.close();
      await service.stop();
      rmSync(data, { recursive: true, force: true });
    },
  };
}

/** A policy entry: the account at the forge, and the passkey that the service knows. */
export function pinned({ username, passkey }: Person, accountId: string): object {
  return {
    accounts: [{ provider: 'github', id: accountId, login: username }],
    passkeys: [
      {
        id: passkey.id,
        algorithm: passkey.algorithm,
        public_key: passkey.publicKey,
        user_handle: passkey.userHandle,
      },
    ],
  };
}

async function enrol(o: {
  readonly browser: Browser;
  readonly service: RunningService;
  readonly username: string;
}): Promise<Person> {
  const approver = await chromiumApprover(o.browser);
  await approver.enrol(await invite(o.service, o.username), o.username);
  const passkey = (await listPasskeys(o.service)).find(({ username }) => username === o.username);
  if (passkey === undefined) throw new Error(`${o.username} has no passkey`);
  return { ...approver, username: o.username, passkey };
}

/**
 * The step refused for this reason: its exit code, exactly the refusal outputs, an error that a person can read in the log,
 * and no API key anywhere but in the runner's mask command.
 */
export function expectRefusal(result: StepResult, reason: RefusalCode, world: World): void {
  const { exitCode, outputs, stdout, stderr } = result;
  expect({
    exitCode,
    reason: outputs['reason-code'],
    log: exitCode === exitCodes[reason] ? '' : stdout + stderr,
  }).toEqual({
    exitCode: exitCodes[reason],
    reason,
    log: '',
  });
  expect(Object.keys(outputs).sort()).toEqual([...refusalOutputs].sort());
  expect(outputs.status).toBe(reason);
  expect(stdout).toMatch(/^::error/m);
  expect((stdout + stderr).replace(`::add-mask::${world.apiKey}`, '')).not.toContain(world.apiKey);
}

export function expectApproved(result: StepResult): void {
  const { exitCode, outputs, stdout, stderr } = result;
  expect({ exitCode, log: exitCode === 0 ? '' : stdout + stderr }).toEqual({
    exitCode: 0,
    log: '',
  });
  expect(outputs.status).toBe('approved');
  expect(outputs['reason-code']).toBe('approved');
}

/** `POST /api/confirmations` and the like, in order, ids left out, without those that the network broke. */
export function callsOf(proxy: Proxy): readonly string[] {
  return proxy.requests
    .filter(({ broken }) => broken === undefined)
    .map(
      ({ method, path }) => `${method} ${path.replace(/\?.*/, '').replace(/[0-9a-f-]{36}/, ':id')}`,
    );
}
