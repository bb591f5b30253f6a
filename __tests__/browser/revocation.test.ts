import { expect, test } from '@jest/globals';
import { describeInBrowser, pressable, type Asked } from './bench.ts';

describeInBrowser('an approval that is taken back', (bench) => {
  const approved = async (): Promise<Asked> => {
    const { alex, ask } = bench();
    const asked = await ask();
    await alex.approve(asked.url);
    await alex.page.locator('button[name=revoke]:enabled').waitFor();
    return asked;
  };
  const state = (name: string): Promise<void> =>
    bench().alex.page.locator(`[data-status=${name}]`).waitFor();

  test('is worth nothing any more, and the page says so, in a second tab too', async () => {
    const { alex, read, redeem } = bench();
    const asked = await approved();
    const second = await alex.context.newPage();
    await second.goto(asked.url);
    await second.locator('button[name=revoke]:enabled').waitFor();
    await alex.page.locator('button[name=revoke]').click();
    await state('cancelled');
    expect((await read(asked.id)).status).toBe('cancelled');
    await expect(redeem(asked)).rejects.toThrow('not 201');
    expect(await alex.page.locator('#decision').innerText()).toMatch(
      /^Withdrawn\. .*the approval was taken back/,
    );
    expect(await pressable(alex.page)).toEqual([]);
    await second.locator('[data-status=cancelled]').waitFor();
    expect(await second.locator('button[name=revoke]').isVisible()).toBe(false);
    await second.close();
  });

  test('can be so later, by the link alone, and by keyboard alone', async () => {
    const { alex, read } = bench();
    const asked = await approved();
    await alex.page.goto('about:blank');
    await alex.page.goto(asked.url);
    await alex.page.locator('button[name=revoke]:enabled').waitFor();
    // The skip link leads past the facts.
    for (const key of ['Tab', 'Tab', 'Enter', 'Tab', 'Enter']) await alex.page.keyboard.press(key);
    await state('cancelled');
    expect((await read(asked.id)).status).toBe('cancelled');
    expect(await alex.page.evaluate(() => document.activeElement?.id)).toBe('decision');
  });

  test('stands when the passkey did not verify its user, and can be tried again', async () => {
    const { alex, read } = bench();
    const asked = await approved();
    await alex.authenticator.setUserVerified(false);
    try {
      await alex.page.locator('button[name=revoke]').click();
      const problem = alex.page.locator('#decision [role=alert]:not(:empty)');
      await problem.waitFor();
      expect(await problem.innerText()).toContain('Your approval stands.');
      expect((await read(asked.id)).status).toBe('approved');
    } finally {
      await alex.authenticator.setUserVerified(true);
    }
    await alex.page.locator('button[name=revoke]:enabled').click();
    await state('cancelled');
    expect(await alex.page.locator('#decision [role=alert]').innerText()).toBe('');
  });

  test('is offered neither before the approval nor after its use, nor after a rejection', async () => {
    const { alex, ask, redeem } = bench();
    const revoke = alex.page.locator('button[name=revoke]');
    const asked = await ask();
    await alex.page.goto(asked.url);
    await alex.page.locator('button[name=approve]:enabled').waitFor();
    expect(await revoke.isVisible()).toBe(false);
    expect(await pressable(alex.page)).toEqual(['reject', 'approve']);
    await alex.approve(asked.url);
    expect(await revoke.isVisible()).toBe(true);
    await redeem(asked);
    await state('redeemed');
    expect(await revoke.isVisible()).toBe(false);
    await alex.reject((await ask()).url);
    expect(await revoke.isVisible()).toBe(false);
    expect(await pressable(alex.page)).toEqual([]);
  });

  test('takes the prompt away when the approval is used meanwhile', async () => {
    const { alex, redeem } = bench();
    const asked = await approved();
    await alex.authenticator.setPresent(false);
    try {
      await alex.page.locator('button[name=revoke]').click();
      await alex.page.getByText('Use your passkey to take your approval back').waitFor();
      await redeem(asked);
      await state('redeemed');
      expect(await alex.page.locator('#decision').innerText()).toMatch(/^Approved and used\./);
      expect(await alex.page.locator('#decision [role=alert]').innerText()).toBe('');
    } finally {
      await alex.authenticator.setPresent(true);
    }
  });

  test('is signed only for what the page shows', async () => {
    const { alex, read } = bench();
    const asked = await approved();
    await alex.page
      .locator('[data-field="facts.environment"]')
      .evaluate((node) => (node.textContent = 'staging'));
    const [before] = await alex.authenticator.credentials();
    await alex.page.locator('button[name=revoke]').click();
    await alex.page.getByText('another hash').waitFor();
    expect(await pressable(alex.page)).toEqual([]);
    expect((await alex.authenticator.credentials())[0]!.signCount).toBe(before!.signCount);
    expect((await read(asked.id)).status).toBe('approved');
  });
});
