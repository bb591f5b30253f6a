/** `deploy-warrant` of the built bundles as child processes: administration, and the two steps of a deploy job. */
import { join } from 'node:path';
import { verdictSchema, type Verdict } from '../../src/core/verdict.ts';
import { runCommand, startCommand, type Command, type CommandResult } from './processes.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Flags by name, without the dashes. */
export type Flags = Readonly<Record<string, string>>;

export interface StepEnd extends CommandResult {
  /** What the step concluded; absent if it ended without a verdict. */
  readonly verdict: Verdict | undefined;
}

export interface Asked {
  readonly id: string;
  readonly link: string;
  readonly end: Promise<StepEnd>;
}

export class CommandLine {
  private readonly bundles: string;
  private readonly cwd: string;
  private readonly env: Environment;

  constructor(options: {
    readonly bundles: string;
    readonly cwd: string;
    readonly env: Environment;
  }) {
    this.bundles = options.bundles;
    this.cwd = options.cwd;
    this.env = options.env;
  }

  /** The same command line with more variables, such as the key and the run. */
  with(env: Environment, cwd = this.cwd): CommandLine {
    return new CommandLine({ bundles: this.bundles, cwd, env: { ...this.env, ...env } });
  }

  /** Runs a command to its end. @throws Error with its output unless it exits 0 */
  async run(name: string, args: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await runCommand(this.command(name, args));
    if (exitCode === 0) return stdout;
    throw new Error(`deploy-warrant ${name} ended with ${exitCode}:\n${stdout}${stderr}`);
  }

  /** Starts `request`; resolves as soon as the link is in its log. @throws Error with the log if it ends without one */
  async request(flags: Flags): Promise<Asked> {
    const found = Promise.withResolvers<string>();
    const { result } = startCommand({
      ...this.command('request', stepArgs(flags)),
      onLine: (line) => {
        const link = /http:\/\/localhost:\d+\/approve\/[0-9a-f-]{36}/.exec(line)?.[0];
        if (link !== undefined) found.resolve(link);
      },
    });
    result.then(({ exitCode, stdout, stderr }) => {
      found.reject(new Error(`deploy-warrant request ended with ${exitCode}:\n${stdout}${stderr}`));
    }, found.reject);
    const link = await found.promise;
    return { link, id: link.split('/').at(-1) ?? '', end: result.then(withVerdict) };
  }

  async verify(flags: Flags): Promise<StepEnd> {
    return withVerdict(await runCommand(this.command('verify', stepArgs(flags))));
  }

  private command(name: string, args: readonly string[]): Command {
    return {
      command: process.execPath,
      args: [join(this.bundles, 'cli.js'), name, ...args],
      cwd: this.cwd,
      env: this.env,
    };
  }
}

function stepArgs(flags: Flags): readonly string[] {
  return ['--json', ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`)];
}

function withVerdict(result: CommandResult): StepEnd {
  const line = result.stdout.trimEnd().split('\n').at(-1) ?? '';
  const verdict = line.startsWith('{') ? verdictSchema.safeParse(JSON.parse(line)).data : undefined;
  return { ...result, verdict };
}
