import { concludeRequest, type Conclusion } from '../gate/conclusion.ts';
import { requestStep } from '../gate/steps.ts';
import { CommitStatusReporter, type CommitStatus } from './commit-status.ts';
import { finish, recordParent, withOutputFile } from './finish.ts';
import { mask, maskSecrets, readInput } from './inputs.ts';
import { info, warning } from './log.ts';
import { saveCreated, saveGranted } from './state.ts';

/** The request action: asks, waits, and checks the evidence where there is a policy. Resolves to the exit code. */
export async function runRequest(signal: AbortSignal): Promise<number> {
  maskSecrets('request');
  const { env } = process;
  return await withOutputFile(env, async () => {
    const commitStatus = new CommitStatusReporter(readInput('github-token'), {
      signal,
      warn: warning,
    });
    const outcome = await requestStep({
      ...{ read: readInput, env, signal, log: info, warn: warning, mask },
      cwd: process.cwd(),
      recordParent: recordParent(env),
      onAsked: saveCreated,
      onCreated: async ({ url, fingerprint }, facts) => {
        const description = `Waits for a decision (${fingerprint})`;
        await commitStatus.report(facts, { state: 'pending', description, url });
      },
    });
    const conclusion = concludeRequest(outcome, signal);
    const { facts } = outcome;
    if (facts !== undefined && outcome.approvalUrl !== '') {
      await commitStatus.report(facts, finalStatus(conclusion, outcome.approvalUrl));
    }
    const exitCode = await finish(conclusion, { title: 'Deploy Warrant', facts, spent: false });
    if (exitCode === 0) saveGranted();
    return exitCode;
  });
}

/** `decided` stays pending: a required check must not turn green on the word of the service. */
function finalStatus({ verdict, exitCode }: Conclusion, url: string): CommitStatus {
  if (verdict === undefined) {
    return { state: 'pending', description: 'Decided; no signature was checked', url };
  }
  if (exitCode !== 0) {
    return { state: 'failure', description: `Refused: ${verdict.reason_code}`, url };
  }
  const approvers = verdict.approvers.join(',');
  const by = verdict.assurance === 'service' ? `${approvers}, says the service` : approvers;
  return { state: 'success', description: `Approved by ${by}`, url };
}
