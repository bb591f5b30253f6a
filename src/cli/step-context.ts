import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { Fault } from '../core/fault.ts';
import { mayHaveTokens } from '../gate/job-access.ts';
import type { StepContext } from '../gate/steps.ts';
import { apiUrlOf } from './admin.ts';
import { readApiKey } from './api-key.ts';
import { flagValue, type Call } from './command.ts';

/** A terminal shows whom the gate waits for on one line, which is cheap to write again. */
const progressEveryMs = 1_000;

/** What the steps of the gate get from a command line. @throws Fault configuration where a service is named without its key */
export async function stepContext(call: Call): Promise<StepContext> {
  const { env, cwd, signal, out } = call;
  const apiKey = await readApiKey(call);
  if (apiUrlOf(call) !== '' && apiKey === '' && !mayHaveTokens(env)) {
    throw new Fault(
      'configuration',
      'The variable DEPLOY_WARRANT_API_KEY is not set. Put the request key of the approval service into it, or name a file by --api-key-file; a job of GitHub or GitLab may show its OIDC token instead.',
    );
  }
  const parent = flagValue(call, 'record-dir') || (env.RUNNER_TEMP ?? '') || tmpdir();
  const show = out.showProgress;
  return {
    ...{ env, cwd, signal },
    read: (name) => inputOf(call, name, apiKey),
    recordParent: resolve(cwd, parent),
    log: out.say,
    warn: (line) => out.say(`Warning: ${line}`),
    ...(show === undefined ? {} : { progress: { everyMs: progressEveryMs, show } }),
  };
}

function inputOf(call: Call, name: string, apiKey: string): string {
  if (name === 'api-key') return apiKey;
  if (name === 'api-url') return apiUrlOf(call);
  // Lists are given by repeating the flag, and read one a line as in the actions.
  return (call.flags.get(name) ?? []).join('\n');
}
