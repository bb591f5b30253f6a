import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Fault, listProblems } from '../core/fault.ts';
import { checkJson, maxRecordBytes, type JsonValue } from '../core/json.ts';
import { reasonOf } from '../core/reason.ts';
import { visible } from '../core/text.ts';
import type { Call } from './command.ts';

/** A file as bytes. @throws Fault configuration if it can't be read */
export async function readDocument(path: string, { cwd }: Pick<Call, 'cwd'>): Promise<Uint8Array> {
  try {
    return await readFile(resolve(cwd, path));
  } catch (cause) {
    throw new Fault('configuration', `${visible(path)} can't be read: ${reasonOf(cause)}`, {
      cause,
    });
  }
}

/** JSON by the strict rules of DESIGN 3. @throws Fault payload_invalid naming file, line and column */
export function parseDocument(bytes: Uint8Array, path: string): JsonValue {
  const read = checkJson(bytes, { maxBytes: maxRecordBytes });
  if (read.ok) return read.value;
  const { problems } = read;
  throw new Fault('payload_invalid', `${visible(path)}: ${listProblems(problems)}.`, { problems });
}
