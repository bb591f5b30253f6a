/**
 * Reads jest's JSON report and prints the count of each suite, the total last. Exits 1 if a test failed, or if a suite that
 * guards the promise of this project ran nothing: a gate whose browser tests were skipped has not been tested.
 */
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

const mustRun = [
  ...['acceptance', 'browser', 'crash', 'race', 'runner'],
  ...['second-opinion', 'supply', 'vectors'],
];

const suiteOf = (path: string): string => {
  const name = /(crash|race|vectors)\.test\.ts$/.exec(path)?.[1];
  return name ?? path.split('/')[1] ?? path;
};

const report = JSON.parse(readFileSync('reports/jest.json', 'utf8')) as Report;
const suites = new Map(mustRun.map((name) => [name, { passed: 0, failed: 0, skipped: 0 }]));
for (const { name, status, assertionResults } of report.testResults) {
  const suite = suiteOf(relative(process.cwd(), name));
  const counts = suites.get(suite) ?? { passed: 0, failed: 0, skipped: 0 };
  suites.set(suite, counts);
  if (status === 'failed' && assertionResults.length === 0) counts.failed += 1;
  for (const result of assertionResults) {
    if (result.status === 'passed') counts.passed += 1;
    else if (result.status === 'failed') counts.failed += 1;
    else counts.skipped += 1;
  }
}

const total = { passed: 0, failed: 0, skipped: 0 };
for (const [suite, { passed, failed, skipped }] of [...suites].sort()) {
  console.log(`${suite.padEnd(15)} ${passed} passed, ${failed} failed, ${skipped} skipped`);
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
}
const idle = mustRun.filter((name) => suites.get(name)?.passed === 0);
if (idle.length > 0) console.log(`These suites ran no test: ${idle.join(', ')}.`);
if (idle.length > 0 || total.failed > 0) process.exitCode = 1;
console.log(
  `${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`,
);
