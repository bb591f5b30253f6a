import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { verdictSchema } from '../../src/core/verdict.ts';
import { preload } from '../support/preloads.ts';
import { call } from '../support/service.ts';
import { startCommandWorld, type CommandWorld, type RunningCommand } from './command-world.ts';

/** `run -- CMD`: the whole gate and the deploy in one process, built, in front of the real service. */
let world: CommandWorld;
let marker: string;
/** A deploy command that leaves a trace of having run, with its environment and arguments. */
let deploy: readonly string[];

beforeAll(async () => {
  world = await startCommandWorld();
  marker = join(world.folder, 'deployed');
  const script = join(world.folder, 'deploy.cjs');
  writeFileSync(
    script,
    `require('fs').writeFileSync(${JSON.stringify(marker)}, JSON.stringify({ env: process.env, args: process.argv.slice(2), cwd: process.cwd() }));
     process.stdout.write('deploying\\n');
     process.exitCode = Number(process.argv[2] ?? 0);`,
  );
  deploy = [process.execPath, script];
}, 90_000);
afterEach(() => {
  rmSync(marker, { force: true });
  world.writePolicy();
});
afterAll(() => world.close());

const start = (
  command: readonly string[],
  flags: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
) => world.start(['run', ...world.facts, ...flags, '--', ...command], env);
const lastLine = (text: string) => text.trimEnd().split('\n').at(-1);
const approve = async (running: RunningCommand) => world.decide(await running.asked());
const ranWith = () =>
  JSON.parse(readFileSync(marker, 'utf8')) as {
    readonly env: Readonly<Record<string, string>>;
    readonly args: readonly string[];
    readonly cwd: string;
  };

describe('an approved command', () => {
  test('runs once, with the verified facts and without the key; its exit code is passed on', async () => {
    const running = start([...deploy, '7', '--help', '$(id)', '--json'], ['--reason', 'Release'], {
      DEPLOY_WARRANT_DIGEST: 'sha256:of-somebody-else',
      DEPLOY_WARRANT_APPROVERS: 'mallory',
    });
    const id = await running.asked();
    expect(existsSync(marker)).toBe(false);
    await world.decide(id);
    const { exitCode, stdout, stderr } = await running.result;
    expect({ exitCode, stdout }).toEqual({ exitCode: 7, stdout: 'deploying\n' });
    expect(lastLine(stderr)).toBe('Ended by the command: exit code 7.');
    const { env, args, cwd } = ranWith();
    expect(args).toEqual(['7', '--help', '$(id)', '--json']);
    expect(cwd).toBe(world.checkout);
    expect(env).toMatchObject({
      DEPLOY_WARRANT_SERVICE: 'api',
      DEPLOY_WARRANT_ENVIRONMENT: 'production',
      DEPLOY_WARRANT_REGION: 'eu-west-1',
      DEPLOY_WARRANT_REF: 'refs/heads/main',
      DEPLOY_WARRANT_APPROVAL_ID: id,
      DEPLOY_WARRANT_APPROVERS: 'alex',
    });
    expect(env.DEPLOY_WARRANT_COMMIT).toMatch(/^[0-9a-f]{40}$/);
    expect(env.DEPLOY_WARRANT_FINGERPRINT).toMatch(/^[0-9a-f]{4}-[0-9a-f]{4}$/);
    expect(env).not.toHaveProperty('DEPLOY_WARRANT_API_KEY');
    // Not declared, so not verified: what stood there before is no fact.
    expect(env).not.toHaveProperty('DEPLOY_WARRANT_DIGEST');
    expect(JSON.stringify(env)).not.toContain(world.key);
    expect(stderr).not.toContain(world.key);
    expect(readdirSync(env.DEPLOY_WARRANT_RECORD_PATH!)).toContain('record.json');
    expect(readdirSync(world.records)).toHaveLength(1);
    const { body } = await call(world.service, `/api/confirmations/${id}`, { key: world.key });
    expect(body.status).toBe('redeemed');
  });

  test('gets SIGTERM and SIGINT, and may take its time and its own exit code', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const script = `process.on('${signal}', () => setTimeout(() => process.exit(5), 300)); setTimeout(() => 0, 15_000); console.log('up')`;
      const running = start([process.execPath, '-e', script]);
      await approve(running);
      await running.sees(/up/);
      running.kill(signal);
      const { exitCode, stderr } = await running.result;
      expect([signal, exitCode]).toEqual([signal, 5]);
      expect(lastLine(stderr)).toBe('Ended by the command: exit code 5.');
    }
  });

  test('that a signal ends gives 128 and its number', async () => {
    const running = start([process.execPath, '-e', "process.kill(process.pid, 'SIGKILL')"]);
    await approve(running);
    const { exitCode, stderr } = await running.result;
    expect(exitCode).toBe(137);
    expect(lastLine(stderr)).toBe('Ended by the command: SIGKILL, exit code 137.');
  });

  test('may end with a code of the gate, and the last line tells them apart', async () => {
    const running = start([...deploy, '20']);
    await approve(running);
    const { exitCode, stderr } = await running.result;
    expect(exitCode).toBe(20);
    expect(lastLine(stderr)).toBe('Ended by the command: exit code 20.');
  });

  test('that can not be started after all is a refusal, and says that the approval is used up', async () => {
    const script = join(world.folder, 'no-such-interpreter');
    writeFileSync(script, '#!/no/such/interpreter\n', { mode: 0o755 });
    const running = start([script]);
    await approve(running);
    const { exitCode, stderr } = await running.result;
    expect(exitCode).toBe(40);
    expect(stderr).toContain('The approval is used up');
    expect(lastLine(stderr)).toContain('Ended by the gate: configuration, exit code 40.');
  });
});

test('a command that the system refuses at once is no bug of ours, and the approval is used up', async () => {
  const script = join(world.folder, 'still-written');
  writeFileSync(script, '#!/bin/sh\n', { mode: 0o755 });
  const busy = preload(
    'busy-file',
    `const processes = require('node:child_process'), { spawn } = processes;
     processes.spawn = (file, ...rest) => {
       if (file === ${JSON.stringify(script)}) throw Object.assign(new Error('spawn ETXTBSY'), { code: 'ETXTBSY' });
       return spawn(file, ...rest);
     };
     require('node:module').syncBuiltinESMExports();`,
  );
  const running = start([script], [], busy);
  await approve(running);
  const { exitCode, stdout, stderr } = await running.result;
  expect([exitCode, stdout]).toEqual([40, '']);
  expect(stderr).toContain(
    "still-written can't be started: spawn ETXTBSY. The approval is used up",
  );
  expect(lastLine(stderr)).toContain('Ended by the gate: configuration, exit code 40.');
});

test('without a policy the service is believed only where that is asked for, and the log says so', async () => {
  const facts = world.facts.slice(0, world.facts.indexOf('--policy'));
  const running = world.start([
    ...['run', ...facts, '--approver', 'alex', '--assurance', 'service', '--', ...deploy],
  ]);
  await world.decide(await running.asked());
  const { exitCode, stderr } = await running.result;
  expect(exitCode).toBe(0);
  expect(stderr).toContain('NO SIGNATURE WAS CHECKED');
  expect(existsSync(marker)).toBe(true);
});

test('a signal that comes while the command is being started reaches the command', async () => {
  const script = join(world.folder, 'long-deploy');
  writeFileSync(script, '#!/bin/sh\nexec sleep 20\n', { mode: 0o755 });
  const signalled = preload(
    'signal-at-start',
    `const processes = require('node:child_process'), { spawn } = processes;
     processes.spawn = (file, ...rest) => {
       const child = spawn(file, ...rest);
       if (file === ${JSON.stringify(script)}) process.kill(process.pid, 'SIGTERM');
       return child;
     };
     require('node:module').syncBuiltinESMExports();`,
  );
  const running = start([script], [], signalled);
  await approve(running);
  const { exitCode, stderr } = await running.result;
  expect([exitCode, lastLine(stderr)]).toEqual([
    143,
    'Ended by the command: SIGTERM, exit code 143.',
  ]);
});

describe('the command does not start', () => {
  const refusedWith = async (running: RunningCommand, code: string, exit: number) => {
    const { exitCode, stdout, stderr } = await running.result;
    expect({ code, exitCode, stderr: exitCode === exit ? '' : stderr }).toEqual({
      ...{ code, exitCode: exit, stderr: '' },
    });
    expect(lastLine(stderr)).toBe(
      `Ended by the gate: ${code}, exit code ${exit}. The command was not started.`,
    );
    expect(stdout).toBe('');
    expect(existsSync(marker)).toBe(false);
    return stderr;
  };

  test('on a rejection', async () => {
    const running = start(deploy);
    await world.decide(await running.asked(), 'rejected');
    await refusedWith(running, 'rejected', 10);
  });

  test('when what is checked out changed while people decided', async () => {
    const running = start(deploy);
    const id = await running.asked();
    writeFileSync(join(world.checkout, 'README.md'), '# shop, changed\n');
    try {
      await world.decide(id);
      await refusedWith(running, 'facts_mismatch', 20);
    } finally {
      writeFileSync(join(world.checkout, 'README.md'), '# shop\n');
    }
  });

  test('when the policy changed while people decided', async () => {
    const running = start(deploy);
    const id = await running.asked();
    world.writePolicy({ required_facts: ['digest'] });
    await world.decide(id);
    await refusedWith(running, 'payload_invalid', 21);
  });

  test('when the key is refused', async () => {
    const running = start(deploy, [], { DEPLOY_WARRANT_API_KEY: `${world.key.slice(0, -1)}_` });
    await refusedWith(running, 'service_unauthorized', 31);
  });

  test('on a signal, and the request is withdrawn', async () => {
    const running = start(deploy);
    const id = await running.asked();
    running.kill('SIGTERM');
    await refusedWith(running, 'interrupted', 130);
    const { body } = await call(world.service, `/api/confirmations/${id}`, { key: world.key });
    expect(body.status).toBe('cancelled');
  });

  test.each([
    ['without a policy', ['--policy', ''], 'policy'],
    ['with an unknown assurance', ['--assurance', 'none'], 'assurance'],
    ['when the facts are not acceptable', ['--service', 'latest'], 'service'],
    ['when the policy does not know the environment', ['--environment', 'prod'], 'environment'],
  ])('%s, and nobody is asked', async (_name, [flag, value], word) => {
    // Named, so that there would be somebody to ask.
    const given = [...world.facts, '--approver', 'alex'];
    const at = given.indexOf(flag!);
    if (at < 0) given.push(flag!, value!);
    else given[at + 1] = value!;
    const running = world.start(['run', ...given, '--', ...deploy]);
    const { exitCode, stdout, stderr } = await running.result;
    expect([21, 40]).toContain(exitCode);
    expect(stdout).toBe('');
    expect(stderr).toContain(word);
    expect(stderr).not.toContain('/approve/');
    expect(lastLine(stderr)).toContain('Ended by the gate: ');
    expect(existsSync(marker)).toBe(false);
  });

  test.each([
    ['when there is none', [] as readonly string[]],
    ['when it is empty', ['']],
    ['when it is not there', ['./no-such-command']],
    ['when it is not in PATH', ['no-such-command-anywhere']],
    ['when it is a folder', ['/']],
    ['when it is text for a shell', ['echo deployed; true']],
  ])('%s, and nobody is asked', async (_name, command) => {
    const stderr = await refusedWith(start(command), 'configuration', 40);
    expect(stderr).not.toContain('/approve/');
  });

  test('with a flag that there is not, whatever the command is given', async () => {
    const running = start([...deploy, '0', '--json'], ['--aprover', 'alex']);
    await refusedWith(running, 'configuration', 40);
  });

  test('when a refusal is asked for as JSON: one verdict', async () => {
    const running = start(['./no-such-command'], ['--json']);
    const { exitCode, stdout } = await running.result;
    expect(exitCode).toBe(40);
    expect(verdictSchema.parse(JSON.parse(stdout)).reason_code).toBe('configuration');
  });
});

test('the help of run is asked for before the two dashes only', async () => {
  const { exitCode, stdout } = await world.start(['run', '--help', '--', 'x']).result;
  expect(exitCode).toBe(0);
  expect(stdout).toContain('-- COMMAND [ARGUMENTS]');
});
