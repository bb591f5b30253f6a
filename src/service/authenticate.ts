import type { IncomingHttpHeaders } from 'node:http';
import { callerOfKey } from './api-keys.ts';
import { callerOfToken } from './bearer.ts';
import type { Caller } from './callers.ts';
import type { Context } from './context.ts';
import { Refusal } from './refusal.ts';

/**
 * Who calls: by an API key in `X-Api-Key`, or by a CI's ID token in `Authorization: Bearer` (RFC 6750 section 2.1).
 * @throws Refusal 401, 403 or 503
 */
export async function authenticate(
  context: Context,
  headers: IncomingHttpHeaders,
): Promise<Caller> {
  const { 'x-api-key': key, authorization } = headers;
  if (authorization === undefined) {
    return callerOfKey(context, typeof key === 'string' ? key : '');
  }
  if (key !== undefined) {
    throw new Refusal(401, 'unauthorized', 'Send X-Api-Key or Authorization, not both.');
  }
  const [, token] = /^Bearer +([^ ]+)$/i.exec(authorization) ?? [];
  if (token === undefined) {
    throw new Refusal(
      401,
      'unauthorized',
      'The header Authorization is Bearer, a blank, and the ID token of a CI job.',
    );
  }
  return callerOfToken(context, token);
}
