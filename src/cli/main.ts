import { Fault, refusalOf } from '../core/fault.ts';
import { visible } from '../core/text.ts';
import { refuse } from '../core/verdict.ts';
import { runProcess } from '../gate/process.ts';
import type { Call } from './command.ts';
import { commands } from './commands.ts';
import { endWith, gateEnded } from './end.ts';
import { parseFlags, splitAtCommand } from './flags.ts';
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
    await runProcess(
      (signal, releaseSignals) => runCommand(name, { args, signal, releaseSignals }),
      outlet.say,
    );
  }
}

/** The text of `--help` and `--version`, if that is what was asked for. */
function explanation(name: string, args: readonly string[]): string | undefined {
  if (name === '--version') return version;
  if (['--help', '-h', 'help'].includes(name)) return helpForAll();
  const { own } = splitAtCommand(args);
  return own.includes('--help') || own.includes('-h') ? helpFor(name) : undefined;
}

/** Resolves to the exit code. */
async function runCommand(
  name: string,
  {
    args,
    ...signals
  }: { readonly args: readonly string[] } & Pick<Call, 'signal' | 'releaseSignals'>,
): Promise<number> {
  const json = splitAtCommand(args).own.includes('--json');
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  try {
    if (command === undefined) throw unknownCommand(name);
    const { flags, positionals } = parseFlags(name, { word: command, args });
    const run = await command.load();
    return await run({
      ...{ flags, positionals, json, out: outlet, ...signals },
      env: process.env,
      cwd: process.cwd(),
    });
  } catch (error) {
    const verdict = signals.signal.aborted
      ? refuse('interrupted', 'The command was stopped by a signal.')
      : refusalOf(error);
    const end = command?.takesCommand === true ? gateEnded : endWith;
    return end(verdict, { json, out: outlet });
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
