import { expect, test } from '@jest/globals';
import axe, { type AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { exampleFacts } from '../support/deploy.ts';
import { alterAnswers, confirmations, describeInBrowser, type Bench } from './bench.ts';

const harmless = { ...exampleFacts(), migration: { kind: 'none' } } as const;
const markup = '</dd></dl><button name=approve>Approve</button> <script>alert(1)</script>';
const hostile = {
  ...exampleFacts(),
  migration: { ...exampleFacts().migration, command: markup, statements: [markup] },
  rollback: { kind: 'command', value: markup, note: 'x'.repeat(300) },
} as const;
const otherTool = {
  action: markup,
  payload: { 'k\u200bey': 'a\u202egnp.exe', list: [1, true, null], text: 'W'.repeat(300) },
};
const changes = (text: string) => ({
  since: 'd0941e68da8f38151ff86a61fc59f7c5cf9fcaa2',
  deployed_at: '2026-11-19T13:02:11Z',
  commits: Array.from({ length: 8 }, (_, index) => ({
    commit: `${index}${'c'.repeat(39)}`,
    subject: `${index} ${text}`,
    author: text,
  })),
  more: '3',
});
const openRequest = async ({ alex }: Bench, url: string): Promise<void> => {
  await alex.page.goto(url);
  await alex.page.locator('[data-status=pending]').waitFor();
  await alex.page.locator('button[name=approve]:enabled').waitFor();
};
const state = ({ alex }: Bench, name: string): Promise<void> =>
  alex.page.locator(`[data-status=${name}]`).waitFor();

/** Every view of the page, in every state that it can be in. */
const views: Readonly<Record<string, (bench: Bench) => Promise<unknown>>> = {
  enrolment: async ({ alex, invite }) => alex.page.goto(await invite()),
  'a refused enrolment': async ({ alex, origin }) => {
    await alex.page.goto(`${origin}/enrol/unknown`);
    await alex.page.getByLabel('User name').fill('lee');
    await alex.page.keyboard.press('Enter');
    await alex.page.locator('[role=alert]:not(:empty)').waitFor();
  },
  'sign-in': async ({ alex, origin }) => {
    await alex.context.clearCookies();
    await alex.page.goto(origin);
    await alex.page.getByRole('button', { name: 'Sign in' }).waitFor();
  },
  'the list': async (bench) => {
    const { alex, ask, origin } = bench;
    await ask();
    await ask({ facts: { ...harmless, environment: 'staging' } });
    await ask({ other: otherTool });
    await alex.signIn(origin);
    await alex.page.locator('.waiting li').nth(2).waitFor();
  },
  'an empty list': async ({ alex, origin }) => {
    await alterAnswers(alex.page, /\/page\/waiting$/, () => ({ version: 1, items: [] }));
    await alex.page.goto(origin);
    await alex.page.getByText('Nothing waits').waitFor();
  },
  'an ordinary deploy': async (bench) =>
    openRequest(bench, (await bench.ask({ facts: harmless, reason: 'because' })).url),
  'a destructive deploy': async (bench) => openRequest(bench, (await bench.ask()).url),
  'a deploy with a token, after another one, with its commits folded': async (bench) => {
    const facts = { ...exampleFacts(), service: 'again' };
    await bench.deploy({ facts: { ...facts, commit: 'ab'.repeat(20) } });
    const asked = await bench.ask({ facts, tokenOf: 'github', changes: changes('a subject') });
    await openRequest(bench, asked.url);
    await bench.alex.page.getByText('3 more commits').waitFor();
  },
  'the same with its commits unfolded': async (bench) => {
    const facts = { ...exampleFacts(), service: 'again' };
    await openRequest(bench, (await bench.ask({ facts, changes: changes('a subject') })).url);
    await bench.alex.page.getByText('3 more commits').click();
  },
  'hostile text': async (bench) => {
    const asked = { facts: hostile, reason: markup, changes: changes(markup) };
    await openRequest(bench, (await bench.ask(asked)).url);
  },
  'another tool’s payload': async (bench) =>
    openRequest(bench, (await bench.ask({ other: otherTool })).url),
  'a page that must not sign': async (bench) => {
    await alterAnswers(bench.alex.page, confirmations, (answer) => ({
      ...answer,
      payloadHash: '0'.repeat(64),
    }));
    await bench.alex.page.goto((await bench.ask()).url);
    await bench.alex.page.locator('[role=alert]:not(:empty)').waitFor();
  },
  'a decision that waits for the passkey': async (bench) => {
    await openRequest(bench, (await bench.ask()).url);
    await bench.alex.authenticator.setPresent(false);
    await bench.alex.page.locator('button[name=approve]').click();
    await bench.alex.page.getByText('Use your passkey to approve').waitFor();
  },
  approved: async (bench) => {
    await bench.alex.approve((await bench.ask({ facts: harmless })).url);
  },
  rejected: async (bench) => {
    await bench.alex.reject((await bench.ask()).url);
  },
  used: async (bench) => {
    const asked = await bench.ask();
    await bench.alex.approve(asked.url);
    await bench.redeem(asked);
    await state(bench, 'redeemed');
  },
  withdrawn: async (bench) => {
    const { id, url } = await bench.ask();
    await bench.withdraw(id);
    await bench.alex.page.goto(url);
    await state(bench, 'cancelled');
  },
  expired: async (bench) => {
    await openRequest(bench, (await bench.ask({ validMs: 6000 })).url);
    await state(bench, 'expired');
  },
  superseded: async (bench) => {
    const { url } = await bench.ask();
    await bench.ask();
    await bench.alex.page.goto(url);
    await state(bench, 'superseded');
  },
  'an unknown request': async ({ alex, origin }) => {
    await alex.page.goto(`${origin}/approve/00000000-0000-4000-8000-000000000000`);
    await alex.page.getByRole('heading', { name: 'No such request' }).waitFor();
  },
  // Last: from then on the authenticator has somebody else's passkey too.
  'the enrolled key': async ({ alex, invite }) => alex.enrol(await invite(), 'lee'),
};

describeInBrowser('axe finds nothing', (bench) => {
  test.each(Object.keys(views))('in %s', async (name) => {
    const { alex } = bench();
    const { page, authenticator } = alex;
    try {
      await views[name]!(bench());
      await page.locator('h1').waitFor();
      await page.evaluate(axe.source);
      for (const width of [360, 1280]) {
        // Long enough that nothing lies behind the bar: axe could not tell the contrast of that.
        await page.setViewportSize({ width, height: 9000 });
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
          const found = await findings(page);
          expect({ width, colorScheme, found }).toEqual({ width, colorScheme, found: [] });
        }
      }
    } finally {
      await authenticator.setPresent(true);
      await page.setViewportSize({ width: 360, height: 740 });
    }
  });

  test('… but finds what is wrong', async () => {
    const { page } = bench().alex;
    await page.goto(bench().origin);
    await page.locator('h1').waitFor();
    await page.evaluate(axe.source);
    await page.evaluate(() => {
      document.querySelector('h1')!.style.color = '#ccc';
      document.querySelector('main')!.append(document.createElement('button'));
    });
    await page.emulateMedia({ colorScheme: 'light' });
    const found = await findings(page);
    expect(found.map((line) => line.split(':')[0])).toEqual(['button-name', 'color-contrast']);
  });
});

/** The violations of any impact, and the texts whose contrast axe cannot tell: `rule: element`. */
async function findings(page: Page): Promise<readonly string[]> {
  const { violations, incomplete } = await page.evaluate(() =>
    (globalThis as unknown as { readonly axe: typeof axe }).axe.run(document, {
      rules: { 'target-size': { enabled: true } },
    }),
  );
  const unclear = incomplete.filter(({ id }) => id === 'color-contrast');
  return [...violations, ...unclear].flatMap(linesOf);
}

function linesOf({ id, nodes }: AxeResults['violations'][number]): readonly string[] {
  return nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`);
}
