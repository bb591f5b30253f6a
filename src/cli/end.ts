import { exitCodes, refuse, type Verdict } from '../core/verdict.ts';
import type { Call } from './command.ts';

/** Ends a command with a refusal: always one `verdict/v1` with `--json`, and always said to the person too. */
export function endWith(verdict: Verdict, { json, out }: Pick<Call, 'json' | 'out'>): number {
  if (json) out.printJson(verdict);
  out.sayVerdict(verdict);
  return verdict.exit_code;
}

/**
 * Ends `run` before its command: its exit codes and the gate's may be the same, so the last line says whose this one is. Whatever
 * is handed in, it is a refusal: the command was not started.
 */
export function gateEnded(verdict: Verdict | undefined, call: Pick<Call, 'json' | 'out'>): number {
  const isRefusal = verdict !== undefined && verdict.exit_code !== exitCodes.approved;
  const refusal = isRefusal ? verdict : undecided;
  const exitCode = endWith(refusal, call);
  call.out.say(
    `Ended by the gate: ${refusal.reason_code}, exit code ${exitCode}. The command was not started.`,
  );
  return exitCode;
}

const undecided: Verdict = refuse('internal', 'The gate ended without a refusal or an approval.');
