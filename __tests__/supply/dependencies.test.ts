import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';

interface Package {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly overrides: Readonly<Record<string, unknown>>;
  readonly scripts: Readonly<Record<string, string>>;
}
interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
}
const own = JSON.parse(readFileSync('package.json', 'utf8')) as Package;
const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
  readonly packages: Readonly<Record<string, Locked>>;
};
const installed = Object.entries(lock.packages).filter(([path]) => path !== '');

describe('the dependencies', () => {
  test.each(['dependencies', 'devDependencies', 'optionalDependencies', 'overrides'] as const)(
    'of %s have exact versions',
    (kind) => {
      const versions = Object.entries(own[kind]);
      expect(versions.length).toBeGreaterThan(0);
      for (const [name, version] of versions) {
        expect(`${name} ${String(version)}`).toMatch(/^\S+ \d+\.\d+\.\d+(?:-[0-9a-z.]+)?$/);
      }
    },
  );

  test('are few', () => {
    expect(Object.keys(own.dependencies).length).toBeLessThanOrEqual(14);
  });

  test('are locked by hash, every one of them, whichever registry they come from', () => {
    expect(installed.length).toBeGreaterThan(300);
    for (const [path, { integrity, link, resolved }] of installed) {
      expect({ path, integrity, link, resolved }).toEqual({
        path,
        integrity: expect.stringMatching(/^sha512-[A-Za-z0-9+/]{86}==$/),
        link: undefined,
        resolved: undefined,
      });
    }
  });

  test('run no script when they are installed', () => {
    expect(readFileSync('.npmrc', 'utf8')).toMatch(/^ignore-scripts=true$/m);
    const lifecycle = /^(?:pre|post)|^(?:install|prepare|prepack|publish)$/;
    expect(Object.keys(own.scripts).filter((name) => lifecycle.test(name))).toEqual([]);
  });

  test('that have an install script, which is not run, are known, and none of them is in a bundle', () => {
    const named = installed
      .filter(([, { hasInstallScript }]) => hasInstallScript === true)
      .map(([path]) => path.split('node_modules/').at(-1));
    expect(new Set(named)).toEqual(new Set(['@parcel/watcher', 'esbuild', 'unrs-resolver']));
    for (const name of named) expect(Object.keys(own.dependencies)).not.toContain(name);
  });
});
