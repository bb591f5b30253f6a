/** Reads Stryker's report (mutation-testing-report-schema), and the pages that explain what is left in it. */

interface Place {
  readonly line: number;
  readonly column: number;
}

interface Mutant {
  readonly mutatorName: string;
  readonly replacement: string;
  readonly status: string;
  readonly location: { readonly start: Place; readonly end: Place };
}

export interface Report {
  readonly files: Record<string, { readonly source: string; readonly mutants: readonly Mutant[] }>;
}

export interface Survivor {
  readonly line: number;
  /** As the pages name it: the file, the code as it is, and as it was changed. */
  readonly key: string;
}

const noticed = new Set(['Killed', 'Timeout']);
const unnoticed = new Set(['Survived', 'NoCoverage']);

/** `96.12 % of 1,234 changes noticed`. A change with which the tests can't even be loaded counts on neither side. */
export function scoreOf(files: Report['files']): string {
  const mutants = Object.values(files).flatMap((file) => file.mutants);
  const found = mutants.filter(({ status }) => noticed.has(status)).length;
  const left = mutants.filter(({ status }) => unnoticed.has(status)).length;
  const others = mutants.length - found - left;
  const score = found + left === 0 ? 100 : (100 * found) / (found + left);
  return `${score.toFixed(2)} % of ${found + left} changes noticed, ${left} not; ${others} could not be tried`;
}

/** The changes that no test noticed, each once. */
export function survivorsOf(files: Report['files']): readonly Survivor[] {
  const all = Object.entries(files).flatMap(([file, { source, mutants }]) =>
    mutants
      .filter(({ status }) => unnoticed.has(status))
      .map(({ location, replacement }) => ({
        line: location.start.line,
        key: `${file} ${code(cut(source, location))} → ${code(replacement)}`,
      })),
  );
  return [...new Map(all.map((survivor) => [survivor.key, survivor])).values()];
}

function cut(source: string, { start, end }: Mutant['location']): string {
  const lines = source.split('\n').slice(start.line - 1, end.line);
  const last = lines.length - 1;
  return lines
    .map((line, at) =>
      line.slice(at === 0 ? start.column - 1 : 0, at === last ? end.column - 1 : undefined),
    )
    .join(' ');
}

/** Markdown's inline code, of one line; long code loses its middle. */
function code(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  const short = line.length > 80 ? `${line.slice(0, 50)} … ${line.slice(-25)}` : line;
  if (short === '') return '(nothing)';
  return short.includes('`') ? `\`\` ${short} \`\`` : `\`${short}\``;
}

/** The changes that a page explains: under a heading with the file's name, one item each, `- CODE → CODE: why`. */
export function explained(page: string): ReadonlySet<string> {
  let file = '';
  const keys = new Set<string>();
  for (const line of page.split('\n')) {
    const heading = /^## `(.+)`$/.exec(line)?.[1];
    if (heading !== undefined) file = heading;
    const change = /^- (.+?(?:`|\(nothing\)) → (?:``.+?``|`[^`]+`|\(nothing\))): \S/.exec(
      line,
    )?.[1];
    if (change !== undefined) keys.add(`${file} ${change}`);
  }
  return keys;
}
