import { expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { exampleFacts } from '../support/deploy.ts';
import { addAuthenticator } from '../support/chromium.ts';
import { confirmations, describeInBrowser, pressable, type Asked, type Bench } from './bench.ts';

/** The state that the page shows, and what can be pressed, once it is no longer pending. */
async function decided(page: Page): Promise<readonly [string, readonly string[]]> {
  await page.locator('[data-status]:not([data-status=pending])').waitFor();
  return [await page.locator('[data-status]').innerText(), await pressable(page)];
}

describeInBrowser('an open page', (bench) => {
  const open = async (o: Parameters<Bench['ask']>[0] = {}): Promise<Asked> => {
    const { alex, ask } = bench();
    const asked = await ask(o);
    await alex.page.goto(asked.url);
    await alex.page.locator('button[name=approve]:enabled').waitFor();
    return asked;
  };

  test('shows a withdrawn request at once', async () => {
    const { alex, withdraw } = bench();
    const { id } = await open();
    await withdraw(id);
    expect(await decided(alex.page)).toEqual(['Withdrawn', []]);
    expect(await alex.page.title()).toMatch(/^Withdrawn: /);
    expect(await alex.page.locator('#decision [role=status]').innerText()).toMatch(/^Withdrawn\./);
  });

  test('shows expiry at the moment it comes', async () => {
    const { alex } = bench();
    await open({ validMs: 8000 });
    expect(await alex.page.locator('#decision').innerText()).toMatch(/^[1-8] s left/);
    expect(await decided(alex.page)).toEqual(['Expired', []]);
  });

  test('shows that it is superseded, and never jumps to the successor', async () => {
    const { alex, ask } = bench();
    const first = await open();
    const second = await ask({ facts: { ...exampleFacts(), commit: 'ab'.repeat(20) } });
    expect(await decided(alex.page)).toEqual(['Superseded', []]);
    expect(alex.page.url()).toBe(first.url);
    expect(await alex.page.locator('article').innerText()).toContain(first.payloadHash);
    const page = await alex.page.content();
    expect(page).not.toContain(second.id);
    expect(page).not.toContain('ab'.repeat(20));
  });

  test('shows that the approval was used', async () => {
    const { alex, redeem } = bench();
    const asked = await open();
    await alex.page.locator('button[name=approve]').click();
    expect(await decided(alex.page)).toEqual(['Approved', ['revoke']]);
    await redeem(asked);
    await alex.page.locator('[data-status=redeemed]').waitFor();
    expect(await alex.page.locator('#decision').innerText()).toContain('cannot be used again');
  });

  test('in a second tab follows the decision of the first', async () => {
    const { alex } = bench();
    const { url } = await open();
    const second = await alex.context.newPage();
    await second.goto(url);
    await second.locator('button[name=approve]:enabled').waitFor();
    await alex.page.locator('button[name=reject]').click();
    expect(await decided(second)).toEqual(['Rejected', []]);
    await second.close();
  });

  test('that went stale decides nothing: rejected in one tab, then approved in the other', async () => {
    const { alex, ask, read } = bench();
    const asked = await ask();
    // This tab never hears of what happens elsewhere.
    await alex.page.route(
      (url) => url.searchParams.has('wait'),
      () => undefined,
    );
    await alex.page.goto(asked.url);
    const second = await alex.context.newPage();
    const authenticator = await addAuthenticator(second);
    await authenticator.add((await alex.authenticator.credentials())[0]!);
    await second.goto(asked.url);
    await second.locator('button[name=reject]:enabled').click();
    expect(await decided(second)).toEqual(['Rejected', []]);
    await second.close();

    expect(await pressable(alex.page)).toEqual(['reject', 'approve']);
    await alex.page.locator('button[name=approve]').click();
    expect(await decided(alex.page)).toEqual(['Rejected', []]);
    expect((await read(asked.id)).status).toBe('rejected');
  });

  test('takes the passkey prompt away when the request is withdrawn meanwhile', async () => {
    const { alex, withdraw } = bench();
    await alex.page.addInitScript(() => {
      const get = navigator.credentials.get.bind(navigator.credentials);
      navigator.credentials.get = async (options) => {
        try {
          return await get(options);
        } catch (error) {
          Object.assign(window, { promptEnded: (error as Error).name });
          throw error;
        }
      };
    });
    const { id } = await open();
    await alex.authenticator.setPresent(false);
    try {
      await alex.page.locator('button[name=approve]').click();
      await alex.page.getByText('Use your passkey to approve').waitFor();
      expect(await pressable(alex.page)).toEqual([]);
      await withdraw(id);
      expect(await decided(alex.page)).toEqual(['Withdrawn', []]);
      await alex.page.waitForFunction(() => 'promptEnded' in window, undefined, { timeout: 5000 });
      expect(await alex.page.evaluate('promptEnded')).toBe('AbortError');
      expect(await alex.page.locator('#decision [role=alert]').innerText()).toBe('');
    } finally {
      await alex.authenticator.setPresent(true);
    }
  });

  test('says that it may be out of date while the service cannot be reached, and recovers', async () => {
    const { alex, withdraw } = bench();
    await alex.page.route(
      (url) => url.searchParams.has('wait'),
      (route) => route.abort(),
    );
    const { id } = await open();
    const problem = alex.page.locator('#decision [role=status]');
    await problem.getByText('may be out of date').waitFor();
    await alex.page.unrouteAll();
    await problem.getByText('may be out of date').waitFor({ state: 'hidden' });
    await withdraw(id);
    expect(await decided(alex.page)).toEqual(['Withdrawn', []]);
  });

  test('does not claim that nothing was decided when the answer to a decision is lost', async () => {
    const { alex } = bench();
    // The page opens, but no poll gets through; from the press of the button on, nothing does.
    let isCut = false;
    await alex.page.route(confirmations, async (route) => {
      if (isCut || route.request().url().includes('wait')) await route.abort();
      else await route.continue();
    });
    await alex.page.route('**/decision', async (route) => {
      await route.fetch();
      await route.abort();
    });
    const { id } = await open();
    isCut = true;
    await alex.page.locator('button[name=approve]').click();
    const problem = alex.page.locator('#decision [role=alert]:not(:empty)');
    await problem.waitFor();
    expect(await problem.innerText()).toContain('may not have arrived');
    expect(await problem.innerText()).not.toContain('Nothing was decided');
    expect((await bench().read(id)).status).toBe('approved');
    await alex.page.unroute(confirmations);
    expect(await decided(alex.page)).toEqual(['Approved', ['revoke']]);
  });
});

describeInBrowser('the list of what waits', (bench) => {
  const entries = (page: Page) => page.locator('.waiting li');

  test('needs a sign-in, shows what comes and goes by itself, and leads to the request', async () => {
    const { alex, ask, origin, withdraw } = bench();
    const { page } = alex;
    await alex.context.clearCookies();
    await page.goto(origin);
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    expect(await entries(page).count()).toBe(0);
    await alex.signIn(origin);
    await page.getByText('Nothing waits for you').waitFor();

    const staging = { ...exampleFacts(), environment: 'staging' };
    const first = await ask({ facts: staging });
    await entries(page).first().waitFor();
    const fingerprint = `${first.payloadHash.slice(0, 4)}-${first.payloadHash.slice(4, 8)}`;
    const text = await entries(page).first().innerText();
    expect(text).toContain('Deploy api to staging');
    expect(text).toContain('Destructive migration');
    expect(text).toContain('release-agent[bot]');
    expect(text).toContain(fingerprint);
    expect(await page.title()).toMatch(/^\(1\) /);

    // What has the focus stays where it is when more comes and other goes.
    await entries(page).first().getByRole('link').focus();
    const other = { payload: { rotate: 'key' }, action: 'Deploy api to production' };
    const second = await ask({ other });
    await entries(page).nth(1).waitFor();
    expect(await entries(page).nth(1).innerText()).toContain(
      'Claimed, not signed: Deploy api to production',
    );
    await withdraw(second.id);
    await entries(page).nth(1).waitFor({ state: 'detached' });
    expect(await page.locator(':focus').innerText()).toContain('staging');

    await page.keyboard.press('Enter');
    await page.waitForURL(first.url);
    await page.goto(origin);
    await entries(page).first().waitFor();
    await withdraw(first.id);
    await page.getByText('Nothing waits for you').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    await page.reload();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
  });

  test('goes back to the sign-in when the session has ended', async () => {
    const { alex, origin, ask } = bench();
    await alex.context.clearCookies();
    await alex.signIn(origin);
    await alex.context.clearCookies();
    await ask();
    await alex.page.reload();
    await alex.page.getByRole('button', { name: 'Sign in' }).waitFor();
  });
});
