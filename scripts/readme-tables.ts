/** Writes the tables of inputs and outputs into the README, from the two action files. */
import { readFileSync, writeFileSync } from 'node:fs';
import { parse } from 'yaml';

interface ActionFile {
  readonly inputs: Record<string, { description: string; required?: boolean; default?: string }>;
  readonly outputs: Record<string, { description: string }>;
}

const readAction = (path: string) => parse(readFileSync(path, 'utf8')) as ActionFile;
const oneLine = (text: string): string => text.trim().replace(/\s+/g, ' ').replaceAll('|', '\\|');

/** The README's part between the `tables` marks, as the action files have it. */
export function renderTables(): string {
  const request = readAction('action.yml');
  const verify = readAction('verify/action.yml');

  const inputRows = Object.keys({ ...request.inputs, ...verify.inputs }).map((name) => {
    const steps = [request.inputs[name] && 'request', verify.inputs[name] && 'verify'];
    const { description, default: preset } = (request.inputs[name] ?? verify.inputs[name])!;
    const presetText = preset === undefined || preset === '' ? '' : ` Default: \`${preset}\`.`;
    return `| \`${name}\` | ${steps.filter(Boolean).join(', ')} | ${oneLine(description)}${presetText} |`;
  });
  const outputRows = Object.keys({ ...request.outputs, ...verify.outputs }).map((name) => {
    const steps = [request.outputs[name] && 'request', verify.outputs[name] && 'verify'];
    const { description } = (request.outputs[name] ?? verify.outputs[name])!;
    return `| \`${name}\` | ${steps.filter(Boolean).join(', ')} | ${oneLine(description)} |`;
  });
  return [
    '',
    '| input | step | meaning |',
    '| --- | --- | --- |',
    ...inputRows,
    '',
    '| output | step | meaning |',
    '| --- | --- | --- |',
    ...outputRows,
    '',
  ].join('\n');
}

const marks = /(<!-- tables: [^\n]* -->\n)([\s\S]*?)(\n?<!-- \/tables -->)/;

/** What the README holds between the marks. */
export function readTables(): string {
  const found = marks.exec(readFileSync('README.md', 'utf8'));
  if (!found) throw new Error('README.md has no tables marks.');
  return found[2] ?? '';
}

if (import.meta.main) {
  const readme = readFileSync('README.md', 'utf8');
  writeFileSync(
    'README.md',
    readme.replace(marks, (_, open: string, _old, close: string) => open + renderTables() + close),
  );
}
