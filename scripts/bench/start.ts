/** Cold start: how long an executable takes until it has refused its first bad input, beside a Node that does nothing. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median, quantile, spreadOf, type Figure } from './figures.ts';
import type { Sizes } from './options.ts';

/** The names in the order in which they are started, again and again, so that a load of the machine hits all alike. */
const steps = ['verify', 'request'] as const;

interface Started {
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** Written by a preload into every process alike, so that its own cost falls out of the difference. */
const preload =
  "process.on('exit',()=>{const{user,system}=process.cpuUsage();process.stderr.write(`cpu=${(user+system)/1000}`)})";

export function measureStart(bundles: string, { starts }: Pick<Sizes, 'starts'>): Figure[] {
  const folder = mkdtempSync(join(tmpdir(), 'deploy-warrant-bench-'));
  try {
    const empty = join(folder, 'empty.js');
    const output = join(folder, 'output');
    writeFileSync(empty, '');
    writeFileSync(output, '');
    const start = (file: string, exitCode: number): Started => {
      const begun = performance.now();
      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        ['--import', `data:text/javascript,${encodeURIComponent(preload)}`, file],
        { cwd: folder, env: { PATH: process.env.PATH, GITHUB_OUTPUT: output }, encoding: 'utf8' },
      );
      const wallMs = performance.now() - begun;
      const cpu = /cpu=([\d.]+)$/.exec(stderr)?.[1];
      if (status !== exitCode || cpu === undefined) {
        throw new Error(`${file} ended with ${status}:\n${stdout}${stderr}`);
      }
      return { wallMs, cpuMs: Number(cpu) };
    };
    const times: Record<'empty' | (typeof steps)[number], Started[]> = {
      empty: [],
      verify: [],
      request: [],
    };
    // The first round warms the file cache.
    for (let round = 0; round <= starts; round += 1) {
      const empties = start(empty, 0);
      const loaded = steps.map((step) => [step, start(join(bundles, `${step}.js`), 40)] as const);
      if (round === 0) continue;
      times.empty.push(empties);
      for (const [step, started] of loaded) times[step].push(started);
    }
    const wall = (of: keyof typeof times) => times[of].map(({ wallMs }) => wallMs);
    const cpu = (of: keyof typeof times) => times[of].map(({ cpuMs }) => cpuMs);
    return steps.flatMap((step): Figure[] => [
      {
        what: `Start of \`${step}.js\`: process to the first check, and out again`,
        value: median(wall(step)),
        unit: 'ms',
        spread: `${spreadOf(wall(step), 'ms')}; the quickest of both: ${Math.round(quantile(wall(step), 0) - quantile(wall('empty'), 0))} more`,
        beside: { what: 'an empty Node script', value: median(wall('empty')) },
        ...(step === 'verify' ? { aim: { of: 'difference', below: 60 } } : {}),
      },
      {
        what: `the same in processor time`,
        value: median(cpu(step)),
        unit: 'ms',
        spread: spreadOf(cpu(step), 'ms'),
        beside: { what: 'an empty Node script', value: median(cpu('empty')) },
      },
      {
        what: `Size of \`${step}.js\``,
        value: statSync(join(bundles, `${step}.js`)).size / 1000,
        unit: 'KB',
        ...(step === 'verify' ? { aim: { below: 600 } } : {}),
      },
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
