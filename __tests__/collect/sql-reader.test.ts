import { afterAll, describe, expect, test } from '@jest/globals';
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { sqlDialects } from '../../src/collect/declared.ts';
import { readSql } from '../../src/collect/sql-reader.ts';
import { builtBundles } from '../support/bundles.ts';
import { faultOf, temporaryFolder } from './git-repository.ts';

const root = temporaryFolder();
afterAll(() => rmSync(root, { recursive: true, force: true }));
let count = 0;

const files = [
  { path: 'a.sql', text: 'SELECT 1;\nDROP TABLE x' },
  { path: 'b.sql', text: 'SELECT 1' },
];
const results = [
  { path: 'a.sql', findings: [{ line: 2, statement: 'DROP TABLE x' }] },
  { path: 'b.sql', findings: [] },
];

/** A folder with a parser for PostgreSQL that is this program. */
function withParser(program: string | undefined): URL {
  const folder = join(root, `parser-${(count += 1)}`);
  mkdirSync(folder);
  if (program !== undefined) writeFileSync(join(folder, 'postgresql.ts'), program);
  return pathToFileURL(`${folder}/`);
}

const port = "import { parentPort } from 'node:worker_threads';\n";
const read = (folder: URL, limitMs = 20_000) =>
  readSql({ dialect: 'postgresql', files, folder, limitMs });

describe('in a thread of its own', () => {
  test.each(sqlDialects)('%s', async (dialect) => {
    expect(await readSql({ dialect, files })).toEqual(results);
  });

  test.each(sqlDialects)('%s as it is bundled', async (dialect) => {
    const bundles = join(await builtBundles(), 'sql');
    const folder = join(root, `bundle-${(count += 1)}`);
    mkdirSync(folder);
    // The reader of the sources looks for sources.
    copyFileSync(join(bundles, `${dialect}.js`), join(folder, `${dialect}.ts`));
    copyFileSync(join(bundles, 'libpg-query.wasm'), join(folder, 'libpg-query.wasm'));
    expect(await readSql({ dialect, files, folder: pathToFileURL(`${folder}/`) })).toEqual(results);
  });

  test('without a file to read no parser is loaded', async () => {
    const folder = withParser(undefined);
    expect(await readSql({ dialect: 'postgresql', files: [], folder })).toEqual([]);
  });
});

describe('a parser that is not as it should be', () => {
  test('is missing: the gate ends', async () => {
    const { code, message } = await faultOf(() => read(withParser(undefined)));
    expect(code).toBe('facts_uncollectable');
    expect(message).toMatch(
      /^The parser for migration-dialect: postgresql can't be loaded: .*use the release as it is\.$/,
    );
  });

  test('has no WASM beside it: the gate ends', async () => {
    const folder = join(root, `bundle-${(count += 1)}`);
    mkdirSync(folder);
    copyFileSync(join(await builtBundles(), 'sql/postgresql.js'), join(folder, 'postgresql.ts'));
    const { code, message } = await faultOf(() => read(pathToFileURL(`${folder}/`)));
    expect(code).toBe('facts_uncollectable');
    expect(message).toContain("can't be loaded");
  });

  test('ends before it is ready: the gate ends', async () => {
    for (const program of ['', 'throw new Error("no");', 'process.exit(0);']) {
      expect((await faultOf(() => read(withParser(program)))).code).toBe('facts_uncollectable');
    }
  });

  test('never answers, or hangs while it works: the gate ends when the time is over', async () => {
    const programs = [
      `${port}parentPort.on('message', () => undefined);`,
      `${port}parentPort.postMessage('ready'); parentPort.on('message', () => undefined);`,
      `${port}parentPort.postMessage('ready'); parentPort.on('message', () => { for (;;); });`,
    ];
    for (const program of programs) {
      const { code, message } = await faultOf(() => read(withParser(program), 3_000));
      expect(code).toBe('facts_uncollectable');
      expect(message).toMatch(
        /^The SQL of the migration was not read within 3 s; a\.sql is where it stopped\. .*migration: other/,
      );
    }
  });

  test('gives up on a file: it is unknown, and the others are still read', async () => {
    const program = `${port}
      parentPort.postMessage('ready');
      parentPort.on('message', (text) => {
        if (text.includes('DROP')) throw new WebAssembly.RuntimeError('unreachable');
        parentPort.postMessage([]);
      });`;
    const why = 'unknown, the parser gave up on this file';
    expect(await read(withParser(program))).toEqual([
      { path: 'a.sql', findings: [{ line: 1, statement: '', why, detail: 'unreachable' }] },
      { path: 'b.sql', findings: [] },
    ]);
  });

  test('ends itself: the file is unknown', async () => {
    const program = `${port}parentPort.postMessage('ready'); parentPort.on('message', () => process.exit(0));`;
    const [first] = await read(withParser(program));
    expect(first?.findings).toEqual([
      {
        ...{ line: 1, statement: '', why: 'unknown, the parser gave up on this file' },
        detail: 'it ended with code 0',
      },
    ]);
  });
});

describe('what a real parser has to endure', () => {
  const unknown = (path: string) => ({
    path,
    findings: [expect.objectContaining({ why: expect.stringMatching(/^unknown, /) })],
  });

  test.each(sqlDialects)(
    '%s: deep nesting in any form is unknown, what follows is read',
    async (dialect) => {
      const deep = [
        `SELECT ${'('.repeat(100_000)}1${')'.repeat(100_000)}`,
        `SELECT ${'('.repeat(100_000)}`,
        `SELECT ${'1+'.repeat(100_000)}1`,
        `SELECT ${'NOT '.repeat(50_000)}1`,
        `SELECT ${'CASE WHEN a THEN '.repeat(20_000)}1${' END'.repeat(20_000)}`,
      ].map((text, index) => ({ path: `${index}.sql`, text }));
      expect(await readSql({ dialect, files: [...deep, ...files] })).toEqual([
        ...deep.map(({ path }) => unknown(path)),
        ...results,
      ]);
    },
    120_000,
  );
});
