import fc from 'fast-check';
import type { DeployFacts } from '../../src/core/facts.ts';
import type { ApprovalPayload } from '../../src/core/payload.ts';

/** The facts of DESIGN 3.1 with every optional member, and a migration. A fresh object each time, to be changed at will. */
export function exampleFacts() {
  return {
    schema: 'deploy-facts/v1',
    service: 'api',
    environment: 'production',
    region: 'eu-west-1',
    account: '123456789012',
    tenant: 'acme',
    cluster: 'blue',
    server: 'https://github.com',
    repository: 'acme/shop',
    repository_id: '123456789',
    ref: 'refs/heads/main',
    commit: 'fc19318dd13128ce14344d066510a982269c241b',
    digest: 'sha256:b29814cf5792e684cd75d6a7fce7a67a11887e312f87ca2ac2496d81f365ff72',
    workflow: 'acme/shop/.github/workflows/deploy.yml@refs/heads/main',
    workflow_sha: 'fc19318dd13128ce14344d066510a982269c241b',
    actor: {
      login: 'release-agent[bot]',
      id: '41898282',
      type: 'agent',
      triggered_by: 'alexdoe',
    },
    run_id: '9876543210',
    run_attempt: '1',
    migration: {
      kind: 'sql',
      command: 'npm run migrate',
      destructive: true,
      files: [
        { path: 'db/001.sql', sha256: 'a'.repeat(64) },
        { path: 'db/002.sql', sha256: 'b'.repeat(64) },
      ],
      statements: ['db/002.sql:14 DROP TABLE users'],
    },
    rollback: {
      kind: 'version',
      value: 'd0941e68da8f38151ff86a61fc59f7c5cf9fcaa2',
      note: 'the release of Tuesday',
    },
  } satisfies DeployFacts;
}

/** The shortest acceptable facts: nothing optional, no migration. */
export function minimalFacts() {
  const { schema, service, environment, repository, ref, commit, run_id, run_attempt } =
    exampleFacts();
  return {
    ...{ schema, service, environment, repository, ref, commit, run_id, run_attempt },
    actor: { login: 'alexdoe', id: 'local:alexdoe', type: 'human' },
    migration: { kind: 'none' },
    rollback: { kind: 'version', value: 'v1.41.2' },
  } satisfies DeployFacts;
}

/** A payload around {@link exampleFacts}. */
export function examplePayload() {
  return {
    schema: 'deploy-approval/v1',
    request_id: '0123456789abcdef0123456789abcdef',
    facts: exampleFacts(),
    requested_at: '2026-11-22T10:00:00Z',
    expires_at: '2026-11-22T11:00:00Z',
    context: { reason: 'Fix of the checkout for Größe 38' },
  } satisfies ApprovalPayload;
}

const hex = (length: number) =>
  fc.string({
    unit: fc.constantFrom(...Array.from('0123456789abcdef')),
    minLength: length,
    maxLength: length,
  });
const name = fc.stringMatching(/^[A-Za-z0-9][a-z0-9._-]{3,12}$/);
const words = fc
  .array(fc.stringMatching(/^[A-Za-zäöüßñ日本語0-9.,:;()-]{1,12}$/), { minLength: 1, maxLength: 6 })
  .map((parts) => parts.join(' '));
const decimal = fc.bigInt({ min: 0n, max: 10n ** 19n }).map(String);
const file = fc.record({ path: name.map((part) => `db/${part}.sql`), sha256: hex(64) });
const migrationMembers = {
  command: words,
  files: fc.uniqueArray(file, { selector: ({ path }) => path, minLength: 1, maxLength: 4 }),
};

/** Any acceptable facts. */
export const arbitraryFacts: fc.Arbitrary<DeployFacts> = fc.record(
  {
    schema: fc.constant('deploy-facts/v1' as const),
    service: fc.oneof(
      name,
      fc.tuple(name, name).map(([scope, part]) => `@${scope}/${part}`),
    ),
    environment: fc.oneof(
      name,
      name.map((part) => `Production (${part})`),
    ),
    repository: fc.tuple(name, name).map((parts) => parts.join('/')),
    ref: name.map((part) => `refs/heads/x${part.replace(/\.+/g, '-')}`),
    commit: fc.oneof(hex(40), hex(64)).map((id) => `1${id.slice(1)}`),
    actor: fc.record(
      {
        login: fc.oneof(
          name,
          name.map((part) => `${part}[bot]`),
        ),
        id: fc.oneof(
          decimal,
          fc.uuid(),
          name.map((part) => `local:${part}`),
        ),
        type: fc.constantFrom('agent', 'human', 'pipeline', 'service-account'),
        triggered_by: name,
      },
      { requiredKeys: ['login', 'id', 'type'] },
    ),
    run_id: decimal,
    run_attempt: decimal,
    migration: fc.oneof(
      fc.record({ kind: fc.constant('none' as const) }),
      fc.record({
        kind: fc.constant('sql' as const),
        destructive: fc.boolean(),
        ...migrationMembers,
      }),
      fc.record({
        kind: fc.constantFrom('sql' as const, 'other' as const),
        destructive: fc.constant(true),
        ...migrationMembers,
        statements: fc.array(words, { minLength: 1, maxLength: 3 }),
      }),
    ),
    rollback: fc.record(
      {
        kind: fc.constantFrom('version', 'command', 'runbook'),
        value: words.map((text) => `to ${text}`),
        note: words,
      },
      { requiredKeys: ['kind', 'value'] },
    ),
    region: name,
    account: name,
    tenant: name,
    cluster: name,
    server: fc.constantFrom('https://github.com', 'https://forge.example.com:8443/gitlab'),
    repository_id: decimal,
    digest: hex(64).map((digits) => `sha256:${digits}`),
    workflow: name.map((part) => `.github/workflows/${part}.yml`),
    workflow_sha: hex(40).map((id) => `2${id.slice(1)}`),
  },
  {
    requiredKeys: [
      'schema',
      'service',
      'environment',
      'repository',
      'ref',
      'commit',
      'actor',
      'run_id',
      'run_attempt',
      'migration',
      'rollback',
    ],
  },
);
