import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { policyHash } from '../../src/core/policy.ts';
import { recordFiles } from '../../src/core/record-files.ts';
import { verifyApproval } from '../../src/core/verify.ts';
import { createEvidence, createWorld } from '../support/approvals.ts';
import { builtBundles } from '../support/bundles.ts';

const text = readFileSync('docs/AUDIT.md', 'utf8');
const blocks = (language: string) =>
  [...text.matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, 'g'))].map(([, body]) =>
    body!.trim(),
  );

/** A folder as an auditor has it: the record of the example, a copy of the policy, and the command. */
const folder = mkdtempSync(join(tmpdir(), 'deploy-warrant-audit-doc-'));
const world = createWorld();
let files: Readonly<Record<string, string>>;
beforeAll(async () => {
  const { record } = createEvidence(world);
  const evidence = createEvidence(world, {
    record: { ...record, policy_sha256: policyHash(world.policy) },
  });
  files = recordFiles({
    ...{ record: evidence.record, facts: evidence.finalFacts, policy: world.policy },
    verdict: verifyApproval(evidence),
  });
  mkdirSync(join(folder, 'record'));
  mkdirSync(join(folder, 'bin'));
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, 'record', name), content);
  }
  symlinkSync(resolve('scripts'), join(folder, 'scripts'));
  writeFileSync(join(folder, 'policy.json'), JSON.stringify(world.policy));
  const bundle = join(await builtBundles(), 'cli.js');
  const command = `#!/bin/sh\nexec "${process.execPath}" "${bundle}" "$@"\n`;
  writeFileSync(join(folder, 'bin', 'deploy-warrant'), command, { mode: 0o755 });
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true }));

const run = (command: string) =>
  execFileSync('/bin/sh', ['-ec', command], {
    cwd: folder,
    env: { PATH: `${join(folder, 'bin')}:${process.env.PATH}`, PYTHONDONTWRITEBYTECODE: '1' },
    encoding: 'utf8',
  });

describe('the commands of docs/AUDIT.md', () => {
  test.each(blocks('sh'))('%s', (command) => {
    expect(run(command)).not.toBe('');
  });

  test('print what the page shows', () => {
    const printed = run(blocks('sh')[0]!);
    for (const line of blocks('text')[0]!.split('\n')) expect(printed).toContain(line);
  });

  test('give the same SHA-256 of the policy on both sides', () => {
    const hashIn = (printed: string) => /Policy SHA-256: ([0-9a-f]{64})/.exec(printed)?.[1];
    expect(hashIn(run('deploy-warrant audit record'))).toBe(policyHash(world.policy));
    expect(hashIn(run('deploy-warrant check policy.json'))).toBe(policyHash(world.policy));
  });

  test('give by hand the hashes that verdict.json lists', () => {
    const { files: listed } = JSON.parse(files['verdict.json']!) as {
      readonly files: Readonly<Record<string, string>>;
    };
    const lines = run(blocks('sh').at(-1)!).trim().split('\n');
    expect(lines).toHaveLength(3);
    for (const line of lines) {
      const [hash, path = ''] = line.split(/ +/);
      expect(listed[path.replace('record/', '')]).toBe(hash);
    }
  });
});

test('the page names every file of the folder', () => {
  for (const name of Object.keys(files)) expect(text).toContain(`| \`${name}\` |`);
});
