import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, resolve } from 'node:path';
import { Fault } from '../core/fault.ts';
import { visible } from '../core/text.ts';
import type { Call } from './command.ts';

/**
 * Looks for a command before anybody is asked: one that can't be started would cost an approval.
 * @throws Fault configuration
 */
export async function requireExecutable(
  command: string,
  { env, cwd }: Pick<Call, 'env' | 'cwd'>,
): Promise<void> {
  // Windows adds extensions of its own; there the start itself has to tell.
  if (process.platform === 'win32') return;
  // Without PATH there is nothing to look through: the system would look in folders of its own choice.
  const searched = env.PATH === undefined ? [] : env.PATH.split(delimiter);
  const folders = command.includes('/') ? [''] : searched;
  for (const folder of folders) {
    if (await isExecutable(resolve(cwd, folder, command))) return;
  }
  throw new Fault(
    'configuration',
    `The command ${visible(command)} is not there or not executable. Nobody was asked. There is no shell: name a program of PATH or the path of one, and give sh -c '...' for what needs a shell.`,
  );
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
