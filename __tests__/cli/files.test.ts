import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { canonicalText } from '../../src/core/canonical.ts';
import { verdictSchema } from '../../src/core/verdict.ts';
import { runBundle } from '../action/runner.ts';
import { createEvidence, createPayload, createWorld, facts } from '../support/approvals.ts';
import { builtBundles } from '../support/bundles.ts';

const world = createWorld();
const payload = createPayload();
const { record } = createEvidence(world);
const folder = mkdtempSync(join(tmpdir(), 'deploy-warrant-cli-'));
let bundle: string;

beforeAll(async () => {
  bundle = join(await builtBundles(), 'cli.js');
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

/** Puts each text or document into a file, and names the files as arguments. */
const run = (command: string, files: readonly unknown[], ...flags: readonly string[]) => {
  const paths = files.map((content, at) => {
    const path = join(folder, `${at}.json`);
    if (content !== undefined) {
      writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
      return path;
    }
    return join(folder, 'missing.json');
  });
  return runBundle(bundle, { args: [command, ...paths, ...flags], env: { CI: '' } });
};

test.each([
  ['compare', ['/dev/zero', '/dev/zero']],
  ['check', ['/dev/zero']],
])('%s reads no more than a document may have', async (command, paths) => {
  const { exitCode, stderr } = await runBundle(bundle, { args: [command, ...paths], env: {} });
  expect([exitCode, stderr]).toEqual([
    21,
    expect.stringContaining(
      '/dev/zero has more than 262144 bytes, so it is no document of Deploy Warrant.',
    ),
  ]);
});

describe('compare', () => {
  test.each([
    ['equal facts', [facts, facts], 0],
    [
      'equal facts in another order',
      [facts, Object.fromEntries(Object.entries(facts).reverse())],
      0,
    ],
    ['another commit', [facts, { ...facts, commit: 'a'.repeat(40) }], 20],
    ['another attempt', [facts, { ...facts, run_attempt: '2' }], 20],
    ['a fact that one side has', [facts, { ...facts, tenant: 'north' }], 20],
    ['facts that are not acceptable', [facts, { ...facts, service: 'latest' }], 21],
    ['facts with an unknown member', [{ ...facts, extra: '1' }, facts], 21],
    ['a member twice', ['{"schema":"deploy-facts/v1","schema":"deploy-facts/v1"}', facts], 21],
    ['no JSON', [facts, 'facts'], 21],
    ['a file that is not there', [facts, undefined], 40],
  ])('%s', async (_name, files, expected) => {
    const { exitCode, stdout } = await run('compare', files, '--json');
    expect(exitCode).toBe(expected);
    const line = JSON.parse(stdout) as Record<string, unknown>;
    expect(line.exit_code).toBe(expected);
    // Equal facts are no approval, and no line may be taken for one.
    expect(stdout).not.toContain('approved');
    if (expected !== 0) expect(verdictSchema.safeParse(line).success).toBe(true);
  });

  test('says so where they are equal, and what one side does not have', async () => {
    expect((await run('compare', [facts, facts])).stdout).toBe('The facts are equal.\n');
    const { stdout, stderr } = await run('compare', [facts, { ...facts, tenant: undefined }]);
    expect(stdout + stderr).toContain('tenant: signed "acme", final (absent)');
  });

  test('names each field with both values', async () => {
    const other = { ...facts, commit: 'a'.repeat(40), environment: 'staging' };
    const { stdout, stderr } = await run('compare', [facts, other]);
    expect(stdout).toBe('');
    expect(stderr).toContain(`commit: signed "${facts.commit}", final "${other.commit}"`);
    expect(stderr).toContain('environment: signed "production", final "staging"');
  });

  test('writes no control character of a file to the terminal', async () => {
    const evil = { ...facts, service: 'a\u001b[31m\u202e', reason: '\u001b]0;x\u0007' };
    const { stdout, stderr } = await run('compare', [evil, facts]);
    expect(stdout + stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
  });
});

describe('check', () => {
  test.each([
    ['facts', facts, 0],
    ['a payload', canonicalText(payload), 0],
    ['a record', record, 0],
    ['a policy', world.policy, 0],
    ['facts with a broad label', { ...facts, environment: 'all' }, 21],
    ['a payload that is not in its canonical form', JSON.stringify(payload, null, 1), 21],
    ['a record with a changed payload', { ...record, payload: `${record.payload} ` }, 21],
    ['a record with an unknown member', { ...record, approved: true }, 21],
    ['a policy with an unknown member', { ...world.policy, admin: 'mallory' }, 40],
    ['a document of no known kind', { schema: 'deploy-facts/v2' }, 21],
    ['a document named like a member of every object', { schema: 'constructor' }, 21],
    ['a list', [], 21],
    ['no JSON', '{', 21],
    ['a file that is not there', undefined, 40],
  ])('%s', async (_name, file, expected) => {
    const { exitCode, stdout } = await run('check', [file], '--json');
    expect(exitCode).toBe(expected);
    const line = JSON.parse(stdout) as Record<string, unknown>;
    expect(line.exit_code).toBe(expected);
    if (expected !== 0) expect(verdictSchema.safeParse(line).success).toBe(true);
  });

  test('names every problem', async () => {
    const wrong = { ...facts, service: 'latest', commit: 'main', ref: 'main' };
    const { stderr } = await run('check', [wrong]);
    for (const field of ['service', 'commit', 'ref']) expect(stderr).toContain(`${field}: `);
  });

  describe('says where each problem is', () => {
    /** The problems of a text, as they are printed and as they stand in the line of JSON. */
    const located = async (text: string) => {
      const { stdout, stderr } = await run('check', [text], '--json');
      const { problems } = verdictSchema.parse(JSON.parse(stdout));
      const name = join(folder, '0.json');
      const lines = stderr.split('\n').filter((line) => line.startsWith(`${name}:`));
      const places = problems.map(({ line, column, field }) => `${line}:${column} ${field}`);
      for (const [at, place] of places.entries()) {
        expect(lines[at]).toContain(`${name}:${place}`);
      }
      expect(lines).toHaveLength(places.length);
      return places;
    };

    test('of a policy: its own member, or what it is missing from', async () => {
      const broken = structuredClone(world.policy) as unknown as {
        relying_party: object;
        environments: Record<string, object>;
      };
      broken.relying_party = { id: 'approve.example.com' };
      broken.environments.production = {
        approvers: ['alex', 'mallory'],
        quorum_if_destructive: 2,
        extra: 1,
      };
      const text = JSON.stringify(broken, null, 2);
      const lineOf = (word: string) => text.split('\n').findIndex((one) => one.includes(word)) + 1;
      expect(await located(text)).toEqual([
        `${lineOf('"relying_party"')}:3 relying_party.origin`,
        `${lineOf('"production"')}:5 environments.production.migration_paths`,
        `${lineOf('"mallory"')}:9 environments.production.approvers[1]`,
        `${lineOf('"extra"')}:7 environments.production.extra`,
      ]);
    });

    test('of facts, in the order of the file', async () => {
      const text = '{\n "schema":"deploy-facts/v1","commit":"main",\n"service": "latest"}';
      const places = await located(text);
      expect(places.slice(0, 2)).toEqual(['1:1 environment', '1:1 repository']);
      expect(places.slice(-2)).toEqual(['2:29 commit', '3:1 service']);
    });

    test('of a payload in a record: the member that holds it', async () => {
      const text = JSON.stringify({ ...record, payload: `${record.payload} ` }, null, 1);
      expect(await located(text)).toEqual(['3:2 payload']);
    });

    test('of the facts in a payload: the fact, at the member that holds the payload', async () => {
      const wrong = canonicalText({ ...payload, facts: { ...facts, service: 'latest' } });
      const text = JSON.stringify({ ...record, payload: wrong }, null, 1);
      expect(await located(text)).toEqual(['3:2 payload']);
      const { stderr } = await run('check', [text]);
      expect(stderr).toContain(':3:2 payload: facts.service: ');
    });

    test('of a text that is no JSON', async () => {
      expect(await located('{\n  "schema": nope\n}')).toEqual(['2:13 ']);
      expect(await located('{"a":1,\n"a":2}')).toEqual(['2:1 ']);
    });
  });

  test('writes no control character of a name to the terminal', async () => {
    const path = join(folder, 'facts\u001b[31m\u202e\nok.json');
    writeFileSync(path, JSON.stringify(facts));
    for (const [args, expected] of [
      [['check', path], 0],
      [['check', `${path}\u0007`], 40],
      [['check', `--\u001b[31m`], 40],
    ] as const) {
      const { exitCode, stdout, stderr } = await runBundle(bundle, { args });
      expect(exitCode).toBe(expected);
      expect(stdout + stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
      expect((stdout + stderr).trimEnd()).not.toContain('\n');
    }
  });

  test('does not repeat a secret', async () => {
    const secret = `ghp_${'a1B2'.repeat(9)}`;
    const wrong = { ...facts, rollback: { kind: 'version', value: secret } };
    const { exitCode, stdout, stderr } = await run('check', [wrong], '--json');
    expect(exitCode).toBe(21);
    expect(stdout + stderr).not.toContain(secret);
  });
});
