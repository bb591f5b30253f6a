import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

export interface DemoOptions {
  /** The repository to clone. */
  readonly repository: string;
  /** The person at the machine approves, in their own browser. */
  readonly open: boolean;
  /** A path or glob of the migration in that repository; without one the demo commits one in the clone. */
  readonly migration: string | undefined;
  /** A software authenticator approves, even where a browser could. */
  readonly withoutBrowser: boolean;
  /** The folder of the built executables. */
  readonly bundles: string;
}

export const usage = `npm run demo -- [--repo PATH] [--migration GLOB] [--open | --without-browser] [--dist DIR]

  --repo PATH        the repository to clone at HEAD, only ever read (default: this one)
  --migration GLOB   the migration files in it (default: one is committed in the clone)
  --open             approve yourself, in your own browser, without hurry
  --without-browser  a software authenticator approves, as where no Chromium is installed
  --dist DIR         the built executables (default: dist, which is committed)`;

/** Paths are relative to where the person stands: npm changes the folder before it starts a script. */
export function parseDemoOptions(args: readonly string[], own: string): DemoOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      repo: { type: 'string' },
      migration: { type: 'string' },
      'without-browser': { type: 'boolean', default: false },
      dist: { type: 'string' },
      open: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const from = (path: string): string => resolve(process.env.INIT_CWD ?? '.', path);
  return {
    repository: values.repo === undefined ? own : from(values.repo),
    open: values.open,
    withoutBrowser: values['without-browser'],
    migration: values.migration,
    bundles: values.dist === undefined ? join(own, 'dist') : from(values.dist),
  };
}
