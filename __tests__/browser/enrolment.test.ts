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
