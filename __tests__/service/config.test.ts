import { describe, expect, test } from '@jest/globals';
import { parseServiceConfig } from '../../src/service/config.ts';

function parse(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return parseServiceConfig({ args, env });
}

function problem(args: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  try {
    parse(args, env);
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    expect(code).toBe('configuration');
    return message;
  }
  throw new Error('It was accepted.');
}

test('the defaults', () => {
  expect(parse([])).toEqual({
    port: 8080,
    host: 'localhost',
    dataDir: 'deploy-warrant-data',
    pageDir: expect.stringMatching(/dist\/page$/),
  });
});

test('every flag, and every variable', () => {
  const expected = {
    port: 0,
    host: '127.0.0.1',
    dataDir: '/srv/data',
    origin: 'https://approve.example.com',
    rpId: 'example.com',
    oidcIssuers: [
      { provider: 'github', issuer: 'https://token.actions.githubusercontent.com/acme' },
      { provider: 'gitlab', issuer: 'http://127.0.0.1:8929' },
    ],
    notifyUrl: 'https://hooks.example.com/x?y=z',
    pageDir: '/srv/page',
  };
  const values = {
    port: '0',
    host: '127.0.0.1',
    data: '/srv/data',
    origin: 'https://approve.example.com',
    'rp-id': 'example.com',
    'oidc-issuer':
      'github=https://token.actions.githubusercontent.com/acme,gitlab=http://127.0.0.1:8929',
    'notify-url': 'https://hooks.example.com/x?y=z',
    'page-dir': '/srv/page',
  };
  const flags = Object.entries(values).flatMap(([name, value]) => [`--${name}`, value]);
  expect(parse(flags)).toEqual(expected);
  const env = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      `DEPLOY_WARRANT_${name.toUpperCase().replace('-', '_')}`,
      value,
    ]),
  );
  expect(parse([], { ...env, PATH: '/bin', OTHER: '' })).toEqual(expected);
});

test('a flag goes before its variable', () => {
  expect(parse(['--port', '1'], { DEPLOY_WARRANT_PORT: '2' }).port).toBe(1);
});

test('variables of the other commands may stand in the same shell', () => {
  expect(parse([], { DEPLOY_WARRANT_API_KEY: 'x', DEPLOY_WARRANT_API_URL: 'y' }).port).toBe(8080);
});

test('issuers may be given one by one', () => {
  const [github, gitlab] = ['github=https://a.example/_services/token', 'gitlab=https://b.example'];
  const { oidcIssuers } = parse(['--oidc-issuer', github, '--oidc-issuer', gitlab]);
  expect(oidcIssuers?.map(({ issuer }) => issuer)).toEqual([
    'https://a.example/_services/token',
    'https://b.example',
  ]);
});

describe('is refused, with the reason', () => {
  test.each([
    [['--prot', '80'], /--prot/],
    [['serve'], /serve/],
    [['--port'], /port/],
    [['--port', ''], /--port is empty/],
    [['--port', '65536'], /65536.*0 to 65535/],
    [['--port', '-1'], /port/],
    [['--port', '80a'], /80a/],
    [['--port', '0x50'], /0x50/],
    [['--port', '080'], /080/],
    [['--host', ' '], /--host is empty/],
    [['--data', ''], /--data is empty/],
    [['--origin', 'approve.example.com'], /--origin is not a URL/],
    [['--origin', 'http://approve.example.com'], /https/],
    [['--origin', 'ftp://approve.example.com'], /--origin/],
    [['--origin', 'https://approve.example.com/'], /scheme, host and port/],
    [['--origin', 'https://approve.example.com/x'], /scheme, host and port/],
    [['--origin', 'https://APPROVE.example.com'], /scheme, host and port/],
    [['--origin', 'https://me:pw@approve.example.com'], /user name, password/],
    [['--origin', 'https://192.0.2.1'], /192\.0\.2\.1/],
    [['--origin', 'https://[2001:db8::1]'], /2001:db8::1/],
    [['--origin', 'http://127.0.0.1:8080'], /localhost/],
    [['--rp-id', 'example.com'], /--rp-id.*"localhost".*"example.com"/],
    [['--origin', 'https://a.example.com', '--rp-id', 'b.example.com'], /--rp-id/],
    [['--origin', 'https://a.example.com', '--rp-id', 'ample.com'], /--rp-id/],
    [['--origin', 'https://a.example.com', '--rp-id', 'com'], /--rp-id/],
    [['--origin', 'https://a.example.com', '--rp-id', 'https://a.example.com'], /--rp-id/],
    [['--oidc-issuer', ''], /--oidc-issuer is empty/],
    [['--oidc-issuer', 'https://gitlab.example.com'], /PROVIDER=URL/],
    [['--oidc-issuer', 'gitea=https://gitea.example.com'], /github and gitlab/],
    [['--oidc-issuer', 'gitlab='], /--oidc-issuer is not a URL/],
    [['--oidc-issuer', 'gitlab=https://a.example,'], /PROVIDER=URL/],
    [['--oidc-issuer', 'gitlab=http://gitlab.example.com'], /--oidc-issuer must be https/],
    [['--oidc-issuer', 'gitlab=http://169.254.169.254'], /--oidc-issuer must be https/],
    [['--oidc-issuer', 'gitlab=https://a.example/'], /without a slash or a query/],
    [['--oidc-issuer', 'gitlab=https://a.example?x=1'], /without a slash or a query/],
    [['--oidc-issuer', 'gitlab=https://A.example'], /without a slash or a query/],
    [['--oidc-issuer', 'gitlab=https://me:pw@a.example'], /user name, password/],
    [['--oidc-issuer', 'gitlab=https://a.example,github=https://a.example'], /twice/],
    [['--notify-url', 'hooks'], /--notify-url is not a URL/],
    [['--notify-url', 'http://hooks.example.com/'], /--notify-url must be https/],
    [['--notify-url', 'http://169.254.169.254/'], /--notify-url must be https/],
    [['--notify-url', 'http://localhost.example.com/'], /--notify-url must be https/],
    [['--notify-url', 'file:///etc/passwd'], /--notify-url must be https/],
    [['--notify-url', 'https://me:pw@hooks.example.com/'], /user name, password/],
  ])('%j', (args, message) => {
    expect(problem(args)).toMatch(message);
  });

  test.each([
    ['DEPLOY_WARRANT_PROT', '80', /DEPLOY_WARRANT_PROT is not known.*DEPLOY_WARRANT_PORT/],
    ['DEPLOY_WARRANT_PORT', 'x', /"x"/],
    ['DEPLOY_WARRANT_ORIGIN', '', /DEPLOY_WARRANT_ORIGIN is empty/],
  ])('%s=%s', (name, value, message) => {
    expect(problem([], { [name]: value })).toMatch(message);
  });

  test('a webhook, without repeating the secret in it', () => {
    const bad = 'http://hooks.example.com/T000/SECRET';
    expect(problem(['--notify-url', bad])).not.toContain('SECRET');
    expect(problem(['--notify-url', 'hooks/SECRET'])).not.toContain('SECRET');
  });
});

test.each([
  'http://localhost:9999/x',
  'http://127.0.0.1:1/',
  'http://[::1]:1/',
  'https://a.example',
])('%s may be notified', (url) => {
  expect(parse(['--notify-url', url]).notifyUrl).toBe(url);
});
