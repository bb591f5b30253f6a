import { resolve } from 'node:path';
import { tmpdir } from 'node:os';
import type { DeployFacts } from '../core/facts.ts';
import { refusalOf } from '../core/fault.ts';
import { verdictLine } from '../core/verdict-line.ts';
import { exitCodes } from '../core/verdict.ts';
import { concludeUnwritten, type Conclusion } from '../gate/conclusion.ts';
import type { OutputName } from '../gate/vocabulary.ts';
import { error, info, warning } from './log.ts';
import { requireOutputFile, writeOutputs } from './outputs.ts';
import { writeSummary, type SummaryRow } from './summary.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where record folders are made: the runner empties it after the job, and it is no part of the workspace. */
export function recordParent(env: Environment): string {
  return resolve((env.RUNNER_TEMP ?? '') || tmpdir());
}

/** Runs `step` if its outcome can be handed on. Resolves to the exit code. */
export async function withOutputFile(
  env: Environment,
  step: () => Promise<number>,
): Promise<number> {
  try {
    await requireOutputFile(env.GITHUB_OUTPUT);
  } catch (cause) {
    const refusal = refusalOf(cause);
    error(verdictLine(refusal));
    return refusal.exit_code;
  }
  return await step();
}

/** Says how a step ended, then hands its outputs on, last of all. Resolves to the exit code. */
export async function finish(
  conclusion: Conclusion,
  about: {
    readonly title: string;
    readonly facts: DeployFacts | undefined;
    readonly spent: boolean;
  },
): Promise<number> {
  say(conclusion);
  await writeSummary(about.title, summaryRows(conclusion, about.facts), warning);
  try {
    writeOutputs(conclusion.outputs);
    return conclusion.exitCode;
  } catch (cause) {
    return handedOnNothing(conclusion, { cause, spent: about.spent });
  }
}

function say(conclusion: Conclusion): void {
  const { verdict, exitCode } = conclusion;
  if (verdict === undefined) {
    warning(
      `Decided by ${outputOf(conclusion, 'approvers')}, says the service. Without a policy no signature was checked and nothing is approved: only a verify step with a policy opens.`,
    );
  } else if (exitCode !== exitCodes.approved) {
    error(verdictLine(verdict));
  } else if (verdict.assurance === 'service' || verdict.redemption === 'run') {
    warning(verdictLine(verdict));
  } else {
    info(verdictLine(verdict));
  }
}

function summaryRows(
  conclusion: Conclusion,
  facts: DeployFacts | undefined,
): readonly SummaryRow[] {
  const { verdict } = conclusion;
  const output = (name: OutputName): string => outputOf(conclusion, name);
  const differences = (verdict?.differences ?? []).map(({ field, signed, final }): SummaryRow => [
    `differs: ${field}`,
    `signed ${signed ?? '(absent)'}, now ${final ?? '(absent)'}`,
  ]);
  return [
    ['outcome', output('status')],
    ['message', verdict?.message ?? ''],
    ...differences,
    ['service', facts?.service ?? ''],
    ['environment', facts?.environment ?? ''],
    ['commit', facts?.commit ?? ''],
    ['approved by', output('approvers')],
    ['fingerprint', output('fingerprint')],
    ['payload hash', output('payload-hash')],
    ['approval', output('approval-id')],
    ['page', output('approval-url')],
    ['record', output('record-path')],
  ];
}

/** Empty where there is none: a refusal has few. */
function outputOf({ outputs }: Conclusion, name: OutputName): string {
  return outputs[name] ?? '';
}

/** A refusal stays what it is; an approval that can't be handed on is a failure of the step. */
function handedOnNothing(
  conclusion: Conclusion,
  { cause, spent }: { readonly cause: unknown; readonly spent: boolean },
): number {
  const failure = refusalOf(cause);
  const used = spent ? ' The approval is used up: another try needs a new one.' : '';
  error(verdictLine({ ...failure, message: `${failure.message}${used}` }));
  if (conclusion.exitCode !== exitCodes.approved) return conclusion.exitCode;
  const unwritten = concludeUnwritten(failure, conclusion);
  try {
    // Some of the outputs may stand in the file already; the runner takes the last value of each.
    writeOutputs(unwritten.outputs);
  } catch {
    // Then there is no status at all, which is no approval either.
  }
  return unwritten.exitCode;
}
