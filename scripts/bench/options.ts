import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

export const partNames = ['start', 'offline', 'tree', 'decision', 'service', 'stored'] as const;
export type PartName = (typeof partNames)[number];

/** How much is done. The same parts run at every size. */
export interface Sizes {
  /** Starts of each executable, and decisions of a person. */
  readonly starts: number;
  readonly decisions: number;
  /** Gates that poll every 10 s, beside. */
  readonly polls: number;
  readonly pollIntervalMs: number;
  /** How long a waiting gate's requests are counted; 0: not at all, for a few seconds say nothing. */
  readonly countMs: number;
  readonly checks: number;
  /** Files of a checkout, and how often they are proven. */
  readonly files: number;
  readonly proofs: number;
  /** Creates and decisions at the service. */
  readonly requests: number;
  /** Numbers of waiters, and decisions made among them. */
  readonly waiters: readonly number[];
  readonly wakeUps: number;
  readonly wakeUpGapMs: number;
  /** Requests in the store before anything is measured. */
  readonly stored: number;
  /** How often both stores take turns. */
  readonly rounds: number;
}

const full: Sizes = {
  starts: 25,
  decisions: 15,
  polls: 12,
  pollIntervalMs: 10_000,
  countMs: 60_000,
  checks: 3_000,
  files: 50_000,
  proofs: 5,
  requests: 2_400,
  waiters: [1_000, 5_000],
  wakeUps: 400,
  wakeUpGapMs: 80,
  stored: 1_000_000,
  rounds: 6,
};

const quick: Sizes = {
  starts: 6,
  decisions: 3,
  polls: 4,
  pollIntervalMs: 2_000,
  countMs: 0,
  checks: 300,
  files: 5_000,
  proofs: 3,
  requests: 300,
  waiters: [200],
  wakeUps: 40,
  wakeUpGapMs: 20,
  stored: 20_000,
  rounds: 3,
};

/** Only whether it runs at all. */
export const tiny: Sizes = {
  starts: 1,
  decisions: 1,
  polls: 1,
  pollIntervalMs: 200,
  countMs: 300,
  checks: 5,
  files: 60,
  proofs: 1,
  requests: 10,
  waiters: [5],
  wakeUps: 5,
  wakeUpGapMs: 1,
  stored: 50,
  rounds: 1,
};

export interface BenchOptions {
  readonly bundles: string;
  readonly sizes: Sizes;
  readonly parts: readonly PartName[];
  /** The document whose table is replaced; absent: the table is only printed. */
  readonly document: string | undefined;
}

export const usage = `npm run bench -- [--quick] [--only PART,PART] [--dist DIR] [--out FILE]

  --quick            smaller sizes, under a minute, printed only
  --only PART,…      some of: ${partNames.join(' ')}; printed only
  --dist DIR         the built executables (default: dist, which is committed)
  --out FILE         the document whose table is replaced (default for a whole run: docs/BENCHMARKS.md)`;

/** Paths are relative to where the person stands. @throws Error for what is not known */
export function parseBenchOptions(args: readonly string[], own: string): BenchOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      dist: { type: 'string' },
      out: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const from = (path: string): string => resolve(process.env.INIT_CWD ?? '.', path);
  const named = values.only?.split(',');
  const unknown = named?.filter((name) => !partNames.some((part) => part === name)) ?? [];
  if (unknown.length > 0) throw new Error(`There is no part "${unknown.join(', ')}".`);
  const whole = !values.quick && named === undefined;
  return {
    bundles: values.dist === undefined ? join(own, 'dist') : from(values.dist),
    sizes: values.quick ? quick : full,
    parts: partNames.filter((part) => named?.includes(part) ?? true),
    document:
      values.out !== undefined
        ? from(values.out)
        : whole
          ? join(own, 'docs/BENCHMARKS.md')
          : undefined,
  };
}
