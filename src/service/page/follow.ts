/** What is followed by long polling, and what to do with it. */
interface Follow {
  /**
   * One poll of at most `waitSeconds`: none right after trouble, so that the page soon knows that all is well again.
   * `done` when nothing will change any more.
   */
  readonly next: (signal: AbortSignal, waitSeconds: number) => Promise<'more' | 'done'>;
  /** Called with the error when a poll fails, and with `undefined` when one works again. */
  readonly onTrouble: (error: unknown) => void;
}

const shortestRoundMs = 500;
const longestPauseMs = 15_000;

/**
 * Polls until done, with growing pauses while it fails. A page that comes back to the foreground asks at once: its old
 * connection may be dead, and what it shows may be old.
 * @returns a function that stops it
 */
export function follow({ next, onTrouble }: Follow): () => void {
  let isStopped = false;
  let round = new AbortController();
  let failures = 0;
  let wake = (): void => undefined;

  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
      setTimeout(resolve, ms);
    });

  const onVisible = (): void => {
    if (document.visibilityState !== 'visible') return;
    round.abort();
    wake();
  };
  document.addEventListener('visibilitychange', onVisible);
  const stop = (): void => {
    isStopped = true;
    document.removeEventListener('visibilitychange', onVisible);
    round.abort();
    wake();
  };

  const run = async (): Promise<void> => {
    // `stop` is called from outside while a round waits, which control flow analysis cannot see.
    const goesOn = (): boolean => !isStopped;
    while (goesOn()) {
      const startedAt = Date.now();
      round = new AbortController();
      const { signal } = round;
      try {
        if ((await next(signal, failures > 0 ? 0 : 25)) === 'done') stop();
        if (failures > 0) onTrouble(undefined);
        failures = 0;
        await pause(Math.max(0, startedAt + shortestRoundMs - Date.now()));
      } catch (error) {
        if (signal.aborted) continue;
        failures += 1;
        onTrouble(error);
        await pause(Math.min(longestPauseMs, 500 * 2 ** failures));
      }
    }
  };
  void run();
  return stop;
}
