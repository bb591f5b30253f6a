import type { Browser } from 'playwright-core';
import { openApprover } from '../../__tests__/support/chromium.ts';
import type { Approver } from './approver.ts';

/** A person in a headless browser: the real page, and the browser's own authenticator that always knows the person. */
export async function chromiumApprover(browser: Browser): Promise<Approver> {
  const person = await openApprover(browser);
  return {
    description: 'headless Chromium with a virtual authenticator, on the real page',
    enrol: (inviteUrl, username) => person.enrol(inviteUrl, username),
    decide: async (approvalUrl, decision) => {
      const status = await (decision === 'approved'
        ? person.approve(approvalUrl)
        : person.reject(approvalUrl));
      if (status !== decision) throw new Error(`${approvalUrl} is ${status}, not ${decision}.`);
    },
    close: () => person.close(),
  };
}
