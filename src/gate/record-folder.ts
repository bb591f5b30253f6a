import { mkdtemp, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '../core/fault.ts';
import { recordFiles, type RecordDocuments } from '../core/record-files.ts';
import { reasonOf } from '../core/reason.ts';
import { visible } from '../core/text.ts';

/** A new, empty folder for one record. It is made before the approval is used up, so that a full disk costs no approval. */
export interface RecordFolder {
  readonly path: string;
  /** Writes the documents, each once. @throws Fault internal */
  readonly write: (documents: RecordDocuments) => Promise<void>;
  /** Takes the folder away again if nothing was written. */
  readonly discard: () => Promise<void>;
}

/** Makes a record folder (DESIGN 3.3), readable by its owner only. @throws Fault internal */
export async function makeRecordFolder(parent: string): Promise<RecordFolder> {
  const path = await orFault('made', parent, mkdtemp(join(parent, 'deploy-warrant-record-')));
  return {
    path,
    write: async (documents) => {
      for (const [name, text] of Object.entries(recordFiles(documents))) {
        const options = { mode: 0o600, flag: 'wx', flush: true };
        await orFault('written', path, writeFile(join(path, name), text, options));
      }
    },
    discard: async () => {
      await rmdir(path).catch(() => undefined);
    },
  };
}

async function orFault<T>(done: string, path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw new Fault(
      'internal',
      `The record folder could not be ${done} at ${visible(path, 200)} (${reasonOf(cause)}). Make room, or make the folder writable.`,
      { cause },
    );
  }
}
