import { existsSync } from 'node:fs';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { withCounts } from './page-counts.ts';

const usualPlaces = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Where Chromium is on this machine (`CHROMIUM_PATH` says another place), or undefined. */
export function findChromium(): string | undefined {
  return [process.env.CHROMIUM_PATH ?? '', ...usualPlaces].find((path) => path && existsSync(path));
}

/**
 * A headless Chromium that makes no request of its own.
 * @param options.handleSignals false where the caller ends it on SIGINT and SIGTERM; else Playwright ends the process too
 * @throws Error where none is installed
 */
export async function launchChromium({ handleSignals = true } = {}): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) {
    throw new Error('Chromium is not installed; on Debian: apt-get install chromium');
  }
  const browser = await chromium.launch({
    executablePath,
    handleSIGINT: handleSignals,
    handleSIGTERM: handleSignals,
    handleSIGHUP: handleSignals,
    args: [
      // Chromium has no sandbox for root, which containers and CI often are.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      '--disable-gpu',
      '--disable-quic',
      '--disable-dev-shm-usage',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  });
  return withCounts(browser);
}

/** A passkey of the virtual authenticator, private key and all, as the DevTools protocol tells it. */
interface VirtualCredential {
  readonly credentialId: string;
  readonly isResidentCredential: boolean;
  readonly rpId?: string;
  readonly privateKey: string;
  readonly userHandle?: string;
  readonly signCount: number;
}

/** The authenticator of one page: it answers at once, as a person who touches it would. */
export interface VirtualAuthenticator {
  /** Whether the person is recognised (fingerprint, face, PIN) from now on. */
  setUserVerified(isUserVerified: boolean): Promise<void>;
  /** Whether the person answers the prompt; if not, it stays open. */
  setPresent(isPresent: boolean): Promise<void>;
  credentials(): Promise<readonly VirtualCredential[]>;
  add(credential: VirtualCredential): Promise<void>;
}

/** Gives a page an internal authenticator with resident keys and user verification (DevTools domain WebAuthn). */
export async function addAuthenticator(page: Page): Promise<VirtualAuthenticator> {
  const devTools = await page.context().newCDPSession(page);
  await devTools.send('WebAuthn.enable');
  const { authenticatorId } = await devTools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      ctap2Version: 'ctap2_1',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return {
    setUserVerified: async (isUserVerified) => {
      await devTools.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified });
    },
    setPresent: async (enabled) => {
      await devTools.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled });
    },
    credentials: async () =>
      (await devTools.send('WebAuthn.getCredentials', { authenticatorId })).credentials,
    add: async (credential) => {
      await devTools.send('WebAuthn.addCredential', { authenticatorId, credential });
    },
  };
}

/** A person at the approval page, with a passkey of their own. */
export interface Approver {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly authenticator: VirtualAuthenticator;
  /** Uses up an invite. @returns the SHA-256 of the new key, in hex, as the page shows it */
  enrol(inviteUrl: string, username: string): Promise<string>;
  signIn(origin: string): Promise<void>;
  /** Opens the link and approves, if it is pending. @returns the state that the page shows. @throws Error with its words */
  approve(url: string): Promise<string>;
  /** Opens the link and rejects. */
  reject(url: string): Promise<string>;
  close(): Promise<void>;
}

type ContextOptions = Parameters<Browser['newContext']>[0];

/** A new browser profile with an authenticator. */
export async function openApprover(browser: Browser, options?: ContextOptions): Promise<Approver> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const authenticator = await addAuthenticator(page);
  return {
    context,
    page,
    authenticator,
    enrol: async (inviteUrl, username) => {
      await page.goto(inviteUrl);
      await page.getByLabel('User name').fill(username);
      await page.getByRole('button', { name: 'Create passkey' }).click();
      const shown = page.locator('[data-sha256]');
      await orProblem(page, shown.waitFor());
      return (await shown.innerText()).replaceAll(/\s/g, '');
    },
    signIn: async (origin) => {
      await page.goto(origin);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await orProblem(page, page.getByRole('button', { name: 'Sign out' }).waitFor());
    },
    approve: (url) => decide(page, url, 'approve'),
    reject: (url) => decide(page, url, 'reject'),
    close: () => context.close(),
  };
}

async function decide(page: Page, url: string, button: 'approve' | 'reject'): Promise<string> {
  await page.goto(url);
  const status = await page.locator('[data-status]').getAttribute('data-status');
  if (status !== null && status !== 'pending') return status;
  await orProblem(page, page.locator(`button[name=${button}]:enabled`).click());
  const decided = page.locator('[data-status]:not([data-status=pending])');
  await orProblem(page, decided.waitFor());
  return (await decided.getAttribute('data-status')) ?? '';
}

/** Waits for what should happen, or fails with what the page complains about. */
async function orProblem(page: Page, expected: Promise<void>): Promise<void> {
  const problem = page.locator('[role=alert]:not(:empty)');
  const complaint = problem.waitFor().then(async () => {
    throw new Error(`The page says: ${await problem.innerText()}`);
  });
  await Promise.race([expected, complaint]);
}
