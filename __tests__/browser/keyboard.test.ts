import { expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { exampleFacts } from '../support/deploy.ts';
import { openApprover } from '../support/chromium.ts';
import { describeInBrowser } from './bench.ts';
import { focusOf } from './focus.ts';

/** Presses Tab until the focus is on what has this text, seen at every stop. @returns the stops on the way, and itself */
async function tabTo(page: Page, text: string): Promise<readonly string[]> {
  const stops: string[] = [];
  for (let presses = 0; presses < 12; presses += 1) {
    await page.keyboard.press('Tab');
    const stop = await focusOf(page);
    expect({ ...stop, isSeen: stop.outlinePx >= 2 }).toMatchObject({
      isInView: true,
      isSeen: true,
    });
    stops.push(stop.text);
    if (stop.text.startsWith(text)) return stops;
  }
  throw new Error(`Tab does not lead to “${text}”, but to ${stops.join(', ')}.`);
}

/** What keyboard and screen reader go on from. */
const focused = (page: Page): Promise<string | undefined> =>
  page.evaluate(() => document.activeElement?.localName);

describeInBrowser('by keyboard alone', (bench) => {
  test('enrols, signs in, opens a request from the list, rejects it, approves the next, signs out', async () => {
    const { browser, invite, ask, read } = bench();
    const person = await openApprover(browser, { viewport: { width: 360, height: 740 } });
    const { page } = person;

    await page.goto(await invite());
    await page.locator('#username:focus').waitFor();
    await page.keyboard.type('keys');
    expect(await tabTo(page, 'Create passkey')).toHaveLength(1);
    await page.keyboard.press('Space');
    await page.locator('[data-sha256]').waitFor();
    expect(await focused(page)).toBe('h1');
    expect(await tabTo(page, 'See what waits')).toHaveLength(1);
    await page.keyboard.press('Enter');

    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    expect(await tabTo(page, 'Sign in')).toHaveLength(2);
    await page.keyboard.press('Space');
    await page.getByText('Nothing waits for you').waitFor();
    expect(await focused(page)).toBe('h1');

    const facts = exampleFacts();
    const [username, staging] = ['keys', { ...facts, environment: 'staging' }];
    const harmful = await ask({ username, facts });
    await page.locator('.waiting li').waitFor();
    const harmless = await ask({ username, facts: { ...staging, migration: { kind: 'none' } } });
    await page.locator('.waiting li').nth(1).waitFor();
    const entries = await tabTo(page, 'Sign out');
    expect(entries.map((text) => text.slice(0, 20))).toEqual([
      'Deploy api to produc',
      'Deploy api to stagin',
      'Sign out',
    ]);

    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Enter');
    await page.waitForURL(harmful.url);
    await page.locator('button[name=reject]:enabled').waitFor();
    await tabTo(page, 'Reject');
    await page.keyboard.press('Space');
    await page.locator('[data-status=rejected]').waitFor();
    expect((await read(harmful.id)).status).toBe('rejected');

    // The browser's own way back, which has a key of its own.
    await page.goBack();
    await page.locator('.waiting li').waitFor();
    await tabTo(page, 'Deploy api to staging');
    await page.keyboard.press('Enter');
    await page.waitForURL(harmless.url);
    await page.locator('button[name=approve]:enabled').waitFor();
    await tabTo(page, 'Approve');
    await page.keyboard.press('Space');
    await page.locator('[data-status=approved]').waitFor();
    expect((await read(harmless.id)).status).toBe('approved');

    await page.goBack();
    await page.getByText('Nothing waits for you').waitFor();
    await tabTo(page, 'Sign out');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    expect(await focused(page)).toBe('h1');
    await person.close();
  });

  test('a decision that failed leaves the focus on its button, for another try', async () => {
    const { alex, ask } = bench();
    const { page, authenticator } = alex;
    await page.goto((await ask()).url);
    await page.locator('button[name=reject]:enabled').waitFor();
    await authenticator.setUserVerified(false);
    try {
      await tabTo(page, 'Reject');
      await page.keyboard.press('Enter');
      await page.locator('[role=alert]:not(:empty)').waitFor();
      await page.locator('button[name=reject]:enabled').waitFor();
    } finally {
      await authenticator.setUserVerified(true);
    }
    expect((await focusOf(page)).text).toBe('Reject');
    await page.keyboard.press('Enter');
    await page.locator('[data-status=rejected]').waitFor();
  });

  test('so does an enrolment or a sign-in that failed', async () => {
    const { browser, invite, origin } = bench();
    const person = await openApprover(browser);
    const { page, authenticator } = person;
    const fail = async (key: string): Promise<string> => {
      await authenticator.setUserVerified(false);
      await page.keyboard.press(key);
      await page.locator('[role=alert]:not(:empty)').waitFor();
      await page.locator('main button:enabled').waitFor();
      await authenticator.setUserVerified(true);
      return page.evaluate(() => document.activeElement?.getAttribute('name') ?? '');
    };
    await page.goto(await invite());
    await page.locator('#username:focus').waitFor();
    await page.keyboard.type('again');
    // Sent from the field, and then by the button.
    expect(await fail('Enter')).toBe('username');
    await tabTo(page, 'Create passkey');
    expect(await fail('Space')).toBe('enrol');
    await page.keyboard.press('Space');
    await page.locator('[data-sha256]').waitFor();

    await page.goto(origin);
    await tabTo(page, 'Sign in');
    expect(await fail('Enter')).toBe('sign-in');
    await page.keyboard.press('Enter');
    await page.getByText('Nothing waits for you').waitFor();
    await person.close();
  });
});
