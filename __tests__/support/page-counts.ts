import type { Browser, BrowserContext, Page } from 'playwright-core';
import { countsAsText, saveCounts } from '../../scripts/coverage/counts.ts';
import { countsFolder } from '../../scripts/coverage/instrument.ts';

/** Where coverage is measured: each page saves its counts when it is left or closed. Elsewhere, the browser as it is. */
export function withCounts(browser: Browser): Browser {
  if (countsFolder === undefined) return browser;
  const { newContext, close } = bound(browser, ['newContext', 'close']);
  browser.newContext = async (options) => counting(await newContext(options), countsFolder!);
  browser.newPage = async (options) => (await browser.newContext(options)).newPage();
  browser.close = async () => {
    for (const context of browser.contexts()) await context.close();
    await close();
  };
  return browser;
}

async function counting(context: BrowserContext, folder: string): Promise<BrowserContext> {
  await context.exposeFunction('__saveCounts', (text: string) => saveCounts(folder, text));
  // Not `pagehide`: it comes when the browser already listens to the next document, and what it says is lost.
  await context.addInitScript(`addEventListener('beforeunload',()=>__saveCounts(${countsAsText}))`);
  const { close } = bound(context, ['close']);
  context.close = async () => {
    for (const page of context.pages()) await leave(page);
    await close();
  };
  context.on('page', (page) => {
    const its = bound(page, ['close']);
    page.close = async (options) => {
      await leave(page);
      await its.close(options);
    };
  });
  return context;
}

/** A page that answers no more (closed, or its network is cut) has nothing to say. */
async function leave(page: Page): Promise<void> {
  await page.evaluate(`__saveCounts(${countsAsText})`).catch(() => undefined);
}

function bound<T extends object, Name extends keyof T>(
  it: T,
  names: readonly Name[],
): Pick<T, Name> {
  return Object.fromEntries(
    names.map((name) => [name, (it[name] as (...all: never) => unknown).bind(it)]),
  ) as Pick<T, Name>;
}
