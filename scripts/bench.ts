/** `npm run bench`: how fast the gate and the service are, beside the next best thing. Writes docs/BENCHMARKS.md. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { parseBenchOptions, usage, type BenchOptions } from './bench/options.ts';
import { measure } from './bench/parts.ts';
import { renderReport, withReport } from './bench/report.ts';

const root = resolve(import.meta.dirname, '..');

process.exitCode = 1;
const options = readOptions();
if (options !== undefined) await bench(options);

function readOptions(): BenchOptions | undefined {
  try {
    const given = parseBenchOptions(process.argv.slice(2), root);
    if (given !== 'help') return given;
    console.log(usage);
    process.exitCode = 0;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
  }
  return undefined;
}

async function bench(options: BenchOptions): Promise<void> {
  const { bundles, document } = options;
  if (!existsSync(join(bundles, 'verify.js'))) {
    throw new Error(`There is no verify.js in ${bundles}. Build it first: npm run build`);
  }
  const before = loadavg()[0] ?? 0;
  const figures = await measure(options, (line) => console.error(line));
  const report = renderReport(figures, {
    date: new Date(),
    loads: [before, loadavg()[0] ?? 0],
    bundles: bundles.startsWith(root) ? relative(root, bundles) : 'a build of the sources',
  });
  console.log(report);
  if (document !== undefined) {
    writeFileSync(document, withReport(readFileSync(document, 'utf8'), report));
    console.error(`Written to ${relative(process.cwd(), document)}.`);
  }
  process.exitCode = 0;
}
