import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { Fault, listProblems } from '../core/fault.ts';
import { checkJson, maxRecordBytes, type JsonValue } from '../core/json.ts';
import { reasonOf } from '../core/reason.ts';
import { visible } from '../core/text.ts';
import type { Call } from './command.ts';

/**
 * A file or a pipe as bytes.
 * @throws Fault configuration if it can't be read, payload_invalid if it is larger than any document; no more is read of it then
 */
export async function readDocument(path: string, { cwd }: Pick<Call, 'cwd'>): Promise<Uint8Array> {
  const start = createReadStream(resolve(cwd, path), { end: maxRecordBytes });
  const bytes = await buffer(start).catch((cause: unknown) => {
    throw new Fault('configuration', `${visible(path)} can't be read: ${reasonOf(cause)}`, {
      cause,
    });
  });
  if (bytes.length <= maxRecordBytes) return bytes;
  const message = `has more than ${maxRecordBytes} bytes, so it is no document of Deploy Warrant`;
  throw new Fault('payload_invalid', `${visible(path)} ${message}.`, {
    problems: [{ field: '', message }],
  });
}

/** JSON by the strict rules of DESIGN 3. @throws Fault payload_invalid naming file, line and column */
export function parseDocument(bytes: Uint8Array, path: string): JsonValue {
  const read = checkJson(bytes, { maxBytes: maxRecordBytes });
  if (read.ok) return read.value;
  const { problems } = read;
  throw new Fault('payload_invalid', `${visible(path)}: ${listProblems(problems)}.`, { problems });
}
