import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { Fault } from '../core/fault.ts';
import { reasonOf } from '../core/reason.ts';
import { visible } from '../core/text.ts';

/** Passed on to the command. SIGKILL and SIGSTOP can't be. */
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const;

export interface ChildEnd {
  /** Its own, or 128 and the number of the signal that ended it, as a shell says it. */
  readonly exitCode: number;
  readonly signal: NodeJS.Signals | undefined;
}

/**
 * Runs a command as a child with this process's standard streams, without a shell, and passes signals on to it until it ends.
 * A terminal sends Ctrl-C to the whole foreground group, the child included: there SIGINT is not sent a second time, for
 * many tools take the second one as "stop at once".
 * @throws Fault configuration if it can't be started
 */
export async function runChild(
  command: readonly [string, ...string[]],
  options: { readonly env: NodeJS.ProcessEnv; readonly cwd: string },
): Promise<ChildEnd> {
  const [file, ...args] = command;
  const onTerminal = [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY);
  const child = spawn(file, args, { ...options, stdio: 'inherit', shell: false });
  const forward = (signal: NodeJS.Signals): void => {
    if (signal !== 'SIGINT' || !onTerminal) child.kill(signal);
  };
  for (const signal of signals) process.on(signal, forward);
  try {
    return await new Promise<ChildEnd>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) =>
        resolve({
          exitCode: code ?? 128 + (signal === null ? 0 : constants.signals[signal]),
          signal: signal ?? undefined,
        }),
      );
    });
  } catch (cause) {
    throw new Fault('configuration', `${visible(file)} can't be started: ${reasonOf(cause)}.`, {
      cause,
    });
  } finally {
    for (const signal of signals) process.off(signal, forward);
  }
}
