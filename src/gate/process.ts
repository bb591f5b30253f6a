import { verdictLine } from '../core/verdict-line.ts';
import { exitCodes } from '../core/verdict.ts';

/** How long a withdrawal or a redemption in flight may take after SIGINT; the runner sends SIGTERM after 7.5 s and kills 2.5 s later. */
const graceMs = 6_000;
/** How long an open socket or timer may keep a process that has its exit code. */
const lingerMs = 250;

/**
 * The process around a gate. The entry has set exit code 1 already, so that a promise that never settles or a crash of the
 * runtime is a failure; here 70 is set for what nobody caught and 130 for SIGINT and SIGTERM, which abort `signal` first.
 * A closed stdout (EPIPE) changes nothing.
 * @param run resolves to the exit code, and should soon after `signal` aborts. With `releaseSignals` it takes SIGINT and SIGTERM over
 * @param report shows one message to the person who reads the log
 */
export async function runProcess(
  run: (signal: AbortSignal, releaseSignals: () => void) => Promise<number>,
  report: (message: string) => void,
): Promise<void> {
  const interruption = new AbortController();
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

  const crash = (error: unknown): never => {
    process.exitCode = exitCodes.internal;
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const message = `This is a bug of Deploy Warrant, please report it: ${what}`;
    report(verdictLine({ reason_code: 'internal', message }));
    process.exit(exitCodes.internal);
  };
  process.on('unhandledRejection', crash);
  process.on('uncaughtException', crash);

  const interrupt = (): void => {
    if (interruption.signal.aborted) return;
    process.exitCode = exitCodes.interrupted;
    interruption.abort();
    setTimeout(() => process.exit(exitCodes.interrupted), graceMs);
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);

  const releaseSignals = (): void => {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  };

  try {
    const exitCode = await run(interruption.signal, releaseSignals);
    // A signal that came while the outputs were written is heard when the event loop polls next: between two turns.
    await turn();
    await turn();
    process.exitCode = interruption.signal.aborted ? exitCodes.interrupted : exitCode;
  } catch (error) {
    crash(error);
  }
  setTimeout(() => process.exit(), lingerMs).unref();
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
