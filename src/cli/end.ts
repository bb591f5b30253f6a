import type { Verdict } from '../core/verdict.ts';
import type { Call } from './command.ts';

/** Ends a command with a refusal: always one `verdict/v1` with `--json`, and always said to the person too. */
export function endWith(verdict: Verdict, { json, out }: Pick<Call, 'json' | 'out'>): number {
  if (json) out.printJson(verdict);
  out.say(`${verdict.reason_code}: ${verdict.message}`);
  return verdict.exit_code;
}
