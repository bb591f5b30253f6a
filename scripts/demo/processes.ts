/** Child processes of the demo: started here, counted here, and none left behind. */
import { spawn, type ChildProcess } from 'node:child_process';

export interface CommandResult {
  /** `null` when a signal ended the process. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Called with each complete line of stdout and stderr. */
  readonly onLine?: (line: string) => void;
}

export interface RunningCommand {
  readonly result: Promise<CommandResult>;
  readonly stop: () => Promise<void>;
}

const running = new Set<RunningCommand>();
let ending = false;

/** Starts a process without a shell. The result never rejects for an exit code, only when the process can't be started. */
export function startCommand({ command, args, cwd, env, onLine }: Command): RunningCommand {
  if (ending) throw new Error('Everything is being ended.');
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const stdout = readLines(child.stdout, onLine);
  const stderr = readLines(child.stderr, onLine);
  const result = new Promise<CommandResult>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) =>
      resolve({ exitCode, stdout: stdout.text(), stderr: stderr.text() }),
    );
  });
  const self: RunningCommand = { result, stop: () => stop(child, result) };
  running.add(self);
  const forget = (): void => void running.delete(self);
  result.then(forget, forget);
  return self;
}

export async function runCommand(command: Command): Promise<CommandResult> {
  return await startCommand(command).result;
}

/** Ends every process that is still running; from then on none is started any more. */
export async function stopCommands(): Promise<void> {
  ending = true;
  await Promise.all([...running].map((command) => command.stop()));
}

function readLines(
  stream: NodeJS.ReadableStream,
  onLine: ((line: string) => void) | undefined,
): { text(): string } {
  let text = '';
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    text += chunk;
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine?.(line);
  });
  return { text: () => text };
}

async function stop(child: ChildProcess, result: Promise<CommandResult>): Promise<void> {
  child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), 3_000);
  await result.catch(() => undefined);
  clearTimeout(force);
}
