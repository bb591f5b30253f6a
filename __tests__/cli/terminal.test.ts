/** On a real terminal: a pseudo-terminal of the kernel, which util-linux's `script` makes. Elsewhere `script` takes other flags. */
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { builtBundles } from '../support/bundles.ts';
import { preload } from '../support/preloads.ts';
import { startCommandWorld, type CommandWorld } from './command-world.ts';

const isPossible =
  process.platform === 'linux' && spawnSync('script', ['-qec', 'true', '/dev/null']).status === 0;
const describeHere = isPossible ? describe : describe.skip;
if (!isPossible) process.stderr.write('Skipped: no terminal can be made (script of util-linux)\n');

let world: CommandWorld;
let bundle: string;
beforeAll(async () => {
  world = await startCommandWorld();
  bundle = join(await builtBundles(), 'cli.js');
}, 90_000);
afterAll(() => world.close());

let runs = 9_000;

/** Runs a command on a terminal of `columns`, or of no size that it knows of. */
function onTerminal(
  args: readonly string[],
  {
    columns,
    env = {},
  }: { columns?: number | undefined; env?: Readonly<Record<string, string>> } = {},
) {
  const quoted = [process.execPath, bundle, ...args].map((one) => `'${one}'`).join(' ');
  const size = columns === undefined ? '' : `stty cols ${columns}; `;
  const child = spawn('script', ['-qec', `${size}exec ${quoted}`, '/dev/null'], {
    cwd: world.checkout,
    env: {
      ...{ PATH: process.env.PATH, SHELL: '/bin/sh', TERM: 'xterm' },
      DEPLOY_WARRANT_API_URL: world.service.apiUrl,
      DEPLOY_WARRANT_API_KEY: world.key,
      DEPLOY_WARRANT_RUN_ID: String((runs += 1)),
      RUNNER_TEMP: world.records,
      ...env,
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
  let hasEnded = false;
  const ended = new Promise<{ readonly exitCode: number | null; readonly text: string }>(
    (resolve) =>
      child.once('close', (exitCode) => {
        hasEnded = true;
        resolve({ exitCode, text });
      }),
  );
  const sees = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const found = pattern.exec(text);
      if (found !== null) return found;
      if (hasEnded) throw new Error(`ended before ${String(pattern)}:\n${text}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const asked = async () => (await sees(/\/approve\/([0-9a-f-]{36})/))[1]!;
  return { ended, sees, asked, type: (keys: string) => void child.stdin.write(keys) };
}

const clearLine = '\r\u001b[2K';

describeHere('on a terminal', () => {
  test.each([
    [40, 40],
    [undefined, 80],
  ])(
    'of %s columns, the wait is one line that is replaced, and the end has a colour',
    async (columns, width) => {
      const running = onTerminal(['request', ...world.facts], { columns });
      const id = await running.asked();
      await running.sees(/Waiting for[^]*Waiting for/);
      await world.decide(id);
      const { exitCode, text } = await running.ended;
      expect(exitCode).toBe(0);
      const waits = text.split(clearLine).filter((part) => part.startsWith('Waiting for alex, '));
      expect(waits.length).toBeGreaterThan(1);
      for (const wait of waits) expect(wait).toHaveLength(width - 1);
      expect(text).toContain('\u001b[32mapproved\u001b[39m');
    },
    30_000,
  );

  test('Ctrl-C reaches the command of run once, and the command decides', async () => {
    // Two that come at once may be heard as one, so that a second one would come late here.
    const late = preload(
      'late-kill',
      `const { ChildProcess } = require('node:child_process'), { kill } = ChildProcess.prototype;
       ChildProcess.prototype.kill = function (...args) { setTimeout(() => kill.apply(this, args), 100); return true; };`,
    );
    const counting = `let count = 0; setTimeout(() => 0, 15_000);
      process.on('SIGINT', () => ++count > 1 || setTimeout(() => { console.log('heard ' + count); process.exit(5); }, 1000));
      console.log('up');`;
    const script = Buffer.from(counting).toString('base64');
    const command = ['-e', `eval(Buffer.from("${script}", "base64").toString())`];
    const args = ['run', ...world.facts, '--', process.execPath, ...command];
    const running = onTerminal(args, { env: late });
    await world.decide(await running.asked());
    await running.sees(/^up/m);
    running.type('\u0003');
    const { exitCode, text } = await running.ended;
    expect(text).toContain('heard 1\r\n');
    expect(text).toContain('Ended by the command: exit code 5.');
    expect(exitCode).toBe(5);
  }, 30_000);

  test('Ctrl-C before a decision ends the gate', async () => {
    const running = onTerminal(['run', ...world.facts, '--', process.execPath, '--version']);
    await running.asked();
    await running.sees(/Waiting for/);
    running.type('\u0003');
    const { exitCode, text } = await running.ended;
    expect(exitCode).toBe(130);
    expect(text).toContain('Ended by the gate: interrupted, exit code 130.');
  }, 30_000);
});
