import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { runBundle } from '../action/runner.ts';
import { builtBundles } from '../support/bundles.ts';
import {
  answer,
  cut,
  flood,
  gzipBomb,
  json,
  noHttp,
  redirect,
  silence,
  startFaultyServer,
  type Act,
  type FaultyServer,
} from '../support/faulty-server.ts';

const apiKey = 'dw_admin_0123456789abcdefghijklmnopqrstuvwxyz';
let bundle: string;
let server: FaultyServer;
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  bundle = join(await builtBundles(), 'cli.js');
  server = await startFaultyServer();
  env = { DEPLOY_WARRANT_API_URL: server.apiUrl, DEPLOY_WARRANT_API_KEY: apiKey };
}, 120_000);
afterAll(() => server.close());

/** Runs a command of the administration against a service that answers so. */
async function ask(act: Act, ...args: readonly string[]) {
  server.script(act);
  return runBundle(bundle, { args, env });
}

const link = { code: 'abc', registerUrl: 'https://approve.example.com/register/abc' };

describe('what the service answers is held to the API', () => {
  test.each<[name: string, act: Act, reason: string, message: string]>([
    ['an outage', json(503, {}), 'service_unreachable', 'answered 503.'],
    ['a redirect', redirect(302, 'https://x.example/'), 'service_misbehaved', 'answered 302.'],
    [
      'a conflict, with its reason',
      json(409, { code: 'x', message: 'It is there\u001B[2J already.' }),
      'configuration',
      'answered 409: It is there\\u{001B}[2J already.',
    ],
    [
      'too many calls',
      json(429, { code: 'x', message: 'Wait.' }),
      'service_unreachable',
      ': Wait.',
    ],
    ['a connection that breaks', cut, 'service_unreachable', 'failed: the connection failed: '],
    ['bytes that are no HTTP', noHttp, 'service_misbehaved', 'failed: no HTTP answer: '],
    ['a compressed answer', gzipBomb, 'service_misbehaved', 'the answer is compressed'],
    ['an endless answer', flood({ bytes: 0 }), 'service_misbehaved', 'larger than 262144 bytes'],
    ['an error page', answer(409, '<html>'), 'configuration', 'answered 409.'],
    ['an error of another form', json(409, { oh: 'no' }), 'configuration', 'answered 409.'],
    ['no JSON', answer(201, 'fine'), 'service_misbehaved', 'is not acceptable JSON: '],
    [
      'a link that a terminal would not open',
      json(201, { ...link, registerUrl: 'javascript:alert(1)' }),
      'service_misbehaved',
      'is not of the form of the API:\nregisterUrl: ',
    ],
  ])('%s', async (_, act, reason, message) => {
    const { stdout } = await ask(act, 'invite', '--json');
    const verdict = JSON.parse(stdout) as { reason_code: string; message: string };
    expect(verdict.reason_code).toBe(reason);
    expect(verdict.message).toContain(message);
    expect(verdict.message).toContain(server.host);
    expect(server.seen).toHaveLength(1);
  });

  test('nobody listens there', async () => {
    const gone = await startFaultyServer();
    await gone.close();
    const { stdout } = await runBundle(bundle, {
      args: ['invite', '--json', `--api-url=${gone.apiUrl}`],
      env,
    });
    expect(JSON.parse(stdout)).toMatchObject({
      reason_code: 'service_unreachable',
      message: `The call to ${gone.host} failed: the connection failed: ECONNREFUSED.`,
    });
  });

  test('a proxy in between wants to know who asks', async () => {
    const proxy = createServer((socket) => {
      socket.on('error', () => undefined).once('data', () => socket.end('HTTP/1.1 407 No\r\n\r\n'));
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const { port } = proxy.address() as AddressInfo;
    const { exitCode, stdout } = await runBundle(bundle, {
      args: ['invite', '--json', '--api-url=https://approve.example.com/api'],
      env: { ...env, https_proxy: `http://127.0.0.1:${port}` },
    });
    proxy.close();
    expect([exitCode, JSON.parse(stdout)]).toEqual([
      31,
      expect.objectContaining({
        reason_code: 'service_unauthorized',
        message:
          'The call to approve.example.com failed: the proxy refused the connection with 407.',
      }),
    ]);
  });

  test('no address is given', async () => {
    const { exitCode, stderr } = await runBundle(bundle, {
      args: ['invite'],
      env: { DEPLOY_WARRANT_API_KEY: apiKey },
    });
    expect(exitCode).toBe(40);
    expect(stderr).toContain('Neither --api-url nor DEPLOY_WARRANT_API_URL is given.');
  });

  test('a signal ends the wait for it', async () => {
    server.script(silence);
    const child = spawn(process.execPath, [bundle, 'invite', '--json'], {
      env: { ...env, PATH: process.env.PATH },
    });
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    const ended = new Promise((resolve) => child.once('close', resolve));
    while (server.seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill('SIGTERM');
    await ended;
    expect(JSON.parse(stdout)).toMatchObject({
      reason_code: 'interrupted',
      message: 'The command was stopped by a signal.',
    });
  });
});

describe('what is made is printed as one line of JSON', () => {
  test('an invite', async () => {
    const { exitCode, stdout } = await ask(json(201, link), 'invite', '--json', '--max-uses=3');
    expect([exitCode, JSON.parse(stdout)]).toEqual([
      0,
      { schema: 'invite/v1', code: 'abc', register_url: link.registerUrl },
    ]);
    expect(JSON.parse(server.seen[0]!.body)).toMatchObject({ maxUses: 3 });
  });

  test('a key', async () => {
    const scope = ['--repositories=acme/shop', '--services=api', '--environments=production'];
    const { exitCode, stdout } = await ask(
      json(201, { id: '7', key: 'dw_request_x' }),
      ...['key', '--json', ...scope],
    );
    expect([exitCode, JSON.parse(stdout)]).toEqual([
      0,
      { schema: 'key/v1', id: '7', key: 'dw_request_x' },
    ]);
  });
});

describe('a draft of a policy', () => {
  const passkey = {
    username: 'alex',
    id: 'AAAAAAAAAAAAAAAAAAAAAA',
    algorithm: 'ES256',
    publicKey: generateKeyPairSync('ec', { namedCurve: 'P-256' })
      .publicKey.export({ type: 'spki', format: 'der' })
      .toString('base64url'),
    userHandle: null,
  };
  const draft = (passkeys: readonly object[], ...args: readonly string[]) =>
    ask(json(200, { passkeys }), 'policy', '--environment=production', ...args);

  test('as JSON: the keys with their hashes, and what it lacks', async () => {
    const { exitCode, stdout } = await draft(
      [passkey],
      ...['--json', '--origin=https://approve.example.com'],
    );
    expect(exitCode).toBe(0);
    const { schema, passkeys, policy, problems } = JSON.parse(stdout) as Record<string, unknown>;
    expect(schema).toBe('policy-draft/v1');
    expect(passkeys).toEqual([
      { username: 'alex', id: passkey.id, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    ]);
    expect(JSON.stringify(policy)).not.toContain('user_handle');
    expect(problems).toContainEqual(expect.objectContaining({ field: 'approvers.alex.accounts' }));
  });

  test.each([
    ['without a passkey', [], [], 'Nobody has enrolled a passkey yet.'],
    ['with an account that is none', [passkey], ['--account=alex'], 'not "alex".'],
    ['with an origin that is none', [passkey], ['--origin=approve'], 'not a URL: "approve".'],
    ['with a quorum of none', [passkey], ['--quorum=0'], 'from 1 to 99, not "0".'],
  ])('is refused %s', async (_, passkeys, args, message) => {
    const { exitCode, stdout, stderr } = await draft(passkeys, ...args);
    expect([exitCode, stdout]).toEqual([40, '']);
    expect(stderr).toContain(message);
  });
});

test('an invite for no number of people is refused', async () => {
  const { exitCode, stderr } = await ask(json(201, link), 'invite', '--max-uses=many');
  expect(exitCode).toBe(40);
  expect(stderr).toContain('--max-uses is a whole number from 1 to 9999, not "many".');
  expect(server.seen).toEqual([]);
});

describe('the command itself', () => {
  test.each([[], ['--help'], ['-h'], ['help']])('explains itself: %s', async (...args) => {
    const { exitCode, stdout } = await runBundle(bundle, { args });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^ {2}invite /m);
  });

  test('says its version', async () => {
    const { exitCode, stdout } = await runBundle(bundle, { args: ['--version'] });
    expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]);
  });

  test('a word that is near a command', async () => {
    const { exitCode, stderr } = await runBundle(bundle, { args: ['verfy'] });
    expect(exitCode).toBe(40);
    expect(stderr).toContain('There is no command verfy. Did you mean verify?');
  });

  test('a word that is near no command', async () => {
    const { exitCode, stderr } = await runBundle(bundle, { args: ['xyzzyxyzzy'] });
    expect(exitCode).toBe(40);
    expect(stderr).toContain('There is no command xyzzyxyzzy. "deploy-warrant --help" lists them.');
  });
});
