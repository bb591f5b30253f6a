import { describe, expect, test } from '@jest/globals';
import { findSecret } from '../../src/core/secrets.ts';
import { secretSamples } from '../support/secrets.ts';

// The scanners are made by the first search. Here, and not in one of the tests, so that Stryker tries a change of how they are
// made with every test, and not only with the one that happens to search first.
findSecret('');

describe('a secret is found', () => {
  test.each(secretSamples)('no. %# %s', (rule, secret) => {
    expect(findSecret(secret)).toMatch(new RegExp(`^${rule}`));
    expect(findSecret(`deploy with "${secret}" and go`)).toBeDefined();
    expect(findSecret(`a first line\n${secret}\nand more`)).toBeDefined();
  });

  test.each(secretSamples)(
    'the name of the rule holds nothing of the value: no. %# %s',
    (_, secret) => {
      const rule = findSecret(secret)!;
      expect(rule).toMatch(/^[A-Za-z0-9_ -]{1,60}$/);
      const value = secret.slice(-8);
      expect(rule).not.toContain(value);
    },
  );

  test('a comment in the text can not switch the search off', () => {
    for (const comment of [
      'secretlint-disable',
      'secretlint-disable-line',
      'secretlint-disable-next-line',
    ]) {
      for (const [, secret] of secretSamples) {
        expect(findSecret(`# ${comment} ${secret}`)).toBeDefined();
        expect(findSecret(`/* ${comment} */\n${secret}`)).toBeDefined();
      }
      expect(findSecret(`// ${comment}`)).toBeUndefined();
    }
  });

  test('one search leaves nothing behind for the next', () => {
    const [rule, secret] = secretSamples.find(([name]) => name.startsWith('aws'))!;
    expect(findSecret(secret)).toBe(rule);
    expect(findSecret('npm run migrate')).toBeUndefined();
    expect(findSecret(secret)).toBe(rule);
  });
});

describe('no false alarm', () => {
  test.each([
    '',
    'api',
    'secret:DB_PASSWORD',
    'env:AWS_SECRET_ACCESS_KEY',
    'npm run migrate -- --password=secret:DB_PASSWORD',
    'PGPASSWORD=$DB_PASSWORD psql',
    'PGPASSWORD="${DB_PASSWORD}" psql',
    'migrate --password=DB_PASSWORD',
    'migrate --password={{ db_password }}',
    'migrate --password=%DB_PASSWORD%',
    'migrate --password=<from the vault>',
    'migrate --password-file=/run/secrets/db',
    'postgres://app:$PASSWORD@db/shop',
    'postgres://app:PASSWORD@db/shop',
    'https://github.com/acme/shop/blob/main/docs/rollback.md#step-2',
    'http://[::1]:8080/path@2x.png',
    'https://forge.example.com:8443/a/b@c',
    'ssh://git@github.com:22/acme/shop.git',
    'fc19318dd13128ce14344d066510a982269c241b',
    'b29814cf5792e684cd75d6a7fce7a67a11887e312f87ca2ac2496d81f365ff72',
    'sha256:b29814cf5792e684cd75d6a7fce7a67a11887e312f87ca2ac2496d81f365ff72',
    '0123456789abcdef0123456789abcdef',
    '123e4567-e89b-42d3-a456-426614174000',
    '123456789012',
    'account=123456789012',
    'aws_account_id: 1234-5678-9012',
    'arn:aws:iam::123456789012:role/deploy',
    'registry.example.com/acme/shop@sha256:b29814cf5792e684cd75d6a7fce7a67a11887e312f87ca2ac2496d81f365ff72',
    'acme/shop/.github/workflows/deploy.yml@refs/heads/main',
    'db/migrate/20261122100000_create_users_and_tokens.sql',
    'the bearer of this letter',
    'Bearer 15-characters-x',
    'Bearer token is read from the vault',
    'eyJ is how a token begins',
    'eyJhbGciOiJI.7-chars',
    'heyJhbGciOiJI.abcdefgh',
    'AIza',
    `AIza${'b3'.repeat(17)}`,
    `xAIza${'b3'.repeat(18)}`,
    'helm rollback api 42 --namespace production',
    'fix(auth): rotate the private key of the signer',
    '-----BEGIN PUBLIC KEY-----',
    '-----BEGIN CERTIFICATE-----',
    'release-agent[bot]',
    'Größe 38 🚀',
  ])('%s', (text) => {
    expect(findSecret(text)).toBeUndefined();
  });
});

test('no hostile text of 64 KiB makes the search run away', () => {
  const pieces = [
    'a',
    'eyJ',
    'eyJ-',
    'eyJaaaaaaaa.',
    'bearer ',
    '-----BEGIN ',
    '-----BEGIN A PRIVATE',
    'password=',
    '://a:',
    '://a:bbbb',
    'http://',
    'https://a:b@',
    'SG.a.',
    'xoxb-a-',
    'ghs_1_a',
    'ghs_1_a.',
    'mongodb://a:b',
    'ops_ey',
    'glc_',
    'AWS_SECRET_ACCESS_KEY ',
    '_authToken=\n',
    'secretlint-disable',
  ];
  for (const piece of pieces) {
    const text = piece.repeat(Math.ceil(65_536 / piece.length));
    const before = process.cpuUsage();
    findSecret(text);
    // Processor time, not the clock's: backtracking takes minutes, and other work on the machine takes none of it.
    const { user } = process.cpuUsage(before);
    expect([piece, user < 5_000_000]).toEqual([piece, true]);
  }
});
