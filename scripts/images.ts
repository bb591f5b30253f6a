/**
 * Takes the pictures of the page, `docs/images/NAME-WIDTH-SCHEME.png` (or into the folder named): the real service, the page as
 * the sources build it, headless Chromium with a virtual authenticator.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  before,
  destructive,
  destructiveChanges,
  hostile,
  hostileChanges,
  hostileReason,
  ordinary,
  ordinaryChanges,
  otherTool,
} from './images/deploys.ts';
import { withPalette } from './images/png.ts';
import { setStage } from './images/stage.ts';

const folder = process.argv[2] ?? 'docs/images';
await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
await using stage = await setStage();
const { origin, alex, invite, ask, deploy, setMinute } = stage;
const { page } = alex;

/** A phone in twice the pixels, and a desktop. */
const screens = [
  { width: 360, height: 780, scale: 'device' },
  { width: 1280, height: 860, scale: 'css' },
] as const;

/** What is on the page now: the first screen of it, or with `whole` all of it, as on a screen that is long enough. */
async function take(name: string, { whole = false } = {}): Promise<void> {
  await page.mouse.move(0, 0);
  for (const { width, height, scale } of screens) {
    await page.setViewportSize({ width, height });
    if (whole) {
      const long = await page.evaluate(() => document.documentElement.scrollHeight);
      await page.setViewportSize({ width, height: long });
    }
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      const picture = await page.screenshot({ scale, animations: 'disabled' });
      await writeFile(join(folder, `${name}-${width}-${colorScheme}.png`), withPalette(picture));
    }
  }
}

const open = async (url: string): Promise<void> => {
  await page.goto(url);
  await page.locator('button[name=approve]:enabled').waitFor();
};

await setMinute(0);
await page.goto(await invite());
await page.getByLabel('User name').fill('alex');
await take('enrolment');
await page.keyboard.press('Enter');
await page.locator('[data-sha256]').waitFor();
await take('enrolled');

// Three days earlier, two minutes past two in Berlin.
await setMinute(62 - 3 * 24 * 60);
await deploy(before(ordinary));
await deploy(before(destructive));
await setMinute(0);

await page.goto(origin);
await page.getByRole('button', { name: 'Sign in' }).waitFor();
await take('sign-in');
const reason = 'Users move to accounts; names are split';
const destroys = await ask({
  facts: destructive,
  reason,
  changes: destructiveChanges,
  isByToken: true,
});
await setMinute(1);
const changes = await ask({
  facts: ordinary,
  reason: 'Checkout fix for the autumn sale',
  changes: ordinaryChanges,
  isByToken: true,
});
await setMinute(2);
const rotates = await ask(otherTool);
await alex.signIn(origin);
await page.locator('.waiting li').nth(2).waitFor();
await take('list');

await open(changes);
await take('approval-ordinary');
await take('approval-ordinary-whole', { whole: true });
await open(destroys);
await take('approval-destructive');
await take('approval-destructive-whole', { whole: true });
await open(await ask({ facts: hostile, reason: hostileReason, changes: hostileChanges }));
await take('approval-hostile', { whole: true });
await open(rotates);
await take('approval-other-tool', { whole: true });

await setMinute(6);
await alex.approve(changes);
await take('decided-approved');
await alex.reject(destroys);
await take('decided-rejected');
const first = await ask({ facts: destructive });
const second = await ask({
  facts: { ...destructive, commit: 'd0941e68da8f38151ff86a61fc59f7c5cf9fcaa2' },
});
await page.goto(first);
await page.locator('[data-status=superseded]').waitFor();
await take('superseded');
await setMinute(90);
await page.goto(second);
await page.locator('[data-status=expired]').waitFor();
await take('expired');
