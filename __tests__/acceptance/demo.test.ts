import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { cp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { builtBundles } from '../support/bundles.ts';
import { endJobs, startJob, type Job } from './job.ts';

const script = resolve(import.meta.dirname, '../../scripts/demo.ts');

describe('the demo', () => {
  let bundles: string;
  let job: Job;
  const temp = mkdtempSync(join(tmpdir(), 'deploy-warrant-demo-test-'));
  const children = new Set<ChildProcess>();

  beforeAll(async () => {
    bundles = await builtBundles();
    job = startJob({ bundles });
  });
  afterAll(() => {
    for (const child of children) child.kill('SIGKILL');
    endJobs();
    rmSync(temp, { recursive: true, force: true });
  });

  interface Run {
    readonly exitCode: number | null;
    readonly output: string;
  }

  /** @param stopAt what the demo has to print before it gets SIGINT */
  function demo(args: readonly string[], stopAt?: string): Promise<Run> {
    const child = spawn(process.execPath, [script, '--repo', job.workspace, ...args], {
      // A CI around the demo is not the one that it plays.
      env: {
        ...process.env,
        TMPDIR: temp,
        CI: 'true',
        GITHUB_ACTIONS: 'true',
        DEPLOY_WARRANT_RUN_ID: 'not this one',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.add(child);
    child.once('close', () => children.delete(child));
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        output += chunk;
        if (stopAt !== undefined && output.includes(stopAt)) child.kill('SIGINT');
      });
    }
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (exitCode) => resolve({ exitCode, output }));
    });
  }

  /** Every file of the repository, its index and its objects, with time and content. */
  function stateOf(folder: string): readonly string[] {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => {
        const { mtimeMs, nlink } = statSync(path);
        const content = statSync(path).isFile() ? readFileSync(path, 'latin1') : '';
        return `${path} ${mtimeMs} ${nlink} ${content}`;
      });
  }

  async function nobodyListens(output: string): Promise<boolean> {
    const origin = /http:\/\/localhost:\d+/.exec(output)![0];
    return await fetch(origin).then(
      () => false,
      () => true,
    );
  }

  test('runs the main job and seven refusals, on a repository that it only reads', async () => {
    const before = stateOf(job.workspace);
    const { exitCode, output } = await demo(['--dist', bundles]);
    expect({ exitCode, output: exitCode === 0 ? '' : output }).toEqual({ exitCode: 0, output: '' });
    expect(stateOf(job.workspace)).toEqual(before);

    // Three digits in a row: two exit codes, and the name in front of them.
    const rows = [...output.matchAll(/^ +✓ (.*?) +(\d+) +(\d+) /gm)].map(([, ...row]) => row);
    expect(rows).toEqual([
      ['another commit', '20', '20'],
      ['another environment', '20', '20'],
      ['a changed migration file', '20', '20'],
      ['a rejection', '10', '10'],
      ['a second use', '23', '23'],
      ['"approved", unsigned', '22', '22'],
      ['an expired approval', '11', '11'],
    ]);
    expect(output).toContain(`api is live at `);
    expect(output).toMatch(/approval id +[0-9a-f-]{36}\n/);
    expect(output).toMatch(/fingerprint +[0-9a-f]{4}-[0-9a-f]{4}\n/);
    // No terminal, no colour.
    expect(output).not.toContain('\u001b');

    expect(await nobodyListens(output)).toBe(true);
    const record = /record +(\/.*)\n/.exec(output)![1]!;
    expect(readdirSync(record).sort()).toContain('record.json');
    expect(readdirSync(resolve(record, '../..'))).toEqual(['record']);
  }, 90_000);

  test('fails when a single refusal does not come, with a software authenticator too', async () => {
    // A verify that lets another environment pass.
    const tampered = join(temp, 'tampered');
    await cp(bundles, tampered, { recursive: true });
    await cp(join(tampered, 'cli.js'), join(tampered, 'real.js'));
    await writeFile(
      join(tampered, 'cli.js'),
      `const [, , command, ...flags] = process.argv;
if (command === 'verify' && flags.includes('--environment=staging')) process.exit(0);
await import('./real.js');
`,
    );
    const { exitCode, output } = await demo(['--dist', tampered, '--without-browser']);
    expect(exitCode).toBe(1);
    const rows = output.match(/[✓✗].*/g)!.map((row) => row.replaceAll(/ +/g, ' '));
    // All of it, where a row is missing: it says which step ended the demo, and why.
    expect({ rows: rows.length, output: rows.length === 7 ? '' : output }).toEqual({
      ...{ rows: 7, output: '' },
    });
    expect(rows.filter((row) => row.startsWith('✗'))).toEqual([
      expect.stringMatching(/^✗ another environment 20 0 no verdict/),
    ]);
    expect(output).toContain('1 of the refusals did not come out as expected');
  }, 90_000);

  test('leaves nothing behind when it is interrupted', async () => {
    const before = readdirSync(temp);
    const { exitCode, output } = await demo(
      ['--dist', bundles, '--without-browser'],
      'The main job',
    );
    expect(exitCode).toBe(130);
    expect(await nobodyListens(output)).toBe(true);
    expect(readdirSync(temp)).toEqual(before);
  }, 60_000);

  test('names what is wrong with a repository that it can not clone', async () => {
    const { exitCode, output } = await demo(['--dist', bundles, '--repo', temp]);
    expect(exitCode).toBe(1);
    expect(output).toContain('is not a git repository');
    expect(existsSync(join(temp, 'work'))).toBe(false);
  });
});
