import { describe, expect, test } from '@jest/globals';
import type { Circumstances } from '../../src/core/circumstances.ts';
import type { DeployFacts } from '../../src/core/facts.ts';
import type { WrittenRule } from '../../src/core/policy-format.ts';
import { checkPolicy } from '../../src/core/policy.ts';
import { verifyApproval } from '../../src/core/verify.ts';
import {
  createEvidence,
  createPayload,
  createWorld,
  facts,
  without,
} from '../support/approvals.ts';
import { approversOf, refusal } from '../support/judging.ts';

const commit = facts.commit;
const workflow = 'acme/shop/.github/workflows/deploy.yml@refs/heads/main';

/** A job of GitHub as it should be, with a token, after which nothing is new. */
const job: Circumstances = {
  provider: 'github',
  trigger: 'workflow_dispatch',
  runner: 'github-hosted',
  event_commit: commit,
  identity: {
    issuer: 'https://token.actions.githubusercontent.com',
    attested: ['environment', 'commit'],
    job_workflow_ref: workflow,
  },
  commit_authors: [{ name: 'Kim', email: 'kim@example.com' }],
  new_migrations: [],
};

interface Change {
  readonly job?: Circumstances | undefined;
  readonly facts?: Partial<DeployFacts>;
  readonly now?: number;
}

/** Evidence under a rule, with a good approval by alex. */
function under(rule: Partial<WrittenRule>, change: Change = {}) {
  const world = createWorld(rule);
  expect(checkPolicy(world.policy)).toMatchObject({ ok: true });
  return createEvidence(world, {
    payload: createPayload(change.facts),
    circumstances: 'job' in change ? change.job : job,
    ...(change.now === undefined ? {} : { now: change.now }),
  });
}

function expectAllowed(rule: Partial<WrittenRule>, change?: Change): void {
  expect(approversOf(under(rule, change))).toEqual(['alex']);
}

function expectRefused(rule: Partial<WrittenRule>, change: Change, expected: string): void {
  const { reason_code, message } = refusal(under(rule, change));
  expect({ reason_code, message }).toEqual({ reason_code: 'configuration', message: expected });
}

/** What to do where a rule allows only some. */
const fromThese = 'Deploy from one of these, or have the policy changed.';
/** What to do where something is not known. */
const whereKnown = 'Run the gate where that is known, or take the member out of the rule.';
const noToken =
  'The policy asks that the identity of this job is attested by an OIDC token (require_oidc), and there was none. In GitHub give the job the permission id-token: write. Without a token, set "require_oidc": false in the rule, knowing that the environment is then only declared.';

const withJob = (changes: Partial<Circumstances>): Change => ({ job: { ...job, ...changes } });
const lacking = (member: Exclude<keyof Circumstances, 'provider'>): Change => ({
  job: without(job, member),
});

describe('refs', () => {
  const refs = ['refs/heads/main', 'refs/tags/v*'];

  test.each(['refs/heads/main', 'refs/tags/v1.42'])('allow %s', (ref) => {
    expectAllowed({ refs }, { facts: { ref } });
  });

  test.each(['refs/heads/mainly', 'refs/heads/feature/main', 'refs/tags/w1', 'refs/pull/7/merge'])(
    'refuse %s',
    (ref) => {
      expectRefused(
        { refs },
        { facts: { ref } },
        `The ref is ${ref}, and the policy allows refs/heads/main, refs/tags/v* (refs). ${fromThese}`,
      );
    },
  );

  test('are not asked for where the rule names none', () => {
    expectAllowed({}, { facts: { ref: 'refs/heads/feature' } });
  });
});

describe('workflows', () => {
  const workflows = ['acme/shop/.github/workflows/*@refs/heads/main'];
  const other = 'acme/shop/.github/workflows/deploy.yml@refs/heads/feature';
  const refused = `The workflow is ${other}, and the policy allows acme/shop/.github/workflows/*@refs/heads/main (workflows). ${fromThese}`;

  test('allow the file that the token attests', () => {
    expectAllowed({ workflows });
  });

  test('refuse another attested file, whatever the facts say', () => {
    const change = withJob({ identity: { ...job.identity!, job_workflow_ref: other } });
    expectRefused({ workflows }, { ...change, facts: { workflow } }, refused);
  });

  test('take the fact where nothing is attested', () => {
    const rule = { workflows, require_oidc: false };
    expectAllowed(rule, { ...lacking('identity'), facts: { workflow } });
    expectRefused(rule, { ...lacking('identity'), facts: { workflow: other } }, refused);
  });

  test('refuse where neither says', () => {
    const world = createWorld({ workflows, require_oidc: false });
    const payload = { ...createPayload(), facts: without(facts, 'workflow') };
    const circumstances = without(job, 'identity');
    const { message } = refusal(createEvidence(world, { payload, circumstances }));
    expect(message).toBe(
      `The policy has a rule for the workflow (workflows), and here the workflow can't be told. ${whereKnown}`,
    );
  });
});

describe('triggers', () => {
  const triggers = ['push', 'workflow_dispatch'];

  test('allow one of them, refuse another and an unknown one', () => {
    expectAllowed({ triggers });
    for (const trigger of ['schedule', 'pushed']) {
      const message = `The event of this run is ${trigger}, and the policy allows push, workflow_dispatch (triggers). ${fromThese}`;
      expectRefused({ triggers }, withJob({ trigger }), message);
    }
    const unknown = `The policy has a rule for the event of this run (triggers), and here the event of this run can't be told. ${whereKnown}`;
    expectRefused({ triggers }, lacking('trigger'), unknown);
  });
});

describe('runners', () => {
  const runners = ['github-hosted'];

  test('allow one of them, refuse another and an unknown one', () => {
    expectAllowed({ runners });
    const other = `The kind of runner is self-hosted, and the policy allows github-hosted (runners). ${fromThese}`;
    expectRefused({ runners }, withJob({ runner: 'self-hosted' }), other);
    const unknown = `The policy has a rule for the kind of runner (runners), and here the kind of runner can't be told. ${whereKnown}`;
    expectRefused({ runners }, lacking('runner'), unknown);
  });

  test('are judged in the request step too', () => {
    const evidence = under({ runners }, withJob({ runner: 'self-hosted' }));
    const record = { ...evidence.record, redemption: { state: 'pending' as const } };
    expect(refusal({ ...evidence, record, step: 'request' }).reason_code).toBe('configuration');
  });
});

describe('other_commit', () => {
  const elsewhere = withJob({ event_commit: 'd'.repeat(40) });

  test('is refused by default, and where the rule says so', () => {
    const message = `This run was started for commit ${'d'.repeat(40)}, and would deploy ${commit}, which the policy does not allow. Deploy the commit of the run, or allow another one in the rule by "other_commit": true.`;
    expectRefused({}, elsewhere, message);
    expectRefused({ other_commit: false }, elsewhere, message);
  });

  test('is allowed where the rule says so, and where no event has a commit', () => {
    expectAllowed({ other_commit: true }, elsewhere);
    expectAllowed({}, lacking('event_commit'));
  });
});

describe('pull_request', () => {
  const notMerged = (trigger: string) =>
    `This run was started by ${trigger}: it runs code that was not merged, and the policy does not allow that. Deploy on another event, or allow it in the rule by "pull_request": true.`;

  test.each(['pull_request', 'merge_request_event', 'external_pull_request_event'])(
    'a run by %s is refused unless the rule allows it',
    (trigger) => {
      expectRefused({}, withJob({ trigger }), notMerged(trigger));
      expectRefused({ pull_request: false }, withJob({ trigger }), notMerged(trigger));
      expectAllowed({ pull_request: true }, withJob({ trigger }));
    },
  );

  test('is refused without a policy too', () => {
    const evidence = under({}, withJob({ trigger: 'pull_request' }));
    const rest = without(evidence, 'policy');
    const record = {
      ...evidence.record,
      assurance: 'service' as const,
      redemption: { ...evidence.record.redemption, state: 'service' as const },
    };
    const bare = { ...rest, record, assurance: 'service' as const };
    expect(refusal(bare).message).toBe(notMerged('pull_request'));
    expect(approversOf({ ...bare, circumstances: job })).toEqual(['alex']);
  });
});

describe('no_deploys', () => {
  const freeze = { from: '2026-11-22T10:10:00Z', to: '2026-11-22T10:20:00Z', reason: 'Sale' };
  const at = (time: string): Change => ({ now: Date.parse(time) });
  const sale =
    'Nothing is deployed from 2026-11-22T10:10:00Z to 2026-11-22T10:20:00Z: Sale (no_deploys). Deploy after 2026-11-22T10:20:00Z, or have the policy changed.';

  test('refuses from its first moment to before its last, with the reason', () => {
    const rule = { no_deploys: [freeze] };
    expectAllowed(rule, at('2026-11-22T10:09:59Z'));
    expectRefused(rule, at('2026-11-22T10:10:00Z'), sale);
    expectRefused(rule, at('2026-11-22T10:19:59Z'), sale);
    expectAllowed(rule, at('2026-11-22T10:20:00Z'));
  });

  test('refuses in each of several', () => {
    const other = { from: '2026-11-22T10:30:00Z', to: '2026-11-22T10:40:00Z', reason: 'Lunch' };
    const rule = { no_deploys: [other, freeze] };
    expectRefused(rule, at('2026-11-22T10:15:00Z'), sale);
    const lunch =
      'Nothing is deployed from 2026-11-22T10:30:00Z to 2026-11-22T10:40:00Z: Lunch (no_deploys). Deploy after 2026-11-22T10:40:00Z, or have the policy changed.';
    expectRefused(rule, at('2026-11-22T10:35:00Z'), lunch);
    expectAllowed(rule, at('2026-11-22T10:25:00Z'));
  });
});

describe('require_oidc', () => {
  const nobody = lacking('identity');

  test('is the default for a job of GitHub, and for a job of which nothing is known', () => {
    expectAllowed({});
    expectRefused({}, nobody, noToken);
    expectRefused({}, { job: undefined }, noToken);
  });

  test.each(['gitlab', 'local'] as const)('is not for a job of %s', (provider) => {
    expectAllowed({}, { job: { provider } });
  });

  test.each(['github', 'gitlab', 'local'] as const)('asks for a token of %s', (provider) => {
    expectRefused({ require_oidc: true }, { job: { provider } }, noToken);
    expectAllowed({ require_oidc: true }, { job: { ...job, provider } });
  });

  test('false asks of nobody', () => {
    expectAllowed({ require_oidc: false }, nobody);
    expectAllowed({ require_oidc: false }, { job: undefined });
  });
});

describe('migration_paths', () => {
  const rule = { migration_paths: ['db/**'] };
  const added = ['db/001.sql', 'db/002.sql'];
  const forgotten = (files: string) =>
    `Migrations are new or changed since the last deploy, and not among the files that this one runs (migration_paths): ${files}. Set migration and migration-files so that they are run, or take them out of the commit.`;
  const migration = (paths: readonly string[]): DeployFacts['migration'] => ({
    kind: 'sql',
    command: 'npm run migrate',
    destructive: false,
    files: paths.map((path) => ({ path, sha256: 'a'.repeat(64) })),
  });

  test('allows what runs all that is new', () => {
    expectAllowed(rule);
    const all = { migration: migration([...added, 'db/000.sql']) };
    expectAllowed(rule, { ...withJob({ new_migrations: added }), facts: all });
  });

  test('refuses none, and a migration that leaves one out', () => {
    const change = withJob({ new_migrations: added });
    expectRefused(rule, change, forgotten('db/001.sql, db/002.sql'));
    const one = { migration: migration(['db/001.sql']) };
    expectRefused(rule, { ...change, facts: one }, forgotten('db/002.sql'));
    expect(refusal(under(rule, { ...change, facts: one })).problems).toEqual([
      {
        field: 'migration',
        message:
          'db/002.sql is new or changed since the last deploy, and not among the migration files',
      },
    ]);
  });

  test('names at most ten of them', () => {
    const ten = Array.from({ length: 10 }, (_, index) => `db/${index}.sql`);
    expectRefused(rule, withJob({ new_migrations: ten }), forgotten(ten.join(', ')));
    const twelve = withJob({ new_migrations: [...ten, ...added] });
    expectRefused(rule, twelve, forgotten(`${ten.join(', ')} and 2 more`));
    expect(refusal(under(rule, twelve)).problems).toHaveLength(10);
  });

  test('refuses what is not known', () => {
    const message = `The policy has a rule for the migrations that are new since the last deploy (migration_paths), and here the migrations that are new since the last deploy can't be told. ${whereKnown}`;
    expectRefused(rule, lacking('new_migrations'), message);
  });

  test('is not asked for where the rule names none', () => {
    expectAllowed({}, withJob({ new_migrations: added }));
  });
});

describe('not_by_commit_authors', () => {
  const world = createWorld({ not_by_commit_authors: true });
  const { alex, dana, kim } = world.policy.approvers;
  const addressed = (emails: readonly string[], provider = 'github') => ({
    ...alex!,
    accounts: [{ ...alex!.accounts[0]!, provider, emails }],
  });
  const policy = (emails = ['Alex@Example.com'], provider?: string) => ({
    ...world.policy,
    approvers: {
      alex: addressed(emails, provider),
      dana: { ...dana!, accounts: [{ ...dana!.accounts[0]!, emails: ['dana@example.com'] }] },
      kim: kim!,
    },
  });
  const by = (email: string, under = policy()) =>
    createEvidence(world, {
      policy: under,
      circumstances: {
        ...job,
        commit_authors: [
          { name: 'Kim', email: 'kim@example.com' },
          { name: '', email },
        ],
      },
    });

  test('allows who wrote none of the commits', () => {
    expect(checkPolicy(policy())).toMatchObject({ ok: true });
    expect(approversOf(by('bot@example.com'))).toEqual(['alex']);
    expect(approversOf(by(''))).toEqual(['alex']);
  });

  test.each([
    'alex@example.com',
    'ALEX@example.COM',
    'alexdoe@users.noreply.github.com',
    'AlexDoe@users.noreply.github.com',
    '1234567+alexdoe@users.noreply.github.com',
    '1234567+renamed@users.noreply.github.com',
  ])('refuses %s as the author', (email) => {
    const { reason_code, message } = refusal(by(email));
    expect(reason_code).toBe('self_approval');
    expect(message).toContain('wrote themselves');
  });

  test('knows the addresses of GitLab too', () => {
    const gitlab = policy(['alex@example.com'], 'gitlab');
    expect(refusal(by('1234567-alexdoe@users.noreply.gitlab.com', gitlab)).reason_code).toBe(
      'self_approval',
    );
    expect(approversOf(by('1234567+alexdoe@users.noreply.github.com', gitlab))).toEqual(['alex']);
  });

  test.each([
    'alexdoe2@users.noreply.github.com',
    '12345678+other@users.noreply.github.com',
    'alexdoe@users.noreply.github.com.example',
    'alexdoe@example.com',
  ])('does not take %s for alex', (email) => {
    expect(approversOf(by(email))).toEqual(['alex']);
  });

  test('refuses where the authors are not known', () => {
    const rest = without(job, 'commit_authors');
    const { reason_code, message } = refusal({ ...by(''), circumstances: rest });
    expect(reason_code).toBe('configuration');
    expect(message).toBe(
      `The policy has a rule for the authors of the commits since the last deploy (not_by_commit_authors), and here the authors of the commits since the last deploy can't be told. ${whereKnown}`,
    );
  });

  test('is not asked for by default', () => {
    const plain = { ...policy(), environments: createWorld().policy.environments };
    expect(approversOf(by('alex@example.com', plain))).toEqual(['alex']);
  });
});

describe('services', () => {
  const rule = {
    refs: ['refs/heads/main'],
    services: { api: { refs: ['refs/tags/v*'] }, web: {} },
  };
  const ofEach = (ref: string, allowed: string) =>
    `The ref is ${ref}, and the policy allows ${allowed} (refs). ${fromThese}`;
  const notNamed = (service: string, named: string) =>
    `The policy names the services that may be deployed to "production" (${named}), and "${service}" is not among them. Add it under "services", or correct the name.`;

  test('have their own members in place of the environment’s', () => {
    expectAllowed(rule, { facts: { ref: 'refs/tags/v1' } });
    expectRefused(
      rule,
      { facts: { ref: 'refs/heads/main' } },
      ofEach('refs/heads/main', 'refs/tags/v*'),
    );
    expectAllowed(rule, { facts: { service: 'web' } });
    expectRefused(
      rule,
      { facts: { service: 'web', ref: 'refs/tags/v1' } },
      ofEach('refs/tags/v1', 'refs/heads/main'),
    );
  });

  test.each(['shop', 'API', 'constructor', 'toString', 'api/v2'])(
    'that are not named are refused: %s',
    (service) => {
      expectRefused(rule, { facts: { service } }, notNamed(service, 'api, web'));
    },
  );

  test('may be named like a member of every object', () => {
    const odd = { services: { constructor: {} } };
    expectAllowed(odd, { facts: { service: 'constructor' } });
    expectRefused(odd, { facts: { service: 'toString' } }, notNamed('toString', 'constructor'));
  });

  test('may not approve by whom only the environment names', () => {
    const world = createWorld({ services: { api: { approvers: ['dana'] } } });
    expect(refusal(createEvidence(world)).reason_code).toBe('approver_untrusted');
  });
});

describe('circumstances', () => {
  test.each<[string, unknown]>([
    ['of an unknown provider', { provider: 'jenkins' }],
    ['without provider', {}],
    ['with an unknown member', { ...job, approved: true }],
    ['with a null', { ...job, trigger: null }],
    ['with a short commit', { ...job, event_commit: 'abc' }],
    ['with authors that are no list', { ...job, commit_authors: {} }],
    ['that are no object', [job]],
  ])('%s are refused', (_, circumstances) => {
    const evidence = { ...under({}), circumstances: circumstances as Circumstances };
    expect(refusal(evidence).reason_code).toBe('configuration');
  });

  test('are in the verdict', () => {
    expect(verifyApproval(under({})).circumstances).toEqual(job);
  });

  test('take nothing from a polluted Object.prototype', () => {
    const bare: Circumstances = { provider: 'github' };
    Object.defineProperty(Object.prototype, 'identity', {
      value: job.identity,
      configurable: true,
      enumerable: true,
    });
    try {
      const { reason_code, message } = verifyApproval(under({}, { job: bare }));
      expect(reason_code).toBe('configuration');
      expect(message).toBe(noToken);
    } finally {
      Reflect.deleteProperty(Object.prototype, 'identity');
    }
  });
});
