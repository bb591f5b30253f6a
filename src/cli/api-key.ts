import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Fault } from '../core/fault.ts';
import { reasonOf } from '../core/reason.ts';
import { visible } from '../core/text.ts';
import { flagValue, type Call } from './command.ts';

const maxBytes = 4096;
/** Any right of the group or of others. */
const rightsOfOthers = 0o077;

/**
 * The API key: the one line of the file that `--api-key-file` names, or else DEPLOY_WARRANT_API_KEY; empty where there is neither.
 * A file that others may read or write is refused, as ssh refuses such a private key.
 * @throws Fault configuration
 */
export async function readApiKey(call: Pick<Call, 'flags' | 'env' | 'cwd'>): Promise<string> {
  const path = flagValue(call, 'api-key-file');
  const variable = call.env.DEPLOY_WARRANT_API_KEY ?? '';
  if (path === '') return variable;
  if (variable !== '') {
    throw refusal('Both --api-key-file and DEPLOY_WARRANT_API_KEY are given. Give one of them.');
  }
  const text = await readPrivateFile(resolve(call.cwd, path), path);
  const key = text.replace(/\r?\n$/, '');
  if (!/^[!-~]+$/.test(key)) {
    throw refusal(`The file ${visible(path)} of --api-key-file does not hold one key on one line.`);
  }
  return key;
}

/** Looks at the rights of the file that is open, not of whatever has its name a moment later. */
async function readPrivateFile(path: string, shown: string): Promise<string> {
  try {
    const file = await open(path, constants.O_RDONLY);
    try {
      const { mode } = await file.stat();
      if (process.platform !== 'win32' && (mode & rightsOfOthers) !== 0) {
        throw refusal(
          `The file ${visible(shown)} of --api-key-file may be read or changed by others (mode ${(mode & 0o777).toString(8)}). Run chmod 600 on it, mount the secret with mode 0400, or put the key into DEPLOY_WARRANT_API_KEY.`,
        );
      }
      // One byte more than a key may have, so that what never ends is not read to its end.
      const { buffer, bytesRead } = await file.read(Buffer.alloc(maxBytes + 1));
      if (bytesRead > maxBytes) throw refusal(`The file ${visible(shown)} is too large for a key.`);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw refusal(
      `The file ${visible(shown)} of --api-key-file can't be read: ${reasonOf(cause)}.`,
    );
  }
}

function refusal(message: string): Fault {
  return new Fault('configuration', message);
}
