import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { setOutput } from '@actions/core';
import { Fault } from '../core/fault.ts';
import { reasonOf } from '../core/reason.ts';
import type { OutputName, Outputs } from '../gate/vocabulary.ts';

/**
 * Before anything else: a step that can't tell its outcome must not ask for one. Without the file the toolkit would print outputs
 * as commands that the runner ignores.
 * @throws Fault configuration if the variable is not set, internal if the file can't be appended to
 */
export async function requireOutputFile(path: string | undefined): Promise<void> {
  if (path === undefined || path === '') {
    throw new Fault(
      'configuration',
      'GITHUB_OUTPUT is not set, so the outcome could not be handed on. Run this as a step of GitHub Actions; elsewhere use the command line, deploy-warrant.',
    );
  }
  try {
    await (await open(path, constants.O_WRONLY | constants.O_APPEND)).close();
  } catch (cause) {
    throw new Fault(
      'internal',
      `The file of GITHUB_OUTPUT can't be written (${reasonOf(cause)}). Nothing was asked for and no approval was used. See to the runner's disk and to the owner of its temporary folder.`,
      { cause },
    );
  }
}

/** `status` comes last: a disk that fills up in between leaves no outcome that a later step could take for an approval. */
const last: OutputName = 'status';

/** Hands the outputs to the runner, each with a delimiter of its own that no value can guess. @throws Fault internal */
export function writeOutputs(outputs: Outputs): void {
  const entries = Object.entries(outputs).sort(
    ([one], [other]) => Number(one === last) - Number(other === last),
  );
  try {
    for (const [name, value] of entries) setOutput(name, value);
  } catch (cause) {
    throw new Fault(
      'internal',
      `The outputs can't be written to the file of GITHUB_OUTPUT (${reasonOf(cause)}). See to the runner's disk.`,
      { cause },
    );
  }
}
