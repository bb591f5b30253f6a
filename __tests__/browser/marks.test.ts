import { expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { exampleFacts } from '../support/deploy.ts';
import { alterAnswers, confirmations, describeInBrowser } from './bench.ts';

/** What the page says of how each fact on it is known. */
function marksOf(page: Page): Promise<Readonly<Record<string, string>>> {
  return page.locator('[data-field^="facts."]').evaluateAll((values) =>
    Object.fromEntries(
      values.map((value) => {
        const mark =
          value.closest('.row')?.querySelector('.mark') ??
          value.closest('.group')?.querySelector('.head .mark') ??
          value.closest('.danger')?.querySelector(':scope > .mark');
        return [value.getAttribute('data-field')?.slice(6) ?? '', mark?.textContent ?? ''];
      }),
    ),
  );
}

const computed = {
  'migration.files[0].path': 'computed on the runner',
  'migration.files[0].sha256': 'computed on the runner',
  'migration.files[1].path': 'computed on the runner',
  'migration.files[1].sha256': 'computed on the runner',
  'migration.destructive': 'computed on the runner',
  'migration.statements[0]': 'computed on the runner',
};
const declared = {
  service: 'declared',
  region: 'declared',
  account: 'declared',
  tenant: 'declared',
  cluster: 'declared',
  digest: 'declared',
  'migration.kind': 'declared',
  'migration.command': 'declared',
  'rollback.kind': 'declared',
  'rollback.value': 'declared',
  'rollback.note': 'declared',
};
const formOnly = { schema: '' };

describeInBrowser('how each fact is known', (bench) => {
  const open = async (url: string): Promise<Page> => {
    const { page } = bench().alex;
    await page.goto(url);
    await page.locator('[data-status]').waitFor();
    return page;
  };

  test('stands at every fact, in words: a job with GitHub’s token', async () => {
    const page = await open((await bench().ask({ tokenOf: 'github' })).url);
    const by = 'attested by GitHub';
    expect(await marksOf(page)).toEqual({
      ...formOnly,
      ...computed,
      ...declared,
      environment: by,
      repository: by,
      repository_id: by,
      ref: by,
      commit: by,
      workflow: by,
      workflow_sha: by,
      'actor.login': by,
      'actor.id': by,
      run_id: by,
      run_attempt: by,
      // The test's issuer is not github.com's.
      server: 'told by the runner',
      'actor.type': 'told by the runner',
      'actor.triggered_by': 'told by the runner',
    });
    expect(await page.locator('article').innerText()).toMatch(
      /File of the job\s+acme\/shop\/\.github\/workflows\/deploy\.yml@refs\/heads\/main \(not signed\)\s+attested by GitHub/,
    );
  });

  test('names GitLab where the token is GitLab’s', async () => {
    const facts = {
      ...exampleFacts(),
      workflow: 'gitlab.com/acme/shop//.gitlab-ci.yml@refs/heads/main',
    };
    const { ask, alex } = bench();
    const { server, ...withoutServer } = facts;
    const asked = await ask({ tokenOf: 'gitlab', facts: withoutServer });
    expect(server).toBe('https://github.com');
    const page = await open(asked.url);
    const marks = await marksOf(page);
    expect(marks).toMatchObject({
      environment: 'attested by GitLab',
      commit: 'attested by GitLab',
      'actor.id': 'attested by GitLab',
      // GitLab has no attempts.
      run_attempt: 'told by the runner',
      service: 'declared',
    });
    expect(await page.locator('article').innerText()).not.toContain('attested by GitHub');
    expect(await alex.approve(asked.url)).toBe('approved');
  });

  test('never says attested of what an API key asked for, and says that nothing is', async () => {
    const page = await open((await bench().ask()).url);
    const told = 'told by the runner';
    expect(await marksOf(page)).toEqual({
      ...formOnly,
      ...computed,
      ...declared,
      environment: 'declared',
      commit: 'computed on the runner',
      ...{ server: told, repository: told, repository_id: told, ref: told },
      ...{ workflow: told, workflow_sha: told, run_id: told, run_attempt: told },
      'actor.login': told,
      'actor.id': told,
      'actor.type': told,
      'actor.triggered_by': told,
    });
    const legend = await page.locator('.legend').innerText();
    expect(legend).toContain('No token of GitHub or GitLab came with this request');
    expect(await page.locator('article').innerText()).not.toContain('attested by');
  });

  test('is explained in a line for each mark on the page, and no other', async () => {
    const { ask } = bench();
    const harmless = { ...exampleFacts(), migration: { kind: 'none' } } as const;
    for (const [asked, lines] of [
      [
        await ask({ tokenOf: 'github' }),
        [
          'attested by GitHub: a token signed by GitHub says the same',
          'computed on the runner: the gate works it out again before the deploy, and stops if it differs',
          'told by the runner: what the run says of itself; nobody vouches for it',
          'declared: what the workflow says; no machine checks it',
        ],
      ],
      [
        await ask({ tokenOf: 'github', facts: harmless }),
        [
          'attested by GitHub: a token signed by GitHub says the same',
          'told by the runner: what the run says of itself; nobody vouches for it',
          'declared: what the workflow says; no machine checks it',
        ],
      ],
    ] as const) {
      const page = await open(asked.url);
      expect(await page.locator('.legend li').allInnerTexts()).toEqual(lines);
    }
  });

  test('is read aloud with its fact', async () => {
    const page = await open((await bench().ask({ tokenOf: 'github' })).url);
    const tree = await page.locator('article').ariaSnapshot();
    expect(tree).toMatch(
      /term: Environment\n\s*- definition: production\n\s*- definition: attested by GitHub/,
    );
    expect(tree).toMatch(/heading "Rollback".*\n\s*- paragraph: declared/);
    expect(tree).toContain('region "How each fact is known"');
  });

  test('is told apart by words and shape without any colour', async () => {
    const page = await open((await bench().ask({ tokenOf: 'github' })).url);
    const shapes = await page.locator('.legend .mark').evaluateAll((marks) =>
      marks.map((mark) => {
        const { borderStyle, backgroundColor, backgroundImage } = getComputedStyle(
          mark,
          '::before',
        );
        const isFilled = backgroundColor !== 'rgba(0, 0, 0, 0)';
        return [borderStyle, isFilled, backgroundImage.startsWith('linear-gradient')].join(' ');
      }),
    );
    expect(new Set(shapes).size).toBe(4);
  });

  test('is not said of another tool’s payload, whatever the service claims', async () => {
    const { alex, ask } = bench();
    const payload = { facts: { environment: 'production' }, environment: 'production' };
    await alterAnswers(alex.page, confirmations, (answer) => ({
      ...answer,
      attested: { by: 'GitHub', issuer: 'https://x.example', fields: ['environment'] },
    }));
    const page = await open((await ask({ other: { payload, action: 'Rotate' } })).url);
    expect(await page.locator('.mark').count()).toBe(0);
  });

  test.each([
    ['is somebody unknown', { by: 'Acme', issuer: 'https://x.example', fields: [] }],
    ['names no list of facts', { by: 'GitHub', issuer: 'https://x.example', fields: 'all' }],
    ['has no issuer', { by: 'GitHub', fields: ['environment'] }],
  ])('shows nothing to sign where the attester %s', async (_, attested) => {
    const { alex, ask } = bench();
    await alterAnswers(alex.page, confirmations, (answer) => ({ ...answer, attested }));
    await alex.page.goto((await ask()).url);
    await alex.page.getByRole('heading', { name: 'cannot be shown' }).waitFor();
    expect(await alex.page.locator('button[name=approve]').count()).toBe(0);
  });
});
