/**
 * `npm run mutants [-- GROUP...]`: a small change anywhere in core and gate has to be noticed by a test of these rooms.
 *
 * Fails where fewer than 95 of 100 changes are noticed, or where one that is not noticed is not explained in `docs/mutants`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { groups } from './mutants/groups.ts';
import { explained, scoreOf, survivorsOf, type Report } from './mutants/report.ts';

const leastScore = 95;

const [option, ...rest] = process.argv.slice(2);
const onlyReport = option === '--report';
const asked = onlyReport ? rest : process.argv.slice(2);
const names = asked.length === 0 ? Object.keys(groups) : asked;

let bad = 0;
const all: Report['files'] = {};
for (const name of names) {
  const file = `reports/mutants/${name}.json`;
  if (!onlyReport) {
    const { status } = spawnSync('stryker', ['run', 'scripts/mutants/stryker.config.js'], {
      env: { ...process.env, MUTANTS_GROUP: name },
      stdio: 'inherit',
    });
    if (status !== 0) throw new Error(`Stryker ended with ${status} for ${name}.`);
  }
  const { files } = JSON.parse(readFileSync(file, 'utf8')) as Report;
  Object.assign(all, files);
  const page = `docs/mutants/${name}.md`;
  const known = explained(existsSync(page) ? readFileSync(page, 'utf8') : '');
  const survivors = survivorsOf(files);
  const unexplained = survivors.filter(({ key }) => !known.has(key));
  const gone = [...known].filter((key) => !survivors.some((survivor) => survivor.key === key));
  console.log(`\n# ${name}: ${scoreOf(files)}`);
  for (const { line, key } of unexplained) console.log(`not explained, line ${line}: ${key}`);
  for (const key of gone) console.log(`explained in ${page}, but noticed by a test: ${key}`);
  bad += unexplained.length + gone.length;
}

console.log();
for (const [file, report] of Object.entries(all))
  console.log(`${file}: ${scoreOf({ [file]: report })}`);
const total = scoreOf(all);
console.log(`\nall: ${total}`);
if (bad > 0 || Number.parseFloat(total) < leastScore) process.exitCode = 1;
