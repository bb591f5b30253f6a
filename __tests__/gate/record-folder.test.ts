import {
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Fault } from '../../src/core/fault.ts';
import { makeRecordFolder, type RecordFolder } from '../../src/gate/record-folder.ts';
import { facts } from '../support/approvals.ts';

let parent: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'deploy-warrant-records-'));
});
afterEach(() => {
  rmSync(parent, { recursive: true, force: true });
});

const documents = { record: {}, facts, verdict: {} } as unknown as Parameters<
  RecordFolder['write']
>[0];

async function faultIn(work: Promise<unknown>): Promise<Fault> {
  const error: unknown = await work.then(
    () => new Error('Nothing was refused.'),
    (reason: unknown) => reason,
  );
  if (error instanceof Fault) return error;
  throw error;
}

test('is a new one each time, and gone again when nothing was written', async () => {
  const first = await makeRecordFolder(parent);
  const second = await makeRecordFolder(parent);
  expect(first.path).not.toBe(second.path);
  expect(basename(first.path)).toMatch(/^deploy-warrant-record-[A-Za-z0-9]{6}$/);
  expect(statSync(first.path).mode & 0o777).toBe(0o700);
  await first.discard();
  await second.discard();
  expect(readdirSync(parent)).toEqual([]);
});

test('is thrown away twice without a fault', async () => {
  const folder = await makeRecordFolder(parent);
  await folder.discard();
  await expect(folder.discard()).resolves.toBeUndefined();
});

test('holds the documents, for its owner only', async () => {
  const folder = await makeRecordFolder(parent);
  await folder.write(documents);
  for (const name of readdirSync(folder.path)) {
    expect(statSync(join(folder.path, name)).mode & 0o777).toBe(0o600);
  }
  expect(JSON.parse(readFileSync(join(folder.path, 'facts.json'), 'utf8'))).toEqual(facts);
});

test('never writes over a file, not even through a link', async () => {
  const folder = await makeRecordFolder(parent);
  const target = join(parent, 'target');
  symlinkSync(target, join(folder.path, 'record.json'));
  const { code, message, cause } = await faultIn(folder.write(documents));
  const record = join(folder.path, 'record.json');
  expect({ code, message }).toEqual({
    code: 'internal',
    message: `The record folder could not be written at ${folder.path} (EEXIST: file already exists, open '${record}'). Make room, or make the folder writable.`,
  });
  expect(cause).toMatchObject({ code: 'EEXIST' });
  expect(readdirSync(parent)).not.toContain('target');
});

test('that was written to is not thrown away', async () => {
  const folder = await makeRecordFolder(parent);
  await folder.write(documents);
  await folder.discard();
  expect(readdirSync(folder.path).sort()).toEqual(['facts.json', 'record.json', 'verdict.json']);
  expect((await faultIn(folder.write(documents))).code).toBe('internal');
});

test('that can not be made is told with its place', async () => {
  const file = join(parent, 'file');
  writeFileSync(file, '');
  const { code, message } = await faultIn(makeRecordFolder(file));
  expect(code).toBe('internal');
  expect(message).toMatch(/^The record folder could not be made at /);
  expect(message).toContain(`${file} (ENOTDIR: not a directory, mkdtemp '${file}`);
  expect(message).toMatch(/\)\. Make room, or make the folder writable\.$/);
});
