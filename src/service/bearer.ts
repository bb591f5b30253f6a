import { attestedFacts, type TokenIssuer } from '../core/identity.ts';
import { namedIssuer, namedKey, verifyToken, type TokenClaims } from '../core/token.ts';
import type { Requester } from './callers.ts';
import type { Context } from './context.ts';
import { Refusal } from './refusal.ts';
import { repositoryScope } from './repositories.ts';

/**
 * The job that holds a CI's ID token: checked against the keys of a trusted issuer, for our origin as its audience, and of a
 * repository on our list. Nothing in the token says where its keys are.
 * @throws Refusal 401 for the token, 403 for its repository, 503 where the issuer's keys can't be read
 */
export async function callerOfToken(context: Context, token: string): Promise<Requester> {
  const { issuers, origin } = context;
  const named = namedIssuer(token);
  const issuer = issuers.known.find((one) => one.issuer === named);
  if (issuer === undefined) {
    throw unauthorized('is of no issuer that this service trusts (--oidc-issuer)');
  }
  const keys = await issuers.keys(issuer, namedKey(token) ?? '');
  const checked = await verifyToken({
    ...{ token, keys },
    issuer: issuer.issuer,
    audience: origin,
    now: context.now(),
  });
  if (!checked.ok) throw unauthorized(checked.problems.map(({ message }) => message).join('; '));
  return requesterOf(context, issuer, checked.value);
}

function requesterOf(context: Context, issuer: TokenIssuer, claims: TokenClaims): Requester {
  const repositoryId = attestedFacts(issuer.provider, claims).get('repository_id');
  const listed =
    repositoryId === undefined
      ? undefined
      : repositoryScope(context, { issuer: issuer.issuer, repositoryId });
  if (repositoryId === undefined || listed === undefined) {
    throw new Refusal(
      403,
      'unknown_repository',
      `This service takes no tokens of repository ${repositoryId ?? 'without an id'} of ${issuer.issuer}. An administrator may add it: deploy-warrant repository add.`,
    );
  }
  const { scope, scopeText } = listed;
  const token = { issuer, repositoryId, claims };
  return { kind: 'request', id: scopeText, scope, scopeText, token };
}

function unauthorized(problem: string): Refusal {
  return new Refusal(401, 'unauthorized', `The token in the header Authorization ${problem}.`);
}
