import { Fault } from '../core/fault.ts';
import { visible } from '../core/text.ts';

/** One tracked path that is not as the commit has it; `unproven` if only a program that the repository names could tell. */
export interface Flaw {
  readonly path: string;
  /** The end of a sentence that begins with the path. */
  readonly what: string;
  readonly unproven?: true;
}

const maxNamed = 10;

/** Names what differs, at most ten paths and then a count. @throws Fault facts_mismatch, or facts_uncollectable where nothing is known to differ */
export function refuseFlaws(flaws: readonly Flaw[], commit: string): void {
  if (flaws.length === 0) return;
  const differing = flaws.filter(({ unproven }) => unproven !== true);
  const told = differing.length > 0 ? differing : flaws;
  const sentences = told.slice(0, maxNamed).map(({ path, what }) => `${visible(path)} ${what}`);
  const lines = sentences.map((sentence) => `- ${sentence}`);
  if (told.length > maxNamed) lines.push(`- and ${told.length - maxNamed} more`);
  const problems = sentences.map((message) => ({ field: 'commit', message }));
  if (differing.length > 0) {
    throw new Fault(
      'facts_mismatch',
      `The checked-out files are not those of commit ${commit}:\n${lines.join('\n')}\nWhat is deployed must be what the commit holds. Undo the changes or check out afresh, and let builds write only files that are not tracked.`,
      { problems },
    );
  }
  throw new Fault(
    'facts_uncollectable',
    `It can't be proven that the checked-out files are those of commit ${commit}:\n${lines.join('\n')}\nCheck these files out as the commit holds them, without the filter or attribute.`,
    { problems },
  );
}
