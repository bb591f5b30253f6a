/**
 * The bench of the browser tests: the real service in this process, the page as today's sources build it, and alex with a
 * passkey in headless Chromium. A test that plays a lying service alters single answers on their way to the browser.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, test } from '@jest/globals';
import type { Browser, Page, Route } from 'playwright-core';
import type { DeployFacts } from '../../src/core/facts.ts';
import { buildPayload, payloadAction } from '../../src/core/payload.ts';
import { startService } from '../../src/service/serve.ts';
import { builtBundles } from '../support/bundles.ts';
import { findChromium, launchChromium, openApprover, type Approver } from '../support/chromium.ts';
import { exampleFacts } from '../support/deploy.ts';

export interface Asked {
  readonly id: string;
  readonly url: string;
  readonly payload: object;
  readonly payloadHash: string;
}

interface Ask {
  /** alex if the test does not care. */
  readonly username?: string;
  readonly facts?: DeployFacts;
  readonly reason?: string;
  readonly validMs?: number;
  /** Another tool's payload in place of a deploy, and what it is claimed to be. */
  readonly other?: { readonly payload: object; readonly action: string };
}

interface Told {
  readonly status: string;
  readonly payloadHash: string;
  readonly nonce: string;
  readonly rawAssertion?: { readonly response: { readonly clientDataJSON: string } };
}

interface Passkey {
  readonly username: string;
  readonly sha256: string;
}

export interface Bench {
  readonly origin: string;
  readonly browser: Browser;
  readonly alex: Approver;
  /** An invite for one person. */
  readonly invite: () => Promise<string>;
  /** Puts a deploy to alex: {@link exampleFacts} if the test does not care. */
  readonly ask: (o?: Ask) => Promise<Asked>;
  readonly withdraw: (id: string) => Promise<void>;
  readonly redeem: (asked: Asked) => Promise<void>;
  /** The confirmation as the API tells it. */
  readonly read: (id: string) => Promise<Told>;
  readonly passkeys: () => Promise<readonly Passkey[]>;
}

/** A suite of browser tests; skipped, and said so, where Chromium is not installed. */
export function describeInBrowser(name: string, suite: (bench: () => Bench) => void): void {
  if (findChromium() === undefined) {
    test.skip(`${name} (skipped: Chromium is not installed here)`, () => undefined);
    return;
  }
  describe(name, () => {
    let bench: (Bench & { readonly close: () => Promise<void> }) | undefined;
    beforeAll(async () => {
      bench = await startBench();
    });
    afterEach(() => bench?.alex.page.unrouteAll({ behavior: 'ignoreErrors' }));
    afterAll(() => bench?.close());
    suite(() => bench!);
  });
}

async function startBench(): Promise<Bench & { readonly close: () => Promise<void> }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'deploy-warrant-page-'));
  const pageDir = join(await builtBundles(), 'page');
  const service = await startService({ port: 0, host: 'localhost', dataDir, pageDir });
  const first = JSON.parse(readFileSync(service.adminFile!, 'utf8')) as {
    readonly api_key: string;
  };
  const call = async <T>(o: {
    readonly method?: string;
    readonly path: string;
    readonly body?: object;
    readonly key?: string;
  }): Promise<T> => {
    const response = await fetch(`${service.apiUrl}${o.path}`, {
      method: o.method ?? (o.body === undefined ? 'GET' : 'POST'),
      headers: {
        'x-api-key': o.key ?? first.api_key,
        ...(o.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(o.body === undefined ? {} : { body: JSON.stringify(o.body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${o.path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  };
  const any = ['*'];
  const scope = { repositories: any, services: any, environments: any };
  const { key } = await call<{ key: string }>({
    path: '/keys',
    body: { note: 'browser tests', ...scope },
  });
  const invite = async (): Promise<string> => {
    const body = { note: 'a test', maxUses: 1 };
    return (await call<{ registerUrl: string }>({ path: '/invites', body })).registerUrl;
  };
  const browser = await launchChromium();
  const alex = await openApprover(browser, { viewport: { width: 360, height: 740 } });
  await alex.enrol(await invite(), 'alex');

  return {
    origin: service.url,
    browser,
    alex,
    invite,
    ask: async (o = {}) => {
      const { payload, action } = o.other ?? deploy(o);
      const decideBy = new Date(Date.now() + 30 * 60_000).toISOString().replace(/\.\d+/, '');
      const body = { username: o.username ?? 'alex', action, payload, decideBy };
      const path = '/confirmations';
      return { payload, ...(await call<Omit<Asked, 'payload'>>({ path, body, key })) };
    },
    withdraw: async (id) => {
      await call({ method: 'DELETE', path: `/confirmations/${id}`, key });
    },
    redeem: async ({ payloadHash }) => {
      const { run_id: runId, run_attempt: runAttempt } = exampleFacts();
      const redemptionKey = randomBytes(32).toString('base64url');
      const body = { payloadHash, redemptionKey, runId, runAttempt, job: 'deploy' };
      await call({ path: '/redemptions', body, key });
    },
    read: (id) => call({ path: `/confirmations/${id}`, key }),
    passkeys: async () =>
      (await call<{ passkeys: readonly Passkey[] }>({ path: '/passkeys' })).passkeys,
    close: async () => {
      await browser.close();
      await service.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

function deploy({ facts = exampleFacts(), reason, validMs = 3_600_000 }: Ask): {
  readonly payload: object;
  readonly action: string;
} {
  const now = Math.floor(Date.now() / 1000) * 1000;
  const payload = buildPayload({
    facts,
    requestId: randomBytes(16).toString('hex'),
    requestedAt: now,
    expiresAt: now + validMs,
    ...(reason === undefined ? {} : { reason }),
  });
  return { payload, action: payloadAction(facts) };
}

/** The answers that tell a request; not those to a decision on it. */
export const confirmations = /\/page\/confirmations\/[^/]+$/;

/** Alters the JSON answers of the paths that end so, on their way to the page. Long polls answer at once. */
export async function alterAnswers(
  page: Page,
  path: RegExp,
  alter: (answer: Record<string, unknown>) => object,
): Promise<void> {
  await page.route(
    (url) => path.test(url.pathname),
    async (route: Route) => {
      const url = new URL(route.request().url());
      url.searchParams.delete('wait');
      const response = await route.fetch({ url: url.href });
      const json = alter((await response.json()) as Record<string, unknown>);
      await route.fulfill({ response, json });
    },
  );
}

/** The buttons of the decision, each with whether it can be pressed. */
export async function pressable(page: Page): Promise<readonly string[]> {
  return page
    .locator('#decision button:enabled')
    .evaluateAll((buttons) => buttons.map((button) => button.getAttribute('name') ?? ''));
}
