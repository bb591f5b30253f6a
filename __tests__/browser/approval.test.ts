import { expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { approvalChallenge, rejectionChallenge } from '../../src/core/challenge.ts';
import { sha256Hex } from '../../src/core/hash.ts';
import type { DeployFacts } from '../../src/core/facts.ts';
import { exampleFacts, minimalFacts } from '../support/deploy.ts';
import { alterAnswers, confirmations, describeInBrowser, pressable } from './bench.ts';

/** The text that a person sees: nothing hidden, nothing behind a click. */
const visibleText = (page: Page): Promise<string> => page.locator('main article').innerText();

describeInBrowser('the approval', (bench) => {
  test.each([
    ['approve', 'approved', approvalChallenge],
    ['reject', 'rejected', rejectionChallenge],
  ] as const)(
    'can %s, with the passkey over the challenge of that decision',
    async (act, status, challengeOf) => {
      const { alex, ask, read } = bench();
      const asked = await ask();
      expect(await alex[act](asked.url)).toBe(status);
      const told = await read(asked.id);
      expect(told).toMatchObject({ status, payloadHash: asked.payloadHash });
      const { clientDataJSON } = told.rawAssertion.response as { readonly clientDataJSON: string };
      const clientData = JSON.parse(Buffer.from(clientDataJSON, 'base64url').toString()) as {
        readonly challenge: string;
      };
      const nonce = Buffer.from(told.nonce, 'base64url');
      expect(clientData.challenge).toBe(
        Buffer.from(challengeOf(nonce, asked.payloadHash)).toString('base64url'),
      );
      expect(await alex.page.locator('#decision').innerText()).toMatch(
        new RegExp(`^${status} by alex at `, 'i'),
      );
      expect(await pressable(alex.page)).toEqual(act === 'approve' ? ['revoke'] : []);
    },
  );

  test.each([
    ['with everything', exampleFacts()],
    ['with nothing optional', minimalFacts()],
    [
      'of a sparse checkout',
      { ...exampleFacts(), left_out: { count: '7', sha256: 'c'.repeat(64) } },
    ],
    ['of a harmless migration', harmless()],
    ['of a migration of another kind', other()],
    ['of one that names no statements', { ...exampleFacts(), migration: unnamed() }],
  ])('shows every signed leaf of a deploy %s in the text of the page', async (_, facts) => {
    const { alex, ask } = bench();
    const asked = await ask({ facts, reason: 'Größe 38 & <b>bold</b>  two blanks' });
    await alex.page.goto(asked.url);
    await alex.page.locator('button[name=approve]:enabled').waitFor();
    const text = await visibleText(alex.page);
    const leaves = leavesOf(asked.payload);
    expect(leaves.length).toBeGreaterThan(14);
    expect(leaves.filter((leaf) => !text.includes(leaf))).toEqual([]);
    expect(text).toContain(asked.payloadHash);
  });

  test('says in one sentence what it is, from the facts, and has the fingerprint in the title', async () => {
    const { alex, ask } = bench();
    const asked = await ask();
    await alex.page.goto(asked.url);
    const fingerprint = `${asked.payloadHash.slice(0, 4)}-${asked.payloadHash.slice(4, 8)}`;
    expect(await alex.page.locator('h1').innerText()).toBe('Deploy api to production');
    expect(await alex.page.title()).toBe(`${fingerprint} Deploy api to production`);
    expect(await alex.page.locator('#decision').innerText()).toContain(fingerprint);
    expect(await alex.page.locator('#decision').innerText()).toMatch(
      /^(29|30) min left.*for alex/s,
    );
  });

  test('shows what is destroyed before any other fact, in a block of its own, and the button says it', async () => {
    const { alex, ask } = bench();
    for (const facts of [exampleFacts(), other(), { ...exampleFacts(), migration: unnamed() }]) {
      await alex.page.goto((await ask({ facts })).url);
      const danger = alex.page.locator('.danger');
      const inside = await danger.innerText();
      for (const leaf of leavesOf(facts.migration)) expect(inside).toContain(leaf);
      const text = await visibleText(alex.page);
      expect(text.indexOf(inside)).toBeLessThan(text.indexOf('eu-west-1'));
      const [first] = await alex.page
        .locator('article > section')
        .evaluateAll((sections) => sections.map((section) => section.getAttribute('class')));
      expect(first).toBe('danger');
      // In the first view of a phone, above the bar, without scrolling.
      const [block, bar] = [
        await danger.boundingBox(),
        await alex.page.locator('#decision').boundingBox(),
      ];
      expect(block!.y).toBeLessThan(bar!.y / 2);
      expect(await alex.page.locator('button[name=approve]').innerText()).toContain('destructive');
    }
    await alex.page.goto((await ask({ facts: harmless() })).url);
    expect(await alex.page.locator('.danger').count()).toBe(0);
    expect(await alex.page.locator('button[name=approve]').innerText()).toBe('Approve');
  });

  test('says below the heading who asks, and sets apart where a statement stands only for a file of the migration', async () => {
    const { alex, ask } = bench();
    const facts = exampleFacts();
    const statements = ['db/002.sql:14 DROP TABLE users', 'DROP:1 TABLE orders'];
    await alex.page.goto(
      (await ask({ facts: { ...facts, migration: { ...facts.migration, statements } } })).url,
    );
    await alex.page.locator('h1').waitFor();
    expect(await alex.page.locator('h1 + p').innerText()).toBe(
      'Asked by release-agent[bot] (agent)',
    );
    expect(await alex.page.locator('.statements li').allInnerTexts()).toEqual(statements);
    expect(await alex.page.locator('.statements b').allTextContents()).toEqual(['db/002.sql:14 ']);
  });

  test('keeps the fixed order of the parts', async () => {
    const { alex, ask } = bench();
    await alex.page.goto((await ask({ facts: harmless(), reason: 'because' })).url);
    const headings = await alex.page.locator('article h2').allInnerTexts();
    expect(headings).toEqual([
      'Deploy',
      'Since the last deploy',
      'Migration',
      'Who asks',
      'Which run',
      'Rollback',
      'The requester’s words',
      'Time',
      'What you sign',
    ]);
  });

  test('builds the links from signed facts alone', async () => {
    const { alex, ask } = bench();
    const links = async (facts: DeployFacts): Promise<readonly string[]> => {
      await alex.page.goto((await ask({ facts, reason: 'see https://evil.example/run' })).url);
      await alex.page.locator('h1').waitFor();
      return alex.page
        .locator('article a.out')
        .evaluateAll((all) => all.map((each) => each.getAttribute('href') ?? ''));
    };
    const { server, ...withoutServer } = exampleFacts();
    const { commit } = withoutServer;
    const expected = (root: string): readonly string[] => [
      `${root}/acme/shop/commit/${commit}`,
      `${root}/acme/shop/actions/runs/9876543210/attempts/1`,
    ];
    expect(await links(withoutServer)).toEqual(expected(server));
    expect(await links({ ...withoutServer, server: 'https://git.example' })).toEqual(
      expected('https://git.example'),
    );
    // No forge has numbered this one: there is nothing to link to.
    expect(await links(minimalFacts())).toEqual([]);
  });

  test('shows another tool’s payload as such, field by field, its action as a claim', async () => {
    const { alex, ask, read } = bench();
    const payload = {
      tool: 'key-rotator',
      keys: ['primary', 'spare'],
      force: true,
      times: 3,
      none: null,
      empty: {},
      nothing: [],
      blank: '',
      'odd key.x': { 'facts[0]': 'deep' },
    };
    const asked = await ask({ other: { payload, action: 'Deploy api to production' } });
    await alex.page.goto(asked.url);
    await alex.page.locator('button[name=approve]:enabled').waitFor();
    const text = await visibleText(alex.page);
    expect(await alex.page.locator('h1').innerText()).toBe('A request from another tool');
    expect(text).toMatch(/Claimed, not signed:\s*Deploy api to production/);
    for (const shown of [
      'keys[1]',
      'spare',
      'times',
      '3 number',
      'true boolean',
      'null no value',
      'none (empty) object',
      'none (an empty list) list',
      'empty text',
    ]) {
      expect(text).toContain(shown);
    }
    expect(text).toContain('["odd key.x"]["facts[0]"]');
    expect(await alex.approve(asked.url)).toBe('approved');
    expect((await read(asked.id)).payloadHash).toBe(sha256Hex(canonical(payload)));
  });

  test('refuses a passkey that did not verify its user, and can be tried again', async () => {
    const { alex, ask, read } = bench();
    const asked = await ask();
    const uses = async (): Promise<number> =>
      (await alex.authenticator.credentials())[0]!.signCount;
    const before = await uses();
    await alex.authenticator.setUserVerified(false);
    try {
      await expect(alex.approve(asked.url)).rejects.toThrow('Nothing was decided');
      // The page does not even take a signature without verification, which the service would refuse.
      expect(await uses()).toBe(before);
      expect((await read(asked.id)).status).toBe('pending');
    } finally {
      await alex.authenticator.setUserVerified(true);
    }
    await alex.page.locator('button[name=approve]:enabled').click();
    await alex.page.locator('[data-status=approved]').waitFor();
    expect(await alex.page.locator('#decision [role=alert]').innerText()).toBe('');
  });

  test('counts down to the earlier of both times, and says when it is over', async () => {
    const { alex, ask } = bench();
    const left = async (times: object): Promise<string> => {
      await alex.page.unrouteAll({ behavior: 'ignoreErrors' });
      await alterAnswers(alex.page, confirmations, (answer) => ({ ...answer, ...times }));
      await alex.page.goto((await ask()).url);
      return alex.page.locator('#decision .ask').innerText();
    };
    const [soon, late, past] = [61, 7230, -1].map((seconds) =>
      new Date(Date.now() + seconds * 60_000).toISOString(),
    );
    expect(await left({ decideBy: soon, expiresAt: late })).toMatch(/^1 h [01] min left/);
    expect(await left({ decideBy: late, expiresAt: soon })).toMatch(/^1 h [01] min left/);
    expect(await left({ decideBy: undefined, expiresAt: late })).toMatch(/^5 days left/);
    expect(await left({ decideBy: past })).toMatch(/^The time to decide is over/);
  });

  test('says so when there is no such request, or when its link is cut short', async () => {
    const { alex, origin } = bench();
    await alex.page.goto(`${origin}/approve/00000000-0000-4000-8000-000000000000`);
    await alex.page.getByRole('heading', { name: 'No such request' }).waitFor();
    for (const view of ['approve', 'enrol']) {
      await alex.page.goto(`${origin}/${view}/`);
      await alex.page.getByRole('heading', { name: 'There is no such page' }).waitFor();
    }
  });
});

function harmless(): DeployFacts {
  const { kind, command, files } = exampleFacts().migration;
  return { ...exampleFacts(), migration: { kind, command, files, destructive: false } };
}

function other(): DeployFacts {
  const facts = exampleFacts();
  return { ...facts, migration: { ...facts.migration, kind: 'other' } };
}

function unnamed(): DeployFacts['migration'] {
  const { command, files } = exampleFacts().migration;
  return { kind: 'other', command, files, destructive: true };
}

function leavesOf(value: unknown): readonly string[] {
  if (value === null || typeof value !== 'object') return [String(value)];
  return Object.values(value).flatMap((member: unknown) => leavesOf(member));
}

/** RFC 8785 for a value whose keys are plain ASCII: sorted keys are all there is to it. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    member !== null && typeof member === 'object' && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
