/** Code that a test loads into a process before the bundle, by NODE_OPTIONS: the world around it, never a seam in it. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';

let folder: string | undefined;
afterAll(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

/** The variables that load `code` (CommonJS) into a process. */
export function preload(name: string, code: string): Readonly<Record<string, string>> {
  folder ??= mkdtempSync(join(tmpdir(), 'deploy-warrant-preload-'));
  const path = join(folder, `${name}.cjs`);
  // Written once: a process that starts meanwhile must not find half of it.
  if (!existsSync(path)) writeFileSync(path, code);
  return { NODE_OPTIONS: `--require=${path}` };
}

/** The machine's clock and timers run `factor` times as fast, so that two minutes pass in seconds. */
export function fastClock(factor: number): Readonly<Record<string, string>> {
  return preload(
    `fast-clock-${factor}`,
    `const start = Date.now(), { now } = Date;
     Date.now = () => Math.round(start + (now() - start) * ${factor});
     const timers = require('node:timers'), promises = require('node:timers/promises');
     const { setTimeout: later } = timers, { setTimeout: sleep } = promises;
     globalThis.setTimeout = timers.setTimeout = (work, ms, ...rest) => later(work, (ms ?? 0) / ${factor}, ...rest);
     promises.setTimeout = (ms, ...rest) => sleep(ms / ${factor}, ...rest);
     require('node:module').syncBuiltinESMExports();`,
  );
}

/** Looking a name up fails with `code`, from look-up number `from` (0 is the first) and `times` in a row. */
export function failingDns(o: {
  readonly code: string;
  readonly from: number;
  readonly times: number;
}): Readonly<Record<string, string>> {
  return preload(
    `dns-${o.code}-${o.from}-${o.times}`,
    `const dns = require('node:dns'), { lookup } = dns;
     let count = -1;
     dns.lookup = (name, options, done) => {
       count += 1;
       if (count < ${o.from} || count >= ${o.from + o.times}) return lookup(name, options, done);
       const callback = typeof options === 'function' ? options : done;
       setImmediate(() => callback(Object.assign(new Error('getaddrinfo ${o.code} ' + name), { code: '${o.code}', syscall: 'getaddrinfo', hostname: name })));
     };
     require('node:module').syncBuiltinESMExports();`,
  );
}

/** Both: one variable holds all. */
export function together(
  ...all: readonly Readonly<Record<string, string>>[]
): Readonly<Record<string, string>> {
  return { NODE_OPTIONS: all.map(({ NODE_OPTIONS }) => NODE_OPTIONS).join(' ') };
}
