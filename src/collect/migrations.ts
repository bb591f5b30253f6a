import type { DeployFacts } from '../core/facts.ts';
import { Fault } from '../core/fault.ts';
import { globProblem } from '../core/glob.ts';
import { sha256Hex } from '../core/hash.ts';
import { visible } from '../core/text.ts';
import type { DeclaredMigration, SqlDialect } from './declared.ts';
import { expandGlob, type GlobSource } from './glob.ts';
import { commitSource, diskSource, linkFault } from './glob-sources.ts';
import { readSmallFile } from './disk.ts';
import type { Since } from './since.ts';
import { listStatements } from './sql/statement-lines.ts';
import { readSql } from './sql-reader.ts';
import type { ProvenFile } from './tree.ts';

const maxFileBytes = 1024 * 1024;
const maxTotalBytes = 32 * 1024 * 1024;
const maxFiles = 1_000;
const input = 'migration-files';

/** The facts of a migration, and what the log should say about how they came about. */
export interface CollectedMigration {
  readonly migration: DeployFacts['migration'];
  readonly notices: readonly string[];
}

/**
 * The files that a migration runs, in order, with the hashes of their bytes on the disk, and what of their SQL destroys or
 * blocks. The globs are expanded twice, over the disk and over what the commit holds, and must give the same: a migration that
 * nobody committed is not passed over.
 * @param files what {@link file://./tree.ts} has proven, and `leftOut` what is not on the disk
 * @param findSince compares with the commit that the input `since` names; called only where it is given
 * @throws Fault configuration, facts_mismatch or facts_uncollectable
 */
export async function collectMigration(options: {
  readonly declared: DeclaredMigration;
  readonly top: string;
  readonly files: readonly ProvenFile[];
  readonly leftOut: readonly string[];
  readonly findSince: (since: string) => Promise<Since>;
}): Promise<CollectedMigration> {
  const { declared, top, files, leftOut } = options;
  if (declared.kind === 'none') return { migration: { kind: 'none' }, notices: [] };
  const absent = leftOut.map((path) => ({ path, kind: 'file' as const }));
  const sources = {
    disk: diskSource(top, input),
    commit: commitSource([...files, ...absent], input),
  };
  const links = new Set(files.filter(({ kind }) => kind === 'link').map(({ path }) => path));
  const matched = [...new Set(declared.globs.flatMap((glob) => expand(glob, sources)))];
  const since = declared.since === undefined ? undefined : await options.findSince(declared.since);
  const paths = since === undefined ? matched : requireSome(matched, since);
  if (paths.length > maxFiles) {
    throw new Fault(
      'facts_uncollectable',
      `The migration has ${paths.length} files; at most ${maxFiles} can be put before a person. Name only those that this deploy runs in migration-files, or by since.`,
    );
  }
  const contents = paths.map((path) => {
    if (links.has(path)) throw linkFault(path, input);
    return { path, content: readMigration(top, path) };
  });
  const total = contents.reduce((sum, { content }) => sum + content.length, 0);
  if (total > maxTotalBytes) {
    throw new Fault(
      'facts_uncollectable',
      `The ${contents.length} migration files hold ${total} bytes together, more than the ${maxTotalBytes} that are read. Name only those that this deploy runs in migration-files, or by since.`,
    );
  }
  const migration = {
    command: declared.command,
    files: contents.map(({ path, content }) => ({ path, sha256: sha256Hex(content) })),
  };
  const notices = since === undefined ? [] : [sinceNotice(since, paths.length, matched.length)];
  if (declared.kind === 'other') {
    return { migration: { kind: 'other', destructive: true, ...migration }, notices };
  }
  const statements = await judgeSql(declared.dialect, contents);
  return {
    migration: {
      kind: 'sql',
      destructive: statements.length > 0,
      ...migration,
      ...(statements.length > 0 ? { statements } : {}),
    },
    notices: [...notices, ...statementNotices(statements)],
  };
}

function statementNotices(statements: readonly string[]): readonly string[] {
  if (statements.length === 0) return [];
  return ['The migration counts as destructive:', ...statements.map((line) => `  ${line}`)];
}

interface MigrationContent {
  readonly path: string;
  readonly content: Buffer;
}

/** What destroys, blocks or can't be judged, as the facts list it; empty for a harmless migration. */
async function judgeSql(
  dialect: SqlDialect,
  contents: readonly MigrationContent[],
): Promise<readonly string[]> {
  const texts = contents.map(({ path, content }) => ({ path, text: decode(content) }));
  const readable = texts.flatMap(({ path, text }) => (text === undefined ? [] : [{ path, text }]));
  const read = await readSql({ dialect, files: readable });
  const findings = new Map(read.map((file) => [file.path, file.findings]));
  const notText = [{ line: 1, statement: '', why: 'unknown, is not UTF-8 text' }];
  return listStatements(
    contents.map(({ path }) => ({ path, findings: findings.get(path) ?? notText })),
  );
}

function decode(content: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    return undefined;
  }
}

function requireSome(matched: readonly string[], since: Since): readonly string[] {
  const changed = matched.filter(since.isChanged);
  if (changed.length > 0) return changed;
  throw new Fault(
    'configuration',
    `migration-files: of ${matched.length} files the deployed commit adds or changes none since ${visible(since.name)} (${since.commit}). With no migration to run, say migration: none; else correct since.`,
  );
}

function sinceNotice({ name, commit }: Since, left: number, all: number): string {
  const id = name === commit ? '' : ` is commit ${commit}`;
  return `since ${visible(name)}${id}: the deployed commit adds or changes ${left} of ${all} migration files.`;
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

function readMigration(top: string, path: string): Buffer {
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
  if (content !== undefined) return content;
  throw new Fault(
    'facts_uncollectable',
    `The migration file ${visible(path)} is larger than ${maxFileBytes} bytes, more than a person can review. Split it, or move bulk data out of the migration.`,
  );
}
