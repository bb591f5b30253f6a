import type { World } from './world.ts';

/** One thing that the protocol says of a service. */
export interface Statement {
  /** Stays the same, so that reports can be compared. */
  readonly id: string;
  readonly call: string;
  readonly says: string;
  /** What it takes to try it. */
  readonly needs?: 'approval' | 'admin key';
  /** @throws Broken where the service does something else */
  readonly check: (world: World) => Promise<void>;
}
