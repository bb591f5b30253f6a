import { transformSync } from 'esbuild';
import { countsFolder, instrument, isMeasured } from '../scripts/coverage/instrument.ts';

/** Strips the types of one file for jest; type errors are tsc's business. */
export default {
  process: (source, path) => {
    const options = { loader: 'ts', format: 'esm', target: 'node24', sourcemap: 'inline' };
    const counts = countsFolder !== undefined && isMeasured(path);
    const code = counts ? instrument(source, path).code : source;
    return { code: transformSync(code, { ...options, sourcefile: path }).code };
  },
};
