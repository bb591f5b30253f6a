import type { Outlet } from './outlet.ts';

/** A flag's words. A command takes only the flags it names, and refuses every other. */
export interface FlagWord {
  readonly description: string;
  /** What stands for the value in the help, such as `URL`; a flag without one is a switch. */
  readonly value?: string;
  /** May be given several times; once is the rule. */
  readonly repeatable?: true;
}

export interface CommandWord {
  readonly summary: string;
  /** One call as somebody would type it, without `deploy-warrant`. */
  readonly example: string;
  /** Names of the arguments that are no flags, all of them needed. */
  readonly positionals: readonly string[];
  /** Takes a command after `--`: all from there on is its, flags and all. */
  readonly takesCommand?: true;
  readonly flags: Readonly<Record<string, FlagWord>>;
  readonly load: () => Promise<RunCommand>;
}

/** What a command is called with. */
export interface Call {
  /** Values by flag name, at least one each; absent where the flag is. A switch has none. */
  readonly flags: ReadonlyMap<string, readonly string[]>;
  readonly positionals: readonly string[];
  readonly json: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Aborts on SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  /** From then on SIGINT and SIGTERM are the caller's. */
  readonly releaseSignals: () => void;
  readonly out: Outlet;
}

/** Resolves to the exit code. @throws Fault */
export type RunCommand = (call: Call) => Promise<number>;

/** The one value of a flag; the empty string where it is absent. */
export function flagValue({ flags }: Pick<Call, 'flags'>, name: string): string {
  return flags.get(name)?.[0] ?? '';
}
