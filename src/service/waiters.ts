/** Long polls asleep on a topic, for example one confirmation. Waking is a loop over those of one topic: within milliseconds. */
export class Waiters {
  private readonly sleepers = new Map<string, Set<() => void>>();
  private closed = false;

  wake(topics: Iterable<string>): void {
    for (const topic of topics) {
      for (const wakeUp of this.sleepers.get(topic) ?? []) wakeUp();
    }
  }

  /** Wakes everybody, and from now on nobody sleeps. */
  close(): void {
    this.closed = true;
    this.wake(this.sleepers.keys());
  }

  /** How many sleep now. */
  get count(): number {
    return [...this.sleepers.values()].reduce((sum, sleepers) => sum + sleepers.size, 0);
  }

  /**
   * Answers `read()` as soon as `isNews` is true of it, and otherwise at the deadline, at shutdown, or when the client has gone.
   * Reading and falling asleep happen without a pause between them, so no change slips through.
   * @param o.wakeAt when time alone changes the answer (an expiry), epoch ms; Infinity if it doesn't
   */
  async until<T>(o: {
    readonly topic: string;
    readonly read: () => T;
    readonly isNews: (value: T) => boolean;
    readonly wakeAt: (value: T) => number;
    readonly now: () => number;
    readonly waitMs: number;
    readonly gone: AbortSignal;
  }): Promise<T> {
    // Steady time for the wait, so that a clock that is set back keeps nobody waiting.
    const end = performance.now() + o.waitMs;
    for (;;) {
      const value = o.read();
      const left = end - performance.now();
      if (o.isNews(value) || left <= 0 || this.closed || o.gone.aborted) return value;
      await this.sleep(o.topic, Math.min(left, o.wakeAt(value) - o.now()), o.gone);
    }
  }

  private async sleep(topic: string, durationMs: number, gone: AbortSignal): Promise<void> {
    const sleepers = this.sleepers.get(topic) ?? new Set();
    this.sleepers.set(topic, sleepers);
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const wakeUp = () => resolve(undefined);
    sleepers.add(wakeUp);
    const timer = setTimeout(wakeUp, Math.max(1, durationMs));
    gone.addEventListener('abort', wakeUp, { once: true });
    await promise;
    clearTimeout(timer);
    gone.removeEventListener('abort', wakeUp);
    sleepers.delete(wakeUp);
    if (sleepers.size === 0) this.sleepers.delete(topic);
  }
}
