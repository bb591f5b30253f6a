import { expect, test } from '@jest/globals';
import { exampleFacts } from '../support/deploy.ts';
import { openApprover, type Approver } from '../support/chromium.ts';
import { describeInBrowser, type Bench } from './bench.ts';
import { lowContrast } from './contrast.ts';
import { focusOf } from './focus.ts';

interface View {
  readonly name: string;
  readonly open: (bench: Bench, person: Approver) => Promise<void>;
}

const harmless = { ...exampleFacts(), migration: { kind: 'none' } } as const;
const goTo = async (person: Approver, url: string): Promise<void> => {
  await person.page.goto(url);
  await person.page.locator('h1').waitFor();
};

const views: readonly View[] = [
  {
    name: 'a destructive deploy',
    open: async ({ ask }, person) => goTo(person, (await ask()).url),
  },
  {
    name: 'a deploy without migration',
    open: async ({ ask }, person) =>
      goTo(person, (await ask({ facts: harmless, reason: 'x'.repeat(500) })).url),
  },
  {
    name: 'a deploy with a token, after another one, and long commits',
    open: async ({ ask, deploy }, person) => {
      const facts = { ...exampleFacts(), service: `s${'x'.repeat(60)}` };
      await deploy({ facts: { ...facts, ref: `refs/heads/${'y'.repeat(100)}` } });
      const line = {
        commit: facts.commit,
        subject: 'W'.repeat(200),
        author: 'M'.repeat(100),
      };
      const changes = { since: 'ab'.repeat(32), commits: Array.from({ length: 7 }, () => line) };
      await goTo(person, (await ask({ facts, tokenOf: 'github', changes })).url);
      const summary = person.page.locator('details:not([open]) summary');
      if (await summary.isVisible()) await summary.click();
    },
  },
  {
    name: 'another tool’s payload',
    open: async ({ ask }, person) => {
      const payload = { text: 'W'.repeat(900), hidden: '\u200b', deep: { list: [1, true, null] } };
      await goTo(person, (await ask({ other: { payload, action: 'Rotate' } })).url);
    },
  },
  {
    name: 'a withdrawn request',
    open: async ({ ask, withdraw }, person) => {
      const { id, url } = await ask();
      await withdraw(id);
      await goTo(person, url);
    },
  },
  {
    name: 'a problem',
    open: async ({ ask }, person) => {
      await person.page.route(/credentialIds|\/page\/confirmations\/[^/]+$/, async (route) => {
        const response = await route.fetch();
        const json = { ...((await response.json()) as object), credentialIds: [] };
        await route.fulfill({ response, json });
      });
      await goTo(person, (await ask()).url);
      await person.page.locator('[role=alert]:not(:empty)').waitFor();
      await person.page.unrouteAll({ behavior: 'ignoreErrors' });
    },
  },
  { name: 'sign-in', open: ({ origin }, person) => goTo(person, origin) },
  { name: 'enrolment', open: ({ origin }, person) => goTo(person, `${origin}/enrol/x`) },
];

describeInBrowser('the looks', (bench) => {
  const people: Approver[] = [];
  const visitor = async (options: Parameters<typeof openApprover>[1]): Promise<Approver> => {
    const person = await openApprover(bench().browser, options);
    people.push(person);
    return person;
  };

  test.each(['light', 'dark'] as const)(
    '%s: every text has the contrast of WCAG AA',
    async (colorScheme) => {
      const person = await visitor({ colorScheme, viewport: { width: 360, height: 740 } });
      for (const { name, open } of views) {
        await open(bench(), person);
        expect({ name, low: await person.page.evaluate(lowContrast) }).toEqual({ name, low: [] });
      }
      const ground = await person.page.evaluate(
        () => getComputedStyle(document.documentElement).backgroundColor,
      );
      const [red] = /\d+/.exec(ground) ?? [];
      if (colorScheme === 'dark') expect(Number(red)).toBeLessThan(60);
      else expect(Number(red)).toBeGreaterThan(200);
    },
  );

  test.each([320, 360, 1280])(
    '%i px: nothing is cut off or scrolls sideways, and every target is 44 px high',
    async (width) => {
      const person = await visitor({ viewport: { width, height: 740 } });
      for (const { name, open } of views) {
        await open(bench(), person);
        const { page } = person;
        const overflow = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        expect({ name, overflow }).toEqual({ name, overflow: 0 });
        for (const target of await page.locator('button:visible, input').all()) {
          const box = await target.boundingBox();
          expect(box!.height).toBeGreaterThanOrEqual(44);
          expect(box!.x + box!.width).toBeLessThanOrEqual(width);
        }
      }
    },
  );

  test('both buttons are in reach of a thumb, whatever the length of the page', async () => {
    const { page } = bench().alex;
    await goTo(bench().alex, (await bench().ask()).url);
    for (const scroll of [0, 400, 100_000]) {
      await page.evaluate((y) => window.scrollTo(0, y), scroll);
      for (const name of ['reject', 'approve']) {
        const box = await page.locator(`button[name=${name}]`).boundingBox();
        expect(box!.y).toBeGreaterThan(740 / 2);
        expect(box!.y + box!.height).toBeLessThanOrEqual(740);
      }
    }
  });

  test('moves nothing for those who want no motion', async () => {
    const person = await visitor({ reducedMotion: 'reduce' });
    await views[0]!.open(bench(), person);
    const moving = await person.page.locator('*').evaluateAll(
      (all) =>
        all.filter((each) => {
          const { transitionDuration, animationName } = getComputedStyle(each);
          return transitionDuration !== '0s' || animationName !== 'none';
        }).length,
    );
    expect(moving).toBe(0);
  });

  test('has one heading of the first rank, a main, a language, and live regions', async () => {
    const { alex } = bench();
    for (const { open } of views) {
      await open(bench(), alex);
      expect(await alex.page.locator('h1').count()).toBe(1);
      expect(await alex.page.locator('main h1').count()).toBe(1);
      expect(await alex.page.locator('html').getAttribute('lang')).toBe('en');
      // A translation would change the words that are signed.
      expect(await alex.page.locator('html').getAttribute('translate')).toBe('no');
    }
    await views[0]!.open(bench(), alex);
    expect(await alex.page.getByRole('status').count()).toBe(1);
    expect(await alex.page.locator('[role=alert]').count()).toBe(1);
    expect(await alex.page.locator('dl > :not(.row)').count()).toBe(0);
  });

  test('works by keyboard alone, with a focus that is seen at every stop', async () => {
    const { alex, ask } = bench();
    const { page } = alex;
    await goTo(alex, (await ask()).url);
    const stops: string[] = [];
    for (let presses = 0; presses < 20; presses += 1) {
      await page.keyboard.press('Tab');
      const stop = await focusOf(page);
      expect({ ...stop, seen: stop.outlinePx >= 2 && stop.isInView }).toEqual({
        ...stop,
        seen: true,
      });
      stops.push(stop.text);
      if (stop.text.startsWith('Approve')) break;
    }
    expect(stops).toEqual([
      'Deploy Warrant',
      'Skip to the decision',
      'Open commit',
      'Open run',
      'Reject',
      'Approve destructive deploy',
    ]);
    await page.keyboard.press('Enter');
    await page.locator('[data-status=approved]').waitFor();
    // The pressed button is gone; the focus stays at the decision.
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('decision');
  });

  test('enrols by keyboard alone', async () => {
    const person = await visitor({});
    await person.page.goto(await bench().invite());
    await person.page.locator('#username:focus').waitFor();
    await person.page.keyboard.type('keys');
    await person.page.keyboard.press('Enter');
    await person.page.locator('[data-sha256]').waitFor();
    expect(await person.page.evaluate(() => document.activeElement?.localName)).toBe('h1');
  });

  test('the skip link leads past the facts to the buttons', async () => {
    const { alex, ask } = bench();
    await goTo(alex, (await ask()).url);
    for (const key of ['Tab', 'Tab', 'Enter', 'Tab']) await alex.page.keyboard.press(key);
    expect((await focusOf(alex.page)).text).toBe('Reject');
  });
});
