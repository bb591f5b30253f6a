import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientDependencies } from '../client/dependencies.ts';
import type { ApiTransport } from '../client/http.ts';

/** Everything a use case takes from the outside world. `transport` is absent where no service is configured. */
export interface GateDependencies extends Omit<ClientDependencies, 'transport'> {
  readonly transport?: ApiTransport | undefined;
  readonly randomBytes: (size: number) => Uint8Array;
}

/** The real clock and randomness, for front ends. */
export function systemDependencies(
  given: Pick<GateDependencies, 'transport' | 'log' | 'progress' | 'signal'>,
): GateDependencies {
  return {
    now: () => Date.now(),
    sleep: (ms, signal) => sleep(ms, undefined, { signal }),
    random: () => Math.random(),
    randomBytes: (size) => randomBytes(size),
    ...given,
  };
}
