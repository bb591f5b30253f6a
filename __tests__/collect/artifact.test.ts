import { afterAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { declaredDigest } from '../../src/collect/artifact.ts';
import { readDeclaredFacts } from '../../src/collect/declared.ts';
import { faultOf, temporaryFolder } from './git-repository.ts';

const folder = temporaryFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;
const another = `sha256:${'f'.repeat(64)}`;
const inputs = {
  service: 'api',
  environment: 'production',
  migration: 'none',
  'rollback-version': 'v1.41.2',
};

/** The digest by both inputs, as the gate reads them. */
function collect(given: { readonly digest?: string; readonly 'digest-file'?: string }) {
  const all: Readonly<Record<string, string>> = { ...inputs, ...given };
  return declaredDigest(
    readDeclaredFacts((name) => all[name] ?? ''),
    folder,
  ).digest;
}

async function refusal(given: Parameters<typeof collect>[0]): Promise<string> {
  const { code, message } = await faultOf(() => collect(given));
  expect(code).toBe('configuration');
  return message;
}

let count = 0;
function file(content: string | Buffer): string {
  count += 1;
  writeFileSync(join(folder, `digest-${count}`), content);
  return `digest-${count}`;
}

describe('the digest is the fact, wherever it is given', () => {
  test.each([
    digest,
    `docker://ghcr.io/acme/api@${digest}`,
    `docker://ghcr.io/acme/api:1.42@${digest}`,
    `docker://localhost:5000/api@${digest}`,
    `oci://ghcr.io/acme/charts/api@${digest}`,
  ])('%s', (text) => {
    expect(collect({ digest: text })).toBe(digest);
    expect(collect({ 'digest-file': file(text) })).toBe(digest);
    expect(collect({ 'digest-file': file(`${text}\n`) })).toBe(digest);
    expect(collect({ 'digest-file': file(`${text}\r\n`), digest })).toBe(digest);
  });

  test('a path that is absolute, or leads out of the workspace', () => {
    const name = file(digest);
    expect(collect({ 'digest-file': join(folder, name) })).toBe(digest);
    mkdirSync(join(folder, 'workspace'));
    const declared = { target: {}, digestFile: `../${name}` };
    expect(declaredDigest(declared, join(folder, 'workspace'))).toEqual({ digest });
  });

  test('neither is none', () => {
    expect(collect({})).toBeUndefined();
  });
});

describe('what names no content is refused', () => {
  const references = [
    'docker://ghcr.io/acme/api:latest',
    'docker://ghcr.io/acme/api:1.42.0',
    'oci://ghcr.io/acme/api',
    `docker://ghcr.io/acme/api@sha256:${'A'.repeat(64)}`,
    `docker://ghcr.io/acme/api@sha256:${'a'.repeat(63)}`,
    `docker://ghcr.io/acme/api@${digest} `,
    `docker://ghcr.io/acme/api@${another}@${digest}`,
    `docker://@${digest}`,
    `DOCKER://ghcr.io/acme/api@${digest}`,
    `docker://ghcr.io/ac me/api@${digest}`,
  ];

  test.each(references)('a reference without a digest: %s', async (reference) => {
    const fix = `must be sha256: and 64 lower-case hex digits, or docker:// or oci://, a name, @ and that, not "${reference}". A tag can name another image tomorrow`;
    expect(await refusal({ digest: reference })).toContain(`digest: ${fix}`);
    const path = file(reference);
    expect(await refusal({ 'digest-file': path })).toContain(
      `The file ${path} (digest-file) ${fix}`,
    );
  });

  test.each(['', '\n', ` ${digest}`, `${digest}\n\n`, `${digest}\n${digest}`, `\uFEFF${digest}`])(
    'a file that holds more or less than one digest: %j',
    async (content) => {
      expect(await refusal({ 'digest-file': file(content) })).toContain('must be sha256: and 64');
    },
  );

  test('a password in a reference is not shown', async () => {
    const reference = `docker://robot:hunter22hunter22@ghcr.io/acme/api@${digest}`;
    const message = await refusal({ digest: reference });
    expect(message).toContain('not what looks like it holds a secret');
    expect(message).not.toContain('hunter22');
    expect(await refusal({ 'digest-file': file(reference) })).not.toContain('hunter22');
  });

  test('the input and the file disagree', async () => {
    const path = file(digest);
    expect(await refusal({ digest: another, 'digest-file': path })).toBe(
      `The input digest is ${another}, but the file ${path} (digest-file) holds ${digest}. Give one of them, or find out which of the two is to be deployed.`,
    );
  });

  test('a file that is not there, is a folder, a link or a pipe, or is large', async () => {
    expect(await refusal({ 'digest-file': 'none' })).toContain("can't be read (ENOENT)");
    expect(await refusal({ 'digest-file': '.' })).toContain("can't be read (ENOTFILE)");
    symlinkSync(file(digest), join(folder, 'link'));
    expect(await refusal({ 'digest-file': 'link' })).toContain("can't be read (ELOOP)");
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    expect(await refusal({ 'digest-file': 'pipe' })).toContain("can't be read (ENOTFILE)");
    expect(await refusal({ 'digest-file': file('x'.repeat(5000)) })).toContain(
      'is larger than 4096 bytes',
    );
  });
});
