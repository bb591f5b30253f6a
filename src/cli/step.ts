import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { Fault } from '../core/fault.ts';
import { exitCodes } from '../core/verdict.ts';
import { concludeRequest, concludeVerify, type Conclusion } from '../gate/conclusion.ts';
import { requestStep, verifyStep, type StepContext } from '../gate/steps.ts';
import type { OutputName } from '../gate/vocabulary.ts';
import { apiUrlOf } from './admin.ts';
import { flagValue, type Call, type RunCommand } from './command.ts';
import { endWith } from './end.ts';

/** The request step for any pipeline: its outputs are printed, one a line. */
export const request: RunCommand = async (call) => {
  const outcome = await requestStep({
    ...contextOf(call),
    onCreated: () => Promise.resolve(),
  });
  const conclusion = concludeRequest(outcome, call.signal);
  const { verdict, outputs } = conclusion;
  if (verdict === undefined) {
    call.out.say(
      'Without a policy no signature was checked and nothing is approved: only verify with a policy opens.',
    );
  }
  if (!call.json || conclusion.exitCode !== exitCodes.approved) return end(conclusion, call);
  call.out.printJson({
    schema: 'request/v1',
    status: outputs.status ?? '',
    approval_id: outputs['approval-id'] ?? '',
    approval_url: outputs['approval-url'] ?? '',
    payload_hash: outputs['payload-hash'] ?? '',
    fingerprint: outputs.fingerprint ?? '',
    approvers: outcome.approvers,
    record_path: outputs['record-path'] ?? '',
    exit_code: conclusion.exitCode,
  });
  return conclusion.exitCode;
};

/** The verify step for any pipeline. Exit code 0 means: deploy exactly this, now. */
export const verify: RunCommand = async (call) => {
  const outcome = await verifyStep(contextOf(call));
  return end(concludeVerify(outcome, call.signal), call);
};

/** @throws Fault configuration where a service is named without its key */
function contextOf(call: Call): StepContext {
  const { env, cwd, signal, out } = call;
  if (apiUrlOf(call) !== '' && (env.DEPLOY_WARRANT_API_KEY ?? '') === '') {
    throw new Fault(
      'configuration',
      'The variable DEPLOY_WARRANT_API_KEY is not set. Put the request key of the approval service into it.',
    );
  }
  return {
    ...{ env, cwd, signal },
    read: (name) => inputOf(call, name),
    recordParent: resolve(
      cwd,
      flagValue(call, 'record-dir') || (env.RUNNER_TEMP ?? '') || tmpdir(),
    ),
    log: out.say,
    warn: (line) => out.say(`Warning: ${line}`),
  };
}

function inputOf(call: Call, name: string): string {
  if (name === 'api-key') return call.env.DEPLOY_WARRANT_API_KEY ?? '';
  if (name === 'api-url') return apiUrlOf(call);
  // Lists are given by repeating the flag, and read one a line as in the actions.
  return (call.flags.get(name) ?? []).join('\n');
}

/** Too long for a line of its own; the record folder holds it. */
const notPrinted: ReadonlySet<OutputName> = new Set<OutputName>(['record']);

function end({ verdict, outputs, exitCode }: Conclusion, call: Call): number {
  if (verdict !== undefined && exitCode !== exitCodes.approved) return endWith(verdict, call);
  if (verdict !== undefined) call.out.say(verdict.message);
  if (call.json && verdict !== undefined) {
    call.out.printJson(verdict);
  } else {
    for (const [name, value] of Object.entries(outputs)) {
      if (!notPrinted.has(name as OutputName)) call.out.print(`${name}: ${value}`);
    }
  }
  return exitCode;
}
