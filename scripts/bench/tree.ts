/** The proof that the checked-out files are the commit's, beside `git status` with an index that knows nothing of the disk. */
import { execFileSync, type ExecFileSyncOptions } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median, spreadOf, type Figure } from './figures.ts';
import type { Sizes } from './options.ts';
import type { Proven } from './tree-process.ts';

interface Run {
  readonly wallMs: number;
  /** Of the process and all that it started; NaN where the system does not say. */
  readonly cpuMs: number;
}

const filesPerFolder = 50;

export function measureTree({ files, proofs }: Pick<Sizes, 'files' | 'proofs'>): Figure[] {
  const folder = mkdtempSync(join(tmpdir(), 'deploy-warrant-bench-'));
  try {
    const commit = makeRepository(folder, files);
    const program = join(import.meta.dirname, 'tree-process.ts');
    const proof = (): Run => {
      let wallMs = Number.NaN;
      const { cpuMs } = timed(() => {
        const output = execFileSync(process.execPath, [program, folder, commit], {
          encoding: 'utf8',
        });
        const found = JSON.parse(output) as Proven;
        if (found.files !== files) throw new Error(`${found.files} files were proven.`);
        ({ wallMs } = found);
      });
      return { wallMs, cpuMs };
    };
    const status = (): Run => {
      // Read anew from the commit, the index holds no times and sizes: status hashes each file, as the proof does.
      git(folder, ['read-tree', commit]);
      return timed(() => {
        const output = git(folder, ['--no-optional-locks', 'status', '--porcelain']);
        if (output !== '') throw new Error(`git status says: ${output.slice(0, 200)}`);
      });
    };
    const runs: { readonly proof: Run[]; readonly status: Run[] } = { proof: [], status: [] };
    // The first round brings the files into memory.
    for (let round = 0; round <= proofs; round += 1) {
      const [ours, theirs] = [proof(), status()];
      if (round === 0) continue;
      runs.proof.push(ours);
      runs.status.push(theirs);
    }
    const wall = (of: keyof typeof runs) => runs[of].map(({ wallMs }) => wallMs);
    const cpu = (of: keyof typeof runs) => runs[of].map(({ cpuMs }) => cpuMs);
    const beside = '`git status` on a cold index';
    const rows: Figure[] = [
      {
        what: `Proof that ${files.toLocaleString('en-US')} checked-out files are the commit's`,
        value: median(wall('proof')),
        unit: 'ms',
        spread: spreadOf(wall('proof'), 'ms'),
        beside: { what: beside, value: median(wall('status')) },
        aim: { of: 'ratio', below: 2 },
      },
      {
        what: 'the same in processor time, with the start of Node',
        value: median(cpu('proof')),
        unit: 'ms',
        spread: spreadOf(cpu('proof'), 'ms'),
        beside: { what: beside, value: median(cpu('status')) },
      },
    ];
    return rows.filter(({ value }) => !Number.isNaN(value));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Files of 100 bytes to 16 KB, most of them small, fifty to a folder, in one pack. @returns the commit */
function makeRepository(folder: string, files: number): string {
  git(folder, ['init', '--quiet', '--initial-branch=main']);
  for (let file = 0; file < files; file += 1) {
    const number = Math.floor(file / filesPerFolder);
    const parent = join(folder, `part-${number % 20}`, `folder-${number}`);
    if (file % filesPerFolder === 0) mkdirSync(parent, { recursive: true });
    const line = `line of file ${file} in ${parent.slice(folder.length)}\n`;
    writeFileSync(join(parent, `file-${file}.txt`), line.repeat(2 + ((file * file) % 17) ** 2));
  }
  git(folder, ['add', '--all']);
  git(folder, ['commit', '--quiet', '--message=all']);
  git(folder, ['repack', '--quiet', '-a', '-d']);
  return git(folder, ['rev-parse', 'HEAD']).trim();
}

function git(folder: string, args: readonly string[]): string {
  const options: ExecFileSyncOptions = {
    cwd: folder,
    maxBuffer: 64 * 1024 * 1024,
    env: { PATH: process.env.PATH, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' },
  };
  const settings = ['user.name=Bench', 'user.email=bench@example.com', 'gc.auto=0'];
  return execFileSync(
    'git',
    [...settings.flatMap((each) => ['-c', each]), ...args],
    options,
  ).toString();
}

function timed(work: () => void): Run {
  const before = childrenCpuMs();
  const begun = performance.now();
  work();
  return { wallMs: performance.now() - begun, cpuMs: childrenCpuMs() - before };
}

/** Processor time of all children that have ended, and theirs, in steps of 10 ms: see proc_pid_stat(5), cutime and cstime. */
function childrenCpuMs(): number {
  try {
    const fields = readFileSync('/proc/self/stat', 'latin1')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[13]) + Number(fields[14])) * 10;
  } catch {
    return Number.NaN;
  }
}
