/** Runs the parts of the benchmark one after the other, so that none is the other's load. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endJobs } from '../../__tests__/acceptance/job.ts';
import { enrol } from '../../__tests__/support/service.ts';
import { measureDecision } from './decision.ts';
import type { Figure } from './figures.ts';
import { measureOffline } from './offline.ts';
import type { BenchOptions, PartName } from './options.ts';
import { measureService } from './service-figures.ts';
import { startBenchService, type BenchService } from './service.ts';
import { measureStart } from './start.ts';
import { measureStored } from './stored.ts';
import { measureTree } from './tree.ts';

/** @param log hears which part runs now */
export async function measure(
  { bundles, sizes, parts }: Pick<BenchOptions, 'bundles' | 'sizes' | 'parts'>,
  log: (line: string) => void,
): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'deploy-warrant-bench-'));
  const running = new Set<BenchService>();
  const start = async (name: string): Promise<BenchService> => {
    const service = await startBenchService({ bundles, dataDir: join(folder, name) });
    running.add(service);
    return service;
  };
  const work: Record<PartName, () => Figure[] | Promise<Figure[]>> = {
    start: () => measureStart(bundles, sizes),
    offline: () => measureOffline(sizes),
    tree: () => measureTree(sizes),
    decision: async () => {
      const service = await start('decision');
      return measureDecision({ bundles, service, person: await enrol(service, 'alex') }, sizes);
    },
    service: async () => measureService(await start('service'), sizes),
    stored: () => measureStored(start, sizes),
  };
  try {
    const figures: Figure[] = [];
    for (const part of parts) {
      log(`${part} …`);
      figures.push(...(await work[part]()));
    }
    return figures;
  } finally {
    await Promise.all([...running].map((service) => service.close()));
    endJobs();
    rmSync(folder, { recursive: true, force: true });
  }
}
