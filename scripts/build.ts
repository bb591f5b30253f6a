/** Bundles every entry into `dist/` (or the folder named), one ESM file each; the approval page into its `page/`, the SQL parsers into `sql/`. */
import { chmod, cp, mkdir, readdir, rm } from 'node:fs/promises';
import { createRequire, isBuiltin } from 'node:module';
import { basename } from 'node:path';
import { build, type Metafile, type Plugin } from 'esbuild';
import { countingBanner, countingPlugins } from './coverage/bundles.ts';
import { writeLicenses } from './licenses.ts';

const folder = process.argv[2] ?? 'dist';
const entries = (await readdir('src/entry')).map((name) => basename(name, '.ts'));
/** Only this one talks to GitHub's API, and needs undici for that. */
const entriesWithGitHub = new Set(['request']);

/** A CommonJS module whose members are those of another one, which is loaded when the first of them is used. */
function lateModule(path: string, names: readonly string[]): string {
  const get = `get: () => require(${JSON.stringify(path)})[name]`;
  return `for (const name of ${JSON.stringify(names)}) Object.defineProperty(exports, name, { enumerable: true, ${get} });`;
}

/**
 * Node's own modules are loaded when they are first used, not at the top of the bundle: a gate loads HTTP, TLS and threads
 * only when it comes to them, and an old Node gets as far as being told that it is too old.
 */
const lateBuiltins: Plugin = {
  name: 'late-builtins',
  setup: (bundle) => {
    bundle.onResolve({ filter: /^[a-z_:/]+$/ }, ({ path, kind }) =>
      isBuiltin(path) && kind === 'import-statement' ? { path, namespace: 'builtin' } : undefined,
    );
    bundle.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => {
      const builtin: unknown = createRequire(import.meta.url)(path);
      // A class (events), or an object with a state of its own (process), can't stand behind another object.
      const isPlain =
        typeof builtin === 'object' &&
        builtin !== null &&
        Object.getPrototypeOf(builtin) === Object.prototype;
      return {
        contents: isPlain
          ? lateModule(path, Object.keys(builtin))
          : `module.exports = require(${JSON.stringify(path)});`,
      };
    });
  },
};

/** The patterns of secrets are looked at for the first value that is checked, and not before. */
const lateSecrets: Plugin = {
  name: 'late-secrets',
  setup: (bundle) => {
    const preset = '@secretlint/secretlint-rule-preset-recommend';
    bundle.onResolve({ filter: new RegExp(`^${preset}$`) }, ({ pluginData }) =>
      pluginData === 'the package itself' ? undefined : { path: preset, namespace: 'late-secrets' },
    );
    bundle.onLoad({ filter: /.*/, namespace: 'late-secrets' }, () => ({
      contents: lateModule(preset, ['rules']),
      resolveDir: process.cwd(),
      pluginData: 'the package itself',
    }));
  },
};

/**
 * The toolkit imports its HTTP client for OpenID Connect, and that one undici (550 KB, 35 ms to load) for a proxy of GitHub's API.
 * What no entry uses stays out; undici is loaded where it is first used.
 */
const leanToolkit = (withGitHub: boolean): Plugin => ({
  name: 'lean-toolkit',
  setup: (bundle) => {
    bundle.onResolve({ filter: /^\.\/(oidc-utils|platform)\.js$/ }, ({ path, importer }) =>
      importer.includes('@actions/core') ? { path, namespace: 'left-out' } : undefined,
    );
    bundle.onLoad({ filter: /.*/, namespace: 'left-out' }, () => ({
      contents: 'export const OidcClient = undefined;',
    }));
    bundle.onResolve({ filter: /^undici$/ }, ({ pluginData }) =>
      pluginData === 'the package itself' ? undefined : { path: 'undici', namespace: 'late' },
    );
    bundle.onLoad({ filter: /.*/, namespace: 'late' }, () => ({
      contents: withGitHub ? lateModule('undici', ['ProxyAgent', 'fetch']) : '',
      resolveDir: process.cwd(),
      pluginData: 'the package itself',
    }));
  },
});

await rm(folder, { recursive: true, force: true });
await mkdir(`${folder}/page`, { recursive: true });

const metafiles: Metafile[] = [];
for (const entry of entries) {
  const { metafile } = await build({
    entryPoints: [`src/entry/${entry}.ts`],
    outdir: folder,
    bundle: true,
    platform: 'node',
    // The command line must be read by the old Node that it refuses.
    target: entry === 'cli' ? 'node18' : 'node24',
    format: 'esm',
    minifySyntax: true,
    minifyWhitespace: true,
    // They all stand in licenses.txt.
    legalComments: 'none',
    metafile: true,
    plugins: [
      leanToolkit(entriesWithGitHub.has(entry)),
      lateBuiltins,
      lateSecrets,
      ...countingPlugins,
    ],
    // For Node's own modules, which CommonJS packages require too.
    banner: {
      js: `import{createRequire as __createRequireOfBundle}from'node:module';const require=__createRequireOfBundle(import.meta.url);${countingBanner}`,
    },
  });
  metafiles.push(metafile);
}

/** A thread of its own for each SQL dialect, loaded only where there is SQL to read. */
const parsers = ['postgresql', 'mysql', 'sqlite'];
for (const parser of parsers) {
  const { metafile } = await build({
    entryPoints: [`src/collect/sql/${parser}.ts`],
    outdir: `${folder}/sql`,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    metafile: true,
    plugins: [...countingPlugins],
    // PostgreSQL's parser looks for its WASM beside itself.
    banner: {
      js: `import{createRequire as __createRequireOfBundle}from'node:module';const require=__createRequireOfBundle(import.meta.url),__filename=import.meta.filename,__dirname=import.meta.dirname;${countingBanner}`,
    },
  });
  metafiles.push(metafile);
}
await cp('node_modules/libpg-query/wasm/libpg-query.wasm', `${folder}/sql/libpg-query.wasm`);
await chmod(`${folder}/sql/libpg-query.wasm`, 0o644);

// npm links it as the command `deploy-warrant`.
await chmod(`${folder}/cli.js`, 0o755);

const page = await build({
  entryPoints: ['src/service/page/main.ts'],
  outfile: `${folder}/page/page.js`,
  bundle: true,
  platform: 'browser',
  target: 'es2022',
  format: 'esm',
  minify: true,
  legalComments: 'none',
  metafile: true,
  plugins: [...countingPlugins],
});
metafiles.push(page.metafile);
for (const name of await readdir('src/service/page')) {
  if (!name.endsWith('.ts')) await cp(`src/service/page/${name}`, `${folder}/page/${name}`);
}

await writeLicenses({ folder, metafiles });
