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
  return end(conclusion, call, {
    schema: 'request/v1',
    status: outcome.status,
    approval_id: outcome.approvalIds.join(','),
    approval_url: outcome.approvalUrl,
    payload_hash: outcome.payloadHash,
    fingerprint: outcome.fingerprint,
    approvers: outcome.approvers,
    record_path: outcome.recordPath ?? '',
    exit_code: conclusion.exitCode,
  });
};

/** The verify step for any pipeline. Exit code 0 means: deploy exactly this, now. */
export const verify: RunCommand = async (call) => {
  const conclusion = concludeVerify(await verifyStep(await stepContext(call)), call.signal);
  return end(conclusion, call, { ...conclusion.verdict });
};

/** Too long for a line of its own; the record folder holds it. */
const notPrinted: ReadonlySet<OutputName> = new Set<OutputName>(['record']);

/** @param document what `--json` prints where nothing was refused */
function end({ verdict, outputs, exitCode }: Conclusion, call: Call, document: object): number {
  if (verdict === undefined) {
    call.out.say(
      'Without a policy no signature was checked and nothing is approved: only verify with a policy opens.',
    );
  } else if (exitCode === exitCodes.approved) {
    call.out.sayVerdict(verdict);
  } else {
    return endWith(verdict, call);
  }
  if (call.json) {
    call.out.printJson(document);
  } else {
    for (const [name, value] of Object.entries(outputs)) {
      if (!notPrinted.has(name as OutputName)) call.out.print(`${name}: ${value}`);
    }
  }
  return exitCode;
}
