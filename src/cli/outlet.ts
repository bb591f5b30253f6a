import { styleText } from 'node:util';
import { visible } from '../core/text.ts';
import { verdictLine } from '../core/verdict-line.ts';
import type { Verdict } from '../core/verdict.ts';

/** A line that is said is shortened beyond this. */
const maxLineLength = 2_000;
/** Moves to the begin of the line and empties it (ECMA-48 EL). */
const clearLine = '\r\u001b[2K';

/** Results go to stdout, everything that is said beside them to stderr. */
export interface Outlet {
  /** A line of the result. */
  readonly print: (line: string) => void;
  /** The result as one line of JSON. */
  readonly printJson: (document: object) => void;
  readonly say: (text: string) => void;
  /** How it ended: the reason code, in colour on a terminal, the message, and where to read on. */
  readonly sayVerdict: (verdict: Pick<Verdict, 'reason_code' | 'message'>) => void;
  /** On a terminal only: one line that takes the place of the one before it. A log gets plain lines. */
  readonly showProgress: ((line: string) => void) | undefined;
}

type Stream = Pick<NodeJS.WriteStream, 'write'> & {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
};

/** The outlet of a process with these streams. Colours are for terminals, unless `NO_COLOR` is set (no-color.org). */
export function createOutlet({
  stdout,
  stderr,
  env,
}: {
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly env: Readonly<Record<string, string | undefined>>;
}): Outlet {
  const isTerminal = stderr.isTTY === true && env.TERM !== 'dumb';
  const hasColours = isTerminal && (env.NO_COLOR ?? '') === '';
  let isProgressShown = false;
  const write = (stream: Stream, text: string): void => {
    if (isProgressShown) stderr.write(clearLine);
    isProgressShown = false;
    stream.write(text);
  };
  const say = (text: string): void => write(stderr, `${lines(text)}\n`);
  return {
    // Never shortened: a result may be read by a program.
    print: (line) => write(stdout, `${visible(line, Infinity)}\n`),
    printJson: (document) => write(stdout, `${JSON.stringify(document)}\n`),
    say,
    sayVerdict: (verdict) => {
      const text = lines(verdictLine(verdict));
      const { reason_code: code } = verdict;
      const style = code === 'approved' ? 'green' : 'red';
      // Coloured only after the text was made harmless; the code is one of ours.
      const coloured = hasColours
        ? styleText(['bold', style], code, { validateStream: false }) + text.slice(code.length)
        : text;
      write(stderr, `${coloured}\n`);
    },
    showProgress: isTerminal
      ? (line) => {
          // A terminal that was told no size says 0.
          const columns = (stderr.columns ?? 0) || 80;
          stderr.write(`${clearLine}${visible(line, columns - 1)}`);
          isProgressShown = true;
        }
      : undefined,
  };
}

export const outlet: Outlet = createOutlet(process);

function lines(text: string): string {
  return text.split('\n').map(shown).join('\n');
}

/** A terminal obeys control characters, and a value must not pass itself off as another line. */
function shown(line: string): string {
  return visible(line, maxLineLength);
}
