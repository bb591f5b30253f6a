import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { setTimeout as wait } from 'node:timers/promises';
import { TransportError } from '../../src/client/http.ts';
import { exchange } from '../../src/client/exchange.ts';
import type { Web } from '../../src/collect/fetch-json.ts';
import { checkIdentity } from '../../src/collect/identity.ts';
import { jobTokens, tokenProviderOf } from '../../src/collect/job-token.ts';
import type { DeployFacts } from '../../src/core/facts.ts';
import type { TokenIssuer } from '../../src/core/identity.ts';
import { exampleFacts } from '../support/deploy.ts';
import {
  claimsFor,
  newIssuerKey,
  startIssuer,
  type Claims,
  type Issuer,
} from '../support/issuer.ts';
import { faultOf } from './git-repository.ts';

const github = { ...exampleFacts() } as DeployFacts;
let gitlab: DeployFacts;
let hub: Issuer;
let lab: Issuer;
let stranger: Issuer;
beforeAll(async () => {
  [hub, lab, stranger] = await Promise.all([
    startIssuer('github'),
    startIssuer('gitlab'),
    startIssuer('github'),
  ]);
  gitlab = { ...github, server: lab.issuer };
});
afterAll(async () => {
  await Promise.all([hub.close(), lab.close(), stranger.close()]);
});
beforeEach(() => {
  hub.says(claimsFor('github', github));
  lab.says(claimsFor('gitlab', gitlab));
  for (const issuer of [hub, lab, stranger]) {
    issuer.publish([issuer.key.jwk]);
    issuer.misbehave(undefined);
  }
});

let slept: number[] = [];
const stop = new AbortController();
const web: Web = {
  get: (request) => exchange({ ...request, method: 'GET' }),
  sleep: (ms) => Promise.resolve(void slept.push(ms)),
  random: () => 1,
  signal: stop.signal,
};
beforeEach(() => {
  slept = [];
});

const masked: string[] = [];
interface Given {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly issuers?: readonly TokenIssuer[];
  readonly facts?: DeployFacts;
  readonly circumstances?: object;
  readonly web?: Partial<Web>;
}
const hubJob = () => ({ GITHUB_ACTIONS: 'true', GITHUB_SHA: github.commit, ...hub.variables() });
const labJob = (...audiences: string[]) => ({
  GITLAB_CI: 'true',
  CI_COMMIT_SHA: gitlab.commit,
  ...lab.variables(...(audiences.length === 0 ? ['deploy-warrant'] : audiences)),
});

function check(provider: 'github' | 'gitlab' | 'local', given: Given = {}) {
  const env = { ...(provider === 'gitlab' ? labJob() : hubJob()), ...given.env };
  const own = { ...web, ...given.web };
  return checkIdentity({
    facts: given.facts ?? (provider === 'gitlab' ? gitlab : github),
    circumstances: { provider, ...given.circumstances },
    env,
    issuers: given.issuers ?? [hub, lab],
    tokens: jobTokens(env, { web: own, mask: (token) => masked.push(token) }),
    web: own,
    now: () => Date.now(),
  });
}
const refusal = (given: Given = {}, provider: 'github' | 'gitlab' = 'github') =>
  faultOf(() => check(provider, given));

describe('a job whose forge attests it', () => {
  test('GitHub', async () => {
    expect(await check('github')).toEqual({
      runner: 'github-hosted',
      identity: {
        issuer: hub.issuer,
        attested: [
          'environment',
          'repository',
          'repository_id',
          'ref',
          'commit',
          'workflow',
          'workflow_sha',
          'actor.login',
          'actor.id',
          'run_id',
          'run_attempt',
        ],
        job_workflow_ref: github.workflow,
      },
    });
  });

  test('GitLab, which says of the runner what no variable says', async () => {
    const { identity, runner } = await check('gitlab');
    expect(runner).toBe('gitlab-hosted');
    expect(identity?.issuer).toBe(lab.issuer);
    expect(identity?.attested).toContain('server');
    expect(identity?.attested).not.toContain('run_attempt');
  });

  test('GitLab, with a token for the service too', async () => {
    const env = labJob('https://approve.example.com', 'deploy-warrant');
    expect((await check('gitlab', { env })).identity).toBeDefined();
  });

  test('asks for its own audience, and for the keys where the issuer is known to publish them', async () => {
    const before = hub.seen.length;
    await check('github');
    expect(hub.seen.slice(before)).toEqual([
      '/token?api-version=2.0&audience=deploy-warrant',
      '/.well-known/jwks',
    ]);
  });

  test('of whose runner neither the token nor a variable says anything', async () => {
    for (const kind of [undefined, '', 7]) {
      hub.says({ ...claimsFor('github', github), runner_environment: kind });
      expect(await check('github')).toEqual({ identity: expect.anything() });
    }
  });

  test('asks for its audience where the address of the runner has no query of its own', async () => {
    const { ACTIONS_ID_TOKEN_REQUEST_URL: url = '' } = hub.variables();
    const [bare = ''] = url.split('?');
    await check('github', { env: { ACTIONS_ID_TOKEN_REQUEST_URL: bare } });
    expect(hub.seen).toContain('/token?audience=deploy-warrant');
  });

  test('another commit than that of the run is not attested', async () => {
    const sha = 'd0941e68da8f38151ff86a61fc59f7c5cf9fcaa2';
    hub.says({ ...claimsFor('github', github), sha });
    const { identity } = await check('github', { env: { GITHUB_SHA: sha } });
    expect(identity?.attested).not.toContain('commit');
  });

  test('every token is masked before it is used', async () => {
    masked.length = 0;
    let atTheKeys: number | undefined;
    hub.misbehave(({ at }) => {
      if (at === 'keys') atTheKeys = masked.length;
      return false;
    });
    await check('github');
    expect(atTheKeys).toBe(1);
    expect(masked[0]).toMatch(/^eyJ/);
  });
});

describe('a job that may have no token', () => {
  test.each([
    ['no address', { ACTIONS_ID_TOKEN_REQUEST_URL: undefined }],
    ['no token of the runner', { ACTIONS_ID_TOKEN_REQUEST_TOKEN: '' }],
  ])('GitHub: %s', async (_, env) => {
    expect(await check('github', { env })).toEqual({});
  });

  test('GitLab without the variable, and a plain machine with everything set', async () => {
    expect(await check('gitlab', { env: { DEPLOY_WARRANT_ID_TOKEN: '' } })).toEqual({});
    expect(await check('local')).toEqual({});
    // Nor does the token of one forge say anything of a job of the other.
    expect(await check('gitlab', { env: hubJob() })).toEqual({});
    expect(tokenProviderOf({ DEPLOY_WARRANT_ID_TOKEN: 'x' })).toBeUndefined();
    expect(tokenProviderOf({ GITLAB_CI: 'true', ...hub.variables() })).toBeUndefined();
  });
});

describe('what the forge says differently', () => {
  const another: Readonly<Record<string, string>> = {
    environment: 'staging',
    sha: 'd0941e68da8f38151ff86a61fc59f7c5cf9fcaa2',
    repository: 'acme/other',
    repository_id: '987654321',
    ref: 'refs/heads/other',
    run_id: '1',
    run_attempt: '2',
    actor: 'dana',
    actor_id: '7654321',
    workflow_ref: 'acme/shop/.github/workflows/other.yml@refs/heads/main',
    workflow_sha: 'd0941e68da8f38151ff86a61fc59f7c5cf9fcaa2',
  };
  test.each(Object.entries(another))('%s %s', async (claim, value) => {
    hub.says({ ...claimsFor('github', github), [claim]: value });
    const { code, message } = await refusal();
    expect(code).toBe('facts_mismatch');
    expect(message).toContain(`the token of this job says "${value}"`);
  });

  test.each([
    ['event_name', { trigger: 'push' }, 'the event of the run: is "push"'],
    ['runner_environment', { runner: 'github-hosted' }, 'the kind of runner: is "github-hosted"'],
  ])('%s is not what the variable says', async (claim, circumstances, text) => {
    hub.says({ ...claimsFor('github', github), [claim]: 'something else' });
    const { code, message } = await refusal({ circumstances });
    expect(code).toBe('facts_mismatch');
    expect(message).toContain(text);
  });

  test.each([
    ['a number', 7, '7'],
    ['a list', ['workflow_dispatch'], '["workflow_dispatch"]'],
    ['nothing', null, 'null'],
  ])('%s is not the event of the run', async (_, claim, shown) => {
    hub.says({ ...claimsFor('github', github), event_name: claim });
    const { code, message } = await refusal({ circumstances: { trigger: 'workflow_dispatch' } });
    expect(code).toBe('facts_mismatch');
    expect(message).toContain(`but the token of this job says "${shown}"`);
  });

  test('another commit of the run than GITHUB_SHA says, although the deployed one is right', async () => {
    const GITHUB_SHA = 'd0941e68da8f38151ff86a61fc59f7c5cf9fcaa2';
    const { code, message } = await refusal({ env: { GITHUB_SHA } });
    expect(code).toBe('facts_mismatch');
    expect(message).toContain('GITHUB_SHA: is "d0941e6');
  });

  test('no environment at all', async () => {
    hub.says({ ...claimsFor('github', github), environment: undefined });
    const { code, message } = await refusal();
    expect(code).toBe('facts_uncollectable');
    expect(message).toContain('names no environment. Name it in the job of the workflow file');
  });

  test('GitLab: another pipeline', async () => {
    lab.says({ ...claimsFor('gitlab', gitlab), pipeline_id: '1' });
    const { code, message } = await refusal({}, 'gitlab');
    expect(code).toBe('facts_mismatch');
    expect(message).toContain('run_id: is "9876543210"');
  });

  test('GitLab: the token of a merge request for a branch', async () => {
    lab.says({ ...claimsFor('gitlab', gitlab), pipeline_source: 'merge_request_event' });
    const { code, message } = await refusal({}, 'gitlab');
    expect(code).toBe('facts_mismatch');
    expect(message).toContain('that of a merge request');
    const ofRequest = { ...gitlab, ref: 'refs/merge-requests/1/head' };
    expect((await check('gitlab', { facts: ofRequest })).identity?.attested).not.toContain('ref');
  });
});

describe('tokens that may not be believed', () => {
  const saying = (claims: Claims) => () => hub.says({ ...claimsFor('github', github), ...claims });
  const seconds = Math.floor(Date.now() / 1000);
  test.each([
    [
      'another audience',
      saying({ aud: 'https://approve.example.com' }),
      'is meant for https://approve',
    ],
    ['expired', saying({ exp: seconds - 120 }), 'has expired'],
    ['not valid yet', saying({ nbf: seconds + 600 }), 'is valid only in'],
    [
      'an issuer that nobody pinned',
      saying({ iss: 'https://evil.example' }),
      'and only http://127',
    ],
    ['no issuer', saying({ iss: undefined }), 'of no issuer, and only'],
    ['the issuer of another provider', () => saying({ iss: lab.issuer })(), 'and only http://127'],
  ])('%s', async (_, prepare, text) => {
    prepare();
    const { code, message } = await refusal();
    expect(code).toBe('facts_uncollectable');
    expect(message).toContain('The OIDC token of this job ');
    expect(message).toContain(text);
  });

  test('of a stranger who says to be the pinned issuer', async () => {
    stranger.says({ ...claimsFor('github', github), iss: hub.issuer });
    const { code, message } = await refusal({ env: stranger.variables() });
    expect(code).toBe('facts_uncollectable');
    expect(message).toContain('has no valid signature of its issuer');
    expect(stranger.seen.some((path) => path.includes('jwks'))).toBe(false);
  });

  test('of an issuer that the policy does not name, also where it is a public one', async () => {
    const { message } = await refusal({ issuers: [lab] });
    expect(message).toContain('and no issuer is believed');
  });

  test('by a key that its issuer does not publish (any more)', async () => {
    const next = await newIssuerKey('key-2');
    hub.publish([next.jwk]);
    expect((await refusal()).message).toContain('signed by a key that its issuer does not publish');
    hub.publish([{ ...next.jwk, kid: 'key-1' }]);
    expect((await refusal()).message).toContain('has no valid signature of its issuer');
  });

  test('GitLab: a token that is none says what the job needs', async () => {
    const env = { DEPLOY_WARRANT_ID_TOKEN: 'glcbt-64_xxxxxxxxxxxxxxxx' };
    const { code, message } = await refusal({ env }, 'gitlab');
    expect(code).toBe('facts_uncollectable');
    expect(message).not.toContain('glcbt');
  });
});

describe('a forge that does not answer as it should', () => {
  const status = (at: string, code: number, body = '') =>
    hub.misbehave((request, response) => {
      if (request.at !== at) return false;
      response.writeHead(code, { 'content-type': 'application/json', location: stranger.issuer });
      response.end(body);
      return true;
    });
  const asked = (since: number, at: string) =>
    hub.seen.slice(since).filter((path) => path.startsWith(at === 'token' ? '/token' : '/.well'))
      .length;

  test.each(['token', 'keys'])('an outage at the %s is tried three times', async (at) => {
    for (const code of [500, 502, 503, 429]) {
      const since = hub.seen.length;
      slept = [];
      status(at, code);
      const { code: reason, message } = await refusal();
      expect(reason).toBe('facts_uncollectable');
      expect(message).toContain(`it answered ${code}, 3 times in a row`);
      expect(asked(since, at)).toBe(3);
      expect(slept).toEqual([500, 1000]);
    }
  });

  test.each(['token', 'keys'])('an outage at the %s that passes is none', async (at) => {
    let times = 0;
    hub.misbehave((request, response) => {
      if (request.at !== at || (times += 1) > 2) return false;
      response.socket?.destroy();
      return true;
    });
    expect((await check('github')).identity).toBeDefined();
    expect(times).toBe(3);
  });

  test.each(['token', 'keys'])('a redirect of the %s is not followed', async (at) => {
    for (const code of [301, 302, 303, 307, 308]) {
      const [since, elsewhere] = [hub.seen.length, stranger.seen.length];
      status(at, code);
      expect((await refusal()).message).toContain(`the redirect ${code}, which is not followed`);
      expect(asked(since, at)).toBe(1);
      expect(stranger.seen).toHaveLength(elsewhere);
    }
  });

  test.each(['token', 'keys'])('a refusal of the %s is not tried again', async (at) => {
    for (const code of [400, 401, 403, 404, 204, 206]) {
      const since = hub.seen.length;
      status(at, code, code < 300 ? '' : '{"message":"no"}');
      expect((await refusal()).message).toContain(`it answered ${code}.`);
      expect(asked(since, at)).toBe(1);
    }
  });

  test.each([
    ['token', ''],
    ['token', '{}'],
    ['token', '{"value":7}'],
    ['token', '{"value":""}'],
    ['token', '<html>Sign in</html>'],
    ['token', '{"value":"a","value":"b"}'],
    ['keys', ''],
    ['keys', '[]'],
    ['keys', '{"keys":{}}'],
    ['keys', '{"keys":[]}'],
    ['keys', '{"keys":["key"]}'],
    ['keys', '{"keys":[{}],"keys":[]}'],
  ])('%s: %p', async (at, body) => {
    status(at, 200, body);
    const { code, message } = await refusal();
    expect(code).toBe('facts_uncollectable');
    expect(message).toContain('its answer is not of the expected form');
  });

  test('an answer without end', async () => {
    hub.misbehave(({ at }, response) => {
      if (at !== 'keys') return false;
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(Buffer.alloc(300_000, 0x20));
      return true;
    });
    expect((await refusal()).message).toContain('larger than 262144 bytes');
  });

  test('a network that is gone', async () => {
    const get = () => Promise.reject(new TransportError('unreachable', 'the connection failed: X'));
    const { code, message } = await refusal({ web: { get } });
    expect(code).toBe('facts_uncollectable');
    expect(message).toContain('the connection failed: X, 3 times in a row');
  });

  test('stopped by a signal while it waits for another try', async () => {
    const since = hub.seen.length;
    status('token', 503);
    const stopped = new AbortController();
    const sleep = (_: number, signal: AbortSignal) => {
      stopped.abort();
      return wait(60_000, undefined, { signal });
    };
    const { code, message } = await refusal({ web: { sleep, signal: stopped.signal } });
    expect(code).toBe('interrupted');
    expect(message).toBe('Getting the OIDC token of this job was interrupted.');
    expect(asked(since, 'token')).toBe(1);
  });

  test('stopped by a signal', async () => {
    const stopped = new AbortController();
    stopped.abort();
    const { code } = await refusal({ web: { signal: stopped.signal } });
    expect(code).toBe('interrupted');
  });

  test.each([
    'http://tokens.example/token?x=1',
    'https://user:password@tokens.example/token',
    'https://tokens.example/token#x',
    'file:///etc/passwd',
    'tokens.example',
    'http://127.0.0.1.evil.example/token',
  ])('the address %s gets nothing', async (url) => {
    let asked = 0;
    const get = () => Promise.reject(new Error(String((asked += 1))));
    const env = { ACTIONS_ID_TOKEN_REQUEST_URL: url };
    const { code, message } = await refusal({ env, web: { get } });
    expect(code).toBe('facts_uncollectable');
    expect(message).toContain('ACTIONS_ID_TOKEN_REQUEST_URL is not an https:// address');
    expect(message).not.toContain('password');
    expect(asked).toBe(0);
  });

  test("the runner's own secret is in no message", async () => {
    const secret = hub.variables().ACTIONS_ID_TOKEN_REQUEST_TOKEN!;
    for (const code of [500, 403, 302, 200]) {
      status('token', code, JSON.stringify({ seen: secret }));
      expect((await refusal()).message).not.toContain(secret);
    }
  });
});
