import type { ApiTransport } from './http.ts';

interface Progress {
  readonly everyMs: number;
  readonly show: (line: string) => void;
}

/** What the client needs from the outside; a test passes its own clock. Times are epoch milliseconds. */
export interface ClientDependencies {
  readonly transport: ApiTransport;
  readonly now: () => number;
  /** Resolves after `ms`; when `signal` aborts it ends at once, by rejecting or resolving. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** At least 0, less than 1: the jitter. */
  readonly random: () => number;
  readonly log: (line: string) => void;
  /** Where to show whom a wait is for, and how often; absent: in the log, every 30 seconds. */
  readonly progress?: Progress | undefined;
  /** Aborts on SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}
