import { transformSync } from 'esbuild';

/** Strips the types of one file for jest; type errors are tsc's business. */
export default {
  process: (source, path) => {
    const options = { loader: 'ts', format: 'esm', target: 'node24', sourcemap: 'inline' };
    return { code: transformSync(source, { ...options, sourcefile: path }).code };
  },
};
