import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { canonicalText } from '../../src/core/canonical.ts';
import { sha256Hex } from '../../src/core/hash.ts';
import { recordFileNames } from '../../src/core/record-files.ts';
import { verdictSchema } from '../../src/core/verdict.ts';
import { runBundle } from '../action/runner.ts';
import { builtBundles } from '../support/bundles.ts';
import { startCommandWorld, type CommandWorld } from './command-world.ts';

/** The record folder of a real deploy, copied to where there is neither service, key, git nor network address. */
let world: CommandWorld;
let bundle: string;
let original: string;
let copies: string;
let copy: string;
let policyHash: string;

beforeAll(async () => {
  world = await startCommandWorld();
  bundle = join(await builtBundles(), 'cli.js');
  const deploy = ['-e', 'console.log(process.env.DEPLOY_WARRANT_RECORD_PATH)'];
  const running = world.start(['run', ...world.facts, '--', process.execPath, ...deploy]);
  await world.decide(await running.asked());
  const { exitCode, stdout, stderr } = await running.result;
  if (exitCode !== 0) throw new Error(stderr);
  original = stdout.trim();
  policyHash = sha256Hex(canonicalText(JSON.parse(readFileSync(world.policyPath, 'utf8'))));
  await world.service.close();
}, 90_000);
beforeEach(() => {
  copies = mkdtempSync(join(tmpdir(), 'deploy-warrant-auditor-'));
  copy = join(copies, 'record');
  cpSync(original, copy, { recursive: true });
});
afterEach(() => rmSync(copies, { recursive: true, force: true }));
afterAll(async () => {
  await world.close();
});

const audit = (...args: readonly string[]) =>
  runBundle(bundle, { args: ['audit', copy, ...args], cwd: '/', env: { PATH: '/nonexistent' } });
const edit = (name: string, change: (text: string) => string) =>
  writeFileSync(join(copy, name), change(readFileSync(join(copy, name), 'utf8')));

test('a copied record holds, and says as of when, by whose clock and what was not repeated', async () => {
  const { exitCode, stdout, stderr } = await audit();
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toMatch(
    /^The record holds, as of \d{4}-[^ ]+Z \(when it was redeemed, by the clock of the service; nothing signs that\)\.\n/,
  );
  expect(stdout).toContain('alex approved "Deploy api to production" at commit ');
  expect(stdout).toContain(`Policy SHA-256: ${policyHash}\n`);
  expect(stdout).toContain('- The redemption: ');
  expect(stdout).toContain('stated by the service and not signed');
  expect(stdout).toContain('This opens nothing');
});

test('with --json it is one line, and no verdict', async () => {
  const { exitCode, stdout } = await audit('--json');
  expect(exitCode).toBe(0);
  const line = JSON.parse(stdout) as Record<string, unknown>;
  expect(line).toMatchObject({
    ...{ schema: 'audit/v1', holds: true, clock: 'service', exit_code: 0 },
    ...{ approvers: ['alex'], policy_sha256: policyHash },
  });
  expect(stdout).not.toContain('reason_code');
  expect(verdictSchema.safeParse(line).success).toBe(false);
});

test.each([
  ['a time at which it was over', ['--at', '2099-01-01T00:00:00Z'], 11, 'expired'],
  ['a time before the request', ['--at', '2020-01-01T00:00:00Z'], 22, 'evidence_invalid'],
  ['no time', ['--at', 'yesterday'], 40, 'configuration'],
  ['a day that is not in the calendar', ['--at', '2026-02-30T10:00:00Z'], 40, 'configuration'],
  ['an empty time', ['--at='], 40, 'configuration'],
])('%s does not hold', async (_name, args, expected, code) => {
  const { exitCode, stdout, stderr } = await audit(...args, '--json');
  expect({ exitCode, reason: verdictSchema.parse(JSON.parse(stdout)).reason_code }).toEqual({
    exitCode: expected,
    reason: code,
  });
  expect(stderr).not.toContain('holds, as of');
});

test('every fault is named, in the text and as problems', async () => {
  edit('record.json', (text) => text.replace(/"job": "[^"]+"/, '"job": "other"'));
  edit('facts.json', (text) => text.replace('eu-west-1', 'eu-west-2'));
  rmSync(join(copy, 'policy.json'));
  const { exitCode, stdout, stderr } = await audit('--json');
  expect(exitCode).toBe(40);
  const { problems, reason_code } = verdictSchema.parse(JSON.parse(stdout));
  expect(reason_code).toBe('configuration');
  expect(problems.map(({ field }) => field).sort()).toEqual([
    'facts.json',
    'policy.json',
    'record.json',
  ]);
  for (const { message } of problems) expect(stderr).toContain(message);
  expect(stderr.trimEnd()).toMatch(/See docs\/TROUBLESHOOTING\.md#configuration\.$/);
});

test.each(recordFileNames)('a flipped byte in %s does not hold', async (name) => {
  const bytes = readFileSync(join(copy, name));
  bytes[Math.floor(bytes.length / 2)]! ^= 1;
  writeFileSync(join(copy, name), bytes);
  const { exitCode, stdout, stderr } = await audit();
  expect([20, 21, 22, 40]).toContain(exitCode);
  expect(stdout).toBe('');
  expect(stderr).toContain('The record does not hold');
  expect(stderr).toContain(name);
});

test('what else lies in the folder is said, and not looked at', async () => {
  writeFileSync(join(copy, 'note.txt'), 'x');
  writeFileSync(join(copy, 'evil\u202e.txt'), 'x');
  const { exitCode, stderr } = await audit();
  expect(exitCode).toBe(0);
  expect(stderr).toContain(
    'Not part of the record, and not looked at: evil\\u{202E}.txt, note.txt.',
  );
});

test('what can not be read is 40', async () => {
  rmSync(join(copy, 'facts.json'));
  symlinkSync('/dev/zero', join(copy, 'facts.json'));
  const endless = await audit();
  expect([endless.exitCode, endless.stdout]).toEqual([40, '']);
  writeFileSync(join(copy, 'record.json'), Buffer.alloc(300_000, ' '));
  const large = await audit();
  expect(large.exitCode).toBe(40);
  expect(large.stderr).toContain('more than 262144 bytes');
  rmSync(copy, { recursive: true });
  const missing = await audit();
  expect(missing.exitCode).toBe(40);
  expect(missing.stderr).toContain('record-path');
});
