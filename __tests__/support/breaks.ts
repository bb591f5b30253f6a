/**
 * A network that is not to be relied on: of the calls through a proxy, 5 % break, each in one of five ways. Which ones is
 * decided by a seed, the proxy and the number of the call, so that a run can be repeated:
 * DEPLOY_WARRANT_TEST_SEED=<seed> npm test -- __tests__/acceptance
 */
import { createHash, randomInt } from 'node:crypto';
import type { Break, SeenRequest } from '../../scripts/demo/proxy.ts';

const ways: readonly Break[] = [
  'cut before',
  'unavailable before',
  'cut after',
  'lost after',
  'says approved after',
];

/** The seed of this process, printed with its first use. */
let seed: string | undefined;

function theSeed(): string {
  if (seed === undefined) {
    seed = process.env.DEPLOY_WARRANT_TEST_SEED ?? String(randomInt(1_000_000_000));
    process.stderr.write(
      `${rateOf() * 100} % of the calls break, by the seed ${seed} (DEPLOY_WARRANT_TEST_SEED=${seed} repeats it)\n`,
    );
  }
  return seed;
}

/** From 0 to 1. */
function rateOf(): number {
  return Number(process.env.DEPLOY_WARRANT_TEST_BREAKS ?? '0.05');
}

/**
 * Which calls of one proxy break, and how. A withdrawal never does: it is made once, as well as it can be, and what becomes
 * of a request that could not be withdrawn is tested by itself.
 * @param proxy what tells it from the other proxies of this test file, such as its number
 */
export function breaksOf(
  proxy: string,
  { rate = rateOf(), seed: given = theSeed() }: { rate?: number; seed?: string } = {},
): (request: SeenRequest) => Break | undefined {
  const counts = new Map<string, number>();
  return ({ method, path }) => {
    if (method === 'DELETE') return undefined;
    // Ids are new in each run, and must not decide.
    const call = `${method} ${path.replace(/[0-9a-f-]{36}/, ':id').replace(/\?.*/, '')}`;
    const count = (counts.get(call) ?? 0) + 1;
    counts.set(call, count);
    const digest = createHash('sha256').update([given, proxy, call, count].join('\0')).digest();
    if (digest.readUInt32BE(0) / 2 ** 32 >= rate) return undefined;
    return ways[digest.readUInt8(4) % ways.length];
  };
}
