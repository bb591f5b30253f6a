/**
 * Branch coverage of each room: `npm run coverage [-- paths of tests, or options of Jest]`. Without paths, everything anew; with paths, those
 * tests, beside what earlier ones have counted. `--report` only says what was counted. Ends with 1 where a room is below its limit.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { measureRooms } from './coverage/report.ts';

const leastPercent = (room: string): number => (room === 'core' ? 100 : 95);

const folder = resolve('coverage/counts');
const args = process.argv.slice(2);
if (args[0] !== '--report') {
  if (args.length === 0) rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const jest = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const { status } = spawnSync(
    process.execPath,
    [
      ...[...jest, 'node_modules/jest/bin/jest.js', ...args],
      // Beside Jest's usual cache, which knows nothing of instrumented sources.
      ...['--cacheDirectory', 'coverage/cache', '--env', './scripts/coverage/environment.js'],
    ],
    { stdio: 'inherit', env: { ...process.env, BRANCH_COUNTS_FOLDER: folder } },
  );
  if (status !== 0) process.exitCode = 1;
}

const rooms = measureRooms(folder);
for (const { room, missed } of rooms) {
  if (missed.length > 0) console.log(`\n${room}: no test takes\n  ${missed.join('\n  ')}`);
}
console.log('\nbranches that tests take:');
for (const { room, total, missed } of rooms) {
  const percent = (100 * (total - missed.length)) / total;
  if (percent < leastPercent(room)) process.exitCode = 1;
  const note = percent < leastPercent(room) ? `  (must be ${leastPercent(room)} %)` : '';
  // Not rounded up: 100 % is all of them.
  const shown = (Math.floor(percent * 100) / 100).toFixed(2).padStart(6);
  console.log(`${room.padEnd(12)} ${shown} %  ${total - missed.length} of ${total}${note}`);
}
