/** The service with a store just begun: what it takes, how soon it wakes those who wait, and what they cost. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Figure } from './figures.ts';
import { measureDisk, measureRates } from './load.ts';
import type { Sizes } from './options.ts';
import { enrolPeople, type BenchService } from './service.ts';
import { measureWakeUps, type WakeUps } from './wake-up.ts';

type ServiceSizes = Pick<Sizes, 'requests' | 'waiters' | 'wakeUps' | 'wakeUpGapMs'>;

export async function measureService(
  service: BenchService,
  sizes: ServiceSizes,
): Promise<Figure[]> {
  const disk = measureDisk(service.dataDir, sizes.requests);
  const people = await enrolPeople(service, sizes.requests);
  const rates = await measureRates(service, people, sizes.requests);
  const syncs = { what: 'appends of 4 KB to a file, each synced', value: disk };
  const figures: Figure[] = [
    {
      what: 'Requests taken by the service',
      value: rates.creates,
      unit: 'per second',
      beside: syncs,
    },
    { what: 'Decisions taken', value: rates.decisions, unit: 'per second', beside: syncs },
  ];
  for (const waiters of sizes.waiters) {
    const wakeUps = await measureWakeUps(service, await enrolPeople(service, waiters), {
      ...{ waiters, wakeUps: sizes.wakeUps, gapMs: sizes.wakeUpGapMs },
    });
    figures.push(...wakeUpFigures(wakeUps, waiters));
    // Until the service has noticed that they have gone.
    await sleep(Math.min(1_000, waiters));
  }
  return figures;
}

function wakeUpFigures(wakeUps: WakeUps, waiters: number): Figure[] {
  const among = `among ${waiters.toLocaleString('en-US')} waiting`;
  const { answered, sent, bytesPerWaiter } = wakeUps;
  return [
    {
      what: `Wake-up, from the person's answer to the waiter's, p99 ${among}`,
      value: answered.p99,
      unit: 'ms',
      spread: `p50 ${answered.p50.toFixed(1)} ms`,
      ...(waiters >= 5_000 ? { aim: { below: 50 } } : {}),
    },
    {
      what: `the same from the decision sent, with its check and the disk's sync, p99`,
      value: sent.p99,
      unit: 'ms',
      spread: `p50 ${sent.p50.toFixed(1)} ms`,
    },
    ...(bytesPerWaiter === undefined
      ? []
      : [
          {
            what: `Memory of one waiter, ${among}`,
            value: bytesPerWaiter / 1000,
            unit: 'KB',
          } as const,
        ]),
  ];
}
