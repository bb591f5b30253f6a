import type { CommandWord } from './command.ts';
import { commands, serveWord } from './commands.ts';

type Explained = Omit<CommandWord, 'load'>;

const all: Readonly<Record<string, Explained>> = { serve: serveWord, ...commands };

export const commandNames = Object.keys(all);

/** What `deploy-warrant --help` prints. */
export function helpForAll(): string {
  return [
    'Usage: deploy-warrant COMMAND [FLAGS]',
    '',
    ...columns(Object.entries(all).map(([name, { summary }]) => [name, summary])),
    '',
    'The API key is never a flag: it comes from the variable DEPLOY_WARRANT_API_KEY or the file of --api-key-file. In a job of GitHub or',
    'GitLab that may have an ID token (id-token: write, or DEPLOY_WARRANT_ID_TOKEN), request, verify and run need none.',
    'Exit codes: 0 only for what holds. docs/TROUBLESHOOTING.md has one heading for each reason code.',
    'deploy-warrant COMMAND --help explains one command, --version names the version.',
  ].join('\n');
}

/** What `deploy-warrant COMMAND --help` prints; nothing for a command there is not. */
export function helpFor(name: string): string | undefined {
  const command = Object.hasOwn(all, name) ? all[name] : undefined;
  if (command === undefined) return undefined;
  const rows = Object.entries(command.flags).map(([flag, { value, description }]): Row => [
    value === undefined ? `--${flag}` : `--${flag} ${value}`,
    description.replaceAll('`', ''),
  ]);
  const rest = command.takesCommand === true ? ['-- COMMAND [ARGUMENTS]'] : [];
  return [
    `Usage: ${['deploy-warrant', name, ...command.positionals, '[FLAGS]', ...rest].join(' ')}`,
    '',
    command.summary,
    '',
    ...columns(rows),
    '',
    'Example:',
    `  deploy-warrant ${command.example}`,
  ].join('\n');
}

type Row = readonly [left: string, right: string];

function columns(rows: readonly Row[]): readonly string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
