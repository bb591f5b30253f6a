import { env } from 'node:process';
import { groups } from './groups.ts';

const group = env.MUTANTS_GROUP;

/** Stryker for one group; `scripts/mutants.ts` calls it. */
export default {
  mutate: (groups[group]?.sources ?? []).map((name) => `src/${name}.ts`),
  buildCommand: 'node scripts/mutants/bundle.ts',
  testRunner: 'jest',
  jest: { configFile: 'scripts/mutants/jest.config.js', enableFindRelatedTests: false },
  coverageAnalysis: 'perTest',
  timeoutMS: 20_000,
  reporters: ['json'],
  jsonReporter: { fileName: `reports/mutants/${group}.json` },
  tempDirName: 'reports/stryker',
  warnings: { slow: false },
  concurrency: Number(env.MUTANTS_CONCURRENCY ?? 2),
};
