import { expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import type { Changes } from '../../src/core/changes.ts';
import type { DeployFacts } from '../../src/core/facts.ts';
import { openApprover } from '../support/chromium.ts';
import { exampleFacts } from '../support/deploy.ts';
import {
  alterAnswers,
  confirmations,
  describeInBrowser,
  pressable,
  type Asked,
  type Bench,
} from './bench.ts';

const older = 'd0941e68da8f38151ff86a61fc59f7c5cf9fcaa2';
const harmless = { ...exampleFacts(), migration: { kind: 'none' } } as const;

/** So many commits, each unlike the others. */
function changesOf(count: number, o: Partial<Changes> = {}): Changes {
  const commits = Array.from({ length: count }, (_, index) => ({
    commit: `${String(index).padStart(2, '0')}${'c'.repeat(38)}`,
    subject: `Subject number ${index}`,
    author: `Author ${index}`,
  }));
  return { since: older, deployed_at: '2026-11-19T13:02:11Z', ...o, commits };
}

describeInBrowser('since the last deploy', (bench) => {
  /** A target of its own, so that no other test has deployed to it. */
  let targets = 0;
  const target = (facts: DeployFacts = harmless): DeployFacts => {
    targets += 1;
    return { ...facts, service: `service-${targets}` };
  };
  const open = async (asked: Asked, { page }: Pick<Bench['alex'], 'page'> = bench().alex) => {
    await page.goto(asked.url);
    await page.locator('button[name=approve]:enabled').waitFor();
    return page.locator('.since');
  };
  /** The rows of what differs: label and value. */
  const rows = async (page: Page): Promise<Readonly<Record<string, string>>> =>
    Object.fromEntries(
      await page
        .locator('.since .row')
        .evaluateAll((all) =>
          all.map((row) => [
            row.querySelector('dt')?.textContent ?? '',
            row.querySelector('dd')?.innerText.replace(/\s+/g, ' ') ?? '',
          ]),
        ),
    );

  test('says in one line that none is known', async () => {
    const since = await open(await bench().ask({ facts: target() }));
    expect(await since.innerText()).toMatch(
      /^Since the last deploy\s+This service knows of no earlier deploy of this target\.$/,
    );
  });

  test('shows what differs from the last one that was approved and used, and what does not', async () => {
    const { alex, ask, deploy } = bench();
    const facts = target(exampleFacts());
    const first = {
      ...facts,
      commit: older,
      digest: `sha256:${'4e'.repeat(32)}`,
      migration: { kind: 'none' },
      rollback: { kind: 'version', value: 'v1.40.9' },
    } as const;
    const { payloadHash } = await deploy({ facts: first });
    // Approved but never used: that is no deploy.
    await alex.approve((await ask({ facts: { ...facts, commit: 'ab'.repeat(20) } })).url);
    await open(await ask({ facts }));
    const told = await rows(alex.page);
    expect(told).toEqual({
      'Last deploy': expect.stringMatching(
        `^(just now|1 minute ago), .*, as ${payloadHash.slice(0, 4)}-${payloadHash.slice(4, 8)}$`,
      ) as unknown,
      Commit: 'from d0941e68 to fc19318d Compare',
      'Image digest': 'was sha256:4e4e4e4e…',
      Migration: 'was none; 2 files not in the last deploy',
      Rollback: 'was version: v1.40.9',
      Unchanged: 'Ref',
    });
    const compare = alex.page.getByRole('link', { name: 'Compare' });
    expect(await compare.getAttribute('href')).toBe(
      `https://github.com/acme/shop/compare/${older}...${facts.commit}`,
    );
    expect(await alex.page.locator('.since .head').first().innerText()).toContain(
      'known to this service',
    );
  });

  test('says when it is the same commit again, and when it goes back to the rollback of the last', async () => {
    const { alex, ask, deploy } = bench();
    const facts = target();
    await deploy({ facts });
    await open(await ask({ facts: { ...facts, rollback: { kind: 'version', value: 'v2' } } }));
    expect(await rows(alex.page)).toMatchObject({ Commit: 'the same as then' });
    // The rollback of the example names this commit.
    const back = { ...facts, commit: older, rollback: { kind: 'version', value: 'v2' } } as const;
    await open(await ask({ facts: back }));
    expect(await rows(alex.page)).toMatchObject({
      Direction: 'back: the last deploy named this commit as its rollback',
    });
  });

  test('lists the commits as told by the runner, five of them in the open on a phone, the others by keyboard', async () => {
    const { alex, ask } = bench();
    const { page } = alex;
    const changes = changesOf(20, { more: '7', incomplete: true });
    const since = await open(await ask({ facts: target(), changes }));
    const seen = page.locator('.commits li:visible');
    expect(await seen.count()).toBe(5);
    expect(await since.locator('.told .mark').innerText()).toBe('told by the runner');
    const summary = page.locator('summary');
    expect(await summary.innerText()).toBe('15 more commits');
    expect((await summary.boundingBox())!.height).toBeGreaterThanOrEqual(44);
    for (let presses = 0; presses < 6; presses += 1) {
      await page.keyboard.press('Tab');
      if (await summary.evaluate((each) => each === document.activeElement)) break;
    }
    await page.keyboard.press('Enter');
    expect(await seen.count()).toBe(20);
    const text = await since.innerText();
    for (const { commit, subject, author } of changes.commits) {
      for (const part of [commit, subject, author]) expect(text).toContain(part);
    }
    expect(text).toContain('and 7 more, not listed');
    expect(text).toContain('incomplete: true');
    expect(text).toContain(older);
    expect(text).toContain('2026-11-19T13:02:11Z');
  });

  test('folds nothing on a desktop, and nothing where there are five', async () => {
    const { browser, alex, ask } = bench();
    const desk = await openApprover(browser, { viewport: { width: 1280, height: 860 } });
    const many = await ask({ facts: target(), changes: changesOf(20) });
    await desk.page.goto(many.url);
    await desk.page.locator('.since').waitFor();
    expect(await desk.page.locator('.commits li:visible').count()).toBe(20);
    await desk.close();
    await open(await ask({ facts: target(), changes: changesOf(5) }));
    expect(await alex.page.locator('.commits li:visible').count()).toBe(5);
    expect(await alex.page.locator('details').count()).toBe(0);
  });

  test('folded or not, all of it is part of what is signed', async () => {
    const { alex, ask, read } = bench();
    const asked = await ask({ facts: target(), changes: changesOf(20, { more: '2' }) });
    await open(asked);
    const text = (await alex.page.locator('article').textContent()) ?? '';
    expect(leavesOf(asked.payload).filter((leaf) => !text.includes(leaf))).toEqual([]);
    expect(await alex.approve(asked.url)).toBe('approved');
    expect((await read(asked.id)).payloadHash).toBe(asked.payloadHash);
  });

  test('signs nothing when a folded line is changed', async () => {
    const { alex, ask, read } = bench();
    const asked = await ask({ facts: target(), changes: changesOf(9) });
    await open(asked);
    await alex.page
      .locator('[data-field="context.changes.commits[8].subject"]')
      .evaluate((node) => (node.textContent = 'Harmless'));
    await alex.page.locator('button[name=approve]').click();
    await alex.page.locator('#decision [role=alert]:not(:empty)').waitFor();
    expect(await pressable(alex.page)).toEqual([]);
    expect((await read(asked.id)).status).toBe('pending');
  });

  test('says so when the runner counts from another commit than this service knows', async () => {
    const { ask, deploy } = bench();
    const notice = 'counts from a commit that is not the last deploy this service knows';
    const facts = target();
    const asOf = async (since: string | undefined): Promise<string> => {
      const { commits } = changesOf(1);
      const changes = since === undefined ? { commits } : { commits, since };
      return (await open(await ask({ facts, changes }))).innerText();
    };
    expect(await asOf(older)).toContain(notice);
    expect(await asOf(undefined)).toContain('The deployed commit, and what it merged');
    await deploy({
      facts: { ...facts, commit: older, rollback: { kind: 'version', value: 'v1' } },
    });
    expect(await asOf(older)).not.toContain(notice);
    expect(await asOf('ab'.repeat(20))).toContain(notice);
  });

  test('says so when there is nothing new, and when the list is no list', async () => {
    const { alex, ask } = bench();
    const since = await open(await ask({ facts: target(), changes: changesOf(0) }));
    expect(await since.innerText()).toContain('none (an empty list)');
    await alterAnswers(alex.page, confirmations, (answer) => {
      const payload = answer.payload as { readonly context: object };
      return { ...answer, payload: { ...payload, context: { changes: { commits: 'many' } } } };
    });
    await alex.page.goto((await ask({ facts: target() })).url);
    await alex.page.getByText('Also signed').waitFor();
    expect(await alex.page.locator('article').innerText()).toMatch(
      /context\.changes\.commits\s+many/,
    );
    expect(await pressable(alex.page)).toEqual([]);
  });

  test.each([
    ['without a payload', { payloadHash: 'ab'.repeat(32), redeemedAt: '2026-11-19T13:02:11Z' }],
    ['without a time', { payloadHash: 'ab'.repeat(32), payload: {}, redeemedAt: 'yesterday' }],
  ])('shows nothing to sign when the service tells of a last deploy %s', async (_, lastDeploy) => {
    const { alex, ask } = bench();
    await alterAnswers(alex.page, confirmations, (answer) => ({ ...answer, lastDeploy }));
    await alex.page.goto((await ask()).url);
    await alex.page.getByRole('heading', { name: 'cannot be shown' }).waitFor();
  });

  test('shows how long ago it was by the service’s clock', async () => {
    const { alex, ask } = bench();
    for (const [hours, words] of [
      [50.5, '2 days ago'],
      [5.5, '5 hours ago'],
      [1.5, '1 hour ago'],
    ] as const) {
      const redeemedAt = new Date(Date.now() - hours * 3_600_000).toISOString();
      await alex.page.unrouteAll({ behavior: 'ignoreErrors' });
      await alterAnswers(alex.page, confirmations, (answer) => ({
        ...answer,
        lastDeploy: { payload: {}, payloadHash: 'ab'.repeat(32), redeemedAt },
      }));
      await open(await ask({ facts: target() }));
      expect((await rows(alex.page))['Last deploy']).toMatch(new RegExp(`^${words}, `));
    }
  });
});

function leavesOf(value: unknown): readonly string[] {
  if (value === null || typeof value !== 'object') return [String(value)];
  return Object.values(value).flatMap((member: unknown) => leavesOf(member));
}
