/** How soon those who wait hear of a decision, with many waiting at once, and what each costs the service in memory. */
import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Person } from '../../__tests__/support/service.ts';
import { quantile } from './figures.ts';
import { ask, decide, decisionOf, inParallel, type Asked, type BenchService } from './service.ts';
import type { ToWaiters, Woken } from './waiters-process.ts';

/** Long polls of one client process; each is a connection, and the usual limit of open files is not far above. */
const perProcess = 2_500;

export interface WakeUps {
  /** From the decision's answer to the person until the waiter has its own; below zero where the waiter hears first. */
  readonly answered: Quantiles;
  /** From the moment the decision is sent: its checking and the disk's sync are in it. */
  readonly sent: Quantiles;
  readonly bytesPerWaiter: number | undefined;
}

interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

/** Everybody waits for a confirmation of their own; then `wakeUps` of these are decided, one after the other. */
export async function measureWakeUps(
  service: BenchService,
  people: readonly Person[],
  o: { readonly waiters: number; readonly wakeUps: number; readonly gapMs: number },
): Promise<WakeUps> {
  const asked: Asked[] = [];
  await inParallel(o.waiters, 16, async (index) => {
    asked.push(await ask(service, people, index));
  });
  const before = service.residentBytes();
  const processes: ChildProcess[] = [];
  const woken = new Map<string, number>();
  try {
    for (let from = 0; from < asked.length; from += perProcess) {
      const ids = asked.slice(from, from + perProcess).map(({ id }) => id);
      processes.push(await startWaiters(service, ids, woken));
    }
    // Until the last of them sleeps in the service.
    await sleep(Math.min(2_000, o.waiters));
    const after = service.residentBytes();

    const sinceSent: number[] = [];
    const sinceAnswer: number[] = [];
    // Spread over all, so that no part of them is favoured.
    for (let n = 0; n < Math.min(o.wakeUps, o.waiters); n += 1) {
      const one = asked[Math.floor((n * asked.length) / o.wakeUps) % asked.length]!;
      const body = decisionOf(service, one);
      const sent = clock();
      await decide(service, one, body);
      const answered = clock();
      const heard = await wokenAt(one.id, woken);
      sinceSent.push(heard - sent);
      sinceAnswer.push(heard - answered);
      await sleep(o.gapMs);
    }
    return {
      answered: quantilesOf(sinceAnswer),
      sent: quantilesOf(sinceSent),
      bytesPerWaiter:
        before === undefined || after === undefined ? undefined : (after - before) / o.waiters,
    };
  } finally {
    for (const child of processes) child.kill();
  }
}

const quantilesOf = (values: readonly number[]): Quantiles => ({
  p50: quantile(values, 0.5),
  p99: quantile(values, 0.99),
});

/** Milliseconds that mean the same in every process of this machine. */
const clock = (): number => performance.timeOrigin + performance.now();

async function startWaiters(
  service: BenchService,
  ids: readonly string[],
  woken: Map<string, number>,
): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, 'waiters-process.ts'), { stdio: 'inherit' });
  const ready = Promise.withResolvers<undefined>();
  child.on('message', (message: Woken | 'all wait') => {
    if (message === 'all wait') ready.resolve(undefined);
    else woken.set(message.id, message.at);
  });
  child.once('exit', (code) => ready.reject(new Error(`The waiters ended with ${code}.`)));
  child.send({ url: service.url, key: service.requestKey, ids } satisfies ToWaiters);
  await ready.promise;
  return child;
}

async function wokenAt(id: string, woken: ReadonlyMap<string, number>): Promise<number> {
  for (const end = Date.now() + 10_000; Date.now() < end;) {
    const at = woken.get(id);
    if (at !== undefined) return at;
    await sleep(1);
  }
  throw new Error(`Whoever waits for ${id} was not woken within 10 s.`);
}
