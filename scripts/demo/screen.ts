/** What the demo prints: calm lines in two columns, coloured only where a terminal shows it (https://no-color.org). */
import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

const labelWidth = 13;

const paint = (style: Style, text: string): string =>
  process.stdout.isTTY && !process.env.NO_COLOR ? styleText(style, text) : text;

// Whoever reads may stop (`npm run demo | head`): the demo still ends what it has started.
process.stdout.on('error', () => undefined);

const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

export function showTitle(title: string, promise: string): void {
  print(`\n  ${paint('bold', title)}\n  ${paint('dim', promise)}\n`);
}

export function showSection(title: string): void {
  print(`\n  ${paint('bold', title)}\n`);
}

/** One fact of the demo. Further lines stand below the first. */
export function showFact(label: string, ...lines: readonly string[]): void {
  lines.forEach((line, index) =>
    print(`  ${paint('dim', (index === 0 ? label : '').padEnd(labelWidth))} ${line}`),
  );
}

export interface Outcome {
  readonly name: string;
  readonly expected: number;
  readonly actual: number | null;
  readonly asExpected: boolean;
  /** The reason code, and what it was about. */
  readonly reason: string;
}

const row = (cells: readonly [string, string, string, string]): string =>
  `${cells[0].padEnd(26)} ${cells[1].padStart(8)} ${cells[2].padStart(7)}   ${cells[3]}`;

export function showOutcomeHeader(): void {
  print(`    ${paint('dim', row(['', 'expected', 'actual', 'reason']))}`);
}

export function showOutcome(outcome: Outcome): void {
  const mark = outcome.asExpected ? paint('green', '✓') : paint('red', '✗');
  const actual = outcome.actual === null ? 'killed' : String(outcome.actual);
  print(`  ${mark} ${row([outcome.name, String(outcome.expected), actual, outcome.reason])}`);
}

export function showEnd(good: boolean, sentence: string): void {
  print(`\n  ${paint(good ? 'green' : 'red', sentence)}\n`);
}

/** A problem, with the whole output of the process it came from. */
export function showTrouble(sentence: string, output = ''): void {
  print(`\n  ${paint('red', sentence)}`);
  if (output.trim() !== '') print(output.trimEnd().replaceAll(/^/gm, '    '));
}
