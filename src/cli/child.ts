import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { Fault } from '../core/fault.ts';
import { reasonOf } from '../core/reason.ts';
import { visible } from '../core/text.ts';

/** Passed on to the command. SIGKILL and SIGSTOP can't be. */
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const;

export interface ChildEnd {
  /** Its own, or 128 and the number of the signal that ended it, as a shell says it. */
  readonly exitCode: number;
  /** What ended it, if it did not end by itself. */
  readonly signal: NodeJS.Signals | null;
}

/**
 * Runs a command as a child with this process's standard streams, without a shell, and passes signals on to it until it ends:
 * from before this returns, so that the caller may give them up then.
 * @throws Fault configuration if it can't be started
 */
export async function runChild(
  command: readonly [string, ...string[]],
  options: { readonly env: NodeJS.ProcessEnv; readonly cwd: string },
): Promise<ChildEnd> {
  const [file, ...args] = command;
  try {
    // Some errors are thrown at once (ETXTBSY), others emitted (ENOENT).
    return await endOf(spawn(file, args, { ...options, stdio: 'inherit', shell: false }));
  } catch (cause) {
    throw new Fault('configuration', `${visible(file)} can't be started: ${reasonOf(cause)}.`, {
      cause,
    });
  }
}

/**
 * A terminal sends Ctrl-C to the whole foreground group, the child included: there SIGINT is not sent a second time, for
 * many tools take the second one as "stop at once".
 */
async function endOf(child: ChildProcess): Promise<ChildEnd> {
  const onTerminal = [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY);
  const forward = (signal: NodeJS.Signals): void => {
    if (signal !== 'SIGINT' || !onTerminal) child.kill(signal);
  };
  for (const signal of signals) process.on(signal, forward);
  try {
    return await new Promise<ChildEnd>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) =>
        // Node gives one of the two.
        resolve({ exitCode: code ?? 128 + numberOf(String(signal)), signal }),
      );
    });
  } finally {
    for (const signal of signals) process.off(signal, forward);
  }
}

function numberOf(signal: string): number {
  const numbers: Readonly<Record<string, number>> = constants.signals;
  return Number(numbers[signal]);
}
