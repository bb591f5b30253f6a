import { Fault, listProblems } from '../core/fault.ts';
import { visible } from '../core/text.ts';
import type { Problem } from '../core/verdict.ts';
import { digestIn, isReference, noDigest } from './artifact.ts';

/** The text of an input by its name, exactly as given; the empty string when it is absent. */
export type ReadInput = (name: string) => string;

/** From the weakest statement to the strongest: an input may only move the actor to the right (DESIGN 6). */
export const actorTypes = ['human', 'pipeline', 'service-account', 'agent'] as const;
export type ActorType = (typeof actorTypes)[number];

const rollbackKinds = ['version', 'command', 'runbook'] as const;

export const sqlDialects = ['postgresql', 'mysql', 'sqlite'] as const;
export type SqlDialect = (typeof sqlDialects)[number];

interface MigrationFiles {
  /** One glob a line of the input, in its order. */
  readonly globs: readonly string[];
  readonly command: string;
  /** A ref, as given: of what the globs match, only what the commit adds or changes since then. */
  readonly since?: string;
}

export type DeclaredMigration =
  | { readonly kind: 'none' }
  | ({ readonly kind: 'sql'; readonly dialect: SqlDialect } & MigrationFiles)
  | ({ readonly kind: 'other' } & MigrationFiles);

/** What the workflow says about the deploy. Values are as given; their form is checked with the collected facts. */
export interface DeclaredFacts {
  readonly service: string;
  readonly environment: string;
  /** `region`, `account`, `tenant`, `cluster` and `digest`, as far as given. */
  readonly target: Readonly<Partial<Record<(typeof targetInputs)[number], string>>>;
  /** Path of a file that holds the digest, as given. */
  readonly digestFile?: string;
  /** Full id of the commit that must be checked out, if it is not that of the event. */
  readonly commit?: string;
  readonly actorType?: ActorType;
  readonly migration: DeclaredMigration;
  readonly rollback: {
    readonly kind: (typeof rollbackKinds)[number];
    readonly value: string;
    readonly note?: string;
  };
  readonly workingDirectory?: string;
}

const targetInputs = ['region', 'account', 'tenant', 'cluster', 'digest'] as const;

/**
 * Reads the fact inputs. An empty input is an absent one, and a mistyped expression is an empty input: so nothing that
 * guards has a default. Values are neither trimmed nor changed; only `migration-files` is split at line breaks.
 * @throws Fault configuration, with every problem by the name of its input
 */
export function readDeclaredFacts(read: ReadInput): DeclaredFacts {
  const problems: Problem[] = [];
  const report = (field: string, message: string) => void problems.push({ field, message });
  const optional = (name: string) => read(name) || undefined;
  const required = (name: string, fix: string): string => {
    const value = read(name);
    if (value === '') report(name, `is missing or empty. ${fix}`);
    return value;
  };

  const commit = optional('commit');
  if (commit !== undefined && !/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(commit)) {
    report(
      'commit',
      `must be a full commit id of 40 or 64 lower-case hex digits, not "${visible(commit, 80)}". A branch, a tag or a short id can name another commit tomorrow.`,
    );
  }
  const actorType = optional('actor-type');
  if (actorType !== undefined && !isOneOf(actorTypes, actorType)) {
    report(
      'actor-type',
      `must be one of ${actorTypes.join(', ')}, not "${visible(actorType, 80)}". Leave it out unless an agent started this run under the account of a person.`,
    );
  }
  const note = optional('rollback-note');
  const workingDirectory = optional('working-directory');
  const digestFile = optional('digest-file');
  const declared: DeclaredFacts = {
    service: required('service', 'Name what is deployed, such as api.'),
    environment: required('environment', 'Name where it is deployed, such as production.'),
    target: readTarget(read, report),
    ...(digestFile === undefined ? {} : { digestFile }),
    ...(commit === undefined ? {} : { commit }),
    ...(isOneOf(actorTypes, actorType) ? { actorType } : {}),
    migration: readMigration(read, report),
    rollback: { ...readRollback(read, report), ...(note === undefined ? {} : { note }) },
    ...(workingDirectory === undefined ? {} : { workingDirectory }),
  };
  if (problems.length > 0) {
    throw new Fault(
      'configuration',
      `The inputs do not say what is deployed:\n${listProblems(problems)}`,
      {
        problems,
      },
    );
  }
  return declared;
}

type Report = (field: string, message: string) => void;

function readTarget(read: ReadInput, report: Report): DeclaredFacts['target'] {
  const target: Partial<Record<(typeof targetInputs)[number], string>> = {};
  for (const name of targetInputs) if (read(name) !== '') target[name] = read(name);
  const { digest = '' } = target;
  // The fact is the digest; where the image lies is no part of it.
  if (isReference(digest)) {
    target.digest = digestIn(digest) ?? '';
    if (target.digest === '') report('digest', noDigest(digest));
  }
  return target;
}

const migrationInputs = [
  'migration-files',
  'migration-command',
  'migration-dialect',
  'since',
] as const;

function readMigration(read: ReadInput, report: Report): DeclaredMigration {
  const kind = read('migration');
  if (kind === 'none') {
    const extra =
      'must be absent with migration: none. Remove it, or set migration to sql or other.';
    for (const name of migrationInputs) if (/[^\r\n]/.test(read(name))) report(name, extra);
    return { kind };
  }
  if (kind !== 'sql' && kind !== 'other') {
    const found = kind === '' ? 'is missing or empty' : `is "${visible(kind, 80)}"`;
    report(
      'migration',
      `${found}. Set it to none, sql or other: it has no default, so that a migration is never passed over in silence.`,
    );
    return { kind: 'none' };
  }
  const files = readMigrationFiles(kind, read, report);
  const dialect = readDialect(kind, read, report);
  return dialect === undefined ? { kind: 'other', ...files } : { kind: 'sql', dialect, ...files };
}

function readMigrationFiles(
  kind: 'sql' | 'other',
  read: ReadInput,
  report: Report,
): MigrationFiles {
  // A line ends with LF or CRLF; empty lines are none. Blanks belong to the glob.
  const globs = read('migration-files')
    .split(/\r?\n/)
    .filter((line) => line !== '');
  const command = read('migration-command');
  const since = read('since');
  if (globs.length === 0) {
    report(
      'migration-files',
      `is missing or empty. With migration: ${kind}, name the files that run, one glob a line.`,
    );
  }
  if (command === '') {
    report(
      'migration-command',
      `is missing or empty. With migration: ${kind}, give the command that runs the migration.`,
    );
  }
  return { globs, command, ...(since === '' ? {} : { since }) };
}

function readDialect(
  kind: 'sql' | 'other',
  read: ReadInput,
  report: Report,
): SqlDialect | undefined {
  const given = read('migration-dialect');
  if (kind === 'other') {
    if (given !== '') {
      report('migration-dialect', 'must be absent with migration: other, which is not read.');
    }
    return undefined;
  }
  if (isOneOf(sqlDialects, given)) return given;
  const found = given === '' ? 'is missing or empty' : `is "${visible(given, 80)}"`;
  report(
    'migration-dialect',
    `${found}. With migration: sql, set it to ${sqlDialects.join(', ')}: the same statement means another thing in another dialect.`,
  );
  return undefined;
}

function readRollback(read: ReadInput, report: Report): DeclaredFacts['rollback'] {
  const given = rollbackKinds.filter((kind) => read(`rollback-${kind}`) !== '');
  const [kind = 'version'] = given;
  if (given.length === 0) {
    report(
      'rollback-version',
      'is missing or empty. Say how to go back by exactly one of rollback-version, rollback-command, rollback-runbook.',
    );
  }
  if (given.length > 1) {
    const names = given.map((name) => `rollback-${name}`).join(' and ');
    report(`rollback-${kind}`, `${names} are given. Keep exactly one of them.`);
  }
  return { kind, value: read(`rollback-${kind}`) };
}

function isOneOf<const T extends string>(choices: readonly T[], value: unknown): value is T {
  return choices.some((choice) => choice === value);
}
