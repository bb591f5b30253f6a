import type { ClientDependencies } from './dependencies.ts';
import { pause } from './retry.ts';

/** 3 requests a minute, whoever makes them. */
const intervalMs = 20_000;

/**
 * Hands out turns to ask, 20 s apart and in the order in which they were asked for, so that several people who are waited
 * for share one budget. A long poll of one person lasts longer than that, so that one person is watched without a gap.
 */
export class Pace {
  private readonly deps: Pick<ClientDependencies, 'now' | 'sleep' | 'signal'>;
  private next: number;
  private wake = new AbortController();

  constructor(deps: Pick<ClientDependencies, 'now' | 'sleep' | 'signal'>) {
    this.deps = deps;
    this.next = deps.now();
  }

  /** Sleeps until the next turn, but at most `atMostMs`: the deadline does not wait for a turn. */
  async turn(atMostMs: number): Promise<void> {
    const now = this.deps.now();
    const start = Math.max(now, this.next);
    this.next = start + intervalMs;
    const signal = AbortSignal.any([this.deps.signal, this.wake.signal]);
    await pause(Math.min(start - now, atMostMs), signal, this.deps);
  }

  /** Something happened: everybody who waits for a turn asks now, and counting begins anew. */
  reset(): void {
    this.next = this.deps.now();
    this.wake.abort();
    this.wake = new AbortController();
  }
}
