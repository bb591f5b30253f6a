import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createKey } from './api-keys.ts';
import type { Context } from './context.ts';
import { createInvite } from './invites.ts';

/**
 * At the first start with an empty store: makes the first admin key and invite and writes them to a file that only the owner may
 * read. The file is on the disk before the store knows them: if the process dies between, the next start writes it anew.
 * @returns the file's path, or nothing when there are keys already
 */
export function writeFirstAdmin(
  context: Context,
  o: { readonly dataDir: string; readonly apiUrl: string },
): string | undefined {
  return context.store.transaction(() => {
    if (context.store.get('select 1 from api_keys limit 1') !== undefined) return undefined;
    const { key } = createKey(context, { note: 'first admin key', scope: 'admin' });
    const { registerUrl } = createInvite(context, { note: 'first invite', maxUses: 1 });
    const path = join(o.dataDir, 'first-admin.json');
    writePrivate(
      path,
      `${JSON.stringify({ api_key: key, invite_url: registerUrl, api_url: o.apiUrl }, null, 2)}\n`,
    );
    return path;
  });
}

function writePrivate(path: string, text: string): void {
  const draft = `${path}.draft`;
  // One may be left from a start that was killed; made anew, so that its mode is ours.
  rmSync(draft, { force: true });
  const file = openSync(draft, 'wx', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(draft, path);
}
