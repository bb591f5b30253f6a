import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Metafile } from 'esbuild';
import { acceptedLicenses, writeLicenses } from '../../scripts/licenses.ts';
import { builtBundles } from '../support/bundles.ts';

interface Locked {
  readonly version: string;
  readonly license?: string;
  readonly dev?: boolean;
}
const { packages: locked } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
  readonly packages: Readonly<Record<string, Locked>>;
};
const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  readonly dependencies: Readonly<Record<string, string>>;
};

describe('licenses.txt of the build', () => {
  let bundles = '';
  let text = '';
  let sections: readonly { name: string; version: string; license: string }[] = [];
  beforeAll(async () => {
    bundles = await builtBundles();
    text = readFileSync(join(bundles, 'licenses.txt'), 'utf8');
    sections = [...text.matchAll(/^== (\S+) (\S+): (\S+)$/gm)].map(
      ([, name, version, license]) => ({
        name: name!,
        version: version!,
        license: license!,
      }),
    );
  });

  test('names every dependency that is bundled, and what it needs in its turn', () => {
    const names = new Set(sections.map(({ name }) => name));
    const direct = Object.keys(dependencies);
    expect(direct.length).toBeGreaterThan(5);
    for (const name of direct) expect(names).toContain(name);
    for (const name of ['@octokit/core', 'ajv', 'big-integer', 'pino', 'tslib', 'undici']) {
      expect(names).toContain(name);
    }
  });

  test('names what is inside of the WebAssembly of PostgreSQL’s parser', () => {
    expect(readdirSync(join(bundles, 'sql'))).toContain('libpg-query.wasm');
    const [, section = ''] = /^== libpg-query .*\n([\s\S]*?)^== /m.exec(text) ?? [];
    for (const holder of ['Lukas Fittl', 'PostgreSQL Global Development Group', 'Yann Collet']) {
      expect(section).toContain(holder);
    }
  });

  test('says what the lock file says: version and licence, and nothing that is for development only', () => {
    expect(sections.length).toBeGreaterThan(50);
    for (const { name, version, license } of sections) {
      const same = Object.entries(locked).filter(
        ([path, entry]) => path.endsWith(`node_modules/${name}`) && entry.version === version,
      );
      expect({ name, found: same.length > 0 }).toEqual({ name, found: true });
      expect(same.map(([, entry]) => entry.license)).toContain(license);
      expect(same.some(([, entry]) => entry.dev !== true)).toBe(true);
    }
  });

  test('holds no licence kind that nobody has accepted', () => {
    for (const { license } of sections) expect(acceptedLicenses).toContain(license);
  });

  test('is the same on every machine: sorted, without paths, dates or the line ends of another system', () => {
    const titles = sections.map(({ name, version }) => `${name} ${version}`);
    expect(titles).toEqual([...titles].sort());
    expect(new Set(titles).size).toBe(titles.length);
    expect(text).not.toContain('\r');
    expect(text).not.toContain(process.cwd());
    expect(text).not.toContain('node_modules');
  });
});

describe('writeLicenses', () => {
  const folder = mkdtempSync(join(tmpdir(), 'deploy-warrant-licenses-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const pack = (name: string, license: unknown, files: Readonly<Record<string, string>> = {}) => {
    const root = join(folder, 'node_modules', name);
    mkdirSync(root, { recursive: true });
    writeFileSync(join(root, 'package.json'), JSON.stringify({ name, version: '1.0.0', license }));
    for (const [path, content] of Object.entries(files)) writeFileSync(join(root, path), content);
    return join(root, 'index.js');
  };
  const bundled = (inputs: Readonly<Record<string, number>>): Metafile => ({
    inputs: {},
    outputs: {
      'out.js': {
        bytes: 1,
        imports: [],
        exports: [],
        inputs: Object.fromEntries(
          Object.entries(inputs).map(([path, bytesInOutput]) => [path, { bytesInOutput }]),
        ),
      },
    },
  });
  const written = async (inputs: Readonly<Record<string, number>>): Promise<string> => {
    await writeLicenses({ folder, metafiles: [bundled(inputs)] });
    return readFileSync(join(folder, 'licenses.txt'), 'utf8');
  };

  test('takes licence and notice of what is bundled, and leaves out what was shaken off', async () => {
    const text = await written({
      [pack('@acme/kept', 'MIT', { 'LICENSE.md': 'You may.\r\n', NOTICE: 'By Acme.' })]: 7,
      [pack('shaken', 'MIT', { LICENSE: 'Never read.' })]: 0,
      'src/core/verify.ts': 9,
    });
    expect(text).toContain('== @acme/kept 1.0.0: MIT\n\nYou may.\n\nBy Acme.\n');
    expect(text).not.toContain('shaken');
  });

  test('finds a package in the folder of another one', async () => {
    const outer = pack('outer', 'ISC').replace('/index.js', '');
    mkdirSync(join(outer, 'node_modules/inner'), { recursive: true });
    writeFileSync(
      join(outer, 'node_modules/inner/package.json'),
      JSON.stringify({ name: 'inner', version: '2.0.0', license: '0BSD' }),
    );
    const text = await written({ [join(outer, 'node_modules/inner/lib/deep.js')]: 1 });
    expect(text).toContain('== inner 2.0.0: 0BSD');
    expect(text).not.toContain('== outer');
  });

  test.each([
    'GPL-3.0-only',
    '(MIT OR GPL-2.0)',
    'SEE LICENSE IN EULA.txt',
    'UNLICENSED',
    undefined,
  ])('fails for a package under %s', async (license) => {
    await expect(written({ [pack('viral', license)]: 1 })).rejects.toThrow(
      /viral 1\.0\.0 is bundled under/,
    );
  });
});
