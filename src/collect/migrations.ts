import type { DeployFacts } from '../core/facts.ts';
import { Fault } from '../core/fault.ts';
import { globProblem } from '../core/glob.ts';
import { sha256Hex } from '../core/hash.ts';
import { visible } from '../core/text.ts';
import type { DeclaredMigration } from './declared.ts';
import { expandGlob, type GlobSource } from './glob.ts';
import { commitSource, diskSource, linkFault } from './glob-sources.ts';
import type { ProvenFile } from './tree.ts';
import { readSmallFile } from './disk.ts';

const maxFileBytes = 1024 * 1024;
const maxFiles = 1_000;
const input = 'migration-files';

/**
 * The files that a migration runs, in order, with the hashes of their bytes on the disk. The globs are expanded twice, over the
 * disk and over what the commit holds, and must give the same: a migration that nobody committed is not passed over.
 * Until SQL is analysed every migration counts as destructive.
 * @param files what {@link file://./tree.ts} has proven, and `leftOut` what is not on the disk
 * @throws Fault configuration, facts_mismatch or facts_uncollectable
 */
export function collectMigration(options: {
  readonly declared: DeclaredMigration;
  readonly top: string;
  readonly files: readonly ProvenFile[];
  readonly leftOut: readonly string[];
}): DeployFacts['migration'] {
  const { declared, top, files, leftOut } = options;
  if (declared.kind === 'none') return { kind: 'none' };
  const absent = leftOut.map((path) => ({ path, kind: 'file' as const }));
  const sources = {
    disk: diskSource(top, input),
    commit: commitSource([...files, ...absent], input),
  };
  const links = new Set(files.filter(({ kind }) => kind === 'link').map(({ path }) => path));
  const paths = new Set(declared.globs.flatMap((glob) => expand(glob, sources)));
  if (paths.size > maxFiles) {
    throw new Fault(
      'facts_uncollectable',
      `The migration has ${paths.size} files; at most ${maxFiles} can be put before a person. Name only those that this deploy runs in migration-files.`,
    );
  }
  return {
    kind: declared.kind,
    command: declared.command,
    destructive: true,
    files: [...paths].map((path) => {
      if (links.has(path)) throw linkFault(path, input);
      return { path, sha256: hashMigration(top, path) };
    }),
    ...(declared.kind === 'sql' ? { statements: ['not analysed'] } : {}),
  };
}

function expand(
  glob: string,
  { disk, commit }: { readonly disk: GlobSource; readonly commit: GlobSource },
): readonly string[] {
  const shown = `migration-files: the glob "${visible(glob)}"`;
  const problem = globProblem(glob);
  if (problem !== undefined) throw new Fault('configuration', `${shown} ${problem}.`);
  const onDisk = new Set(expandGlob(glob, disk));
  const inCommit = new Set(expandGlob(glob, commit));
  const foreign = [...onDisk].filter((path) => !inCommit.has(path));
  if (foreign.length > 0) {
    throw new Fault(
      'facts_mismatch',
      `${shown} matches what the commit does not hold: ${nameSome(foreign)}. Commit it, remove it, or narrow the glob.`,
    );
  }
  const absent = [...inCommit].filter((path) => !onDisk.has(path));
  if (absent.length > 0) {
    throw new Fault(
      'facts_uncollectable',
      `${shown} matches what the sparse checkout leaves out: ${nameSome(absent)}. Check it out too, or narrow the glob.`,
    );
  }
  if (onDisk.size === 0) {
    throw new Fault(
      'configuration',
      `${shown} matches no file. Globs start at the root of the checkout; with no migration to run, say migration: none.`,
    );
  }
  return [...onDisk];
}

function nameSome(paths: readonly string[]): string {
  const named = paths.slice(0, 10).map((path) => visible(path));
  const more = paths.length - named.length;
  return named.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function hashMigration(top: string, path: string): string {
  if (path.includes('\uFFFD')) {
    throw new Fault(
      'facts_uncollectable',
      `The name of the migration file ${visible(path)} is not UTF-8, so it can't be shown to a person. Rename it.`,
    );
  }
  let content: Buffer | undefined;
  try {
    content = readSmallFile(`${top}/${path}`, maxFileBytes);
  } catch (cause) {
    const message = `The migration file ${visible(path)} can't be read. Nothing may change it while this step runs.`;
    throw new Fault('facts_uncollectable', message, { cause });
  }
  if (content !== undefined) return sha256Hex(content);
  throw new Fault(
    'facts_uncollectable',
    `The migration file ${visible(path)} is larger than ${maxFileBytes} bytes, more than a person can review. Split it, or move bulk data out of the migration.`,
  );
}
