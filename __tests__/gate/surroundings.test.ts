import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { systemDependencies } from '../../src/gate/dependencies.ts';
import { mayHaveTokens, openJob } from '../../src/gate/job-access.ts';
import { startFaultyServer, json, type FaultyServer } from '../support/faulty-server.ts';
import { startIssuer, type Issuer } from '../support/issuer.ts';

const quiet = new AbortController().signal;

describe('the dependencies of a front end', () => {
  const log = (): void => undefined;
  const system = systemDependencies({ log, signal: quiet });

  test('are what it gives, and the clock and the randomness of this machine', () => {
    expect(system).toMatchObject({ log, signal: quiet });
    expect(Math.abs(system.now() - Date.now())).toBeLessThan(60_000);
    const values = Array.from({ length: 20 }, () => system.random());
    for (const value of values) expect(value >= 0 && value < 1).toBe(true);
    expect(new Set(values).size).toBe(20);
    const bytes = [32, 32].map((size) => Buffer.from(system.randomBytes(size)).toString('hex'));
    expect(bytes.map((text) => text.length)).toEqual([64, 64]);
    expect(bytes[0]).not.toBe(bytes[1]);
  });

  test('sleep as long as they are told, or until a signal', async () => {
    const start = performance.now();
    await system.sleep(50);
    expect(performance.now() - start).toBeGreaterThan(40);
    await expect(system.sleep(3_000, AbortSignal.abort())).rejects.toThrow('aborted');
  });
});

describe('the way to the forge of a job', () => {
  let server: FaultyServer;
  let issuer: Issuer;
  beforeAll(async () => {
    [server, issuer] = await Promise.all([startFaultyServer(), startIssuer('github')]);
  });
  afterAll(() => Promise.all([server.close(), issuer.close()]));

  test('reads, waits until a signal, and spreads its tries', async () => {
    const env = { GITHUB_ACTIONS: 'true' };
    const { web, ...access } = openJob({ env, signal: quiet });
    expect(access).toEqual({ env, tokens: undefined });
    expect(web.signal).toBe(quiet);
    server.script(json(200, { keys: [] }));
    const url = `${server.apiUrl}/keys`;
    const answer = await web.get({ url, headers: {}, timeoutMs: 10_000, signal: quiet });
    expect([answer.status, Buffer.from(answer.body).toString()]).toEqual([200, '{"keys":[]}']);
    expect(server.seen).toMatchObject([{ method: 'GET', path: '/api/keys' }]);
    await expect(web.sleep(3_000, AbortSignal.abort())).rejects.toThrow('aborted');
    const values = Array.from({ length: 20 }, () => web.random());
    expect(new Set(values).size).toBe(20);
    for (const value of values) expect(value >= 0 && value < 1).toBe(true);
  });

  test('hides every token in the log that the job is given', async () => {
    const masked: string[] = [];
    const env = { GITHUB_ACTIONS: 'true', ...issuer.variables() };
    const mask = (secret: string): void => void masked.push(secret);
    const { tokens } = openJob({ env, signal: quiet, mask });
    expect(tokens?.provider).toBe('github');
    const token = await tokens!.mint('deploy-warrant');
    expect(token.split('.')).toHaveLength(3);
    expect(masked).toEqual([token]);
  });

  test('may take the place of a key only where the job may have tokens', () => {
    expect(mayHaveTokens({ GITHUB_ACTIONS: 'true', ...issuer.variables() })).toBe(true);
    expect(mayHaveTokens({ GITLAB_CI: 'true', DEPLOY_WARRANT_ID_TOKEN: 'x' })).toBe(true);
    expect(mayHaveTokens({ GITHUB_ACTIONS: 'true' })).toBe(false);
  });
});
