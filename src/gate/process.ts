import { verdictLine } from '../core/verdict-line.ts';
import { exitCodes } from '../core/verdict.ts';

/** How long a withdrawal or a redemption in flight may take after SIGINT; the runner sends SIGTERM after 7.5 s and kills 2.5 s later. */
const graceMs = 6_000;
/** How long an open socket or timer may keep a process that has its exit code. */
const lingerMs = 250;

/** What a gate needs of the process around it, which is Node's `process`. */
export interface HostProcess {
  exitCode?: number | string | null | undefined;
  readonly stdout: ErrorSource;
  readonly stderr: ErrorSource;
  on: (event: ProcessEvent, listener: (error: unknown) => void) => unknown;
  off: (event: ProcessEvent, listener: (error: unknown) => void) => unknown;
  exit: (code?: number) => never;
}

type ProcessEvent = 'unhandledRejection' | 'uncaughtException' | 'SIGINT' | 'SIGTERM';

interface ErrorSource {
  on: (event: 'error', listener: () => void) => unknown;
}

/**
 * The process around a gate. The entry has set exit code 1 already, so that a promise that never settles or a crash of the
 * runtime is a failure; here 70 is set for what nobody caught and 130 for SIGINT and SIGTERM, which abort `signal` first.
 * A closed stdout (EPIPE) changes nothing.
 * @param run resolves to the exit code, and should soon after `signal` aborts. With `releaseSignals` it takes SIGINT and SIGTERM over
 * @param report shows one message to the person who reads the log
 * @param host is `process` itself, but for a test
 */
export async function runProcess(
  run: (signal: AbortSignal, releaseSignals: () => void) => Promise<number>,
  report: (message: string) => void,
  host: HostProcess = process,
): Promise<void> {
  const interruption = new AbortController();
  for (const stream of [host.stdout, host.stderr]) stream.on('error', () => undefined);

  const crash = (error: unknown): never => {
    host.exitCode = exitCodes.internal;
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const message = `This is a bug of Deploy Warrant, please report it: ${what}`;
    report(verdictLine({ reason_code: 'internal', message }));
    host.exit(exitCodes.internal);
  };
  host.on('unhandledRejection', crash);
  host.on('uncaughtException', crash);

  const interrupt = (): void => {
    if (interruption.signal.aborted) return;
    host.exitCode = exitCodes.interrupted;
    interruption.abort();
    setTimeout(() => host.exit(exitCodes.interrupted), graceMs);
  };
  host.on('SIGINT', interrupt);
  host.on('SIGTERM', interrupt);

  const releaseSignals = (): void => {
    host.off('SIGINT', interrupt);
    host.off('SIGTERM', interrupt);
  };

  try {
    const exitCode = await run(interruption.signal, releaseSignals);
    // A signal that came while the outputs were written is heard when the event loop polls next: between two turns.
    await turn();
    await turn();
    host.exitCode = interruption.signal.aborted ? exitCodes.interrupted : exitCode;
  } catch (error) {
    crash(error);
  }
  setTimeout(() => host.exit(), lingerMs).unref();
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
