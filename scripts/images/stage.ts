import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { builtBundles } from '../../__tests__/support/bundles.ts';
import { launchChromium, openApprover, type Approver } from '../../__tests__/support/chromium.ts';
import { claimsFor, startIssuer } from '../../__tests__/support/issuer.ts';
import {
  call,
  createInvite,
  createKey,
  expectStatus,
  redeem,
  redemptionBody,
  removeFolders,
  startTestService,
  temporaryFolder,
} from '../../__tests__/support/service.ts';
import type { Changes } from '../../src/core/changes.ts';
import type { DeployFacts } from '../../src/core/facts.ts';
import { sha256Hex } from '../../src/core/hash.ts';
import { buildPayload, payloadAction } from '../../src/core/payload.ts';
import { formatTime } from '../../src/core/time.ts';

const noon = Date.parse('2026-11-22T12:00:00Z');
const minuteMs = 60_000;

interface Deploy {
  readonly facts: DeployFacts;
  readonly reason?: string;
  readonly changes?: Changes;
  /** Asked by a job of GitHub's with its token, rather than by an API key. */
  readonly isByToken?: boolean;
}

interface OtherTool {
  readonly payload: object;
  readonly action: string;
}

/** The real service and a browser, both by one clock that stands still, so that the same page gives the same pictures. */
export interface Stage extends AsyncDisposable {
  readonly origin: string;
  readonly alex: Approver;
  readonly invite: () => Promise<string>;
  /** Puts a deploy, or another tool's payload, to alex. @returns the link */
  readonly ask: (what: Deploy | OtherTool) => Promise<string>;
  /** Has alex approve a deploy, and uses the approval. */
  readonly deploy: (facts: DeployFacts) => Promise<void>;
  /** Sets the clock of both to so many minutes past noon (UTC). */
  readonly setMinute: (minute: number) => Promise<void>;
}

export async function setStage(): Promise<Stage> {
  await using cleanup = new AsyncDisposableStack();
  let now = noon;
  cleanup.defer(removeFolders);
  const pageDir = join(await builtBundles(), 'page');
  const github = cleanup.adopt(await startIssuer('github', { now: () => now }), (it) => it.close());
  const service = cleanup.adopt(
    await startTestService({ pageDir, now: () => now, oidcIssuers: [github] }),
    (it) => it.close(),
  );
  const key = await createKey(service);
  const listed = {
    provider: 'github',
    repositoryId: '123456789',
    services: ['*'],
    environments: ['*'],
    note: 'shop',
  };
  const { adminKey } = service;
  await expectStatus(call(service, '/api/repositories', { key: adminKey, body: listed }), 201);
  process.env.FONTCONFIG_FILE = await phoneLikeFonts();
  const browser = cleanup.adopt(await launchChromium(), (it) => it.close());
  const alex = await openApprover(browser, {
    deviceScaleFactor: 2,
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
  });
  const { page } = alex;
  // The page goes by the service's time, which HTTP tells by the clock on the wall. Nothing waits: it would outlive its page.
  await page.route(/\/page\/(?!page\.)/, async (route) => {
    const url = new URL(route.request().url());
    url.searchParams.delete('wait');
    const response = await route.fetch({ url: url.href });
    const headers = { ...response.headers(), date: new Date(now).toUTCString() };
    await route.fulfill({ response, headers });
  });
  cleanup.defer(() => page.unrouteAll({ behavior: 'ignoreErrors' }));

  let count = 0;
  const ask = async (what: Deploy | OtherTool): Promise<{ url: string; payloadHash: string }> => {
    count += 1;
    const posted =
      'facts' in what
        ? {
            action: payloadAction(what.facts),
            payload: buildPayload({
              ...what,
              requestId: sha256Hex(String(count)).slice(0, 32),
              requestedAt: now,
              expiresAt: now + 60 * minuteMs,
            }),
          }
        : what;
    const body = { username: 'alex', ...posted, decideBy: formatTime(now + 30 * minuteMs) };
    const token =
      'facts' in what && what.isByToken === true
        ? github.token(service.origin, claimsFor('github', what.facts))
        : undefined;
    const asker = token === undefined ? { key } : { headers: { authorization: `Bearer ${token}` } };
    return expectStatus(call(service, '/api/confirmations', { ...asker, body }), 201);
  };

  const done = cleanup.move();
  return {
    origin: service.origin,
    alex,
    invite: async () => `${service.origin}/enrol/${await createInvite(service)}`,
    ask: async (what) => (await ask(what)).url,
    deploy: async (facts) => {
      const { url, payloadHash } = await ask({ facts });
      await alex.approve(url);
      const run = { runId: facts.run_id, runAttempt: facts.run_attempt };
      const body = redemptionBody(payloadHash, run);
      await expectStatus(redeem(service, { key, body }), 201);
    },
    setMinute: async (minute) => {
      now = noon + minute * minuteMs;
      await page.clock.setFixedTime(now);
    },
    [Symbol.asyncDispose]: () => done.disposeAsync(),
  };
}

/**
 * The page takes the device's own font. A Linux without a desktop has none, and takes DejaVu, which is far wider than those
 * of phones; Liberation is as wide as they are.
 */
async function phoneLikeFonts(): Promise<string> {
  const prefer = (family: string, preferred: string): string =>
    `<match target="pattern"><test name="family"><string>${family}</string></test>
     <edit name="family" mode="prepend" binding="strong"><string>${preferred}</string></edit></match>`;
  const path = join(await temporaryFolder(), 'fonts.conf');
  await writeFile(
    path,
    `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>
     <include>/etc/fonts/fonts.conf</include>
     ${prefer('system-ui', 'Liberation Sans')}${prefer('sans-serif', 'Liberation Sans')}${prefer('sans', 'Liberation Sans')}
     ${prefer('ui-monospace', 'Liberation Mono')}${prefer('monospace', 'Liberation Mono')}
     </fontconfig>`,
  );
  return path;
}
