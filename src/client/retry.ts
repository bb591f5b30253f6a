import { interrupted, Passing, type Call } from './answers.ts';
import type { ClientDependencies } from './dependencies.ts';

const firstDelayMs = 500;
const maxDelayMs = 30_000;

/** Full jitter: anything from nothing to 0.5 s doubled with each failure in a row, at most 30 s; never less than Retry-After. */
export function backOffMs(
  failures: number,
  retryAfterMs: number,
  { random }: Pick<ClientDependencies, 'random'>,
): number {
  const ceiling = Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(failures - 1, 10));
  return Math.max(random() * ceiling, retryAfterMs);
}

/** Sleeps, or less when the signal aborts; never throws for that. */
export async function pause(
  ms: number,
  signal: AbortSignal,
  { sleep }: Pick<ClientDependencies, 'sleep'>,
): Promise<void> {
  if (ms <= 0) return;
  try {
    await sleep(ms, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/**
 * Tries until an answer, a fault that does not pass, or the deadline (epoch ms), after which the last passing fault is final.
 * @throws Fault
 */
export async function withRetries<T>(
  deps: Pick<ClientDependencies, 'now' | 'sleep' | 'random' | 'signal'>,
  { deadline, call }: { readonly deadline: number; readonly call: Call },
  attempt: (remainingMs: number) => Promise<T>,
): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    if (deps.signal.aborted) throw interrupted(call);
    try {
      return await attempt(Math.max(deadline - deps.now(), 1));
    } catch (error) {
      if (!(error instanceof Passing)) throw error;
      const remainingMs = deadline - deps.now();
      const delayMs = Math.min(backOffMs(failures, error.retryAfterMs, deps), remainingMs);
      await pause(delayMs, deps.signal, deps);
      if (deps.now() >= deadline) throw error.fault;
    }
  }
}
