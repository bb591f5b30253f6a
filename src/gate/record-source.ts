import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Fault } from '../core/fault.ts';
import { reasonOf } from '../core/reason.ts';
import { visible } from '../core/text.ts';

/**
 * The text of the input `record`: the document itself if it starts with `{`, else that of a file, or of the `record.json` in a
 * record folder. It may come from anywhere, for it is evidence and is checked as such.
 * @throws Fault configuration if the file can't be read
 */
export async function readRecordText(source: string, cwd: string): Promise<string> {
  if (source.startsWith('{')) return source;
  const path = resolve(cwd, source);
  const read = async (file: string): Promise<string> =>
    new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await readFile(file));
  try {
    return await read(path).catch((error: unknown) => {
      if (codeOf(error) === 'EISDIR') return read(join(path, 'record.json'));
      throw error;
    });
  } catch (cause) {
    throw new Fault(
      'configuration',
      `The record ${visible(source)} can't be read (${reasonOf(cause)}). The input record is an approval-record/v1 document, or the path of one.`,
      { cause },
    );
  }
}

/** By shape, as {@link reasonOf}. */
function codeOf(error: unknown): unknown {
  return (error as { readonly code?: unknown }).code;
}
