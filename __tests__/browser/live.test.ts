import { expect, test } from '@jest/globals';
import type { Page, Request } from 'playwright-core';
import { exampleFacts } from '../support/deploy.ts';
import { addAuthenticator } from '../support/chromium.ts';
import {
  alterAnswers,
  confirmations,
  describeInBrowser,
  pressable,
  type Asked,
  type Bench,
} from './bench.ts';

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

  test('decides once when both buttons are pressed at once', async () => {
    const { alex, read } = bench();
    const { id } = await open();
    const sent: string[] = [];
    const onRequest = (request: Request): void => {
      if (request.method() === 'POST') sent.push(request.postData() ?? '');
    };
    alex.page.on('request', onRequest);
    await alex.page.evaluate(() => {
      for (const name of ['approve', 'reject', 'approve']) {
        document.querySelector<HTMLButtonElement>(`button[name=${name}]`)!.click();
      }
    });
    expect(await decided(alex.page)).toEqual(['Approved', ['revoke']]);
    alex.page.off('request', onRequest);
    expect(sent).toHaveLength(1);
    expect((await read(id)).status).toBe('approved');
  });

  test('lets no late answer take back that an approval was used', async () => {
    const { alex, redeem } = bench();
    const asked = await open();
    // The page's own look at what came of the decision is answered at once, but the answer arrives late.
    let deliver = (): void => undefined;
    const isUsed = new Promise<void>((resolve) => (deliver = resolve));
    await alex.page.route(confirmations, async (route) => {
      if (route.request().url().includes('wait')) return route.continue();
      const response = await route.fetch();
      await isUsed;
      return route.fulfill({ response });
    });
    await alex.page.locator('button[name=approve]').click();
    await alex.page.locator('[data-status=approved]').waitFor();
    await redeem(asked);
    await alex.page.locator('[data-status=redeemed]').waitFor();
    deliver();
    await alex.page.waitForFunction((id) => {
      const loaded = performance.getEntriesByType('resource').map(({ name }) => name);
      // The page's first look, and the late one.
      return loaded.filter((name) => name.endsWith(`/confirmations/${id}`)).length === 2;
    }, asked.id);
    expect(await decided(alex.page)).toEqual(['Approved and used', []]);
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

  test('says so of an approval too, which may be used by then, and why', async () => {
    const { alex, redeem } = bench();
    const asked = await open();
    await alex.page.locator('button[name=approve]').click();
    expect(await decided(alex.page)).toEqual(['Approved', ['revoke']]);
    const body = '{"message":"Back in a minute."}';
    await alex.page.route(confirmations, (route) => route.fulfill({ status: 503, body }));
    // As after a sleep: the page asks at once when it is looked at again.
    await alex.page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    const status = alex.page.locator('#decision [role=status]');
    await status.getByText('may be out of date').waitFor();
    expect(await status.innerText()).toMatch(
      /^Approved by alex at .*\. Back in a minute\. This page may be out of date; it keeps trying\.$/,
    );
    await alex.page.unrouteAll();
    await redeem(asked);
    await alex.page.locator('[data-status=redeemed]').waitFor();
    expect(await status.innerText()).toMatch(/^Approved and used\. The run has used/);
  });

  test('can send a decision again that a proxy did not pass on', async () => {
    const { alex, read } = bench();
    const { id } = await open();
    const refuse = { status: 502, body: '<h1>Bad gateway</h1>' };
    await alex.page.route('**/decision', (route) => route.fulfill(refuse), { times: 1 });
    await alex.page.locator('button[name=reject]').click();
    const problem = alex.page.locator('#decision [role=alert]:not(:empty)');
    await problem.waitFor();
    expect(await problem.innerText()).toMatch(
      /^The service answered with status 502\. Your decision may not have arrived\..* try again\.$/,
    );
    expect((await read(id)).status).toBe('pending');
    await alex.page.locator('button[name=reject]:enabled').click();
    expect(await decided(alex.page)).toEqual(['Rejected', []]);
    expect(await problem.count()).toBe(0);
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
  const signIn = async ({ alex, origin }: Bench): Promise<Page> => {
    await alex.context.clearCookies();
    await alex.signIn(origin);
    return alex.page;
  };

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
    const { alex, ask } = bench();
    const page = await signIn(bench());
    await ask();
    await entries(page).first().waitFor();
    expect(await page.title()).toMatch(/^\(1\) /);
    await alex.context.clearCookies();
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    // What waited is for nobody to read any more, not even in the title.
    expect(await entries(page).count()).toBe(0);
    expect(await page.title()).toBe('What waits for you · Deploy Warrant');
    expect(await page.locator(':focus').innerText()).toBe('What waits for you');
    await page.reload();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
  });

  test('says that it may be out of date while it is not told, and why, and recovers', async () => {
    const { ask } = bench();
    const page = await signIn(bench());
    const before = await entries(page).count();
    const answers = [
      { status: 503, body: '<h1>Down</h1>' },
      { status: 200, body: '{"version":"7","items":[]}' },
      { status: 200, body: '{"version":7,"items":[{"id":"x"}]}' },
    ];
    await page.route(
      (url) => url.pathname === '/page/waiting',
      (route) => {
        const [answer] = answers;
        return answer === undefined ? route.continue() : route.fulfill(answer);
      },
    );
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    const problem = page.locator('[role=alert]');
    for (const why of ['status 503.', 'page understands.', 'page understands.']) {
      await problem.getByText(`${why} This list may be out of date; it keeps trying.`).waitFor();
      expect(await entries(page).count()).toBe(before);
      answers.shift();
    }
    await page.locator('[role=alert]:empty').waitFor({ state: 'attached' });
    await ask({ facts: { ...exampleFacts(), environment: 'after-the-trouble' } });
    await entries(page).filter({ hasText: 'after-the-trouble' }).waitFor();
  });

  test('counts down to the earlier of both times, and shows what it knows no deploy of', async () => {
    const { page } = bench().alex;
    const soon = new Date(Date.now() + 3_690_000).toISOString();
    const past = new Date(Date.now() - 60_000).toISOString();
    const item = { action: 'Rotate', payloadHash: 'ab'.repeat(32), expiresAt: soon };
    await alterAnswers(page, /\/page\/waiting$/, () => ({
      version: 1,
      items: [
        { ...item, id: 'a' },
        { ...item, id: 'b', decideBy: past },
      ],
    }));
    await signIn(bench());
    await entries(page).nth(1).waitFor();
    expect(await entries(page).nth(0).innerText()).toMatch(
      /signed: Rotate.*abab-abab.*1 h 1 min left/s,
    );
    expect(await entries(page).nth(1).innerText()).toContain('time is over');
  });

  test('says what a failing service leaves in the open: whether anybody is signed in, or still is', async () => {
    const { alex, origin } = bench();
    const page = await signIn(bench());
    const body = '<h1>Down</h1>';
    await page.route('**/page/session', (route) => route.fulfill({ status: 500, body }));
    await page.reload();
    await page.getByRole('heading', { name: 'The list cannot be shown' }).waitFor();
    await page.getByText('The service answered with status 500.').waitFor();
    await page.unrouteAll();
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.locator('h1:focus').getByText('What waits for you').waitFor();

    await page.route('**/page/sign-out', (route) => route.abort());
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page
      .getByText('The service cannot be reached. You may still be signed in. Check the connection')
      .waitFor();
    await page.unrouteAll();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    expect(await page.title()).toBe('What waits for you · Deploy Warrant');

    await page.route('**/page/sign-in', (route) => route.abort());
    await expect(alex.signIn(origin)).rejects.toThrow(
      'The service cannot be reached. You are not signed in. Check the connection and try again.',
    );
    await page.unrouteAll();
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
  });
});
