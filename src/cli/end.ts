import type { Verdict } from '../core/verdict.ts';
import type { Call } from './command.ts';

/** Ends a command with a refusal: always one `verdict/v1` with `--json`, and always said to the person too. */
export function endWith(verdict: Verdict, { json, out }: Pick<Call, 'json' | 'out'>): number {
  if (json) out.printJson(verdict);
  out.sayVerdict(verdict);
  return verdict.exit_code;
}

/** Ends `run` before its command: its exit codes and the gate's may be the same, so the last line says whose this one is. */
export function gateEnded(verdict: Verdict, call: Pick<Call, 'json' | 'out'>): number {
  const exitCode = endWith(verdict, call);
  call.out.say(
    `Ended by the gate: ${verdict.reason_code}, exit code ${exitCode}. The command was not started.`,
  );
  return exitCode;
}
