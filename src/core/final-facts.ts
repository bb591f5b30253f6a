import { compareFacts } from './compare.ts';
import type { Objection } from './objection.ts';
import type { DeployFacts } from './facts.ts';
import type { EnvironmentRule } from './policy-rule.ts';
import { visible } from './text.ts';
import type { Difference } from './verdict.ts';

/** What may differ in a later attempt of the same run: which attempt it is, and who started it. */
const attemptFields: ReadonlySet<string> = new Set(['run_attempt', 'actor.triggered_by']);

/** Step 6 of DESIGN 5: what is about to run is what was signed. */
export function factsObjection(
  signed: DeployFacts,
  final: DeployFacts,
  rerun: EnvironmentRule['rerun'],
): Objection | undefined {
  const differences = compareFacts(signed, final);
  if (differences.length === 0) return undefined;
  const isLaterAttempt =
    BigInt(final.run_attempt) > BigInt(signed.run_attempt) &&
    differences.every(({ field }) => attemptFields.has(field));
  if (!isLaterAttempt) {
    return {
      code: 'facts_mismatch',
      message: `What is about to run is not what was approved:\n${differences.map(differenceLine).join('\n')}`,
      advice: 'Undo the change, or ask for a new approval of what runs now.',
      details: { differences },
    };
  }
  if (rerun === 'same_run') return undefined;
  return {
    code: 'facts_mismatch',
    message: `This approval is for attempt ${signed.run_attempt} of run ${signed.run_id}, and this is attempt ${final.run_attempt}.`,
    advice:
      'In GitHub choose "Re-run all jobs", so that the request is made again; "Re-run failed jobs" needs "rerun": "same_run" in the policy.',
    details: { differences },
  };
}

function differenceLine({ field, signed, final }: Difference): string {
  return `${visible(field)}: approved ${side(signed)}, now ${side(final)}`;
}

function side(value: string | null): string {
  return value === null ? '(absent)' : `"${visible(value)}"`;
}
