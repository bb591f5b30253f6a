/**
 * A forge's identity provider on loopback: real RSA keys, its published keys, and the endpoint that a GitHub runner offers to a
 * job that may ask for tokens.
 */
import { createPublicKey, generateKeyPair, randomUUID, sign, type KeyObject } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { keysUrl, type TokenIssuer, type TokenProvider } from '../../src/core/identity.ts';
import type { DeployFacts } from '../../src/core/facts.ts';

export type Claims = Readonly<Record<string, unknown>>;

/** A key pair of an issuer, by the name that tokens give it. */
export interface IssuerKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  /** As it is published. */
  readonly jwk: Readonly<Record<string, string>>;
}

export interface Issuer extends TokenIssuer {
  readonly key: IssuerKey;
  /** The path and query of every request, in order. */
  readonly seen: readonly string[];
  /** A token of five minutes for this audience; `claims` and `header` replace or, by undefined, remove members. */
  readonly token: (audience: string, claims?: Claims, header?: Claims) => string;
  /** What the token endpoint says of the job from now on. */
  readonly says: (claims: Claims) => void;
  /** The variables of a job that may ask for tokens (GitHub), or was given one for these audiences (GitLab). */
  readonly variables: (...audiences: readonly string[]) => Readonly<Record<string, string>>;
  /** The published keys from now on; an empty list where the key is withdrawn. */
  readonly publish: (keys: readonly unknown[]) => void;
  /** Answers in place of its own from now on: `undefined` leaves the answer to the issuer. */
  readonly misbehave: (how: Misbehaviour | undefined) => void;
  readonly close: () => Promise<void>;
}

type Misbehaviour = (
  request: { readonly path: string; readonly at: 'token' | 'keys' },
  response: ServerResponse,
) => boolean;

const newKeyPair = promisify(generateKeyPair);

/** A new RSA key, of 2048 bits like those of the forges. */
export async function newIssuerKey(kid: string, modulusLength = 2048): Promise<IssuerKey> {
  const { privateKey } = await newKeyPair('rsa', { modulusLength });
  const jwk = createPublicKey(privateKey).export({ format: 'jwk' }) as Record<string, string>;
  return { kid, privateKey, jwk: { ...jwk, kid, use: 'sig', alg: 'RS256' } };
}

/** A token of these members, signed by RS256. */
export function signToken(
  key: Pick<IssuerKey, 'privateKey'>,
  header: Claims,
  claims: Claims,
): string {
  const text = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${text}.${sign('sha256', Buffer.from(text), key.privateKey).toString('base64url')}`;
}

/** What the provider's token says of the job that makes these facts. */
export function claimsFor(provider: TokenProvider, facts: DeployFacts): Claims {
  const { actor, environment, repository, commit } = facts;
  if (provider === 'github') {
    return {
      sub: `repo:${repository}:environment:${environment}`,
      environment,
      ref: facts.ref,
      sha: commit,
      repository,
      repository_id: facts.repository_id,
      repository_owner: repository.split('/')[0],
      actor: actor.login,
      actor_id: actor.id,
      run_id: facts.run_id,
      run_number: '7',
      run_attempt: facts.run_attempt,
      event_name: 'workflow_dispatch',
      ref_type: facts.ref.startsWith('refs/tags/') ? 'tag' : 'branch',
      workflow: 'Deploy',
      workflow_ref: facts.workflow,
      workflow_sha: facts.workflow_sha,
      job_workflow_ref: facts.workflow,
      job_workflow_sha: facts.workflow_sha,
      runner_environment: 'github-hosted',
    };
  }
  const tag = facts.ref.startsWith('refs/tags/');
  const ref = facts.ref.replace(/^refs\/(?:heads|tags)\//, '');
  return {
    sub: `project_path:${repository}:ref_type:${tag ? 'tag' : 'branch'}:ref:${ref}`,
    namespace_path: repository.split('/').slice(0, -1).join('/'),
    project_id: facts.repository_id,
    project_path: repository,
    user_id: actor.id,
    user_login: actor.login,
    pipeline_id: facts.run_id,
    pipeline_source: 'web',
    job_id: '302',
    ref,
    ref_type: tag ? 'tag' : 'branch',
    ref_path: facts.ref,
    ref_protected: 'true',
    environment,
    environment_protected: 'true',
    runner_id: 1,
    runner_environment: 'gitlab-hosted',
    sha: commit,
    ci_config_ref_uri: facts.workflow,
    ci_config_sha: facts.workflow_sha,
  };
}

/** Starts an issuer. Its clock is that of this machine unless `now` (epoch milliseconds) is given. */
export async function startIssuer(
  provider: TokenProvider,
  options: { readonly claims?: Claims; readonly now?: () => number } = {},
): Promise<Issuer> {
  const key = await newIssuerKey('key-1');
  let said: Claims = options.claims ?? {};
  let published: readonly unknown[] = [key.jwk];
  let misbehaviour: Misbehaviour | undefined;
  const seen: string[] = [];
  const requestToken = randomUUID();

  const server = createServer(({ url = '', headers }, response) => {
    seen.push(url);
    const { pathname, searchParams } = new URL(url, 'http://localhost');
    const at = pathname === '/token' ? 'token' : 'keys';
    if (misbehaviour?.({ path: url, at }, response) === true) return;
    const answer = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
      response.end(JSON.stringify(body));
    };
    if (`http://${headers.host ?? ''}${pathname}` === keysUrl(self)) {
      answer(200, { keys: published });
    } else if (at === 'token' && provider === 'github') {
      if (headers.authorization === `Bearer ${requestToken}`) {
        answer(200, { count: 1, value: token(searchParams.get('audience') ?? '') });
      } else {
        answer(401, {});
      }
    } else {
      answer(404, {});
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const issuer = `http://127.0.0.1:${port}`;
  const self: TokenIssuer = { provider, issuer };

  const token = (
    audience: string | readonly string[],
    claims: Claims = {},
    header: Claims = {},
  ) => {
    const seconds = Math.floor((options.now?.() ?? Date.now()) / 1000);
    return signToken(
      key,
      { typ: 'JWT', alg: 'RS256', kid: key.kid, ...header },
      {
        ...{ iss: issuer, aud: audience, jti: randomUUID() },
        ...{ iat: seconds, nbf: seconds - 5, exp: seconds + 300 },
        ...said,
        ...claims,
      },
    );
  };
  return {
    ...self,
    ...{ key, seen, token },
    says: (claims) => (said = claims),
    variables: (...audiences) =>
      provider === 'github'
        ? {
            ACTIONS_ID_TOKEN_REQUEST_URL: `${issuer}/token?api-version=2.0`,
            ACTIONS_ID_TOKEN_REQUEST_TOKEN: requestToken,
          }
        : { DEPLOY_WARRANT_ID_TOKEN: token(audiences.length === 1 ? audiences[0]! : audiences) },
    publish: (keys) => (published = keys),
    misbehave: (how) => (misbehaviour = how),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
