import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { countsFolder } from '../../scripts/coverage/instrument.ts';

const root = resolve(import.meta.dirname, '../..');
const cache = join(
  root,
  'node_modules/.cache',
  countsFolder === undefined ? 'deploy-warrant' : 'deploy-warrant-counting',
);

/**
 * The folder of the bundles (`request.js`, `verify.js`, `cli.js`, `service.js`, `page/`) as today's sources build them.
 * Built once for each state of the sources, whichever worker asks first: the committed `dist/` may be older.
 */
export async function builtBundles(): Promise<string> {
  const hash = createHash('sha256');
  for (const path of await sources())
    hash
      .update(path)
      .update('\0')
      .update(await readFile(path));
  const folder = join(cache, hash.digest('hex').slice(0, 16));
  if (existsSync(folder)) return folder;

  const building = join(cache, `building-${process.pid}`);
  await mkdir(cache, { recursive: true });
  await promisify(execFile)(process.execPath, ['scripts/build.ts', building], { cwd: root });
  // Two workers may build at once; the first to finish wins, and both built the same.
  await rename(building, folder).catch(async (error: unknown) => {
    if (!existsSync(folder)) throw error;
    await rm(building, { recursive: true });
  });
  await forgetOthers(folder);
  return folder;
}

async function sources(): Promise<readonly string[]> {
  const entries = await readdir(join(root, 'src'), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return [
    ...files.map((entry) => join(entry.parentPath, entry.name)),
    join(root, 'scripts/build.ts'),
    join(root, 'scripts/licenses.ts'),
    join(root, 'openapi.json'),
    join(root, 'package-lock.json'),
  ].sort();
}

/** Removes what earlier states of the sources built, unless a run may still be using it. */
async function forgetOthers(kept: string): Promise<void> {
  const longAgo = Date.now() - 1_200_000;
  for (const name of await readdir(cache)) {
    const folder = join(cache, name);
    if (folder === kept) continue;
    // Another worker may have renamed or removed it meanwhile.
    const builtAt = await stat(folder).then(
      ({ mtimeMs }) => mtimeMs,
      () => Infinity,
    );
    if (builtAt < longAgo) await rm(folder, { recursive: true, force: true });
  }
}
