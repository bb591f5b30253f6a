import { expect, test } from '@jest/globals';
import { documentHash } from '../../src/core/hash.ts';
import { visible } from '../../src/core/text.ts';
import { assemble, leavesOf, pathText, type Json } from '../../src/service/page/leaves.ts';
import { examplePayload } from '../support/deploy.ts';
import { alterAnswers, confirmations, describeInBrowser } from './bench.ts';

/**
 * Every field of a deploy holds hostile text at once, far beyond what the service lets in; what stands in the document is read
 * back from it as the browser understood it.
 */
const attacks: Readonly<Record<string, string>> = {
  'an element': '<img src=x onerror="document.title = `pwned`">',
  'the end of every element around it':
    '</bdi></dd></div></dl></section></article></main><button name="approve">Approve</button>',
  'an attribute': `" autofocus onfocus="document.title='pwned'" x='`,
  'a script': '<script>document.title = "pwned"</script><!-- ',
  'entities and escapes': '&lt;b&gt;&#x202e;&NewLine; %3Cb%3E \\u003cb\\u003e',
  'a frame in foreign content': '<svg><foreignObject><iframe srcdoc="<b>x</b>"></iframe></svg>',
  'a link': '[Approve](javascript:alert(1)) javascript:alert(1)//https://evil.example',
  'other directions': 'a\u202egnp.exe\u202c \u2066x\u2069 \u200f\u05d0',
  'letters that run the other way': '\u05d0\u05d1\u05d2 123 \u0627\u0644\u0644\u0647',
  'what nobody sees': 'a\u200b\u{e0041}\ufe0f\u00ad\u2800\u0000b',
  'lines and blanks': 'Reject\n\n\tApprove\r\nDestructive: false',
  'marks piled upon a letter': `a${'\u0301'.repeat(200)}`,
};

/** The text a value has on the page: what nobody could see is written out, and a line break stays one behind its name. */
const written = (text: string): string =>
  visible(text, Infinity).replaceAll('\\u{000A}', '\\u{000A}\n');

/** What tells the page which document it reads; with other values there it would show another one. */
const fixed = ['schema', 'facts.migration.kind', 'facts.migration.destructive'];

/** The example with every text in it replaced, commits and all. */
function poisoned(text: string): Json {
  const { context, ...rest } = examplePayload();
  const commit = { commit: text, subject: text, author: text };
  const changes = { since: text, deployed_at: text, commits: Array<object>(7).fill(commit) };
  const payload = { ...rest, context: { ...context, changes: { ...changes, more: text } } };
  return assemble(
    leavesOf(payload as unknown as Json).map((leaf) =>
      fixed.includes(pathText(leaf.path)) ? leaf : { ...leaf, value: text },
    ),
  );
}

interface Skeleton {
  /** Every element inside the article, with the names of its attributes. */
  readonly tags: readonly string[];
  /** Whether its markup, parsed and written again, is the same. */
  readonly isStable: boolean;
}

describeInBrowser('text in every field at once', (bench) => {
  const open = async (text: string): Promise<Skeleton> => {
    const { alex, ask } = bench();
    const { page } = alex;
    const payload = poisoned(text);
    await alterAnswers(page, confirmations, (answer) => ({
      ...answer,
      payload,
      payloadHash: documentHash(payload),
    }));
    page.once('dialog', (dialog) => void dialog.dismiss());
    await page.goto((await ask()).url);
    await page.locator('button[name=approve]:enabled').waitFor();
    const { tags, html } = await page.locator('article').evaluate((article) => ({
      tags: [...article.querySelectorAll('*:not(mark)')].map(
        (each) => `${each.localName} ${each.getAttributeNames().join(' ')}`,
      ),
      html: article.outerHTML,
    }));
    // Elsewhere: the page's own Trusted Types let nobody parse markup there.
    const blank = await alex.context.newPage();
    const again = await blank.evaluate(
      (markup) => new DOMParser().parseFromString(markup, 'text/html').body.innerHTML,
      html,
    );
    await blank.close();
    return { tags, isStable: again === html };
  };

  test.each(Object.entries(attacks))('is text, and nothing but text: %s', async (_, text) => {
    const { page } = bench().alex;
    const harmless = await open('plain');
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    const skeleton = await open(text);
    // The same elements with the same attributes as around a harmless word, in the same order.
    expect(skeleton.tags).toEqual(harmless.tags);
    expect(skeleton.isStable).toBe(true);

    const fields = await page.locator('[data-field]').evaluateAll((values) =>
      values.map((value) => ({
        path: value.getAttribute('data-field') ?? '',
        text: value.textContent,
        elements: [...new Set([...value.querySelectorAll('*')].map((each) => each.localName))],
        direction: getComputedStyle(value).unicodeBidi,
      })),
    );
    const paths = leavesOf(poisoned(text)).map(({ path }) => pathText(path));
    expect(fields.map(({ path }) => path).sort()).toEqual([...paths].sort());
    for (const { path, text: found, elements, direction } of fields) {
      if (!fixed.includes(path)) expect({ path, found }).toEqual({ path, found: written(text) });
      // The first characters of a hash stand in bold.
      expect(elements.filter((name) => name !== 'mark' && name !== 'b')).toEqual([]);
      expect({ path, direction }).toEqual({ path, direction: 'isolate' });
    }
    expect(await page.title()).not.toBe('pwned');
    expect(await page.locator('button[name=approve]').count()).toBe(1);
    expect(await page.locator('article a.out').count()).toBe(0);
    expect(await page.locator('h1').textContent()).toBe(
      `Deploy ${written(text)} to ${written(text)}`,
    );
  });

  test('moves no label from its side, whatever its direction', async () => {
    const { page } = bench().alex;
    await open(attacks['letters that run the other way']!);
    const misplaced = await page.locator('.row').evaluateAll((rows) =>
      rows.filter((row) => {
        const [label, value] = [row.querySelector('dt'), row.querySelector('dd')];
        return label!.getBoundingClientRect().left > value!.getBoundingClientRect().left;
      }),
    );
    expect(misplaced).toEqual([]);
  });
});
