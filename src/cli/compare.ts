import { compareFacts } from '../core/compare.ts';
import { checkFacts, type DeployFacts } from '../core/facts.ts';
import { Fault, listProblems } from '../core/fault.ts';
import { visible } from '../core/text.ts';
import { refuse } from '../core/verdict.ts';
import type { Call, RunCommand } from './command.ts';
import { parseDocument, readDocument } from './document.ts';
import { endWith } from './end.ts';

/** Compares two files of deploy facts, strictly. Equal facts are no approval: the result says no more than that. */
export const compare: RunCommand = async (call) => {
  const [signedPath, finalPath] = call.positionals as readonly [string, string];
  // Both are read before either is judged: what can't be read is said first.
  const [signedBytes, finalBytes] = await Promise.all([
    readDocument(signedPath, call),
    readDocument(finalPath, call),
  ]);
  const signed = readFacts(signedBytes, signedPath);
  const final = readFacts(finalBytes, finalPath);
  const differences = compareFacts(signed, final);
  if (differences.length === 0) return equal(call);
  const lines = differences.map(
    (difference) =>
      `${difference.field}: signed ${shown(difference.signed)}, final ${shown(difference.final)}`,
  );
  return endWith(
    refuse('facts_mismatch', `The facts differ:\n${lines.join('\n')}`, { differences }),
    call,
  );
};

function equal({ json, out }: Call): number {
  if (json) out.printJson({ schema: 'comparison/v1', exit_code: 0, differences: [] });
  else out.print('The facts are equal.');
  return 0;
}

function readFacts(bytes: Uint8Array, path: string): DeployFacts {
  const checked = checkFacts(parseDocument(bytes, path));
  if (checked.ok) return checked.value;
  throw new Fault(
    'payload_invalid',
    `${visible(path)} holds no acceptable deploy-facts/v1:\n${listProblems(checked.problems)}`,
    { problems: checked.problems },
  );
}

function shown(value: string | null): string {
  return value === null ? '(absent)' : `"${visible(value)}"`;
}
