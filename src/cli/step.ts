import { exitCodes } from '../core/verdict.ts';
import { concludeRequest, concludeVerify, type Conclusion } from '../gate/conclusion.ts';
import { requestStep, verifyStep } from '../gate/steps.ts';
import type { OutputName } from '../gate/vocabulary.ts';
import type { Call, RunCommand } from './command.ts';
import { endWith } from './end.ts';
import { stepContext } from './step-context.ts';

/** The request step for any pipeline: its outputs are printed, one a line. */
export const request: RunCommand = async (call) => {
  const outcome = await requestStep({
    ...(await stepContext(call)),
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
  const outcome = await verifyStep(await stepContext(call));
  return end(concludeVerify(outcome, call.signal), call);
};

/** Too long for a line of its own; the record folder holds it. */
const notPrinted: ReadonlySet<OutputName> = new Set<OutputName>(['record']);

function end({ verdict, outputs, exitCode }: Conclusion, call: Call): number {
  if (verdict !== undefined && exitCode !== exitCodes.approved) return endWith(verdict, call);
  if (verdict !== undefined) call.out.sayVerdict(verdict);
  if (call.json && verdict !== undefined) {
    call.out.printJson(verdict);
  } else {
    for (const [name, value] of Object.entries(outputs)) {
      if (!notPrinted.has(name as OutputName)) call.out.print(`${name}: ${value}`);
    }
  }
  return exitCode;
}
