import { expect, test } from '@jest/globals';
import { documentHash } from '../../src/core/hash.ts';
import type { examplePayload } from '../support/deploy.ts';
import { alterAnswers, confirmations, describeInBrowser, pressable, type Bench } from './bench.ts';

type Payload = ReturnType<typeof examplePayload>;

describeInBrowser('a page that is lied to', (bench) => {
  /** How often the passkey was used so far. */
  const uses = async ({ alex }: Bench): Promise<number> =>
    (await alex.authenticator.credentials())[0]!.signCount;

  /** Opens a request whose answer is altered on the way. */
  const open = async (alter: (answer: Record<string, unknown>) => object): Promise<string> => {
    const { alex, ask } = bench();
    const { id, url } = await ask();
    await alterAnswers(alex.page, confirmations, alter);
    await alex.page.goto(url);
    await alex.page.locator('[data-status]').waitFor();
    return id;
  };

  const expectBlocked = async (id: string, reason: string, before: number): Promise<void> => {
    const { alex, read } = bench();
    await alex.page.locator('#decision [role=alert]:not(:empty)').waitFor();
    expect(await alex.page.locator('#decision [role=alert]').innerText()).toContain(reason);
    expect(await alex.page.locator('[data-status]').innerText()).toBe('Do not sign');
    expect(await pressable(alex.page)).toEqual([]);
    expect(await alex.page.locator('#decision button:visible').count()).toBe(2);
    expect(await uses(bench())).toBe(before);
    expect((await read(id)).status).toBe('pending');
  };

  test('blocks both buttons when another payload is shown than the service’s hash says', async () => {
    const before = await uses(bench());
    const id = await open((answer) => ({
      ...answer,
      payload: inPayload(answer, (payload) => (payload.facts.environment = 'staging')),
    }));
    await expectBlocked(id, 'another hash', before);
  });

  test('blocks both buttons when the service wants another hash signed', async () => {
    const before = await uses(bench());
    const id = await open((answer) => ({ ...answer, payloadHash: 'ab'.repeat(32) }));
    await expectBlocked(id, 'abababababababab', before);
  });

  test.each([
    ['longer', Buffer.alloc(64).toString('base64url')],
    ['shorter', Buffer.alloc(31).toString('base64url')],
    ['not in its only form', `${Buffer.alloc(32).toString('base64url').slice(0, -1)}B`],
  ])('blocks both buttons when the nonce is %s', async (_, nonce) => {
    const before = await uses(bench());
    await expectBlocked(await open((answer) => ({ ...answer, nonce })), '32 bytes', before);
  });

  test('signs the hash of what it shows, so that a swapped payload is no approval of the real one', async () => {
    const { alex, read } = bench();
    const id = await open((answer) => {
      const payload = inPayload(answer, (shown) => (shown.facts.environment = 'staging'));
      return { ...answer, payload, payloadHash: documentHash(payload) };
    });
    expect(await alex.page.locator('h1').innerText()).toBe('Deploy api to staging');
    await alex.page.locator('button[name=approve]').click();
    await alex.page.locator('#decision [role=alert]:not(:empty)').waitFor();
    expect((await read(id)).status).toBe('pending');
  });

  test('stops when the request changes under the open page', async () => {
    const { alex } = bench();
    const before = await uses(bench());
    let answers = 0;
    const id = await open((answer) => {
      answers += 1;
      return answers === 1 ? answer : { ...answer, payloadHash: 'ab'.repeat(32) };
    });
    await expectBlocked(id, 'something else about this request', before);
    expect(await alex.page.locator('h1').innerText()).toBe('Deploy api to production');
  });

  test('does not claim that nothing was signed when the request changes after the decision', async () => {
    const { alex, read } = bench();
    const id = await open((answer) => answer);
    await alex.page.unrouteAll({ behavior: 'ignoreErrors' });
    await alterAnswers(alex.page, confirmations, (answer) =>
      answer.status === 'pending' ? answer : { ...answer, payloadHash: 'ab'.repeat(32) },
    );
    await alex.page.locator('button[name=approve]:enabled').click();
    const problem = alex.page.locator('#decision [role=alert]:not(:empty)');
    await problem.waitFor();
    expect(await problem.innerText()).toBe(
      'Nothing more can be decided on this page. The service now tells something else about this request than before. Tell the platform engineer.',
    );
    expect(await pressable(alex.page)).toEqual([]);
    expect((await read(id)).status).toBe('approved');
  });

  test.each([
    ['is changed', (node: Element) => (node.textContent = 'staging')],
    ['is taken away', (node: Element) => node.remove()],
  ])('signs nothing when a value on the page %s', async (_, spoil) => {
    const { alex } = bench();
    const before = await uses(bench());
    const id = await open((answer) => answer);
    await alex.page.locator('button[name=approve]:enabled').waitFor();
    await alex.page.locator('[data-field="facts.environment"]').evaluate(spoil);
    await alex.page.locator('button[name=approve]').click();
    await expectBlocked(id, 'another hash', before);
  });

  test('never hides a signed field that it does not know', async () => {
    const { alex } = bench();
    await open((answer) => {
      const payload = inPayload(answer, (shown) =>
        Object.assign(shown.facts, { also: { drop: ['everything', '<b>now</b>'] } }),
      );
      return { ...answer, payload, payloadHash: documentHash(payload) };
    });
    const text = await alex.page.locator('article').innerText();
    expect(text).toContain('Also signed');
    expect(text).toMatch(/facts\.also\.drop\[0\]\s+everything/);
    expect(text).toMatch(/facts\.also\.drop\[1\]\s+<b>now<\/b>/);
  });

  test('blocks a deploy in a form that it does not know, rather than call it another tool’s', async () => {
    const before = await uses(bench());
    const id = await open((answer) => {
      const payload = inPayload(answer, (shown) =>
        Object.assign(shown, { schema: 'deploy-approval/v2' }),
      );
      return { ...answer, payload, payloadHash: documentHash(payload) };
    });
    await expectBlocked(id, 'a form that this page does not know', before);
  });

  test('counts a migration of a kind it does not know as destructive', async () => {
    const { alex } = bench();
    await open((answer) => {
      const payload = inPayload(answer, (shown) =>
        Object.assign(shown.facts.migration, { kind: 'mongo', destructive: false }),
      );
      return { ...answer, payload, payloadHash: documentHash(payload) };
    });
    expect(await alex.page.locator('.danger').innerText()).toContain('mongo');
  });

  test.each(['javascript:alert(1)//', 'https://alex@evil.example', 'https://evil.example/x?'])(
    'makes no link of a server that is none: %s',
    async (server) => {
      const { alex } = bench();
      await open((answer) => {
        const payload = inPayload(answer, (shown) => (shown.facts.server = server));
        return { ...answer, payload, payloadHash: documentHash(payload) };
      });
      expect(await alex.page.locator('article').innerText()).toContain(server);
      expect(await alex.page.locator('a.out').count()).toBe(0);
    },
  );

  test('takes an unknown state for an error, never for waiting', async () => {
    const { alex, ask } = bench();
    await alterAnswers(alex.page, confirmations, (answer) => ({
      ...answer,
      status: 'ok',
    }));
    await alex.page.goto((await ask()).url);
    await alex.page.getByRole('heading', { name: 'cannot be shown' }).waitFor();
    expect(await alex.page.locator('#decision').count()).toBe(0);
  });

  test.each([
    ['names no passkeys', { credentialIds: 'all' }],
    ['has no payload', { payload: undefined }],
    ['has no nonce', { nonce: undefined }],
    ['has a number for its hash', { payloadHash: 7 }],
    ['has a time that is none', { decideBy: 'soon' }],
  ])('shows nothing to sign when the answer %s, and can be tried again', async (_, lie) => {
    const { alex, ask } = bench();
    await alterAnswers(alex.page, confirmations, (answer) => ({ ...answer, ...lie }));
    await alex.page.goto((await ask()).url);
    await alex.page.getByText('not one this page understands').waitFor();
    expect(await alex.page.locator('button').allInnerTexts()).toEqual(['Try again']);
    await alex.page.unrouteAll({ behavior: 'ignoreErrors' });
    await alex.page.getByRole('button', { name: 'Try again' }).click();
    await alex.page.locator('button[name=approve]:enabled').waitFor();
    await alex.page.locator('h1:focus').waitFor();
  });

  test('shows nothing to sign when something else than the service answers', async () => {
    const { alex, ask } = bench();
    const { url } = await ask();
    for (const [status, body, said] of [
      [200, '<h1>Welcome to the hotel</h1>', 'not one this page understands'],
      [502, '<h1>Bad gateway</h1>', 'The service answered with status 502.'],
      [503, '{"message":{"text":"no"}}', 'The service answered with status 503.'],
      [503, '{"message":"Down for an hour."}', 'Down for an hour.'],
    ] as const) {
      await alex.page.unrouteAll({ behavior: 'ignoreErrors' });
      await alex.page.route('**/page/config', (route) => route.fulfill({ status, body }));
      await alex.page.goto(url);
      await alex.page.getByText(said).waitFor();
      expect(await alex.page.locator('button').allInnerTexts()).toEqual(['Try again']);
    }
  });

  test('shows a statement that is no text as it shows every other value', async () => {
    const { alex } = bench();
    await open((answer) => {
      const payload = inPayload(answer, (shown) =>
        Object.assign(shown.facts.migration, { statements: [7, null, { drop: 'all' }] }),
      );
      return { ...answer, payload, payloadHash: documentHash(payload) };
    });
    expect(await alex.page.locator('.statements li').allInnerTexts()).toEqual(['7', 'null', '']);
    expect(await alex.page.locator('article').innerText()).toMatch(
      /Also signed\s+facts\.migration\.statements\[2\]\.drop\s+all/,
    );
    expect(await pressable(alex.page)).toEqual(['reject', 'approve']);
  });

  test('asks for no passkey at all when the service knows none of that person', async () => {
    const before = await uses(bench());
    const id = await open((answer) => ({ ...answer, credentialIds: [] }));
    await expectBlocked(id, 'no passkey of alex', before);
  });

  test('does not sign a deploy as a sign-in', async () => {
    const { alex, origin } = bench();
    const before = await uses(bench());
    await alterAnswers(alex.page, /sign-in\/options$/, (answer) => ({
      ...answer,
      challenge: Buffer.alloc(64, 1).toString('base64url'),
    }));
    await expect(alex.signIn(origin)).rejects.toThrow('something else signed than a sign-in');
    expect(await uses(bench())).toBe(before);
  });

  test('says whose address it is not when the service wants the passkeys of another one', async () => {
    const { alex, origin } = bench();
    await alterAnswers(alex.page, /sign-in\/options$/, (answer) => ({
      ...answer,
      rpId: 'warrant.example',
    }));
    await expect(alex.signIn(origin)).rejects.toThrow(
      `refuses passkeys at this address (${new URL(origin).host}). You are not signed in.`,
    );
  });

  test('demands user verification at sign-in even if the service does not', async () => {
    const { alex, origin } = bench();
    const before = await uses(bench());
    await alterAnswers(alex.page, /sign-in\/options$/, (answer) => ({
      ...answer,
      userVerification: 'discouraged',
    }));
    await alex.authenticator.setUserVerified(false);
    try {
      await expect(alex.signIn(origin)).rejects.toThrow('You are not signed in');
      expect(await uses(bench())).toBe(before);
    } finally {
      await alex.authenticator.setUserVerified(true);
    }
  });
});

function inPayload(answer: Record<string, unknown>, change: (payload: Payload) => unknown): object {
  const payload = structuredClone(answer.payload) as Payload;
  change(payload);
  return payload;
}
