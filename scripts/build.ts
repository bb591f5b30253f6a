/** Bundles every entry into `dist/` (or the folder named), one ESM file each, and the approval page into its `page/`. */
import { chmod, cp, mkdir, readdir, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { build, type Plugin } from 'esbuild';

const folder = process.argv[2] ?? 'dist';
const entries = (await readdir('src/entry')).map((name) => basename(name, '.ts'));
/** Only this one talks to GitHub's API, and needs undici for that. */
const entriesWithGitHub = new Set(['request']);

/**
 * The toolkit's HTTP client imports undici (550 KB, 35 ms to load) for a proxy of GitHub's API alone. Where that is used it is loaded
 * at the first use; elsewhere it stays out.
 */
const lateUndici = (kept: boolean): Plugin => ({
  name: 'late-undici',
  setup: (bundle) => {
    bundle.onResolve({ filter: /^undici$/ }, ({ pluginData }) =>
      pluginData === 'the package itself' ? undefined : { path: 'undici', namespace: 'late' },
    );
    bundle.onLoad({ filter: /.*/, namespace: 'late' }, () => ({
      contents: ['ProxyAgent', 'fetch']
        .map(
          (name) =>
            `Object.defineProperty(exports, '${name}', { enumerable: true, get: () => ${
              kept ? `require('undici').${name}` : 'undefined'
            } });`,
        )
        .join('\n'),
      resolveDir: process.cwd(),
      pluginData: 'the package itself',
    }));
  },
});

await rm(folder, { recursive: true, force: true });
await mkdir(`${folder}/page`, { recursive: true });

for (const entry of entries) {
  await build({
    entryPoints: [`src/entry/${entry}.ts`],
    outdir: folder,
    bundle: true,
    platform: 'node',
    // The command line must get as far as saying that Node is too old.
    target: entry === 'cli' ? 'node18' : 'node24',
    format: 'esm',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    plugins: [lateUndici(entriesWithGitHub.has(entry))],
    // CommonJS packages inside an ESM bundle call `require` for Node's own modules.
    banner: {
      js: "import{createRequire as __createRequireOfBundle}from'node:module';const require=__createRequireOfBundle(import.meta.url);",
    },
  });
}
// npm links it as the command `deploy-warrant`.
await chmod(`${folder}/cli.js`, 0o755);

await build({
  entryPoints: ['src/service/page/main.ts'],
  outfile: `${folder}/page/page.js`,
  bundle: true,
  platform: 'browser',
  target: 'es2022',
  format: 'esm',
  minify: true,
  legalComments: 'none',
});
for (const name of await readdir('src/service/page')) {
  if (!name.endsWith('.ts')) await cp(`src/service/page/${name}`, `${folder}/page/${name}`);
}
