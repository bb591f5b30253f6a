import { decodeBase64url } from './base64url.ts';
import { checkJson, type JsonValue } from './json.ts';
import { visible } from './text.ts';
import type { Checked } from './verdict.ts';

/** What a JSON Web Key Set is, as far as it matters here (RFC 7517 section 5). */
export interface TokenKeys {
  readonly keys: readonly Readonly<Record<string, JsonValue>>[];
}

/** The claims of a token whose signature and times were checked (RFC 7519 section 4.1), and all that its issuer added. */
export interface TokenClaims {
  readonly iss: string;
  readonly jti: string;
  /** Seconds since 1970. */
  readonly exp: number;
  /** Seconds since 1970. */
  readonly iat: number;
  readonly [claim: string]: JsonValue | undefined;
}

/** More than any issuer's token has; it is sent in a header. */
export const maxTokenLength = 16_384;
/** How far the issuer's clock and ours may be apart. */
const skewSeconds = 60;

/** Members of a header that bring a key, name one or change what is signed: the token's own word on how to believe it. */
const refusedMembers = ['jku', 'jwk', 'x5u', 'x5c', 'crit', 'b64'] as const;

/**
 * Checks an ID token (RFC 7515, RFC 7519): RS256 by a key of `keys` that its header names, for exactly this issuer and
 * audience, at the time `now` with 60 s to either side.
 * @param keys of that issuer, from where it is known to publish them: nothing in the token says where
 * @param now epoch milliseconds
 * @returns the claims, or what is wrong; never any part of the token but its names of issuer, audience and key
 */
export async function verifyToken(options: {
  readonly token: string;
  readonly issuer: string;
  readonly audience: string;
  readonly keys: TokenKeys;
  readonly now: number;
}): Promise<Checked<TokenClaims>> {
  const { token, issuer, audience, keys, now } = options;
  const parts = readToken(token);
  if (parts === undefined) return refused('is not a signed token of three base64url parts');
  const problem =
    headerProblem(parts.header) ??
    claimsProblem(parts.claims, { issuer, audience, nowSeconds: now / 1000 }) ??
    (await signatureProblem(token, keys));
  if (problem !== undefined) return refused(problem);
  return { ok: true, value: parts.claims as unknown as TokenClaims };
}

/** The issuer that a token names, before anything about it was checked: to find out which of the known ones to ask. */
export function namedIssuer(token: string): string | undefined {
  const issuer = readToken(token)?.claims.iss;
  return typeof issuer === 'string' ? issuer : undefined;
}

/** The key that a token says it is signed by (`kid`), unchecked: to find out whether the keys at hand are too old. */
export function namedKey(token: string): string | undefined {
  const keyId = readToken(token)?.header.kid;
  return typeof keyId === 'string' ? keyId : undefined;
}

type Members = Readonly<Record<string, JsonValue>>;

/** Header and claims as the strict reader sees them, so that no other reader can see something else. */
function readToken(
  token: string,
): { readonly header: Members; readonly claims: Members } | undefined {
  const parts = token.length > maxTokenLength ? [] : token.split('.');
  const [header, claims, signature] = parts.map((part) => decodeBase64url(part));
  if (parts.length !== 3 || header === undefined || claims === undefined) return undefined;
  if (signature === undefined || signature.length === 0) return undefined;
  const read = { header: readMembers(header), claims: readMembers(claims) };
  return read.header === undefined || read.claims === undefined
    ? undefined
    : { header: read.header, claims: read.claims };
}

function readMembers(bytes: Uint8Array): Members | undefined {
  const read = checkJson(bytes, { maxBytes: maxTokenLength });
  if (!read.ok || typeof read.value !== 'object' || read.value === null) return undefined;
  return Array.isArray(read.value) ? undefined : (read.value as Members);
}

function headerProblem(header: Members): string | undefined {
  const refusedMember = refusedMembers.find((name) => Object.hasOwn(header, name));
  if (refusedMember !== undefined) return `has a header with ${refusedMember}, which is refused`;
  if (header.alg !== 'RS256') return `is signed by ${shown(header.alg)}, not by RS256`;
  if (header.typ !== 'JWT') return `is of the type ${shown(header.typ)}, not JWT`;
  if (typeof header.kid !== 'string' || header.kid === '') return 'names no key (kid)';
  return undefined;
}

function claimsProblem(
  claims: Members,
  expected: { readonly issuer: string; readonly audience: string; readonly nowSeconds: number },
): string | undefined {
  const { issuer, audience, nowSeconds } = expected;
  const { iss, aud, exp, iat, nbf = iat, jti } = claims;
  if (iss !== issuer) return `was issued by ${shown(iss)}, not by ${issuer}`;
  if (!audiencesOf(aud).includes(audience))
    return `is meant for ${shown(aud)}, not for ${audience}`;
  if (!isTime(exp) || !isTime(iat) || !isTime(nbf)) {
    return 'does not say when it was issued (iat) and when it expires (exp)';
  }
  if (nowSeconds >= exp + skewSeconds) return `has expired, ${ago(nowSeconds - exp)} ago`;
  if (nowSeconds < nbf - skewSeconds) return `is valid only in ${ago(nbf - nowSeconds)}`;
  if (nowSeconds < iat - skewSeconds) return `was issued ${ago(iat - nowSeconds)} in the future`;
  if (typeof jti !== 'string' || jti === '' || jti.length > 255)
    return 'has no id of its own (jti)';
  return undefined;
}

/** GitLab makes a list where a job names several audiences. */
function audiencesOf(aud: JsonValue | undefined): readonly JsonValue[] {
  if (typeof aud === 'string') return [aud];
  return Array.isArray(aud) && aud.every((one) => typeof one === 'string') ? aud : [];
}

function isTime(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && value > 0;
}

function ago(seconds: number): string {
  return `${Math.ceil(seconds)} s`;
}

/**
 * What is wrong with the signature of a token (RFC 7515 section 5.2): RS256, by the one key of the set that its header names.
 * The library does only this; every rule about header and claims stands above, once.
 */
export async function signatureProblem(
  token: string,
  keys: TokenKeys,
): Promise<string | undefined> {
  // Loaded late: a job without a token needs none of it.
  const [{ compactVerify }, { createLocalJWKSet }, { JWKSNoMatchingKey }] = await Promise.all([
    import('jose/jws/compact/verify'),
    import('jose/jwks/local'),
    import('jose/errors'),
  ]);
  try {
    await compactVerify(token, createLocalJWKSet({ keys: [...keys.keys] }), {
      algorithms: ['RS256'],
    });
    return undefined;
  } catch (error) {
    // Whatever it was, it is no valid signature: a published key that is none ends in an error of the runtime's cryptography.
    return error instanceof JWKSNoMatchingKey
      ? 'is signed by a key that its issuer does not publish'
      : 'has no valid signature of its issuer';
  }
}

function shown(value: JsonValue | undefined): string {
  if (value === undefined) return 'nobody';
  return visible(typeof value === 'string' ? value : JSON.stringify(value), 120);
}

function refused(message: string): Checked<never> {
  return { ok: false, problems: [{ field: '', message }] };
}
