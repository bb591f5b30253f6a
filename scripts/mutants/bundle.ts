/**
 * Packs a group's tests, with the changed sources, into one file that loads in a fraction of a second. Stryker runs this in its
 * copy of the repository. What is tested is the same as with a fresh set of modules for each test file, which takes Jest ten
 * seconds a change.
 */
import { globSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { groups } from './groups.ts';

const { tests } = groups[process.env.MUTANTS_GROUP as keyof typeof groups];

/** Stryker's copy lies three folders below the repository, beside which the vectors are. */
const repository = resolve('../../..');

/** What an example notices need not wait for the tests that go through many made-up values. */
const isSlow = (file: string) => /properties|hostile|vectors|steps/.test(file);
const files = globSync(tests.map((name) => `__tests__/${name}.test.ts`)).toSorted(
  (one, other) => Number(isSlow(one)) - Number(isSlow(other)) || one.localeCompare(other),
);

/** Tests read their data from beside themselves, which in one file is no longer a place. */
const ownFolder: Plugin = {
  name: 'own-folder',
  setup: (bundle) => {
    bundle.onLoad({ filter: /__tests__.*\.ts$/ }, async ({ path }) => {
      const folder = dirname(path).replace(process.cwd(), repository);
      const source = await readFile(path, 'utf8');
      return {
        contents: source.replaceAll('import.meta.dirname', JSON.stringify(folder)),
        loader: 'ts',
      };
    });
  },
};

/** Fewer made-up values than in the tests themselves, the same each time, and no search for the smallest one that fails. */
const fewer = `import fc from 'fast-check'; fc.configureGlobal({ numRuns: 25, endOnFailure: true, seed: 1 });`;
const imports = files.map((file) => `import ${JSON.stringify(`./${file}`)};`);
await build({
  stdin: { contents: [fewer, ...imports].join('\n'), resolveDir: process.cwd(), loader: 'ts' },
  bundle: true,
  outfile: 'mutants/all.test.cjs',
  platform: 'node',
  format: 'cjs',
  target: 'node24',
  external: ['@jest/globals'],
  plugins: [ownFolder],
  logLevel: 'warning',
});
await writeFile('mutants/package.json', '{}');
