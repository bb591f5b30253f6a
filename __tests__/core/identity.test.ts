import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  attestedFacts,
  attestedPaths,
  identityAudience,
  identityProblems,
  jobClaims,
  keysUrl,
  publicIssuers,
  type TokenProvider,
} from '../../src/core/identity.ts';
import type { DeployFacts } from '../../src/core/facts.ts';
import type { TokenClaims } from '../../src/core/token.ts';
import { exampleFacts } from '../support/deploy.ts';
import { claimsFor, type Claims } from '../support/issuer.ts';
import { withValue } from '../support/paths.ts';

const gitlabFacts: DeployFacts = {
  ...exampleFacts(),
  server: 'https://gitlab.com',
  repository: 'acme/web/shop',
  repository_id: '20',
  workflow: 'gitlab.com/acme/web/shop//.gitlab-ci.yml@refs/heads/main',
  actor: { login: 'alexdoe', id: '1234567', type: 'human' },
  run_id: '574',
};
const issuers = { github: publicIssuers[0]!.issuer, gitlab: publicIssuers[1]!.issuer };
const factsOf = { github: exampleFacts() as DeployFacts, gitlab: gitlabFacts };

const claimsOf = (provider: TokenProvider, changes: Claims = {}): TokenClaims => {
  const claims = { iss: issuers[provider], ...claimsFor(provider, factsOf[provider]), ...changes };
  return JSON.parse(JSON.stringify(claims)) as TokenClaims;
};
const problems = (provider: TokenProvider, changes: Claims = {}, otherCommit = false) =>
  identityProblems(provider, claimsOf(provider, changes), factsOf[provider], { otherCommit });
const fieldsOf = (provider: TokenProvider, changes: Claims) =>
  problems(provider, changes).map(({ field }) => field);

/** The claims that are compared, and the fact that each is. */
const compared = {
  github: {
    environment: 'environment',
    repository: 'repository',
    repository_id: 'repository_id',
    ref: 'ref',
    sha: 'commit',
    workflow_ref: 'workflow',
    workflow_sha: 'workflow_sha',
    actor: 'actor.login',
    actor_id: 'actor.id',
    run_id: 'run_id',
    run_attempt: 'run_attempt',
  },
  gitlab: {
    environment: 'environment',
    iss: 'server',
    project_path: 'repository',
    project_id: 'repository_id',
    ref: 'ref',
    ref_type: 'ref',
    sha: 'commit',
    ci_config_ref_uri: 'workflow',
    ci_config_sha: 'workflow_sha',
    user_login: 'actor.login',
    user_id: 'actor.id',
    pipeline_id: 'run_id',
  },
} as const;
const optional: readonly string[] = [
  'workflow_ref',
  'workflow_sha',
  'ci_config_ref_uri',
  'ci_config_sha',
];
const cases = (['github', 'gitlab'] as const).flatMap((provider) =>
  Object.entries(compared[provider]).map(([claim, fact]) => [provider, claim, fact] as const),
);

describe('a token that says what the facts say', () => {
  test.each(['github', 'gitlab'] as const)('%s: no difference', (provider) => {
    expect(problems(provider)).toEqual([]);
  });

  test('GitHub attests these facts', () => {
    const { actor, ...facts } = exampleFacts();
    expect(Object.fromEntries(attestedFacts('github', claimsOf('github')))).toEqual({
      environment: 'production',
      server: 'https://github.com',
      repository: facts.repository,
      repository_id: facts.repository_id,
      ref: facts.ref,
      commit: facts.commit,
      workflow: facts.workflow,
      workflow_sha: facts.workflow_sha,
      'actor.login': actor.login,
      'actor.id': actor.id,
      run_id: facts.run_id,
      run_attempt: facts.run_attempt,
    });
  });

  test('GitLab attests these, and no attempt', () => {
    const attested = attestedFacts('gitlab', claimsOf('gitlab'));
    expect([...attested.keys()].sort()).toEqual(
      [...new Set(Object.values(compared.gitlab))].sort(),
    );
    expect(attested.get('ref')).toBe('refs/heads/main');
    const tag = { ref: 'v1.2.0', ref_type: 'tag' };
    expect(attestedFacts('gitlab', claimsOf('gitlab', tag)).get('ref')).toBe('refs/tags/v1.2.0');
    const request = { pipeline_source: 'merge_request_event' };
    expect(attestedFacts('gitlab', claimsOf('gitlab', request)).has('ref')).toBe(false);
  });

  test('only what it says in words, and of its own, attests a fact', () => {
    for (const environment of ['', 7, null, ['production'], undefined]) {
      expect(attestedFacts('github', claimsOf('github', { environment })).has('environment')).toBe(
        false,
      );
    }
    const claims = claimsOf('github', { environment: undefined });
    Object.defineProperty(Object.prototype, 'environment', {
      value: 'production',
      configurable: true,
    });
    try {
      expect(attestedFacts('github', claims).has('environment')).toBe(false);
    } finally {
      Reflect.deleteProperty(Object.prototype, 'environment');
    }
  });

  test('attests those facts of a deploy that are the same', () => {
    const paths = [...attestedFacts('github', claimsOf('github')).keys()];
    expect(paths).toHaveLength(12);
    expect(attestedPaths('github', claimsOf('github'), factsOf.github)).toEqual(paths);
    const claims = claimsOf('github', { environment: 'staging', actor_id: '1' });
    const facts = withValue(factsOf.github, ['workflow'], undefined);
    expect(attestedPaths('github', claims, facts)).toEqual(
      paths.filter((path) => !['environment', 'actor.id', 'workflow'].includes(path)),
    );
  });

  test('what it says of the job beside the facts', () => {
    expect(jobClaims('github', claimsOf('github'))).toEqual({
      trigger: 'workflow_dispatch',
      runner: 'github-hosted',
      job_workflow_ref: exampleFacts().workflow,
    });
    expect(jobClaims('gitlab', claimsOf('gitlab'))).toEqual({
      trigger: 'web',
      runner: 'gitlab-hosted',
      job_workflow_ref: undefined,
    });
    expect(
      jobClaims('gitlab', claimsOf('gitlab', { job_workflow_ref: 'a file' })).job_workflow_ref,
    ).toBeUndefined();
  });

  test('keys are where each provider is known to publish them', () => {
    expect(publicIssuers.map(keysUrl)).toEqual([
      'https://token.actions.githubusercontent.com/.well-known/jwks',
      'https://gitlab.com/oauth/discovery/keys',
    ]);
  });
});

test('a token that only says which job this is, is for nobody else', () => {
  expect(identityAudience).toBe('deploy-warrant');
});

describe('differences', () => {
  test.each(cases)('%s: another %s is a difference of %s', (provider, claim, fact) => {
    expect(fieldsOf(provider, { [claim]: 'another' })).toEqual([fact]);
    expect(fieldsOf(provider, { [claim]: '' })).toEqual([fact]);
    expect(fieldsOf(provider, { [claim]: 7 })).toEqual([fact]);
    expect(fieldsOf(provider, { [claim]: [claimsOf(provider)[claim]] })).toEqual([fact]);
  });

  test.each(cases.filter(([, claim]) => claim !== 'iss'))(
    '%s: without %s nothing attests %s',
    (provider, claim, fact) => {
      const missing = fieldsOf(provider, { [claim]: undefined });
      expect(missing).toEqual(optional.includes(claim) ? [] : [fact]);
    },
  );

  test('a token without an environment says what to do', () => {
    expect(problems('github', { environment: undefined })).toEqual([
      {
        field: 'environment',
        message:
          'is not in the token of this job: the job has to name its environment in the workflow file',
      },
    ]);
  });

  test('what else a token does not say, or says in another form', () => {
    const unsaid = 'is not in the token of this job';
    expect(problems('github', { sha: undefined })).toEqual([{ field: 'commit', message: unsaid }]);
    for (const changes of [{ ref: '' }, { ref: 7 }, { ref_type: 'branches' }, { ref_type: '' }]) {
      expect(problems('gitlab', changes)).toEqual([{ field: 'ref', message: unsaid }]);
    }
    expect(problems('gitlab', { ref_type: 'tag' })).toEqual([
      {
        field: 'ref',
        message: 'is "refs/heads/main", but the token of this job says "refs/tags/main"',
      },
    ]);
    expect(problems('github', { run_id: 9876543210 })).toEqual([
      { field: 'run_id', message: 'is "9876543210", but the token of this job says "9876543210"' },
    ]);
    expect(problems('github', { actor: ['a'] })).toEqual([
      {
        field: 'actor.login',
        message: 'is "release-agent[bot]", but the token of this job says "["a"]"',
      },
    ]);
  });

  test('both values are in the message, escaped', () => {
    expect(problems('github', { environment: 'sta\u202Eging' })).toEqual([
      {
        field: 'environment',
        message: 'is "production", but the token of this job says "sta\\u{202E}ging"',
      },
    ]);
  });

  test('the subject is never read: whatever it says, the claims decide', () => {
    const sub = 'repo:acme/shop:environment:production';
    expect(fieldsOf('github', { sub, environment: 'staging' })).toEqual(['environment']);
    expect(problems('github', { sub: 'repo:evil/shop:environment:staging' })).toEqual([]);
    expect(problems('github', { sub: undefined })).toEqual([]);
  });

  test('the same name with another id, and the same id with another name', () => {
    expect(fieldsOf('github', { repository_id: '987654321' })).toEqual(['repository_id']);
    expect(fieldsOf('github', { repository: 'acme/store' })).toEqual(['repository']);
    expect(fieldsOf('github', { actor_id: '1' })).toEqual(['actor.id']);
  });

  test('facts without the id of their repository', () => {
    const facts = withValue(factsOf.github, ['repository_id'], undefined);
    expect(identityProblems('github', claimsOf('github'), facts, { otherCommit: false })).toEqual([
      { field: 'repository_id', message: 'is missing' },
    ]);
  });

  test('facts that do not say what the token says', () => {
    const facts = ['server', 'workflow', 'workflow_sha'].reduce(
      (rest, name) => withValue(rest, [name], undefined),
      factsOf.github,
    );
    expect(identityProblems('github', claimsOf('github'), facts, { otherCommit: false })).toEqual(
      [],
    );
  });

  test('another commit, only where the policy may allow that', () => {
    const sha = 'd0941e68da8f38151ff86a61fc59f7c5cf9fcaa2';
    expect(fieldsOf('github', { sha })).toEqual(['commit']);
    expect(problems('github', { sha }, true)).toEqual([]);
    expect(problems('github', { sha, ref: 'refs/heads/x' }, true)).toHaveLength(1);
  });

  test('a file of the job that no rule could be held to', () => {
    expect(fieldsOf('github', { job_workflow_ref: 'x'.repeat(256) })).toEqual(['job_workflow_ref']);
    expect(fieldsOf('github', { job_workflow_ref: '' })).toEqual(['job_workflow_ref']);
    expect(fieldsOf('github', { job_workflow_ref: ['a'] })).toEqual(['job_workflow_ref']);
    expect(problems('github', { job_workflow_ref: undefined })).toEqual([]);
    expect(problems('github', { job_workflow_ref: 'a\nb' })).toEqual([
      {
        field: 'job_workflow_ref',
        message:
          'of the token must be printable ASCII of at most 255 characters, not "a\\u{000A}b"',
      },
    ]);
    expect(problems('github', { job_workflow_ref: 'x'.repeat(255) })).toEqual([]);
  });
});

describe('a merge request of GitLab', () => {
  const claims = claimsOf('gitlab', { pipeline_source: 'merge_request_event', ref: 'from-a-fork' });
  const problemsAt = (ref: string, said = claims) =>
    identityProblems('gitlab', said, { ...gitlabFacts, ref }, { otherCommit: false });

  test('attests no branch, and none is taken for one', () => {
    expect(problemsAt('refs/merge-requests/7/head')).toEqual([]);
    for (const ref of [
      'refs/heads/from-a-fork',
      'refs/heads/main',
      'refs/heads/refs/merge-requests/7/head',
    ]) {
      expect(problemsAt(ref)).toEqual([
        {
          field: 'ref',
          message: `is "${ref}", but the token of this job is that of a merge request`,
        },
      ]);
    }
  });

  test('is held to everything else', () => {
    const other = { ...claims, environment: 'staging' };
    expect(problemsAt('refs/merge-requests/7/head', other).map(({ field }) => field)).toEqual([
      'environment',
    ]);
    expect(problemsAt('refs/heads/main', other).map(({ field }) => field)).toEqual([
      'environment',
      'ref',
    ]);
  });

  test('is none of GitHub', () => {
    expect(problems('github', { pipeline_source: 'merge_request_event' })).toEqual([]);
  });
});

describe('the forge behind an issuer of GitHub', () => {
  const server = (iss: string) =>
    attestedFacts('github', claimsOf('github', { iss })).get('server');

  test('is known for github.com, an enterprise of it, ghe.com and an own server', () => {
    expect(server(`${issuers.github}/acme`)).toBe('https://github.com');
    expect(server(issuers.github)).toBe('https://github.com');
    expect(server('https://token.actions.acme.ghe.com')).toBe('https://acme.ghe.com');
    expect(server('https://token.actions.acme-2.ghe.com')).toBe('https://acme-2.ghe.com');
    expect(server('https://git.acme.example/_services/token')).toBe('https://git.acme.example');
  });

  test('is not guessed for any other', () => {
    for (const iss of [
      'https://tokens.example',
      'https://token.actions.githubusercontent.com.evil.example',
      'https://token.actions.githubusercontent.com/',
      'https://token.actions.githubusercontent.com/acme/shop',
      'https://token-actions.githubusercontent.com',
      'https://token.actions-githubusercontent.com',
      'https://token.actions.githubusercontent-com',
      'x-https://token.actions.githubusercontent.com',
      'https://token.actions.acme.ghe.com/x',
      'https://token.actions.acme.ghe-com',
      'https://token.actions.acme-ghe.com',
      'https://token.actions-acme.ghe.com',
      'https://token-actions.acme.ghe.com',
      'https://token.actions.ACME.ghe.com',
      'https://token.actions..ghe.com',
      'x-https://token.actions.acme.ghe.com',
      'https:///_services/token',
      'https://git.acme.example/x/_services/token',
      'https://git.acme.example/_services/token/x',
      'x-https://git.acme.example/_services/token',
    ])
      expect([iss, server(iss)]).toEqual([iss, undefined]);
    expect(problems('github', { iss: 'https://tokens.example' })).toEqual([]);
  });

  test('a token of one forge for a repository of another', () => {
    expect(fieldsOf('github', { iss: 'https://git.acme.example/_services/token' })).toEqual([
      'server',
    ]);
  });
});

test('any change of one compared claim is a difference', () => {
  fc.assert(
    fc.property(fc.constantFrom(...cases), fc.jsonValue(), ([provider, claim], value) => {
      fc.pre(value !== claimsOf(provider)[claim]);
      expect(problems(provider, { [claim]: value })).not.toEqual([]);
    }),
    { numRuns: 1000 },
  );
});

test('any change of one attested fact is a difference', () => {
  fc.assert(
    fc.property(fc.constantFrom(...cases), fc.string(), ([provider, , fact], value) => {
      const path = fact.split('.');
      const facts = withValue(factsOf[provider], path, value);
      fc.pre(attestedFacts(provider, claimsOf(provider)).get(fact) !== value);
      const found = identityProblems(provider, claimsOf(provider), facts, { otherCommit: false });
      expect(found.map(({ field }) => field)).toEqual([fact]);
    }),
    { numRuns: 1000 },
  );
});
