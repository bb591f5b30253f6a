import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { freeTextProblem } from '../../src/core/text.ts';
import { visible } from '../../src/core/text.ts';
import { exampleFacts } from '../support/deploy.ts';
import { vectorPath } from '../support/vectors.ts';
import { alterAnswers, confirmations, describeInBrowser } from './bench.ts';

const markup = [
  '<img src=x onerror="alert(1)">',
  '"><script>alert(1)</script>',
  '</bdi></dd></dl></section></article><button name=approve>Approve</button>',
  '{{constructor.constructor("alert(1)")()}} ${alert(1)} javascript:alert(1)',
  '&lt;b&gt; &#x202e; %3Cscript%3E',
];
/** As the page writes out what nobody could see; a line break stays one behind its name. */
const visibleText = (text: string): string =>
  visible(text, Infinity).replaceAll('\\u{000A}', '\\u{000A}\n');
const naughtyFile = vectorPath('naughty-strings', 'blns.json');

describeInBrowser('hostile text', (bench) => {
  /** Opens a request; fails the test if the page opens a dialog. @returns the elements inside the article, by tag name */
  const open = async (url: string): Promise<ReadonlySet<string>> => {
    const { page } = bench().alex;
    const dialogs: string[] = [];
    page.on('dialog', (dialog) => {
      dialogs.push(dialog.message());
      void dialog.dismiss();
    });
    await page.goto(url);
    await page.locator('button[name=approve]:enabled').waitFor();
    expect(dialogs).toEqual([]);
    const tags = await page.locator('article *').evaluateAll((all) => all.map((e) => e.localName));
    return new Set(tags);
  };
  const shown = (field: string): Promise<string | null> =>
    bench().alex.page.locator(`[data-field="${field}"]`).textContent();

  test.each(markup)('stays text in every free field of a deploy: %s', async (text) => {
    const { alex, ask } = bench();
    expect(freeTextProblem(text)).toBeUndefined();
    const facts = exampleFacts();
    const asked = await ask({
      facts: {
        ...facts,
        migration: { ...facts.migration, command: text, statements: [text] },
        rollback: { kind: 'command', value: text, note: text },
      },
      reason: text,
      changes: { commits: [{ commit: facts.commit, subject: text, author: text }] },
    });
    const tags = await open(asked.url);
    for (const tag of ['img', 'script', 'button', 'iframe']) expect(tags).not.toContain(tag);
    for (const field of [
      'facts.migration.command',
      'facts.migration.statements[0]',
      'facts.rollback.value',
      'facts.rollback.note',
      'context.reason',
      'context.changes.commits[0].subject',
      'context.changes.commits[0].author',
    ]) {
      expect(await shown(field)).toBe(text);
    }
    expect(await alex.page.locator('button[name=approve]').count()).toBe(1);
    expect(await alex.approve(asked.url)).toBe('approved');
  });

  test.each([...markup, 'a\u202egnp.exe', 'two\nlines', '\u05d0\u05d1\u05d2 \u0627\u0644'])(
    'stays text in what the service tells of token and last deploy: %j',
    async (text) => {
      const { alex, ask } = bench();
      const told = { ref: text, digest: text, commit: text, rollback: { kind: text, value: text } };
      const migration = { kind: text, command: text, files: [{ path: text, sha256: text }] };
      await alterAnswers(alex.page, confirmations, (answer) => ({
        ...answer,
        attested: { by: 'GitHub', issuer: text, fields: [text, 'ref'], jobWorkflowRef: text },
        lastDeploy: {
          payload: { facts: { ...told, migration } },
          payloadHash: text,
          redeemedAt: '2026-11-19T13:02:11Z',
        },
      }));
      const tags = await open((await ask({ changes: { commits: [] } })).url);
      for (const tag of ['img', 'script', 'button', 'iframe']) expect(tags).not.toContain(tag);
      const written = visibleText(text);
      const rows = await alex.page
        .locator('.since .row')
        .evaluateAll((all) => all.map((row) => row.textContent));
      expect(rows).toContain(`Refwas ${written}`);
      expect(rows).toContain(`Rollbackwas ${written}: ${written}`);
      expect(rows.join()).toContain(`the command was ${written}`);
      const links = await alex.page
        .locator('article a.out')
        .evaluateAll((all) => all.map((each) => (each as HTMLAnchorElement).host));
      expect(new Set(links)).toEqual(new Set(['github.com']));
      expect(await alex.page.locator('article').textContent()).toContain(
        `File of the job${written}`,
      );
    },
  );

  test('names every character that a reader cannot see, in values and in keys', async () => {
    const { alex, ask } = bench();
    const payload = {
      'k\u200bey': 'a\u202egnp.exe',
      tab: 'a\tb\u00a0c',
      lines: 'one\ntwo',
      tag: 'x\u{e0041}\ufe0f\u2800',
    };
    await open((await ask({ other: { payload, action: 'Rotate' } })).url);
    const text = await alex.page.locator('article').innerText();
    expect(text).not.toMatch(/\u200b|\u202e|\u00a0|\u{e0041}|\ufe0f|\u2800/u);
    for (const name of ['200B', '202E', '0009', '00A0', '000A', 'E0041', 'FE0F', '2800']) {
      expect(text).toContain(`\\u{${name}}`);
    }
    expect(await alex.page.locator('article mark').count()).toBeGreaterThanOrEqual(7);
  });

  const testNaughty = existsSync(naughtyFile) ? test : test.skip;
  testNaughty(
    'of the list of naughty strings (../shared/vectors) stays text, as key and as value, and can be signed',
    async () => {
      const { alex, ask } = bench();
      const naughty = JSON.parse(readFileSync(naughtyFile, 'utf8')) as readonly string[];
      const unique = [...new Set(naughty)].filter((text) => text !== '__proto__');
      expect(unique.length).toBeGreaterThan(400);
      // Two requests: a payload has at most 64 KiB.
      for (const [name, payload] of [
        ['values', { values: unique }],
        ['keys', Object.fromEntries(unique.map((text, index) => [text, String(index)]))],
      ] as const) {
        const asked = await ask({ other: { payload, action: `Naughty ${name}` } });
        const tags = await open(asked.url);
        expect([...tags].sort()).toEqual([
          'a',
          'b',
          'bdi',
          'dd',
          'div',
          'dl',
          'dt',
          'h1',
          'h2',
          'mark',
          'p',
          'q',
          'section',
          'span',
          'strong',
        ]);
        expect(await alex.page.locator('.path').count()).toBe(unique.length);
        expect(await alex.approve(asked.url)).toBe('approved');
      }
    },
  );
});
