import { Fault, refusalOf } from '../core/fault.ts';
import { visible } from '../core/text.ts';
import { refuse } from '../core/verdict.ts';
import { runProcess } from '../gate/process.ts';
import { commands } from './commands.ts';
import { endWith } from './end.ts';
import { parseFlags } from './flags.ts';
import { commandNames, helpFor, helpForAll } from './help.ts';
import { nearest } from './nearest.ts';
import { outlet } from './outlet.ts';
import { startService } from './serve.ts';
import { version } from './version.ts';

/** The process `deploy-warrant`. */
export async function main(): Promise<void> {
  const [name = '--help', ...args] = process.argv.slice(2);
  const explained = explanation(name, args);
  if (explained !== undefined) {
    for (const line of explained.split('\n')) outlet.print(line);
    process.exitCode = 0;
  } else if (name === 'serve') {
    await startService(args);
  } else {
    await runProcess((signal) => runCommand(name, { args, signal }), outlet.say);
  }
}

/** The text of `--help` and `--version`, if that is what was asked for. */
function explanation(name: string, args: readonly string[]): string | undefined {
  if (name === '--version') return version;
  if (['--help', '-h', 'help'].includes(name)) return helpForAll();
  return args.includes('--help') || args.includes('-h') ? helpFor(name) : undefined;
}

/** Resolves to the exit code. */
async function runCommand(
  name: string,
  { args, signal }: { readonly args: readonly string[]; readonly signal: AbortSignal },
): Promise<number> {
  const json = args.includes('--json');
  try {
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (command === undefined) throw unknownCommand(name);
    const { flags, positionals } = parseFlags(name, { word: command, args });
    const run = await command.load();
    return await run({
      ...{ flags, positionals, json, signal, out: outlet },
      env: process.env,
      cwd: process.cwd(),
    });
  } catch (error) {
    const verdict = signal.aborted
      ? refuse('interrupted', 'The command was stopped by a signal.')
      : refusalOf(error);
    return endWith(verdict, { json, out: outlet });
  }
}

function unknownCommand(name: string): Fault {
  const suggestion = nearest(name, commandNames);
  const meant = suggestion === undefined ? '' : ` Did you mean ${suggestion}?`;
  return new Fault(
    'configuration',
    `There is no command ${visible(name, 60)}.${meant} "deploy-warrant --help" lists them.`,
  );
}
