import { concludeVerify } from '../gate/conclusion.ts';
import { verifyStep } from '../gate/steps.ts';
import { finish, recordParent, withOutputFile } from './finish.ts';
import { mask, maskSecrets, readInput } from './inputs.ts';
import { info, warning } from './log.ts';

/** The verify action, right before the deploy. Resolves to the exit code. */
export async function runVerify(signal: AbortSignal): Promise<number> {
  maskSecrets('verify');
  const { env } = process;
  return await withOutputFile(env, async () => {
    const outcome = await verifyStep({
      ...{ read: readInput, env, signal, log: info, warn: warning, mask },
      cwd: process.cwd(),
      recordParent: recordParent(env),
    });
    return await finish(concludeVerify(outcome, signal), {
      title: 'Deploy Warrant: verify',
      facts: outcome.facts,
      spent: outcome.spent,
    });
  });
}
