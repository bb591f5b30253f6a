import { spawn } from 'node:child_process';
import type { Approver } from './approver.ts';
import { showFact } from './screen.ts';
import { listPasskeys, type RunningService } from './service.ts';

const opener: Readonly<Partial<Record<NodeJS.Platform, string>>> = {
  darwin: 'open',
  linux: 'xdg-open',
};

/** The person at the machine: each page opens in their browser, and its link is printed for where none opens. */
export function personalApprover(service: RunningService): Approver {
  return {
    description: 'you, in your own browser',
    enrol: async (inviteUrl, username) => {
      showFact(
        'your turn',
        `Create a passkey here, with a user name such as ${username}:`,
        inviteUrl,
      );
      openInBrowser(inviteUrl);
      for (;;) {
        const [passkey] = await listPasskeys(service);
        if (passkey !== undefined) return passkey.sha256;
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    },
    decide: (approvalUrl, decision) => {
      showFact(
        'your turn',
        `${decision === 'approved' ? 'Approve' : 'Reject'} here: ${approvalUrl}`,
      );
      openInBrowser(approvalUrl);
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
}

function openInBrowser(url: string): void {
  const command = opener[process.platform];
  if (command === undefined) return;
  // Nothing to do about a machine without a desktop: the link is on the screen.
  spawn(command, [url], { detached: true, stdio: 'ignore' })
    .once('error', () => undefined)
    .unref();
}
