import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { latestDeploy } from '../../src/client/deploys.ts';
import { canonicalText } from '../../src/core/canonical.ts';
import type { DeployFacts } from '../../src/core/facts.ts';
import { Fault } from '../../src/core/fault.ts';
import { sha256Hex } from '../../src/core/hash.ts';
import { exampleFacts, examplePayload, minimalFacts } from '../support/deploy.ts';
import {
  answer,
  cut,
  flood,
  json,
  redirect,
  silence,
  startFaultyServer,
  type Act,
  type FaultyServer,
} from '../support/faulty-server.ts';
import { apiKey, testDependencies } from './dependencies.ts';

let server: FaultyServer;
beforeAll(async () => {
  server = await startFaultyServer();
});
afterAll(() => server.close());

const last = examplePayload();
const payloadHash = sha256Hex(canonicalText(last));
const redeemedAt = '2026-11-20T10:00:00Z';
const good = { payload: last, payloadHash, redeemedAt };

const ask = (facts: DeployFacts = exampleFacts(), tryMs = 5_000) =>
  latestDeploy(testDependencies(server.apiUrl, tryMs), { facts });

async function refusal(act: Act, facts?: DeployFacts): Promise<string> {
  server.script(act);
  const error: unknown = await ask(facts, act === silence ? 50 : 5_000).then(
    (value) => new Error(`No fault: ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof Fault)) throw error;
  expect(error.message).toMatch(/^Asking for the last deploy/);
  expect(error.message).toContain(server.host);
  expect(error.message).not.toContain(apiKey);
  return `${error.code}: ${error.message}`;
}

describe('the last deploy', () => {
  test('of the target is asked for by all that makes the target', async () => {
    server.script(json(200, good));
    expect(await ask()).toEqual({ facts: last.facts, payloadHash, redeemedAt });
    expect(server.seen.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /api/deploys/latest?repository=acme%2Fshop&repositoryId=123456789&service=api&environment=production&region=eu-west-1&account=123456789012&tenant=acme&cluster=blue',
    ]);
    server.script(json(200, {}));
    await ask(minimalFacts());
    expect(server.seen[0]?.path).toBe(
      '/api/deploys/latest?repository=acme%2Fshop&service=api&environment=production',
    );
  });

  test('is none where the service knows none, or knows no such question', async () => {
    for (const act of [
      json(200, {}),
      json(200, { payload: null, other: 1 }),
      answer(404, ''),
      answer(405, 'x'),
    ]) {
      server.script(act);
      expect(await ask()).toBeUndefined();
      expect(server.seen).toHaveLength(1);
    }
  });

  test('under another name of the same repository is the same', async () => {
    server.script(json(200, good));
    const facts = { ...exampleFacts(), repository: 'acme/renamed' };
    expect((await ask(facts))?.facts.repository).toBe('acme/shop');
  });

  test('is asked for again after what may pass', async () => {
    server.script(cut, json(503, {}), json(429, {}), json(200, good));
    expect((await ask())?.payloadHash).toBe(payloadHash);
    expect(server.seen).toHaveLength(4);
  });
});

describe('what is no answer is refused', () => {
  test.each<[string, Act, string]>([
    ['no answer in time', silence, 'service_unreachable'],
    ['an outage that lasts', json(500, good), 'service_unreachable'],
    ['another key', json(401, {}), 'service_unauthorized'],
    ['no right', json(403, {}), 'service_unauthorized'],
    ['a question that is not understood', json(422, {}), 'service_misbehaved'],
    ['a redirect', redirect(302, 'https://evil.example/'), 'service_misbehaved'],
    ['more than 256 KiB', flood({ bytes: 0 }), 'service_misbehaved'],
    ['a page', answer(200, '<html></html>', { 'content-type': 'text/html' }), 'service_misbehaved'],
    ['a list', json(200, []), 'service_misbehaved'],
    ['a part of it', json(200, { payload: last, payloadHash }), 'service_misbehaved'],
    ['a time that is none', json(200, { ...good, redeemedAt: 'today' }), 'service_misbehaved'],
    ['another hash', json(200, { ...good, payloadHash: 'a'.repeat(64) }), 'service_misbehaved'],
    ['a payload that is none', json(200, { ...good, payload: { a: 1 } }), 'service_misbehaved'],
  ])('%s', async (_, act, code) => {
    expect((await refusal(act)).split(':')[0]).toBe(code);
  });

  test.each([
    ['service', 'web'],
    ['environment', 'staging'],
    ['region', 'us-east-1'],
    ['account', '2'],
    ['tenant', 'other'],
    ['cluster', 'green'],
    ['repository_id', '2'],
  ] as const)('the deploy of another target: %s', async (fact, value) => {
    const facts = { ...exampleFacts(), [fact]: value };
    expect(await refusal(json(200, good), facts)).toContain(
      `service_misbehaved: Asking for the last deploy at ${server.host} failed (request about ${facts.service} in ${facts.environment}): it answers with a deploy whose ${fact} is ${last.facts[fact]}, not ${value}.`,
    );
  });

  test('the deploy of another repository, where there are no ids', async () => {
    const facts = minimalFacts();
    const payload = { ...last, facts: { ...facts, repository: 'acme/other' } };
    const hash = sha256Hex(canonicalText(payload));
    const act = json(200, { payload, payloadHash: hash, redeemedAt });
    expect(await refusal(act, facts)).toContain('repository is acme/other, not acme/shop');
  });

  test('a deploy with more than was asked for', async () => {
    const all = Object.entries(exampleFacts());
    const facts = Object.fromEntries(all.filter(([name]) => name !== 'tenant'));
    expect(await refusal(json(200, good), facts as unknown as DeployFacts)).toContain(
      'it answers with a deploy whose tenant is acme, not none.',
    );
  });

  test('a signal ends it', async () => {
    server.script(silence);
    const deps = testDependencies(server.apiUrl, 5_000);
    const asked = latestDeploy(deps, { facts: exampleFacts() });
    setTimeout(() => deps.stop.abort(), 50);
    await expect(asked).rejects.toMatchObject({ code: 'interrupted' });
  });
});
