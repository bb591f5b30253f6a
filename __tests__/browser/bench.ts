/**
 * The bench of the browser tests: the real service in this process, the page as today's sources build it, and alex with a
 * passkey in headless Chromium. A test that plays a lying service alters single answers on their way to the browser.
 */
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, jest, test } from '@jest/globals';
import type { Browser, Page, Route } from 'playwright-core';
import type { Changes } from '../../src/core/changes.ts';
import type { DeployFacts } from '../../src/core/facts.ts';
import { payloadAction } from '../../src/core/payload.ts';
import { formatTime } from '../../src/core/time.ts';
import { builtBundles } from '../support/bundles.ts';
import { findChromium, launchChromium, openApprover, type Approver } from '../support/chromium.ts';
import { exampleFacts } from '../support/deploy.ts';
import { claimsFor, startIssuer } from '../support/issuer.ts';
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
  readonly changes?: Changes;
  /** Asked by a job with a token of this forge, rather than by an API key. */
  readonly tokenOf?: 'github' | 'gitlab';
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
  /** Asks, approves and redeems: from then on it is the last deploy of its target. */
  readonly deploy: (o?: Ask) => Promise<Asked>;
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
  const issuers = {
    github: await startIssuer('github'),
    gitlab: await startIssuer('gitlab'),
  };
  const service = await startTestService({
    pageDir: join(await builtBundles(), 'page'),
    oidcIssuers: Object.values(issuers).map(({ provider, issuer }) => ({ provider, issuer })),
  });
  const key = await createKey(service);
  for (const provider of ['github', 'gitlab'] as const) {
    const { repository_id: repositoryId } = exampleFacts();
    const body = { provider, repositoryId, services: ['*'], environments: ['*'], note: '' };
    await expectStatus(call(service, '/api/repositories', { key: service.adminKey, body }), 201);
  }
  /** Whoever asks: the holder of the API key, or a job with a token of its own for each call. */
  const asker = ({ tokenOf, facts = exampleFacts() }: Ask) =>
    tokenOf === undefined
      ? { key }
      : {
          headers: {
            authorization: `Bearer ${issuers[tokenOf].token(service.origin, claimsFor(tokenOf, facts))}`,
          },
        };
  const invite = async (): Promise<string> =>
    `${service.origin}/enrol/${await createInvite(service)}`;
  const read = (id: string): Promise<AnswerBody> =>
    expectStatus(call(service, `/api/confirmations/${id}`, { key }), 200);
  const browser = await launchChromium();
  const alex = await openApprover(browser, { viewport: { width: 360, height: 740 } });
  await alex.enrol(await invite(), 'alex');

  const ask = async (o: Ask = {}): Promise<Asked> => {
    const { payload, action } = o.other ?? deployPayload(o);
    const decideBy = formatTime(Date.now() + 30 * 60_000);
    const body = { username: o.username ?? 'alex', action, payload, decideBy };
    const { id, url, payloadHash } = await expectStatus(
      call(service, '/api/confirmations', { ...asker(o), body }),
      201,
    );
    return { id, url, payloadHash, payload };
  };
  const use = async ({ payloadHash }: Asked): Promise<void> => {
    await expectStatus(redeem(service, { key, body: redemptionBody(payloadHash) }), 201);
  };

  return {
    origin: service.origin,
    browser,
    alex,
    invite,
    read,
    ask,
    withdraw: async (id) => {
      const path = `/api/confirmations/${id}`;
      await expectStatus(call(service, path, { method: 'DELETE', key }), 200);
    },
    redeem: use,
    deploy: async (o) => {
      const asked = await ask(o);
      await alex.approve(asked.url);
      await use(asked);
      return asked;
    },
    passkeys: async () => {
      const answer = call(service, '/api/passkeys', { key: service.adminKey });
      return (await expectStatus(answer, 200)).passkeys;
    },
    close: async () => {
      await browser.close();
      await service.close();
      for (const issuer of Object.values(issuers)) await issuer.close();
      await removeFolders();
    },
  };
}

function deployPayload({ facts = exampleFacts(), reason, changes, validMs = 3_600_000 }: Ask): {
  readonly payload: object;
  readonly action: string;
} {
  const context = {
    ...(reason === undefined ? {} : { reason }),
    ...(changes === undefined ? {} : { changes }),
  };
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
