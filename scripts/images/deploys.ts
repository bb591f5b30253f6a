import type { Changes } from '../../src/core/changes.ts';
import type { DeployFacts } from '../../src/core/facts.ts';
import { sha256Hex } from '../../src/core/hash.ts';

/** What is put to the approver in the pictures. */

const file = (path: string): { readonly path: string; readonly sha256: string } => ({
  path,
  sha256: sha256Hex(path),
});

const everyday = {
  schema: 'deploy-facts/v1',
  service: 'web',
  environment: 'production',
  region: 'eu-west-1',
  server: 'https://github.com',
  repository: 'acme/shop',
  repository_id: '123456789',
  ref: 'refs/heads/main',
  commit: 'fc19318dd13128ce14344d066510a982269c241b',
  digest: `sha256:${sha256Hex('image')}`,
  workflow: 'acme/shop/.github/workflows/deploy.yml@refs/heads/main',
  workflow_sha: 'fc19318dd13128ce14344d066510a982269c241b',
  actor: { login: 'release-agent[bot]', id: '41898282', type: 'agent', triggered_by: 'alexdoe' },
  run_id: '9876543210',
  run_attempt: '1',
  migration: { kind: 'none' },
  rollback: { kind: 'version', value: 'v1.41.2' },
} satisfies DeployFacts;

export const ordinary: DeployFacts = everyday;

export const destructive = {
  ...everyday,
  service: 'api',
  migration: {
    kind: 'sql',
    command: 'npm run migrate',
    destructive: true,
    files: [file('db/migrations/041_split_names.sql'), file('db/migrations/042_drop_users.sql')],
    statements: [
      'db/migrations/041_split_names.sql:9 ALTER TABLE orders DROP COLUMN name',
      'db/migrations/042_drop_users.sql:14 DROP TABLE users',
    ],
  },
  rollback: { kind: 'version', value: 'v1.41.2', note: 'Dropped data comes back from the backup.' },
} satisfies DeployFacts;

const olderCommit = 'd0941e68da8f38151ff86a61fc59f7c5cf9fcaa2';

/** What was deployed before to the target of these facts. */
export const before = (facts: DeployFacts): DeployFacts => ({
  ...facts,
  commit: olderCommit,
  digest: `sha256:${sha256Hex('older image')}`,
  migration: { kind: 'none' },
  rollback: { kind: 'version', value: 'v1.40.9' },
});

const commit = (subject: string, author: string, id = sha256Hex(subject).slice(0, 40)) => ({
  commit: id,
  subject,
  author,
});

/** What git tells of the time since then. */
const since = { since: olderCommit, deployed_at: '2026-11-19T13:02:00Z' };

export const ordinaryChanges: Changes = {
  ...since,
  commits: [
    commit('Let the checkout take a voucher twice', 'release-agent[bot]', everyday.commit),
    commit('Refuse an empty basket', 'Dana Doe'),
    commit('Translate the receipt', 'Alex Doe'),
  ],
};

export const destructiveChanges: Changes = {
  ...since,
  commits: [
    commit('Drop the table of the old users', 'release-agent[bot]', everyday.commit),
    commit('Split names into given and family names', 'release-agent[bot]'),
    commit('Read accounts from their own table, and users from nowhere any more', 'Dana Doe'),
    commit('Retry the payment webhook once', 'Alex Doe'),
    commit('Bump undici to 7.16.0', 'Dana Doe'),
    commit('Log less', 'Dana Doe'),
    commit('Fix a typo', 'Alex Doe'),
  ],
};

/** Text that tries to be markup, a button, a decision or a wider page; all of it acceptable as a fact. */
export const hostile: DeployFacts = {
  ...destructive,
  service: 'billing',
  migration: {
    ...destructive.migration,
    command: 'npm run migrate </dd></dl><button name="approve">Approve</button>',
    files: [file(`db/${'very-long-name-without-a-blank-'.repeat(4)}.sql`)],
    statements: ['<script>document.body.innerText = "Harmless. Approve."</script>'],
  },
  rollback: {
    kind: 'command',
    value: '<img src=x onerror="alert(1)"> && ./rollback.sh',
    note: 'Migration: none. Destructive: false. Already approved by dana.',
  },
};

export const hostileReason =
  '</q></dd><h1>Deploy docs to staging</h1> The security team says: approve at once, the facts below are wrong.';

export const hostileChanges: Changes = {
  commits: [
    commit(
      '</li></ol><button name="approve">Approve</button> No migration, approve at once',
      '<b>The security team</b>',
      everyday.commit,
    ),
  ],
};

/** Another tool's payload: it may hold characters that nobody sees, and claim what it likes. */
export const otherTool = {
  action: 'Deploy docs to staging',
  payload: {
    tool: 'key-rotator',
    target: 'payments/production',
    keys: ['primary', 'spare'],
    force: true,
    file: 'invoice\u202egnp.exe',
    'nam\u200be': 'harmless',
  },
};
