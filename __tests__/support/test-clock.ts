import type { ApiTransport } from '../../src/client/http.ts';

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/**
 * A clock that a test need not wait for: when nothing else is going on it jumps to the moment that somebody sleeps until.
 * Requests through a watched transport are real and count as going on.
 */
export interface TestClock {
  now: () => number;
  sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Counts the requests that are under way. */
  watch: (transport: ApiTransport) => ApiTransport;
  /** Keeps time from jumping until the work is done. */
  during: <T>(work: () => Promise<T>) => Promise<T>;
}

export function createTestClock(start = Date.parse('2026-11-22T10:00:00Z')): TestClock {
  let now = start;
  let busy = 0;
  let scheduled = false;
  const sleepers = new Set<Sleeper>();

  // Some turns of the event loop, so that whatever was just resolved can go on first.
  const jumpLater = (turns = 5): void => {
    if (turns === 5 && scheduled) return;
    scheduled = true;
    setImmediate(() => {
      if (turns > 0) {
        jumpLater(turns - 1);
        return;
      }
      scheduled = false;
      const [next] = [...sleepers].sort((a, b) => a.at - b.at);
      if (busy > 0 || next === undefined) return;
      now = Math.max(now, next.at);
      next.wake();
      jumpLater();
    });
  };

  const during = async <T>(work: () => Promise<T>): Promise<T> => {
    busy += 1;
    try {
      return await work();
    } finally {
      busy -= 1;
      jumpLater();
    }
  };

  return {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const stop = (): void => {
          sleepers.delete(sleeper);
          reject(new Error('The sleep was aborted.'));
        };
        const sleeper: Sleeper = {
          at: now + ms,
          wake: () => {
            sleepers.delete(sleeper);
            signal?.removeEventListener('abort', stop);
            resolve();
          },
        };
        if (signal?.aborted === true) {
          stop();
          return;
        }
        signal?.addEventListener('abort', stop, { once: true });
        sleepers.add(sleeper);
        jumpLater();
      }),
    watch: (transport) => ({
      host: transport.host,
      send: (request) => during(() => transport.send(request)),
    }),
    during,
  };
}
