/**
 * The bench of the browser tests: the real service in this process, the page as today's sources build it, and alex with a
 * passkey in headless Chromium. A test that plays a lying service alters single answers on their way to the browser.
 */
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, jest, test } from '@jest/globals';
import type { Browser, Page, Route } from 'playwright-core';
import type { DeployFacts } from '../../src/core/facts.ts';
import { payloadAction } from '../../src/core/payload.ts';
import { formatTime } from '../../src/core/time.ts';
import { builtBundles } from '../support/bundles.ts';
import { findChromium, launchChromium, openApprover, type Approver } from '../support/chromium.ts';
import { exampleFacts } from '../support/deploy.ts';
import {
  call,
  createInvite,
  createKey,
  currentPayload,
  expectStatus,
  redeem,
  redemptionBody,
  removeFolders,
  startTestService,
  type AnswerBody,
} from '../support/service.ts';

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
  readonly read: (id: string) => Promise<AnswerBody>;
  readonly passkeys: () => Promise<AnswerBody['passkeys']>;
}

/** A suite of browser tests; skipped, and said so, where Chromium is not installed. */
export function describeInBrowser(name: string, suite: (bench: () => Bench) => void): void {
  if (findChromium() === undefined) {
    test.skip(`${name} (skipped: Chromium is not installed here)`, () => undefined);
    return;
  }
  // A browser on a busy machine takes its time.
  jest.setTimeout(90_000);
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
  const service = await startTestService({ pageDir: join(await builtBundles(), 'page') });
  const key = await createKey(service);
  const invite = async (): Promise<string> =>
    `${service.origin}/enrol/${await createInvite(service)}`;
  const read = (id: string): Promise<AnswerBody> =>
    expectStatus(call(service, `/api/confirmations/${id}`, { key }), 200);
  const browser = await launchChromium();
  const alex = await openApprover(browser, { viewport: { width: 360, height: 740 } });
  await alex.enrol(await invite(), 'alex');

  return {
    origin: service.origin,
    browser,
    alex,
    invite,
    read,
    ask: async (o = {}) => {
      const { payload, action } = o.other ?? deploy(o);
      const decideBy = formatTime(Date.now() + 30 * 60_000);
      const body = { username: o.username ?? 'alex', action, payload, decideBy };
      const { id, url, payloadHash } = await expectStatus(
        call(service, '/api/confirmations', { key, body }),
        201,
      );
      return { id, url, payloadHash, payload };
    },
    withdraw: async (id) => {
      const path = `/api/confirmations/${id}`;
      await expectStatus(call(service, path, { method: 'DELETE', key }), 200);
    },
    redeem: async ({ payloadHash }) => {
      await expectStatus(redeem(service, { key, body: redemptionBody(payloadHash) }), 201);
    },
    passkeys: async () => {
      const answer = call(service, '/api/passkeys', { key: service.adminKey });
      return (await expectStatus(answer, 200)).passkeys;
    },
    close: async () => {
      await browser.close();
      await service.close();
      await removeFolders();
    },
  };
}

function deploy({ facts = exampleFacts(), reason, validMs = 3_600_000 }: Ask): {
  readonly payload: object;
  readonly action: string;
} {
  const context = reason === undefined ? {} : { reason };
  const payload = { ...currentPayload({}, { validMs }), facts, context };
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
