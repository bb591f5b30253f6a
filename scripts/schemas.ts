/** Writes `schemas/` and `openapi.json` from the schemas of the code. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { format } from 'prettier';
import { schemaFiles } from './schemas/files.ts';

const root = resolve(import.meta.dirname, '..');
mkdirSync(resolve(root, 'schemas'), { recursive: true });
for (const [path, content] of schemaFiles()) {
  const text = await format(JSON.stringify(content, null, 2), { parser: 'json', printWidth: 100 });
  writeFileSync(resolve(root, path), text);
  console.log(`${path}: ${text.length} characters`);
}
