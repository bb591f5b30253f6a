import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { checkFacts, deployFactsSchema, isDestructive } from '../../src/core/facts.ts';
import { arbitraryFacts, exampleFacts, minimalFacts } from '../support/deploy.ts';
import {
  leafPaths,
  objectPaths,
  valueAt,
  withValue,
  written,
  type Path,
} from '../support/paths.ts';

function problemsOf(value: unknown) {
  const checked = checkFacts(value);
  return checked.ok ? [] : checked.problems.map(({ field, message }) => `${field}: ${message}`);
}
const fieldsOf = (value: unknown) => {
  const checked = checkFacts(value);
  return checked.ok ? [] : [...new Set(checked.problems.map(({ field }) => field))];
};
const path = (field: string): Path =>
  field
    .split(/[.[\]]+/)
    .filter(Boolean)
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
const withField = (field: string, value: unknown) => withValue(exampleFacts(), path(field), value);

const leaves = leafPaths(exampleFacts());
const optional = [
  'region',
  'account',
  'tenant',
  'cluster',
  'server',
  'repository_id',
  'digest',
  'workflow',
  'workflow_sha',
  'actor.triggered_by',
  'migration.statements',
  'rollback.note',
];

describe('acceptable facts', () => {
  test('with every optional member, and with none', () => {
    expect(problemsOf(exampleFacts())).toEqual([]);
    expect(problemsOf(minimalFacts())).toEqual([]);
  });

  test('the example of DESIGN 3.1', () => {
    const example = {
      ...{
        schema: 'deploy-facts/v1',
        service: 'api',
        environment: 'production',
        region: 'eu-west-1',
      },
      ...{ repository: 'acme/shop', repository_id: '123456789', ref: 'refs/heads/main' },
      commit: 'fc19318dd13128ce14344d066510a982269c241b',
      digest: 'sha256:b29814cf5792e684cd75d6a7fce7a67a11887e312f87ca2ac2496d81f365ff72',
      actor: { login: 'release-agent[bot]', id: '41898282', type: 'agent' },
      ...{ run_id: '9876543210', run_attempt: '1', migration: { kind: 'none' } },
      rollback: { kind: 'version', value: 'd0941e68da8f38151ff86a61fc59f7c5cf9fcaa2' },
    };
    expect(problemsOf(example)).toEqual([]);
  });

  test('property: all that are made by the rules', () => {
    fc.assert(fc.property(arbitraryFacts, (facts) => expect(problemsOf(facts)).toEqual([])));
  });

  test('the value that comes back is an own, frozen copy without a prototype (threat 38)', () => {
    const given = exampleFacts();
    const checked = checkFacts(given);
    if (!checked.ok) throw new Error('refused');
    const { value } = checked;
    expect(value).toEqual(given);
    given.migration.files[0]!.path = 'db/evil.sql';
    expect(value).toEqual(exampleFacts());
    for (const at of objectPaths(value)) {
      const object = valueAt(value, at);
      expect(Object.isFrozen(object)).toBe(true);
      expect(Object.getPrototypeOf(object)).toBeNull();
    }
    expect(Object.isFrozen(valueAt(value, ['migration', 'files']))).toBe(true);
  });

  test('a polluted Object.prototype adds no fact (threat 38)', () => {
    const prototype = Object.prototype as Record<string, unknown>;
    prototype.digest = `sha256:${'0'.repeat(64)}`;
    try {
      const checked = checkFacts(minimalFacts());
      if (!checked.ok) throw new Error('refused');
      expect(checked.value.digest).toBeUndefined();
      expect('digest' in checked.value).toBe(false);
    } finally {
      delete prototype.digest;
    }
  });

  test.each([
    [
      'service',
      ['api', '@acme/api', 'shop/api/v2', 'A.b_c-d', 'a'.repeat(255), 'latest-api', 'headless'],
    ],
    [
      'environment',
      [
        'production',
        'Production (EU)',
        'eu/prod',
        'a',
        'x y  z',
        '$prod+1=2#3@4%5:6.7-8_9',
        'constructor',
      ],
    ],
    ['region', ['eu-west-1', 'arn:aws:iam::123456789012:role/deploy', 'EU/1']],
    ['account', ['123456789012', 'prod.main']],
    ['tenant', ['acme', 'ACME:7']],
    ['cluster', ['blue', 'gke/prod-1']],
    [
      'server',
      ['https://github.com', 'http://localhost:3000', 'https://forge.example.com:8443/gitlab'],
    ],
    [
      'repository',
      ['acme/shop', 'group/sub/sub2/project', 'shop', 'acme/.github', 'acme/-x', 'a_b/c.d'],
    ],
    [
      'repository_id',
      [
        '0',
        '123',
        '18446744073709551615',
        '123e4567-e89b-42d3-a456-426614174000',
        'local:shop',
        'jenkins:jobs/shop@main',
      ],
    ],
    [
      'ref',
      [
        'refs/heads/main',
        'refs/pull/7/merge',
        'refs/tags/v1.2.0',
        'refs/heads/feature/a-b_c+d=e!#$%&(){}',
        'refs/heads/a.b',
        'refs/heads/@',
      ],
    ],
    ['commit', ['a'.repeat(40), '0'.repeat(39) + '1', 'b'.repeat(64)]],
    ['digest', [`sha256:${'0'.repeat(64)}`]],
    ['workflow', ['deploy', 'acme/shop/.github/workflows/a b.yml@refs/heads/main']],
    [
      'actor.login',
      [
        'alexdoe',
        'release-agent[bot]',
        'a-b',
        'name_company',
        'alex@example.com',
        '_www',
        'Copilot',
      ],
    ],
    ['actor.id', ['0', 'local:alex', 'uuid:1', '123e4567-e89b-42d3-a456-426614174000']],
    ['actor.type', ['agent', 'human', 'pipeline', 'service-account']],
    ['run_id', ['0', '1', '99999999999999999999']],
    ['run_attempt', ['1', '12']],
    ['migration.command', ['npm run migrate -- --to=42', 'make "größe"', 'latest']],
    [
      'migration.files[0].path',
      [
        'a',
        'db/v1.2/001 create users.sql',
        'db/größe.sql',
        '.hidden/x',
        '...',
        'a/..b/c',
        '-x',
        'db/@{1}.sql',
      ],
    ],
    ['migration.statements[0]', ['not analysed', 'db/002.sql:14 DROP TABLE users']],
    ['rollback.kind', ['version', 'command', 'runbook']],
    [
      'rollback.value',
      [
        'v1.41.2',
        'd0941e6',
        'kubectl rollout undo deploy/api',
        'https://example.com/runbook#7',
        'fc19318dd13128ce14344d066510a982269c241c',
      ],
    ],
    ['rollback.note', ['all of it, at any time', 'latest', 'x'.repeat(500)]],
  ])('%s: %j', (field, values) => {
    for (const value of values) expect(problemsOf(withField(field, value))).toEqual([]);
  });

  test('migration: none; other; sql that takes nothing away', () => {
    expect(problemsOf(withField('migration', { kind: 'none' }))).toEqual([]);
    expect(problemsOf(withField('migration.kind', 'other'))).toEqual([]);
    const harmless = withValue(
      withField('migration.statements', undefined),
      path('migration.destructive'),
      false,
    );
    expect(problemsOf(harmless)).toEqual([]);
  });

  test.each(optional)('%s may be absent', (field) => {
    expect(problemsOf(withField(field, undefined))).toEqual([]);
  });
});

describe('refused, with field and rule', () => {
  test.each([
    [
      'schema',
      ['deploy-facts/v2', 'deploy-facts', 'DEPLOY-FACTS/V1', 'deploy-facts/v1 '],
      'deploy-facts/v1',
    ],
    [
      'service',
      [
        '*',
        'api ',
        ' api',
        'a b',
        '/api',
        'api/',
        'a//b',
        '@',
        '@/api',
        '-api',
        '.api',
        'api/-x',
        'api@acme',
        'äpi',
        'аpi',
        'api\n',
        'a:b',
        '${x}',
        '../api',
        'a/../b',
      ],
      'must be a name such as',
    ],
    [
      'environment',
      [
        ' production',
        'production ',
        ' ',
        'prod\n',
        'prod\tx',
        'prоd',
        'prod,eu',
        'prod;x',
        'prod"',
        "prod'",
        'a\\b',
        'a|b',
        'a&b',
        'a?b',
        'prod*',
        '[prod]',
        'a<b',
        'a>b',
        'a`b',
        'a~b',
        'a!b',
        'a{b',
      ],
      'must be letters',
    ],
    [
      'region',
      ['-eu', '.eu', 'eu west', 'eu+west', 'eu@west', 'ëu', 'eu\u200b'],
      'must be a letter or digit',
    ],
    ['account', ['/1', '1 2', '$x'], 'must be a letter or digit'],
    ['tenant', [':a', 'a#b'], 'must be a letter or digit'],
    ['cluster', ['_x', 'a\u0000'], 'must be a letter or digit'],
    [
      'server',
      [
        'github.com',
        'https://github.com/',
        'HTTPS://github.com',
        'https://GitHub.com',
        'https://u@github.com',
        'https://',
        'https://a b',
        'ftp://x',
        'https://x?y',
        'https://x#y',
        'https://-x',
        'https://x.',
        'https://x:123456',
        'https://x//y',
        'javascript://x',
      ],
      'must be the URL',
    ],
    [
      'repository',
      [
        '/acme/shop',
        'acme/shop/',
        'acme//shop',
        'acme/..',
        './shop',
        '../shop',
        'acme/./x',
        'acme/../x',
        'acme shop',
        'acme/sh op',
        'acme/shöp',
        '-a/b',
        'acme/shop\n',
        'https://github.com/acme/shop',
        'acme\\shop',
        'acme/shop@v1',
      ],
      'must be a path such as',
    ],
    [
      'repository_id',
      [
        '00',
        '01',
        '-1',
        '1.0',
        '1e3',
        '+1',
        'abc',
        '123456789012345678901',
        '123E4567-E89B-42D3-A456-426614174000',
        '123e4567e89b42d3a456426614174000',
        ':x',
        'x:',
        'X:y',
        'a b:c',
        'a:b c',
        'a:-b',
        `a:${'b'.repeat(254)}`,
      ],
      'must be a decimal number, a UUID',
    ],
    [
      'ref',
      [
        'main',
        'heads/main',
        'refs',
        'refs/',
        'refs/heads',
        'refs/heads/',
        'refs//main',
        '/refs/heads/main',
        'refs/heads/a b',
        'refs/heads/a..b',
        'refs/heads/.a',
        'refs/.x/a',
        'refs/heads/a.lock',
        'refs/heads/a.lock/b',
        'refs/heads/a.',
        'refs/heads/a@{1}',
        'refs/heads/a~1',
        'refs/heads/a^',
        'refs/heads/a:b',
        'refs/heads/a?b',
        'refs/heads/a*b',
        'refs/heads/a[b',
        'refs/heads/a\\b',
        'refs/heads/größe',
        'refs/heads/a\u007f',
        'refs/heads/a\n',
        'REFS/heads/a',
        'refs/heads/a//b',
      ],
      'must be a full ref',
    ],
    [
      'commit',
      [
        'main',
        'HEAD',
        'fc19318',
        'a'.repeat(39),
        'a'.repeat(41),
        'a'.repeat(63),
        'A'.repeat(40),
        'g'.repeat(40),
        '0'.repeat(40),
        '0'.repeat(64),
        ` ${'a'.repeat(40)}`,
        `${'a'.repeat(40)}\n`,
        'v1.0.0',
        `sha1:${'a'.repeat(40)}`,
      ],
      'must be a full commit id',
    ],
    ['workflow_sha', ['main', '0'.repeat(40)], 'must be a full commit id'],
    [
      'digest',
      [
        'latest',
        'a'.repeat(64),
        `sha256:${'A'.repeat(64)}`,
        `SHA256:${'a'.repeat(64)}`,
        `sha256:${'a'.repeat(63)}`,
        `sha256:${'a'.repeat(65)}`,
        `sha512:${'a'.repeat(128)}`,
        `acme/api@sha256:${'a'.repeat(64)}`,
        `sha256:${'a'.repeat(64)}\n`,
      ],
      'must be sha256:',
    ],
    ['workflow', [' a', 'a ', 'a\tb', 'größe', 'a\nb'], 'must be printable ASCII'],
    [
      'actor.login',
      [
        'a b',
        '[bot]',
        'a[bot',
        'a[BOT]',
        'a[bot]x',
        'a[bot][bot]',
        '-a',
        '.a',
        '@a',
        'älex',
        'alex\n',
        'a/b',
        '<b>',
      ],
      'must be a login',
    ],
    ['actor.triggered_by', ['a b', 'álex'], 'must be a login'],
    ['actor.id', ['007', '-7', 'local:', 'alex'], 'must be a decimal number, a UUID'],
    [
      'actor.type',
      ['bot', 'Agent', 'AGENT', 'service_account', 'user'],
      'must be one of: agent, human, pipeline, service-account',
    ],
    [
      'run_id',
      [
        '00',
        '01',
        '-1',
        '1.0',
        '1e3',
        '0x1',
        ' 1',
        '1 ',
        '+1',
        'NaN',
        'Infinity',
        '١',
        '123456789012345678901',
        '1\n',
      ],
      'must be a decimal number',
    ],
    ['run_attempt', ['first', '1,2', '1_000'], 'must be a decimal number'],
    ['migration.kind', ['SQL', 'None', 'unknown', 'mixed'], ''],
    ['migration.command', ['a\nb', ' a', 'a ', 'a\u0007', 'x'.repeat(501)], 'must'],
    [
      'migration.files[0].path',
      [
        '/db/001.sql',
        './db/001.sql',
        '../db/001.sql',
        'db/../001.sql',
        'db/./001.sql',
        'db//001.sql',
        'db/',
        '.',
        '..',
        '/',
        'db\\001.sql',
        'db/..',
        'C:\\x',
      ],
      'must be a clean path',
    ],
    [
      'migration.files[0].path',
      [
        'db/0\n1.sql',
        ' db/001.sql',
        'db/gro\u0308ße.sql',
        'db/\u202elqs.sql',
        'db/\u200b001.sql',
        'a'.repeat(501),
      ],
      'must',
    ],
    [
      'migration.files[0].sha256',
      ['a'.repeat(63), 'A'.repeat(64), `sha256:${'a'.repeat(64)}`, 'g'.repeat(64)],
      'must be 64 lower-case hex digits',
    ],
    ['migration.statements[0]', ['a\nb', 'a\u2028b'], 'must be one line'],
    ['rollback.kind', ['Version', 'none', 'undo'], 'must be one of: version, command, runbook'],
    ['rollback.value', [' v1', 'v1 ', 'v1\nv2', 'v\u00a01', 'x'.repeat(501)], 'must'],
    ['rollback.note', ['a\u202eb', 'a\ufe0f', 'e\u0301'], 'must'],
  ])('%s: %j', (field, values, rule) => {
    for (const value of values) {
      const problems = problemsOf(withField(field, value));
      expect(problems.length).toBeGreaterThan(0);
      for (const problem of problems) {
        expect(problem).toContain(`${field}: `);
        expect(problem).toContain(rule);
        expect(problem).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      }
    }
  });

  test.each([
    ['schema', 'v1', 'must be "deploy-facts/v1"'],
    ['service', 'a b', 'must be a name such as api, shop/api or @acme/api, not "a b"'],
    [
      'environment',
      'prod,eu',
      'must be letters, digits, inner blanks and ._:/%@#+=()$-, not "prod,eu"',
    ],
    ['region', '-eu', 'must be a letter or digit, then letters, digits and ._:/-, not "-eu"'],
    [
      'server',
      'github.com',
      'must be the URL of the forge without a slash at the end, such as https://github.com, not "github.com"',
    ],
    [
      'repository',
      '/shop',
      'must be a path such as owner/name or group/subgroup/project, not "/shop"',
    ],
    [
      'repository_id',
      '007',
      'must be a decimal number, a UUID in lower case, or provider:name, not "007"',
    ],
    ['ref', 'main', 'must be a full ref such as refs/heads/main or refs/tags/v1.2.0, not "main"'],
    [
      'commit',
      'HEAD',
      'must be a full commit id, 40 or 64 lower-case hex digits and not all zero, not "HEAD"',
    ],
    ['digest', 'v1', 'must be sha256: and 64 lower-case hex digits, not "v1"'],
    ['workflow', 'ä', 'must be printable ASCII without a blank at either end, not "ä"'],
    ['actor.login', '-a', 'must be a login such as alexdoe or release-agent[bot], not "-a"'],
    ['actor.type', 'bot', 'must be one of: agent, human, pipeline, service-account'],
    ['run_id', '01', 'must be a decimal number without leading zeros, not "01"'],
    [
      'migration.files[0].path',
      'a//b',
      'must be a clean path inside the repository, relative and with single slashes, not "a//b"',
    ],
    ['migration.files[0].sha256', 'x', 'must be 64 lower-case hex digits, not "x"'],
    ['rollback.kind', 'undo', 'must be one of: version, command, runbook'],
    ['rollback.note', '', 'must not be empty; leave it out instead'],
    ['service', '', 'must not be empty'],
    ['service', 'x'.repeat(256), 'must be at most 255 characters long, not 256'],
    [
      'service',
      `${'a'.repeat(99)}!`,
      `must be a name such as api, shop/api or @acme/api, not "${'a'.repeat(40)}…${'a'.repeat(38)}!"`,
    ],
    ['service', 'a\u202eb', 'must be a name such as api, shop/api or @acme/api, not "a\\u{202E}b"'],
  ])('%s: %j, in a whole sentence', (field, value, sentence) => {
    expect(problemsOf(withField(field, value))).toEqual([`${field}: ${sentence}`]);
  });

  test('a value that looks like a secret is not repeated', () => {
    const secret = ['-----BEGIN', 'PRIVATE KEY-----'].join(' ');
    expect(problemsOf(withField('service', secret))[0]).toBe(
      'service: must be a name such as api, shop/api or @acme/api, not a value that is not shown',
    );
  });

  test('how much the commit holds beside what is known: how many files, and their hash', () => {
    const of = (left_out: unknown) => problemsOf({ ...exampleFacts(), left_out });
    const sha256 = 'a'.repeat(64);
    expect(of({ count: '1', sha256 })).toEqual([]);
    expect(of({ count: '999999999', sha256 })).toEqual([]);
    for (const count of ['0', '01', '-1', '1.5', '1x', 'x1', '1234567890']) {
      expect(of({ count, sha256 })).toEqual([
        `left_out.count: must be a decimal number above zero, without leading zeros, not "${count}"`,
      ]);
    }
    expect(of({})).toEqual(['left_out.count: is missing', 'left_out.sha256: is missing']);
    expect(of({ count: '1', sha256, files: [] })).toEqual([
      'left_out.files: is not a member of this format; remove it',
    ]);
  });

  test.each(['service', 'environment', 'region', 'account', 'tenant', 'cluster', 'rollback.value'])(
    'broad labels, in any case: %s',
    (field) => {
      for (const label of [
        'latest',
        'Latest',
        'LATEST',
        'all',
        'ALL',
        'any',
        'Any',
        'HEAD',
        'head',
        'tbd',
        'TBD',
      ]) {
        expect(problemsOf(withField(field, label))).toEqual([
          `${field}: must name one thing, and "${label}" could be any; name the exact one`,
        ]);
      }
      expect(fieldsOf(withField(field, '*'))).toEqual([field]);
    },
  );

  test.each([
    'service',
    'environment',
    'region',
    'repository',
    'ref',
    'workflow',
    'actor.login',
    'actor.id',
  ])('more than 255 characters: %s', (field) => {
    const start = { ref: 'refs/heads/', repository: 'acme/', 'actor.id': 'local:' }[field] ?? '';
    expect(problemsOf(withField(field, start.padEnd(255, 'x')))).toEqual([]);
    expect(fieldsOf(withField(field, start.padEnd(256, 'x')))).toEqual([field]);
  });

  test('a rollback to the commit that is being deployed, in full, shortened, in any case, of any kind', () => {
    const { commit } = exampleFacts();
    for (const value of [commit, commit.toUpperCase(), commit.slice(0, 7), commit.slice(0, 12)]) {
      for (const kind of ['version', 'command', 'runbook']) {
        const facts = withField('rollback', { kind, value });
        expect(problemsOf(facts)).toEqual([
          'rollback.value: must not be the commit that is being deployed; name the version to go back to',
        ]);
      }
    }
    expect(problemsOf(withField('rollback.value', `${commit}0`))).toEqual([]);
    expect(problemsOf(withField('rollback.value', 'fc1931'))).toEqual([]);
  });

  test('a migration file that stands twice', () => {
    const files = ['a', 'b', 'a', 'b', 'A'].map((name) => ({ path: name, sha256: 'a'.repeat(64) }));
    expect(problemsOf(withField('migration.files', files))).toEqual([
      'migration.files[2].path: must be another file than migration.files[0].path',
      'migration.files[3].path: must be another file than migration.files[1].path',
    ]);
  });

  test('migration files of which none has a path are not the same one', () => {
    const files = ['a', 'b'].map((digit) => ({ sha256: digit.repeat(64) }));
    expect(problemsOf(withField('migration.files', files))).toEqual([
      'migration.files[0].path: is missing',
      'migration.files[1].path: is missing',
    ]);
  });

  test('empty lists', () => {
    expect(problemsOf(withField('migration.files', []))).toEqual([
      'migration.files: must name at least one file',
    ]);
    expect(problemsOf(withField('migration.statements', []))).toEqual([
      'migration.statements: must not be empty; leave it out instead',
    ]);
  });

  test('"other" that says it is not destructive, and statements of one that says it is not', () => {
    const other = withValue(
      withField('migration.kind', 'other'),
      path('migration.destructive'),
      false,
    );
    expect(problemsOf(other)).toEqual([
      'migration.destructive: must be true: a migration of kind "other" can\'t be analysed',
    ]);
    expect(problemsOf(withField('migration.destructive', false))).toEqual([
      'migration.statements: must not be there: these are what makes a migration destructive, and this one says it is not',
    ]);
  });

  test('members of "sql" in a migration of kind "none"', () => {
    expect(fieldsOf(withField('migration.kind', 'none'))).toEqual([
      'migration.command',
      'migration.destructive',
      'migration.files',
      'migration.statements',
    ]);
  });

  test.each(
    leaves
      .map(written)
      .filter((field) => !optional.includes(field) && field !== 'migration.statements[0]'),
  )('missing: %s', (field) => {
    expect(fieldsOf(withField(field, undefined))).toEqual([field]);
  });

  test.each(leaves.map((leaf) => [written(leaf), leaf] as const))(
    'no string, no null, nothing empty: %s',
    (field, leaf) => {
      const type = typeof valueAt(exampleFacts(), leaf);
      const values = [null, '', 0, 1, [], {}, ['x'], { a: 1 }, type === 'boolean' ? 'true' : true];
      for (const value of values)
        expect(fieldsOf(withValue(exampleFacts(), leaf, value))).toContain(field);
    },
  );

  test.each(objectPaths(exampleFacts()).map((object) => [written(object), object] as const))(
    'a member that the format does not know, in %j',
    (field, object) => {
      for (const key of ['extra', 'Service', 'constructor', 'toString']) {
        const unknown = field === '' ? key : `${field}.${key}`;
        expect(fieldsOf(withValue(exampleFacts(), [...object, key], 'x'))).toEqual([unknown]);
      }
    },
  );

  test.each([undefined, null, true, 1, 'deploy-facts/v1', [], {}, [exampleFacts()], new Map()])(
    'no facts at all: %p',
    (value) => {
      expect(checkFacts(value).ok).toBe(false);
    },
  );

  test('a member that is there without a value: it would be no part of the bytes that are signed', () => {
    for (const field of optional) {
      const at = path(field);
      const facts = exampleFacts();
      (valueAt(facts, at.slice(0, -1)) as Record<string, unknown>)[String(at.at(-1))] = undefined;
      expect(problemsOf(facts)).toEqual([`${field}: is missing`]);
    }
    expect(problemsOf({ ...minimalFacts(), extra: undefined })).toEqual([
      expect.stringMatching(/^extra: /),
    ]);
  });

  test('all problems at once, those between values too', () => {
    const { commit } = exampleFacts();
    const facts = {
      ...exampleFacts(),
      ...{ service: 'latest', commit, run_id: 7, extra: 1, digest: null },
      migration: { kind: 'sql', files: [{ path: 'a' }, { path: 'a', sha256: 'x' }] },
      rollback: { kind: 'undo', value: commit },
    };
    expect(fieldsOf(facts).toSorted()).toEqual([
      'digest',
      'extra',
      'migration.command',
      'migration.destructive',
      'migration.files[0].sha256',
      'migration.files[1].path',
      'migration.files[1].sha256',
      'rollback.kind',
      'rollback.value',
      'run_id',
      'service',
    ]);
  });

  test('an unknown member is named on one line, escaped and shortened', () => {
    const [problem] = problemsOf({
      ...exampleFacts(),
      [`a\n::error::\u202e${'x'.repeat(999)}`]: 1,
    });
    expect(problem).toMatch(/^a\\u\{000A\}::error::\\u\{202E\}x+…x+: is not/);
    expect(problem!.length).toBeLessThan(250);
  });
});

describe('isDestructive', () => {
  test.each([
    [{ kind: 'none' }, false],
    [{ ...exampleFacts().migration, destructive: false }, false],
    [{ ...exampleFacts().migration, destructive: true }, true],
    [{ ...exampleFacts().migration, kind: 'other', destructive: true }, true],
    [{ ...exampleFacts().migration, kind: 'other', destructive: false }, true],
  ] as const)('%j', (migration, destructive) => {
    expect(isDestructive({ migration })).toBe(destructive);
  });
});

test('the schema alone knows the format too', () => {
  expect(deployFactsSchema.parse(exampleFacts())).toEqual(exampleFacts());
});
