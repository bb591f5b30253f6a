import { visible } from '../core/text.ts';

/** A line is shortened beyond this. */
const maxLineLength = 2_000;

/** Results go to stdout, everything that is said beside them to stderr. */
export interface Outlet {
  /** A line of the result. */
  readonly print: (line: string) => void;
  /** The result as one line of JSON. */
  readonly printJson: (document: object) => void;
  readonly say: (text: string) => void;
}

export const outlet: Outlet = {
  print: (line) => void process.stdout.write(`${shown(line)}\n`),
  printJson: (document) => void process.stdout.write(`${JSON.stringify(document)}\n`),
  say: (text) => void process.stderr.write(`${text.split('\n').map(shown).join('\n')}\n`),
};

/** A terminal obeys control characters, and a value must not pass itself off as another line. */
function shown(line: string): string {
  return visible(line, maxLineLength);
}
