/** Bundles every entry into `dist/` (or the folder named), one ESM file each, and the approval page into its `page/`. */
import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import { build } from 'esbuild';

const folder = process.argv[2] ?? 'dist';
const entries = (await readdir('src/entry')).map((name) => `src/entry/${name}`);

await rm(folder, { recursive: true, force: true });
await mkdir(`${folder}/page`, { recursive: true });

await build({
  entryPoints: entries,
  outdir: folder,
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  // One executable may start another (the command line starts the service): that stays a file of its own.
  external: ['./service.js'],
  // CommonJS packages inside an ESM bundle call `require` for Node's own modules.
  banner: {
    js: "import{createRequire as __createRequireOfBundle}from'node:module';const require=__createRequireOfBundle(import.meta.url);",
  },
});

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
