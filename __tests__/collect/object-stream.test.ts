import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import type { ChildProcess } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ObjectStream } from '../../src/collect/object-stream.ts';
import type { GitLimits } from '../../src/collect/git.ts';
import { faultOf, programAsGit, temporaryFolder } from './git-repository.ts';

const root = temporaryFolder();
const running = new Set<ChildProcess>();
const gitOf = (program: string, limits: Partial<GitLimits> = {}) => ({
  ...programAsGit(program, root, limits),
  running,
});
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const id = 'a'.repeat(40);
const other = 'b'.repeat(40);

/** A stream from a git that does this instead. */
function streamOf(name: string, script: string, limits: Partial<GitLimits> = {}): ObjectStream {
  const program = join(root, name);
  writeFileSync(program, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return new ObjectStream(gitOf(program, limits), { cwd: root, gitDir: root });
}
const refusal = (name: string, script: string) =>
  faultOf(() => streamOf(name, script).read([id, other]));

describe('objects of a git', () => {
  test('in pieces, and one that is missing', async () => {
    const script = `read line; printf '${id} blo'; sleep 0.1; printf 'b 5\\nab'; sleep 0.1; printf 'c\\nd\\n${other} missing\\n'; read line; read line`;
    expect([...(await streamOf('pieces', script).read([id, other]))]).toEqual([
      [id, { type: 'blob', body: Buffer.from('abc\nd') }],
    ]);
  });

  test('none, without asking', async () => {
    expect((await streamOf('none', 'exit 1').read([])).size).toBe(0);
  });
});

describe('is not taken for an answer', () => {
  test.each([
    ['another object', `echo '${other} blob 3'`, `it answered "${other} blob 3"`],
    ['a length that is none', `echo '${id} blob -3'`, `it answered "${id} blob -3"`],
    ['no length', `echo '${id} blob'`, `it answered "${id} blob"`],
    ['no type', `echo '${id}'`, `it answered "${id}"`],
    [
      'more than we would hold',
      `echo '${id} blob 268435457'`,
      `it answered "${id} blob 268435457"`,
    ],
    ['another object that is missing', `echo '${other} missing'`, `it answered "${other} missing"`],
    ['what would move a cursor', `printf '\\033[2J\\n'`, 'it answered "\\u{001B}[2J"'],
  ])('%s', async (name, script, said) => {
    const { code, message } = await refusal(name.replaceAll(' ', '-'), `${script}; read line`);
    expect(code).toBe('facts_uncollectable');
    expect(message).toBe(`git cat-file failed: ${said}`);
  });

  test.each([
    ['an end before it', 'exit 0', 'it ended before it had answered'],
    ['an end within it', `printf '${id} blob 9\\nab'`, 'it ended before it had answered'],
    ['a complaint', 'echo "fatal: bad object" >&2; exit 128', 'fatal: bad object'],
  ])('%s', async (name, script, said) => {
    const { code, message } = await refusal(name.replaceAll(' ', '-'), script);
    expect(code).toBe('facts_uncollectable');
    expect(message).toContain(`git cat-file failed: ${said}`);
  });

  test('nothing at all, and it is ended', async () => {
    const stream = streamOf('silent', 'exec sleep 60', { timeoutMs: 200 });
    const { code, message } = await faultOf(() => stream.read([id]));
    expect(code).toBe('facts_uncollectable');
    expect(message).toBe('git cat-file failed: no answer within 0.2 s');
    expect([...running].filter(({ killed }) => !killed)).toEqual([]);
  });

  test('more than the limit of this git', async () => {
    const stream = streamOf('much', `echo '${id} blob 11'; read line`, { maxBytes: 10 });
    const { message } = await faultOf(() => stream.read([id]));
    expect(message).toBe(`git cat-file failed: it answered "${id} blob 11"`);
  });

  test('a program that is not there', async () => {
    const stream = new ObjectStream(gitOf(join(root, 'nowhere')), { cwd: root, gitDir: root });
    const { message } = await faultOf(() => stream.read([id]));
    expect(message).toMatch(/^git cat-file failed: spawn .+ENOENT$/);
  });
});
