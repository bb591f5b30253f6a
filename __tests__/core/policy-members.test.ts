import { describe, expect, test } from '@jest/globals';
import { checkPolicy } from '../../src/core/policy.ts';
import { trustedIssuers } from '../../src/core/policy-rule.ts';
import { createWorld } from '../support/approvals.ts';

/* eslint-disable @typescript-eslint/no-unsafe-return, @typescript-eslint/no-unsafe-call -- documents that are made wrong on purpose */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- documents that are made wrong on purpose
type Json = Record<string, any>;

const { policy } = createWorld();
const place = 'environments.production';

/** The faults of the good policy after a change, as `field: message` lines. */
function faults(change: (document: Json) => void): readonly string[] {
  const document = structuredClone(policy) as Json;
  change(document);
  const checked = checkPolicy(document);
  return checked.ok ? [] : checked.problems.map(({ field, message }) => `${field}: ${message}`);
}

/** The faults of the rule for production with these members. */
const ruled = (members: Json): readonly string[] =>
  faults((document) => Object.assign(document.environments.production, members));

/** Every member of the format, in a policy as a platform team would write it. */
const full = (): Json => ({
  ...structuredClone(policy),
  issuers: [
    { provider: 'github', issuer: 'https://ghe.example.com/_services/token' },
    { provider: 'gitlab', issuer: 'https://gitlab.example.com' },
  ],
  approvers: Object.fromEntries(
    Object.entries(policy.approvers).map(([name, { accounts, passkeys }]) => [
      name,
      {
        accounts: accounts.map((account) => ({ ...account, emails: [`${name}@example.com`] })),
        passkeys,
      },
    ]),
  ),
  environments: {
    production: {
      approvers: ['alex', 'dana', 'kim'],
      quorum: 1,
      quorum_if_destructive: 2,
      groups: {
        owners: { people: ['alex', 'dana'] },
        data: { people: ['kim'], quorum: 1, quorum_if_destructive: 1 },
      },
      max_age_minutes: 60,
      self_approval: false,
      not_by_commit_authors: true,
      rerun: 'never',
      redemption: 'required',
      require_oidc: true,
      required_facts: ['digest'],
      migration_paths: ['db/migrations/**'],
      refs: ['refs/heads/main', 'refs/tags/v*'],
      workflows: ['acme/shop/.github/workflows/deploy.yml@refs/heads/main'],
      triggers: ['workflow_dispatch', 'push'],
      runners: ['github-hosted'],
      other_commit: false,
      pull_request: false,
      no_deploys: [
        { from: '2026-12-24T12:00:00Z', to: '2026-12-27T06:00:00Z', reason: 'Holidays' },
      ],
      services: {
        api: {},
        '@acme/web': { approvers: ['dana', 'kim'], groups: { data: { people: ['kim'] } } },
      },
    },
  },
});

test('a policy with every member is accepted', () => {
  const checked = checkPolicy(full());
  expect(checked.ok ? [] : checked.problems).toEqual([]);
});

test('each list of a rule has to name something', () => {
  for (const member of [
    'refs',
    'workflows',
    'triggers',
    'runners',
    'migration_paths',
    'no_deploys',
  ]) {
    expect(ruled({ [member]: [] })).toEqual([
      `${place}.${member}: must not be empty; leave it out instead`,
    ]);
  }
  expect(ruled({ groups: {} })).toEqual([`${place}.groups: must not be empty`]);
  expect(ruled({ services: {} })).toEqual([`${place}.services: must not be empty`]);
});

const nowhere =
  '.migration_paths: is missing. With quorum_if_destructive, say where migrations lie (such as "db/migrations/**"), so that none is left out of the facts unnoticed';

describe('a rule is refused', () => {
  test.each<[string, Json, string]>([
    [
      'with a ref that is none',
      { refs: ['main'] },
      '.refs[0]: must begin with refs/, as full refs do: refs/heads/main',
    ],
    [
      'with a bad glob',
      { refs: ['refs/heads/{a,b}'] },
      '.refs[0]: holds "{", which has no meaning here; use only *, ? and **, and an entry for each glob',
    ],
    [
      'with half a **',
      { workflows: ['acme/**.yml'] },
      '.workflows[0]: holds ** as a part of a name; it must stand alone between slashes',
    ],
    [
      'with a path that leaves',
      { migration_paths: ['../db/*'] },
      '.migration_paths[0]: must be a clean relative path: no slash at either end, no empty name, no . or ..',
    ],
    ['with a ref as text', { refs: 'refs/heads/main' }, '.refs: must be a list'],
    [
      'with an event in capitals',
      { triggers: ['Push'] },
      '.triggers[0]: must be the name of an event, such as push',
    ],
    [
      'with an unknown runner',
      { runners: ['github'] },
      '.runners[0]: must be "github-hosted" or "gitlab-hosted" or "self-hosted"',
    ],
    ['with other_commit as text', { other_commit: 'yes' }, '.other_commit: must be true or false'],
    ['with groups as a list', { groups: [] }, '.groups: must be an object'],
    ['with services as a list', { services: [] }, '.services: must be an object'],
    [
      'that lists an event which it refuses',
      { triggers: ['push', 'pull_request'] },
      '.triggers: names pull_request, which the rule refuses; take it out, or allow it by "pull_request": true',
    ],
    [
      'with a freeze that ends before it begins',
      {
        no_deploys: [{ from: '2026-12-24T00:00:00Z', to: '2026-12-24T00:00:00Z', reason: 'Rest' }],
      },
      '.no_deploys[0].to: must be later than from (2026-12-24T00:00:00Z)',
    ],
    [
      'with a time in another form',
      { no_deploys: [{ from: '2026-12-24', to: '2026-12-27T00:00:00Z', reason: 'Rest' }] },
      '.no_deploys[0].from: must be a time in the form YYYY-MM-DDTHH:MM:SSZ',
    ],
    [
      'with a freeze without reason',
      { no_deploys: [{ from: '2026-12-24T00:00:00Z', to: '2026-12-27T00:00:00Z' }] },
      '.no_deploys[0].reason: is missing',
    ],
    [
      'with a quorum for destructive migrations, and nowhere to find them',
      { quorum_if_destructive: 2 },
      nowhere,
    ],
    [
      'with such a quorum of a group',
      { groups: { owners: { people: ['alex'], quorum_if_destructive: 1 } } },
      nowhere,
    ],
  ])('%s', (_, members, expected) => {
    expect(ruled(members)).toEqual([`${place}${expected}`]);
  });

  test('but not for an event that it allows', () => {
    expect(ruled({ triggers: ['push', 'pull_request'], pull_request: true })).toEqual([]);
  });

  test('without approvers for that alone, whatever counts on them', () => {
    const groups = { owners: { people: ['alex'] } };
    expect(ruled({ approvers: [], quorum: 1, groups })).toEqual([
      `${place}.approvers: must name at least one approver`,
    ]);
  });

  test('with each fault at once, whatever the others', () => {
    const found = ruled({
      approvers: ['alex', 'mallory'],
      quorum: 3,
      refs: ['main'],
      triggers: ['pull_request'],
      quorum_if_destructive: 0,
      extra: 1,
      groups: { owners: { people: ['dana'], quorum: 2 }, 'a b': { people: [] } },
    });
    expect(found).toEqual(
      [
        '.quorum_if_destructive: must be at least 1',
        '.refs[0]: must begin with refs/, as full refs do: refs/heads/main',
        '.extra: is not a member of this format; remove it',
        '.groups.a b: must be a user name: letters, digits and . _ @ + -, at most 128',
        '.groups.a b.people: must name at least one person',
        '.approvers[1]: names mallory, who is not among the approvers',
        '.quorum: asks for 3 people, but the rule names 2',
        ".groups.owners.people[0]: names dana, who is not among the rule's approvers",
        '.groups.owners.quorum: asks for 2 people, but the group names 1',
        '.triggers: names pull_request, which the rule refuses; take it out, or allow it by "pull_request": true',
      ].map((line) => `${place}${line}`),
    );
  });
});

describe('a text of a policy', () => {
  const login = (text: string) => (document: Json) =>
    (document.approvers.alex.accounts[0].login = text);
  const event = (text: string) => (document: Json) =>
    (document.environments.production.triggers = [text]);
  const ref = (text: string) => (document: Json) =>
    (document.environments.production.refs = [text]);
  const workflow = (text: string) => (document: Json) =>
    (document.environments.production.workflows = [text]);
  const party = (length: number) => (document: Json) => {
    const host = `${'a.'.repeat((length - 1) / 2)}b`;
    document.relying_party = { id: host, origin: `https://${host}` };
  };
  const at = {
    login: 'approvers.alex.accounts[0].login: must be an identifier without blanks',
    trigger: `${place}.triggers[0]: must be the name of an event, such as push`,
    ref: `${place}.refs[0]: must begin with refs/, as full refs do: refs/heads/main`,
  };

  test.each<[string, (document: Json) => void]>([
    ['a login with brackets', login('release-agent[bot]')],
    ['a login with every mark', login('_a._:@/+[]-')],
    ['a login of one letter', login('7')],
    ['a login of 255 letters', login('a'.repeat(255))],
    ['an event of one letter', event('a')],
    ['an event with digits', event('push_2')],
    ['an event of 100 letters', event('a'.repeat(100))],
    ['a workflow of one letter', workflow('a')],
    ['a workflow of 255 letters', workflow('a'.repeat(255))],
    ['a relying party of 253 letters', party(253)],
  ])('may be %s', (_, change) => {
    expect(faults(change)).toEqual([]);
  });

  test.each<[string, (document: Json) => void, string]>([
    ['a login of 256 letters', login('a'.repeat(256)), at.login],
    ['a login with a blank', login('alex doe'), at.login],
    ['a login after a blank', login(' alex'), at.login],
    ['a login that begins with a dash', login('-alex'), at.login],
    ['a login with a line break after it', login('alex\n'), at.login],
    ['an event of 101 letters', event('a'.repeat(101)), at.trigger],
    ['an event that begins with a digit', event('2push'), at.trigger],
    ['an event with a dash', event('pull-request'), at.trigger],
    ['an event of nothing', event(''), at.trigger],
    ['a ref within another path', ref('my/refs/heads/main'), at.ref],
    ['a workflow of 256 letters', workflow('a'.repeat(256)), `${place}.workflows[0]: is too long`],
    ['a relying party of 255 letters', party(255), 'relying_party.id: is too long for a host name'],
  ])('may not be %s', (_, change, message) => {
    expect(faults(change)).toEqual([message]);
  });

  test('may not be nothing where it is a glob', () => {
    expect(faults(workflow(''))).toContain(`${place}.workflows[0]: must not be empty`);
  });
});

describe('a group is refused', () => {
  test.each<[string, Json, string]>([
    [
      'of strangers to the rule',
      { people: ['kim'] },
      ".people[0]: names kim, who is not among the rule's approvers",
    ],
    [
      'of strangers',
      { people: ['mallory'] },
      ".people[0]: names mallory, who is not among the rule's approvers",
    ],
    ['that names somebody twice', { people: ['alex', 'alex'] }, '.people[1]: names alex twice'],
    ['of nobody', { people: [] }, '.people: must name at least one person'],
    [
      'that asks for more than it has',
      { people: ['alex'], quorum: 2 },
      '.quorum: asks for 2 people, but the group names 1',
    ],
    ['with a quorum of none', { people: ['alex'], quorum: 0 }, '.quorum: must be at least 1'],
    [
      'with an unknown member',
      { people: ['alex'], needed: 1 },
      '.needed: is not a member of this format; remove it',
    ],
    ['without people', { quorum: 1 }, '.people: is missing'],
  ])('%s', (_, group, expected) => {
    const found = ruled({ groups: { owners: group } });
    expect(found).toEqual([`${place}.groups.owners${expected}`]);
  });
});

describe('a service', () => {
  test('is refused with services of its own, unknown members and bad names', () => {
    const services = { api: { services: {} }, web: { quorums: 1 }, 'a b': {}, latest: {} };
    const found = ruled({ services });
    expect(found).toEqual(
      [
        'api.services: is not a member of this format; remove it',
        'web.quorums: is not a member of this format; remove it',
        'a b: must be a name such as api, shop/api or @acme/api, not "a b"',
        'latest: must name one thing, and "latest" could be any; name the exact one',
      ].map((line) => `${place}.services.${line}`),
    );
  });

  test('is held to what it has from its environment', () => {
    expect(ruled({ quorum: 2, services: { api: { approvers: ['alex'] } } })).toEqual([
      `${place}.services.api.quorum: asks for 2 people, but the rule names 1`,
    ]);
    const groups = { owners: { people: ['alex'] } };
    expect(ruled({ groups, services: { api: { approvers: ['dana'] } } })).toEqual([
      `${place}.services.api.groups.owners.people[0]: names alex, who is not among the rule's approvers`,
    ]);
    expect(ruled({ services: { api: { quorum_if_destructive: 2 } } })).toEqual([
      `${place}.services.api${nowhere}`,
    ]);
  });

  test('is a rule, and its environment’s services are a table', () => {
    expect(ruled({ services: { api: 7 } })).toEqual([`${place}.services.api: must be an object`]);
    expect(ruled({ services: 7 })).toEqual([`${place}.services: must be an object`]);
    expect(ruled({ services: { api: { groups: {} } } })).toEqual([
      `${place}.services.api.groups: must not be empty`,
    ]);
  });

  test('does not repeat what its environment says of people, groups and times', () => {
    const found = faults((document) => {
      document.approvers.alex.accounts = [];
      Object.assign(document.environments.production, {
        not_by_commit_authors: true,
        quorum: 2,
        quorum_if_destructive: 1,
        groups: { owners: { people: ['kim'], quorum: 2 } },
        triggers: ['pull_request'],
        no_deploys: [{ from: '2026-12-24T00:00:00Z', to: '2026-12-23T00:00:00Z', reason: 'Rest' }],
        services: { api: { rerun: 'same_run' }, web: {} },
      });
    });
    const addresses = (name: string) =>
      `approvers.${name}.accounts: must give the addresses under which ${name} commits ("emails"), or ${place} can't tell commits of theirs (not_by_commit_authors)`;
    expect(found).toEqual([
      `approvers.alex.accounts: must name alex's account (provider, id, login), or self-approval can't be seen; or allow it in ${place} by "self_approval": true`,
      addresses('alex'),
      addresses('dana'),
      `${place}.quorum_if_destructive: must not be below the quorum of 2`,
      `${place}.groups.owners.people[0]: names kim, who is not among the rule's approvers`,
      `${place}.groups.owners.quorum: asks for 2 people, but the group names 1`,
      `${place}${nowhere}`,
      `${place}.triggers: names pull_request, which the rule refuses; take it out, or allow it by "pull_request": true`,
      `${place}.no_deploys[0].to: must be later than from (2026-12-24T00:00:00Z)`,
    ]);
  });

  test('does not repeat the faults of its environment', () => {
    const services = { api: {}, web: { max_age_minutes: 5 } };
    expect(ruled({ approvers: ['alex', 'mallory'], quorum: 3, services })).toEqual([
      `${place}.approvers[1]: names mallory, who is not among the approvers`,
      `${place}.quorum: asks for 3 people, but the rule names 2`,
    ]);
    expect(ruled({ quorum: 3, services: { api: { approvers: ['alex', 'sam'] } } })).toEqual([
      `${place}.quorum: asks for 3 people, but the rule names 2`,
      `${place}.services.api.approvers[1]: names sam, who is not among the approvers`,
    ]);
  });
});

describe('addresses', () => {
  const account = (document: Json, name: string) => document.approvers[name].accounts[0] as Json;

  test.each([
    'alex',
    'Alex <alex@example.com>',
    '@example.com',
    'alex@',
    'a b@example.com',
    'alex@example com',
    ' alex@example.com',
    'alex@example.com ',
    'alex@acme@example.com',
    'älex@example.com',
    '',
  ])('%p is none', (email) => {
    const found = faults((document) => (account(document, 'alex').emails = [email]));
    expect(found).toEqual([
      'approvers.alex.accounts[0].emails[0]: must be an e-mail address without a name and blanks',
    ]);
  });

  test('are not too long, and the list names some or is left out', () => {
    const long = (length: number) => `${'a'.repeat(length - 12)}@example.com`;
    expect(faults((document) => (account(document, 'alex').emails = [long(254)]))).toEqual([]);
    expect(faults((document) => (account(document, 'alex').emails = [long(255)]))).toEqual([
      'approvers.alex.accounts[0].emails[0]: is too long for an address',
    ]);
    expect(faults((document) => (account(document, 'alex').emails = []))).toEqual([
      'approvers.alex.accounts[0].emails: must not be empty; leave it out instead',
    ]);
  });

  test('belong to one person, without regard to case', () => {
    const found = faults((document) => {
      account(document, 'alex').emails = ['team@example.com', 'Alex@example.com'];
      account(document, 'dana').emails = ['alex@EXAMPLE.com'];
    });
    expect(found).toEqual([
      'approvers.dana.accounts[0].emails[0]: is the address of another person, at approvers.alex.accounts[0].emails[1]',
    ]);
  });

  test('may stand at two accounts of one person', () => {
    const found = faults((document) => {
      const { accounts } = document.approvers.alex;
      accounts[0].emails = ['alex@example.com'];
      accounts.push({ provider: 'gitlab', id: '7', login: 'alex', emails: ['alex@example.com'] });
    });
    expect(found).toEqual([]);
  });

  test('are needed of each approver where authors may not approve', () => {
    const found = faults((document) => {
      Object.assign(document.environments.production, { not_by_commit_authors: true });
      account(document, 'alex').emails = ['alex@example.com'];
    });
    expect(found).toEqual([
      `approvers.dana.accounts: must give the addresses under which dana commits ("emails"), or ${place} can't tell commits of theirs (not_by_commit_authors)`,
    ]);
  });

  test('are not missing as well where an account has another fault', () => {
    const found = faults((document) => {
      Object.assign(document.environments.production, {
        not_by_commit_authors: true,
        approvers: ['alex'],
      });
      account(document, 'alex').login = '';
    });
    expect(found).toEqual([
      'approvers.alex.accounts[0].login: must be an identifier without blanks',
    ]);
  });

  test('can not be told without an account, even where self-approval is allowed', () => {
    const found = faults((document) => {
      const allowed = { not_by_commit_authors: true, self_approval: true, approvers: ['alex'] };
      Object.assign(document.environments.production, allowed);
      document.approvers.alex.accounts = [];
    });
    expect(found).toEqual([
      `approvers.alex.accounts: must give the addresses under which alex commits ("emails"), or ${place} can't tell commits of theirs (not_by_commit_authors)`,
    ]);
  });
});

describe('issuers', () => {
  const issued = (...issuers: readonly unknown[]) =>
    faults((document) => (document.issuers = issuers));
  const issuer = (text: string) => ({ provider: 'github', issuer: text });

  test.each([
    'https://ghe.example.com/_services/token',
    'https://gitlab.example.com:8443',
    'http://localhost:3000',
    'http://127.0.0.1:3000',
    'http://ghe.localhost:3000',
  ])('%s is one', (text) => {
    expect(issued(issuer(text))).toEqual([]);
  });

  test.each([
    'http://ghe.example.com',
    'http://ghelocalhost',
    'http://localhost.example.com',
    'ftp://localhost',
    'https://ghe.example.com/',
    'https://ghe.example.com/token/',
    'https://user@ghe.example.com',
    'https://ghe.example.com/?a=b',
    'https://ghe.example.com#a',
    'https://GHE.example.com',
    'https://ghe.example.com:443',
    'ghe.example.com',
    'ftp://ghe.example.com',
    'javascript:alert(1)',
  ])('%s is none', (text) => {
    expect(issued(issuer(text))).toEqual([
      'issuers[0].issuer: must be the issuer as its tokens write it: https:// (http:// only for localhost), without a slash at the end',
    ]);
  });

  test('are known providers, and stand once', () => {
    const one = issuer('https://ghe.example.com');
    expect(issued({ ...one, provider: 'jenkins' })).toEqual([
      'issuers[0].provider: must be "github" or "gitlab"',
    ]);
    expect(issued(one, one)).toEqual([
      'issuers[1].issuer: is the same issuer as at issuers[0].issuer',
    ]);
    expect(issued()).toEqual(['issuers: must not be empty; leave it out instead']);
    expect(issued({ ...one, audience: 'x' })).toEqual([
      'issuers[0].audience: is not a member of this format; remove it',
    ]);
    expect(issued(issuer(''), issuer(`https://${'a'.repeat(293)}`))).toEqual([
      'issuers[0].issuer: must not be empty',
      'issuers[1].issuer: is too long',
    ]);
    expect(faults((document) => (document.issuers = one))).toEqual(['issuers: must be a list']);
  });

  test('are the public ones where the policy names none, and no others where it does', () => {
    const named = [{ provider: 'github' as const, issuer: 'https://ghe.example.com' }];
    const published = trustedIssuers(undefined);
    expect(published.map(({ issuer: url }) => url)).toEqual([
      'https://token.actions.githubusercontent.com',
      'https://gitlab.com',
    ]);
    expect(trustedIssuers(policy)).toEqual(published);
    expect(trustedIssuers({ ...policy, issuers: named })).toEqual(named);
    Object.defineProperty(Object.prototype, 'issuers', { value: named, configurable: true });
    try {
      expect(trustedIssuers(policy)).toEqual(published);
    } finally {
      Reflect.deleteProperty(Object.prototype, 'issuers');
    }
  });
});
