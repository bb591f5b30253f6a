import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sha256Hex } from '../../src/core/hash.ts';
import { verdictSchema } from '../../src/core/verdict.ts';
import { runBundle, type ProcessResult } from '../action/runner.ts';
import { builtBundles } from '../support/bundles.ts';
import { decide, enrol, type Person, type TestService } from '../support/service.ts';

/** Everything by the command line, as on a machine without GitHub: from an empty store to an approval that is used up. */
const folder = mkdtempSync(join(tmpdir(), 'deploy-warrant-journey-'));
const checkout = join(folder, 'checkout');
const policyPath = join(folder, 'policy.json');
const facts = [
  ['--service', 'api'],
  ['--environment', 'production'],
  ['--migration', 'none'],
  ['--rollback-version', 'v1'],
].flat();

let bundle: string;
let server: ChildProcess;
let log = '';
let service: TestService;
let alex: Person;
let key: string;

const admin = (...args: readonly string[]) =>
  runBundle(bundle, {
    args,
    env: { DEPLOY_WARRANT_API_URL: service.apiUrl, DEPLOY_WARRANT_API_KEY: service.adminKey },
  });

let runs = 0;
const newRun = () => ({ DEPLOY_WARRANT_RUN_ID: String((runs += 1)) });
const step = (args: readonly string[], env: Readonly<Record<string, string>>) =>
  runBundle(bundle, {
    args: [...args, ...facts, '--policy', policyPath],
    cwd: checkout,
    env: {
      TMPDIR: folder,
      DEPLOY_WARRANT_API_URL: service.apiUrl,
      DEPLOY_WARRANT_API_KEY: key,
      ...env,
    },
  });

/** The value of a printed output. */
const printed = ({ stdout }: ProcessResult, name: string) =>
  new RegExp(`^${name}: (.*)$`, 'm').exec(stdout)?.[1];

async function untilLogged(pattern: RegExp): Promise<string> {
  for (let tries = 0; tries < 1_500; tries += 1) {
    const found = pattern.exec(log)?.[1];
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`not in the log of the service: ${String(pattern)}\n${log}`);
}

/** Approves the newest request for alex as soon as the service has it. */
async function approveNext(known: ReadonlySet<string>): Promise<string> {
  for (let tries = 0; tries < 1_500; tries += 1) {
    const ids = seenIds.filter((id) => !known.has(id));
    if (ids[0] !== undefined) {
      expect((await decide(service, ids[0], alex)).status).toBe(200);
      return ids[0];
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('The request step asked nobody.');
}
const seenIds: string[] = [];

/** Runs `request` and has it approved by the link on its stderr. */
async function approvedRequest(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<ProcessResult> {
  const known = new Set(seenIds);
  const child = spawn(
    process.execPath,
    [bundle, 'request', ...args, ...facts, '--policy', policyPath],
    {
      cwd: checkout,
      env: {
        PATH: process.env.PATH,
        TMPDIR: folder,
        DEPLOY_WARRANT_API_URL: service.apiUrl,
        DEPLOY_WARRANT_API_KEY: key,
        ...env,
      },
    },
  );
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    const id = /\/approve\/([0-9a-f-]{36})/.exec(stderr)?.[1];
    if (id !== undefined && !seenIds.includes(id)) seenIds.push(id);
  });
  const result = new Promise<ProcessResult>((resolve) =>
    child.once('close', (exitCode) => resolve({ exitCode, stdout, stderr })),
  );
  await approveNext(known);
  return await result;
}

beforeAll(async () => {
  bundle = join(await builtBundles(), 'cli.js');
  const data = join(folder, 'data');
  server = spawn(process.execPath, [bundle, 'serve', '--port', '0', '--data', data], {
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [server.stdout!, server.stderr!]) {
    stream.setEncoding('utf8').on('data', (text: string) => (log += text));
  }
  const url = await untilLogged(/listens on (\S+)\n/);
  const first = JSON.parse(readFileSync(join(data, 'first-admin.json'), 'utf8')) as {
    readonly api_key: string;
    readonly invite_url: string;
  };
  service = {
    ...{ url, origin: url, dataDir: data, log: [] },
    apiUrl: `${url}/api`,
    rpId: 'localhost',
    adminKey: first.api_key,
    inviteUrl: first.invite_url,
    close: () => Promise.resolve(),
  };
  mkdirSync(checkout);
  const git = (...args: readonly string[]) =>
    execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', ...args], {
      cwd: checkout,
    });
  git('init', '--quiet', '--initial-branch=main');
  writeFileSync(join(checkout, 'README.md'), '# shop\n');
  git('add', '--all');
  git('commit', '--quiet', '-m', 'Open the shop');
}, 120_000);

afterAll(() => {
  server.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

describe('the command line', () => {
  test('invites a person, by a link that enrols one passkey', async () => {
    const { exitCode, stdout } = await admin('invite', '--note', 'for alex');
    expect(exitCode).toBe(0);
    const code = /^http:\/\/localhost:\d+\/enrol\/(\S+)\n$/.exec(stdout)?.[1];
    alex = await enrol(service, 'alex', { code: code! });
  });

  test('makes a key, and prints it once', async () => {
    const refused = await admin('key', '--repositories', 'checkout', '--services', 'api');
    expect(refused.exitCode).toBe(40);
    expect(refused.stderr).toContain('--environments');
    const { exitCode, stdout } = await admin(
      ...['key', '--repositories', 'checkout,other', '--services', 'api'],
      ...['--environments', '*', '--note', 'ci'],
    );
    expect(exitCode).toBe(0);
    key = stdout.trim();
    expect(key).toMatch(/^dw_/);
  });

  test('writes a policy, and says each SHA-256 beside it', async () => {
    const { exitCode, stdout, stderr } = await admin(
      ...['policy', '--environment', 'production'],
      ...['--account', 'alex=github:1234567:alexdoe'],
    );
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      schema: 'approval-policy/v1',
      relying_party: { id: 'localhost', origin: service.url },
      approvers: {
        alex: {
          accounts: [{ provider: 'github', id: '1234567', login: 'alexdoe' }],
          passkeys: [alex.passkey.pinned],
        },
      },
      environments: { production: { approvers: ['alex'], quorum: 1, require_oidc: true } },
    });
    const spki = Buffer.from(alex.passkey.pinned.public_key, 'base64url');
    expect(stderr).toContain(`alex  ${sha256Hex(spki)}`);
    // A job of GitHub has a token; this machine has none.
    writeFileSync(policyPath, stdout.replace('"require_oidc": true', '"require_oidc": false'));
    expect((await runBundle(bundle, { args: ['check', policyPath] })).exitCode).toBe(0);
  });

  test('says what a policy lacks before the gate takes it', async () => {
    const { exitCode, stdout, stderr } = await admin('policy', '--environment', 'production');
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ approvers: { alex: { accounts: [] } } });
    expect(stderr).toContain('approvers.alex.accounts');
    const draft = join(folder, 'draft.json');
    writeFileSync(draft, stdout);
    expect((await runBundle(bundle, { args: ['check', draft] })).exitCode).toBe(40);
  });

  test.each([
    [
      'with the account of nobody',
      ['policy', '--environment', 'production', '--account', 'mallory=github:1:m'],
      '--account',
    ],
    ['for no environment', ['policy'], '--environment'],
    [
      'with a quorum that nobody can reach',
      ['policy', '--environment', 'production', '--quorum', '2'],
      'quorum',
    ],
    [
      'for another host',
      ['policy', '--environment', 'production', '--relying-party-id', 'example.com'],
      'relying_party',
    ],
  ])('writes no policy %s', async (_name, args, word) => {
    const { exitCode, stdout, stderr } = await admin(...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 40, stdout: '' });
    expect(stderr).toContain(word);
  });

  test('keeps a request key away from the administration', async () => {
    for (const args of [['invite'], ['policy', '--environment', 'x']]) {
      const { exitCode, stdout, stderr } = await runBundle(bundle, {
        args: [...args, '--json'],
        env: { DEPLOY_WARRANT_API_URL: service.apiUrl, DEPLOY_WARRANT_API_KEY: key },
      });
      expect(exitCode).toBe(31);
      expect(JSON.parse(stdout)).toMatchObject({ reason_code: 'service_unauthorized' });
      expect(stdout + stderr).not.toContain(key);
    }
  });

  test('asks, waits, verifies once, and writes the record outside of the checkout', async () => {
    const env = newRun();
    const asked = await approvedRequest([], env);
    expect({ exitCode: asked.exitCode, stderr: asked.exitCode ? asked.stderr : '' }).toEqual({
      exitCode: 0,
      stderr: '',
    });
    expect(printed(asked, 'status')).toBe('approved');
    const id = printed(asked, 'approval-id')!;
    expect(asked.stdout + asked.stderr).not.toContain(key);

    const records = join(folder, 'records');
    mkdirSync(records);
    const args = ['verify', '--approval-id', id, '--record-dir', records];
    const verified = await step([...args, '--json'], env);
    expect(verified.exitCode).toBe(0);
    expect(verdictSchema.parse(JSON.parse(verified.stdout))).toMatchObject({
      reason_code: 'approved',
      exit_code: 0,
      approvers: ['alex'],
      redemption: 'redeemed',
    });
    const [record] = readdirSync(records);
    expect(readdirSync(join(records, record!)).sort()).toEqual([
      'facts.json',
      'policy.json',
      'record.json',
      'verdict.json',
    ]);
    expect(
      execFileSync('git', ['status', '--porcelain'], { cwd: checkout, encoding: 'utf8' }),
    ).toBe('');

    const again = await step([...args, '--json'], env);
    expect(again.exitCode).toBe(23);
    expect(JSON.parse(again.stdout)).toMatchObject({ reason_code: 'already_used', exit_code: 23 });
    const byRecord = await step(['verify', '--record', join(records, record!)], env);
    expect({ exitCode: byRecord.exitCode, stdout: byRecord.stdout }).toEqual({
      exitCode: 23,
      stdout: '',
    });
  });

  test('refuses another run, with each field and both values', async () => {
    const asked = await approvedRequest(['--json'], newRun());
    const line = JSON.parse(asked.stdout) as Record<string, string>;
    expect(line).toMatchObject({ schema: 'request/v1', status: 'approved', exit_code: 0 });
    const { exitCode, stdout } = await step(
      ['verify', '--approval-id', line.approval_id!, '--json'],
      newRun(),
    );
    expect(exitCode).toBe(20);
    expect(JSON.parse(stdout)).toMatchObject({
      reason_code: 'facts_mismatch',
      differences: [{ field: 'run_id', signed: '2', final: '3' }],
    });
  });

  test('refuses a step without a key, and tells where it belongs', async () => {
    const { exitCode, stderr } = await step(['request'], {
      ...newRun(),
      DEPLOY_WARRANT_API_KEY: '',
    });
    expect(exitCode).toBe(40);
    expect(stderr).toContain('DEPLOY_WARRANT_API_KEY');
  });

  test('refuses a policy inside of the checkout', async () => {
    const inside = join(checkout, '.git', 'policy.json');
    writeFileSync(inside, readFileSync(policyPath));
    const { exitCode, stderr } = await runBundle(bundle, {
      args: ['request', ...facts, '--policy', inside],
      cwd: checkout,
      env: { DEPLOY_WARRANT_API_URL: service.apiUrl, DEPLOY_WARRANT_API_KEY: key, ...newRun() },
    });
    expect(exitCode).toBe(40);
    expect(stderr).toContain('policy.json');
  });

  test.each([
    ['a step without facts', ['verify'], {}, 40],
    ['an administrator without a key', ['invite'], {}, 40],
    ['weakened TLS', ['verify'], { NODE_TLS_REJECT_UNAUTHORIZED: '0' }, 40],
    ['an unknown command', ['deploy'], {}, 40],
    ['a command named like a member of every object', ['constructor'], {}, 40],
  ])('refuses %s', async (_name, args, env, expected) => {
    const { exitCode, stdout } = await runBundle(bundle, { args: [...args, '--json'], env });
    expect(exitCode).toBe(expected);
    expect(verdictSchema.parse(JSON.parse(stdout)).exit_code).toBe(expected);
  });

  test('serves until it is told to stop, and then ends well', async () => {
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGTERM');
    expect(await ended).toBe(0);
  });
});
