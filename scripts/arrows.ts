/** Checks the arrows between the rooms of `src` by dependency-cruiser; a check that saw no room is a failure too. */
import { readFileSync } from 'node:fs';
import { cruise, type ICruiseResult, type IConfiguration } from 'dependency-cruiser';
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config';

const { forbidden, options } = JSON.parse(
  readFileSync('.dependency-cruiser.json', 'utf8'),
) as Required<Pick<IConfiguration, 'forbidden' | 'options'>>;
const { output } = await cruise(
  ['src'],
  { ...options, ruleSet: { forbidden }, validate: true },
  {},
  { tsConfig: extractTSConfig('tsconfig.json') },
);
const { modules, summary } = output as ICruiseResult;

for (const { from, to, rule } of summary.violations)
  console.error(`${from} -> ${to}: ${rule.name}`);

const rooms = ['core', 'collect', 'client', 'gate', 'action', 'cli', 'service', 'entry'];
const unseen = rooms.filter(
  (room) => !modules.some(({ source }) => source.startsWith(`src/${room}/`)),
);
if (unseen.length > 0) console.error(`No module was seen in ${unseen.join(', ')}.`);

console.log(`${modules.length} modules, ${summary.violations.length} forbidden arrows`);
if (unseen.length > 0 || summary.violations.length > 0) process.exitCode = 1;
