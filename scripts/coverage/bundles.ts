/** What `scripts/build.ts` adds where coverage is measured; nothing elsewhere. */
import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';
import { savesItself } from './counts.ts';
import { countsFolder, instrument, isMeasured } from './instrument.ts';

export const countingBanner = countsFolder === undefined ? '' : savesItself(countsFolder);

const counters: Plugin = {
  name: 'counters',
  setup: (bundle) => {
    bundle.onLoad({ filter: /\.ts$/ }, async ({ path }) =>
      isMeasured(path)
        ? { contents: instrument(await readFile(path, 'utf8'), path).code, loader: 'ts' }
        : undefined,
    );
  },
};

export const countingPlugins: readonly Plugin[] = countsFolder === undefined ? [] : [counters];
