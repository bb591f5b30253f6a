import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Fault } from '../../src/core/fault.ts';
import { readRecordText } from '../../src/gate/record-source.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'deploy-warrant-record-source-'));
});
afterEach(() => {
  rmSync(cwd, { recursive: true, force: true });
});

async function refusalOf(
  source: string,
): Promise<{ code: string; message: string; cause: unknown }> {
  const error: unknown = await readRecordText(source, cwd).then(
    () => new Error('Nothing was refused.'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof Fault)) throw error;
  const { code, message, cause } = error;
  return { code, message, cause };
}

const what = 'The input record is an approval-record/v1 document, or the path of one.';

test('what begins with a brace is the document itself', async () => {
  writeFileSync(join(cwd, '{}'), 'a file of that name');
  expect(await readRecordText('{}', cwd)).toBe('{}');
  expect(await readRecordText('{"schema": "x"}\n', cwd)).toBe('{"schema": "x"}\n');
});

test('all else is the path of a file, or of a folder with a record.json', async () => {
  const text = '\uFEFF{"a": "ä}"}';
  writeFileSync(join(cwd, 'file}'), text);
  mkdirSync(join(cwd, 'folder'));
  writeFileSync(join(cwd, 'folder', 'record.json'), text);
  expect(await readRecordText('file}', cwd)).toBe(text);
  expect(await readRecordText('folder', cwd)).toBe(text);
  expect(await readRecordText(join(cwd, 'folder'), '/')).toBe(text);
});

test('a file that is not there, in a folder or else, is told with its name', async () => {
  mkdirSync(join(cwd, 'empty'));
  const missing = join(cwd, 'missing');
  expect(await refusalOf('missing')).toEqual({
    code: 'configuration',
    message: `The record missing can't be read (ENOENT: no such file or directory, open '${missing}'). ${what}`,
    cause: expect.objectContaining({ code: 'ENOENT' }),
  });
  const inside = join(cwd, 'empty', 'record.json');
  expect((await refusalOf('empty')).message).toBe(
    `The record empty can't be read (ENOENT: no such file or directory, open '${inside}'). ${what}`,
  );
});

test('a file that is no UTF-8 is refused', async () => {
  writeFileSync(join(cwd, 'latin1'), Buffer.from([0x7b, 0xe4, 0x7d]));
  expect((await refusalOf('latin1')).message).toBe(
    `The record latin1 can't be read (The encoded data was not valid for encoding utf-8). ${what}`,
  );
});
