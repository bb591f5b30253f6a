/**
 * Counts how often each branch of our sources is taken, wherever they run: in Jest, in the bundles' processes and threads, and in
 * the browser. All of them instrument a file with the same function before its types are stripped, so that its branches have the
 * same numbers everywhere, and lines are those of the source.
 */
import { createHash } from 'node:crypto';
import { relative, resolve } from 'node:path';
// @ts-expect-error it comes without types
import { createInstrumenter as createUntyped } from 'istanbul-lib-instrument';

interface Place {
  /** Absent for the `else` that isn't written. */
  readonly line?: number;
}

interface Branch {
  readonly type: string;
  readonly loc: { readonly start: Place };
  readonly locations: readonly { readonly start: Place }[];
}

type Branches = Readonly<Record<string, Branch>>;

const createInstrumenter = createUntyped as (options: object) => {
  instrumentSync(code: string, name: string): string;
  lastFileCoverage(): { readonly branchMap: Branches };
};

const root = resolve(import.meta.dirname, '../..');

/** The folder that the counts go to; undefined where nothing is measured. */
export const countsFolder = process.env.BRANCH_COUNTS_FOLDER;

/** Whether a file is one of those that are measured. */
export function isMeasured(path: string): boolean {
  return relative(root, path).startsWith('src/');
}

/** @returns the TypeScript with its counters, their name (other text, other name: a count is never taken for that of a later state), and its branches */
export function instrument(
  source: string,
  path: string,
): { readonly code: string; readonly name: string; readonly branches: Branches } {
  const hash = createHash('sha256').update(source).digest('hex').slice(0, 16);
  const name = `${relative(root, path)}@${hash}`;
  const instrumenter = createInstrumenter({
    esModules: true,
    // The page's Content Security Policy forbids `new Function`, the default.
    coverageGlobalScope: 'globalThis',
    coverageGlobalScopeFunc: false,
    parserPlugins: ['typescript', 'importAttributes', 'explicitResourceManagement'],
  });
  const code = instrumenter.instrumentSync(source, name);
  return { code, name, branches: instrumenter.lastFileCoverage().branchMap };
}
