/**
 * Lints every workflow of this repository by actionlint and zizmor (pedantic, offline): the files themselves, the examples,
 * and the YAML blocks of the documents. Fails on any finding, when it saw no file or no block, and when a tool does not find
 * what is planted for it.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { workflowSources } from './workflows/sources.ts';

const zizmorConfig = 'scripts/tools/zizmor.yml';

interface Finding {
  readonly tool: string;
  readonly output: string;
}

/** What both tools say about the workflows in `folder`; empty when they find nothing. */
function lint(folder: string, files: readonly string[]): readonly Finding[] {
  // Without shellcheck and pyflakes, which are there on some machines only.
  const actionlint = ['-no-color', '-shellcheck=', '-pyflakes=', ...files];
  const zizmor = ['--pedantic', '--offline', '--no-progress', '--color=never', '--quiet'];
  const config = ['--config', join(process.cwd(), zizmorConfig)];
  return [
    ...run('actionlint', actionlint, folder),
    ...run('zizmor', [...zizmor, ...config, '.'], folder),
  ];
}

function run(tool: string, args: readonly string[], cwd: string): readonly Finding[] {
  const { status, stdout, stderr, error } = spawnSync(tool, args, { cwd, encoding: 'utf8' });
  if (error !== undefined) {
    throw new Error(
      `${tool} can't be started (${error.message}). Install it by scripts/tools/install.sh FOLDER, and put FOLDER/bin into PATH.`,
    );
  }
  return status === 0 ? [] : [{ tool, output: `${stdout}${stderr}`.trim() }];
}

/** A workflow in which each tool has something to find. */
const planted = `name: Planted
on: push
jobs:
  planted:
    runs-on: ubuntu-24.04
    steps:
      - run: echo \${{ github.event.head_commit.message }} \${{ no.such.context }}
`;

function write(folder: string, path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

const folder = mkdtempSync(join(tmpdir(), 'deploy-warrant-workflows-'));
try {
  const bad = join(folder, 'planted');
  write(bad, '.github/workflows/planted.yml', planted);
  const found = lint(bad, ['.github/workflows/planted.yml']).map(({ tool }) => tool);
  if (found.join() !== 'actionlint,zizmor') {
    throw new Error(
      `Of actionlint and zizmor only these found what is planted: ${found.join() || 'none'}.`,
    );
  }

  const sources = workflowSources(process.cwd());
  const counts = { file: 0, example: 0, block: 0 };
  const good = join(folder, 'all');
  for (const { kind, path, text } of sources) {
    counts[kind] += 1;
    write(good, path, text);
  }
  const idle = Object.entries(counts).filter(([, count]) => count === 0);
  if (idle.length > 0) throw new Error(`Saw no ${idle.map(([kind]) => kind).join(', no ')}.`);
  for (const path of ['action.yml', 'verify', 'dist', '.github/dependabot.yml']) {
    cpSync(path, join(good, path), { recursive: true });
  }
  // The tools look for the root of a repository.
  execFileSync('git', ['init', '--quiet', good]);

  const findings = lint(
    good,
    sources.map(({ path }) => path),
  );
  for (const { tool, output } of findings) console.error(`${tool}:\n${output}\n`);
  console.log(
    `${counts.file} workflows, ${counts.example} examples, ${counts.block} blocks of documents: ` +
      (findings.length === 0 ? 'no finding' : 'see above'),
  );
  if (findings.length > 0) process.exitCode = 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
