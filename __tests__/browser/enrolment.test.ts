import { expect, test } from '@jest/globals';
import { openApprover } from '../support/chromium.ts';
import { alterAnswers, describeInBrowser } from './bench.ts';

describeInBrowser('enrolment', (bench) => {
  test('makes a resident passkey and shows the SHA-256 of the key that the service stored', async () => {
    const { browser, invite, passkeys } = bench();
    const dana = await openApprover(browser);
    const shown = await dana.enrol(await invite(), 'dana');
    const stored = (await passkeys()).find(({ username }) => username === 'dana');
    expect(shown).toMatch(/^[0-9a-f]{64}$/);
    expect(shown).toBe(stored?.sha256);
    const [credential] = await dana.authenticator.credentials();
    expect(credential?.isResidentCredential).toBe(true);
    const text = await dana.page.innerText('main');
    expect(text).toContain('dana');
    expect(text).toContain('platform engineer');
    expect(text).toContain('deploy-warrant policy');
    await dana.close();
  });

  test('refuses an authenticator that does not verify its user', async () => {
    const { browser, invite, passkeys } = bench();
    const kim = await openApprover(browser);
    await kim.authenticator.setUserVerified(false);
    await expect(kim.enrol(await invite(), 'kim')).rejects.toThrow('No passkey was enrolled');
    expect((await passkeys()).map(({ username }) => username)).not.toContain('kim');
    await kim.close();
  });

  test('demands user verification and a resident key even if the service asks for less', async () => {
    const { browser, invite } = bench();
    const kim = await openApprover(browser);
    await kim.page.addInitScript(() => {
      const create = navigator.credentials.create.bind(navigator.credentials);
      navigator.credentials.create = (options) => {
        Object.assign(window, { asked: options?.publicKey?.authenticatorSelection });
        return create(options);
      };
    });
    await alterAnswers(kim.page, /enrolments$/, (answer) => ({
      ...answer,
      authenticatorSelection: { residentKey: 'discouraged', userVerification: 'discouraged' },
    }));
    await kim.enrol(await invite(), 'kim');
    expect(await kim.page.evaluate(() => (window as { asked?: unknown }).asked)).toEqual({
      residentKey: 'required',
      requireResidentKey: true,
      userVerification: 'required',
    });
    await kim.close();
  });

  test('finds out a service that stored another key', async () => {
    const { browser, invite } = bench();
    const kim = await openApprover(browser);
    await alterAnswers(kim.page, /enrolments\/finish$/, (answer) => ({
      ...answer,
      sha256: 'f'.repeat(64),
    }));
    await expect(kim.enrol(await invite(), 'kim2')).rejects.toThrow('stored another key');
    expect(await kim.page.locator('[data-sha256]').count()).toBe(0);
    const said = await kim.page.locator('[role=alert]').innerText();
    expect(said).toContain('Do not use it. The passkey may be enrolled all the same: tell the');
    await kim.close();
  });

  test('shows the key that the service stored where the browser does not tell the own', async () => {
    const { browser, invite, passkeys } = bench();
    const pat = await openApprover(browser);
    await pat.page.addInitScript(() => {
      Reflect.deleteProperty(AuthenticatorAttestationResponse.prototype, 'getPublicKey');
    });
    const shown = await pat.enrol(await invite(), 'pat');
    expect(shown).toBe((await passkeys()).find(({ username }) => username === 'pat')?.sha256);
    await pat.close();
  });

  test.each([
    ['is lost', 0, 'The service cannot be reached.'],
    ['is a proxy’s', 502, 'The service answered with status 502.'],
  ])('does not claim that nothing was enrolled when the answer %s', async (_, status, why) => {
    const { browser, invite, passkeys } = bench();
    const username = `sam${status}`;
    const sam = await openApprover(browser);
    await sam.page.route('**/enrolments/finish', async (route) => {
      await route.fetch();
      await (status === 0 ? route.abort() : route.fulfill({ status, body: '<h1>no</h1>' }));
    });
    await expect(sam.enrol(await invite(), username)).rejects.toThrow(
      `${why} The passkey may be enrolled all the same: tell the platform engineer before you try again.`,
    );
    expect((await passkeys()).map((each) => each.username)).toContain(username);
    await sam.close();
  });

  test('says that nothing was enrolled when the service is not even asked for it, and can be tried again', async () => {
    const { browser, invite, passkeys } = bench();
    const ira = await openApprover(browser);
    const link = await invite();
    await ira.page.route('**/page/enrolments', (route) => route.abort());
    await expect(ira.enrol(link, 'ira')).rejects.toThrow(
      'The service cannot be reached. No passkey was enrolled. Check the connection and try again.',
    );
    expect((await passkeys()).map(({ username }) => username)).not.toContain('ira');
    await ira.page.unrouteAll();
    await ira.page.getByRole('button', { name: 'Create passkey' }).click();
    await ira.page.locator('[data-sha256]').waitFor();
    await ira.close();
  });

  test('makes no second passkey on the same device', async () => {
    const { alex, origin, invite } = bench();
    await alex.signIn(origin);
    await expect(alex.enrol(await invite(), 'alex')).rejects.toThrow(
      'This device already has a passkey for you here. No passkey was enrolled.',
    );
    expect(await alex.authenticator.credentials()).toHaveLength(1);
    await alex.context.clearCookies();
  });

  test('says so in a browser that knows no passkeys', async () => {
    const { browser, invite } = bench();
    const kim = await openApprover(browser);
    await kim.page.addInitScript(() => {
      Reflect.deleteProperty(window, 'PublicKeyCredential');
    });
    await expect(kim.enrol(await invite(), 'kim3')).rejects.toThrow(
      'The passkey could not be used (Error: WebAuthn is not supported in this browser). No passkey was enrolled.',
    );
    await kim.close();
  });

  test('says what to do about an invite that is used up, and about a name that is taken', async () => {
    const { browser, invite } = bench();
    const lee = await openApprover(browser);
    const used = await invite();
    await lee.enrol(used, 'lee');
    await expect(lee.enrol(used, 'lee2')).rejects.toThrow(
      'Ask the platform engineer for a new one',
    );
    await expect(lee.enrol(await invite(), 'alex')).rejects.toThrow('taken');
    await expect(lee.enrol(await invite(), '<b>lee</b>')).rejects.toThrow(
      'No passkey was enrolled',
    );
    expect(await lee.page.locator('main b').count()).toBe(0);
    await lee.close();
  });
});
