/** How many requests and decisions a second the service takes, every one of them on the disk before it is answered. */
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Person } from '../../__tests__/support/service.ts';
import { ask, decide, decisionOf, inParallel, type Asked, type BenchService } from './service.ts';

const clients = 16;

export interface Rates {
  readonly creates: number;
  readonly decisions: number;
}

/** Creates, then decides every one of them. Per second. */
export async function measureRates(
  service: BenchService,
  people: readonly Person[],
  requests: number,
): Promise<Rates> {
  const asked: Asked[] = [];
  const createMs = await inParallel(requests, clients, async (index) => {
    asked.push(await ask(service, people, index));
  });
  const bodies = asked.map((one) => decisionOf(service, one));
  const decideMs = await inParallel(requests, clients, async (index) => {
    await decide(service, asked[index]!, bodies[index]!);
  });
  return { creates: (requests * 1000) / createMs, decisions: (requests * 1000) / decideMs };
}

/** What the disk allows: appends of 4 KB a second, each one synced. */
export function measureDisk(folder: string, writes: number): number {
  const file = openSync(join(folder, 'disk'), 'w');
  const page = Buffer.alloc(4096, 1);
  const begun = performance.now();
  for (let n = 0; n < writes; n += 1) {
    writeSync(file, page);
    fsyncSync(file);
  }
  const ms = performance.now() - begun;
  closeSync(file);
  return (writes * 1000) / ms;
}
