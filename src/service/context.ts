import type { Issuers } from './issuers.ts';
import type { Store } from './store.ts';
import type { Waiters } from './waiters.ts';

/** What every part of the running service needs. */
export interface Context {
  readonly store: Store;
  readonly waiters: Waiters;
  readonly issuers: Issuers;
  /** Where the page is served, without a slash at the end; the origin of every passkey ceremony. */
  readonly origin: string;
  readonly rpId: string;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** One line for the operator; never a secret. */
  readonly log: (line: string) => void;
  readonly notify: (notice: Notice) => void;
}

export interface Notice {
  readonly title: string;
  readonly fingerprint: string;
  readonly url: string;
}
