import type { ClientDependencies } from './dependencies.ts';
import { pause } from './retry.ts';

/** One person who was asked. */
export interface Asked {
  readonly id: string;
  readonly approver: string;
  readonly url: string;
}

/** Says again and again whom the gate waits for, where they decide and how long it will still wait, until the signal aborts. */
export async function showProgress(
  deps: ClientDependencies,
  state: {
    readonly deadline: number;
    readonly waitingFor: () => readonly Asked[];
    readonly trouble: () => string | undefined;
  },
): Promise<void> {
  const { everyMs, show } = deps.progress ?? { everyMs: 30_000, show: deps.log };
  for (;;) {
    await pause(Math.min(everyMs, state.deadline - deps.now()), deps.signal, deps);
    const leftMs = state.deadline - deps.now();
    if (deps.signal.aborted || leftMs <= 0) return;
    const people = state.waitingFor();
    const names = people.map(({ approver }) => approver).join(', ');
    const trouble = state.trouble();
    show(
      `Waiting for ${names}, ${duration(leftMs)} left: ${people.map(({ url }) => url).join(' ')}${
        trouble === undefined ? '' : ` (trying again after: ${trouble})`
      }`,
    );
  }
}

/** `29 min 30 s`. */
function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
