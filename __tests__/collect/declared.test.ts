import { describe, expect, test } from '@jest/globals';
import { readDeclaredFacts } from '../../src/collect/declared.ts';
import { Fault } from '../../src/core/fault.ts';

const complete = {
  service: 'api',
  environment: 'production',
  migration: 'none',
  'rollback-version': 'v1.41.2',
};

function read(inputs: Readonly<Record<string, string>>) {
  return readDeclaredFacts((name) => inputs[name] ?? '');
}

/** Every problem as `input: message`; the message of the fault must hold them all. */
function problemsOf(inputs: Readonly<Record<string, string>>): readonly string[] {
  try {
    read(inputs);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    expect(error.code).toBe('configuration');
    const lines = (error.details.problems ?? []).map(
      ({ field, message }) => `${field}: ${message}`,
    );
    for (const line of lines) expect(error.message).toContain(line);
    return lines;
  }
  throw new Error('It was not refused.');
}

describe('what is declared', () => {
  test('the least: absent inputs are absent facts', () => {
    expect(read(complete)).toEqual({
      service: 'api',
      environment: 'production',
      target: {},
      migration: { kind: 'none' },
      rollback: { kind: 'version', value: 'v1.41.2' },
    });
  });

  test('everything, as it was written: not trimmed, not folded', () => {
    const commit = 'fc19318dd13128ce14344d066510a982269c241b';
    const target = { region: ' eu', account: 'A', tenant: 't ', cluster: 'c', digest: 'sha256:0' };
    const inputs = {
      ...target,
      service: ' API ',
      environment: 'Production',
      commit,
      'actor-type': 'agent',
      migration: 'sql',
      'migration-files': 'db/ä/*.sql\r\n\n db/two.sql \ndb/three.sql\n',
      'migration-command': ' npm run migrate ',
      'migration-dialect': 'mysql',
      since: ' v1',
      'digest-file': ' digest.txt',
      'rollback-runbook': 'https://example.com/runbook',
      'rollback-note': ' note',
      'working-directory': 'shop',
    };
    expect(read(inputs)).toEqual({
      service: ' API ',
      environment: 'Production',
      target,
      digestFile: ' digest.txt',
      commit,
      actorType: 'agent',
      migration: {
        kind: 'sql',
        dialect: 'mysql',
        since: ' v1',
        globs: ['db/ä/*.sql', ' db/two.sql ', 'db/three.sql'],
        command: ' npm run migrate ',
      },
      rollback: { kind: 'runbook', value: 'https://example.com/runbook', note: ' note' },
      workingDirectory: 'shop',
    });
  });
});

describe('what an empty expression would leave open is refused', () => {
  test('nothing given: every problem at once, each with its fix', () => {
    expect(problemsOf({})).toEqual([
      'service: is missing or empty. Name what is deployed, such as api.',
      'environment: is missing or empty. Name where it is deployed, such as production.',
      'migration: is missing or empty. Set it to none, sql or other: it has no default, so that a migration is never passed over in silence.',
      'rollback-version: is missing or empty. Say how to go back by exactly one of rollback-version, rollback-command, rollback-runbook.',
    ]);
  });

  test.each(['None', ' none', 'none ', 'false', 'yes', 'constructor'])(
    'migration: %j',
    (migration) => {
      const [problem, ...others] = problemsOf({ ...complete, migration });
      expect(problem).toContain(`migration: is "${migration}". Set it to none, sql or other`);
      expect(others).toEqual([]);
    },
  );

  test.each(['sql', 'other'])('migration: %s without files or command', (migration) => {
    const dialect = { 'migration-dialect': migration === 'sql' ? 'sqlite' : '' };
    expect(problemsOf({ ...complete, ...dialect, migration })).toEqual([
      `migration-files: is missing or empty. With migration: ${migration}, name the files that run, one glob a line.`,
      `migration-command: is missing or empty. With migration: ${migration}, give the command that runs the migration.`,
    ]);
    const onlyBreaks = {
      ...complete,
      ...dialect,
      migration,
      'migration-files': '\n\r\n',
      'migration-command': 'x',
    };
    expect(problemsOf(onlyBreaks)).toHaveLength(1);
  });

  test('migration: none with files or a command', () => {
    const extra = {
      'migration-files': 'db/*.sql',
      'migration-command': 'npm run migrate',
      'migration-dialect': 'mysql',
      since: 'refs/tags/v1',
    };
    expect(problemsOf({ ...complete, ...extra })).toEqual(
      Object.keys(extra).map(
        (name) =>
          `${name}: must be absent with migration: none. Remove it, or set migration to sql or other.`,
      ),
    );
    expect(read({ ...complete, 'migration-files': '\n' }).migration).toEqual({ kind: 'none' });
  });

  test.each(['', 'postgres', 'MySQL', ' sqlite', 'constructor'])(
    'migration: sql with the dialect %j',
    (dialect) => {
      const files = { 'migration-files': 'db/*.sql', 'migration-command': 'npm run migrate' };
      const [problem, ...others] = problemsOf({
        ...complete,
        ...files,
        migration: 'sql',
        'migration-dialect': dialect,
      });
      expect(problem).toBe(
        `migration-dialect: ${dialect === '' ? 'is missing or empty' : `is "${dialect}"`}. With migration: sql, set it to postgresql, mysql, sqlite: the same statement means another thing in another dialect.`,
      );
      expect(others).toEqual([]);
      expect(
        problemsOf({ ...complete, ...files, migration: 'other', 'migration-dialect': 'mysql' }),
      ).toEqual(['migration-dialect: must be absent with migration: other, which is not read.']);
    },
  );

  test('two ways to go back', () => {
    expect(
      problemsOf({ ...complete, 'rollback-command': './back', 'rollback-runbook': 'x' }),
    ).toEqual([
      'rollback-version: rollback-version and rollback-command and rollback-runbook are given. Keep exactly one of them.',
    ]);
  });

  test('a note is no way to go back', () => {
    const onlyNote = { ...complete, 'rollback-version': '', 'rollback-note': 'call Dana' };
    expect(problemsOf(onlyNote)).toHaveLength(1);
  });

  test.each([
    'main',
    'HEAD',
    'fc19318',
    'FC19318DD13128CE14344D066510A982269C241B',
    ' fc19318dd13128ce14344d066510a982269c241b',
    `${'a'.repeat(40)}\n`,
    'a'.repeat(41),
    `${'a'.repeat(40)}^{commit}`,
  ])('commit: %j is no full id', (commit) => {
    const [problem, ...others] = problemsOf({ ...complete, commit });
    expect(problem).toContain('commit: must be a full commit id of 40 or 64 lower-case hex digits');
    expect(others).toEqual([]);
  });

  test.each(['Agent', 'bot', 'toString', ' agent'])('actor-type: %j', (type) => {
    expect(problemsOf({ ...complete, 'actor-type': type })).toEqual([
      `actor-type: must be one of human, pipeline, service-account, agent, not "${type}". Leave it out unless an agent started this run under the account of a person.`,
    ]);
  });
});
