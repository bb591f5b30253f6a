import { Fault } from '../core/fault.ts';
import { TransportError, type ApiRequest } from './http.ts';

/** Has the job's forge make a token for this audience. @throws Fault */
export type MintToken = (audience: string, signal?: AbortSignal) => Promise<string>;

/** GitHub's tokens live five minutes, and a question may be held open for half of one. */
const reuseMs = 4 * 60_000;

/**
 * The token to send with a request: a new one for each that changes something, since the service takes it for one payload only
 * (threat 23); one for several minutes of reading.
 * @param now milliseconds of a clock that does not jump
 */
export function bearerTokens(
  mint: MintToken,
  audience: string,
  now = () => performance.now(),
): (request: Pick<ApiRequest, 'method' | 'signal'>) => Promise<string> {
  let kept: { readonly token: Promise<string>; readonly since: number } | undefined;
  return async ({ method, signal }) => {
    if (method !== 'GET') return orStopped(mint(audience, signal), signal);
    if (kept === undefined || now() - kept.since >= reuseMs) {
      kept = { token: mint(audience, signal), since: now() };
    }
    const { token } = kept;
    try {
      return await orStopped(token, signal);
    } catch (error) {
      if (kept.token === token) kept = undefined;
      // A question can wait for the next try, as it would for the service itself.
      if (error instanceof Fault) throw new TransportError('unreachable', error.message);
      throw error;
    }
  };
}

async function orStopped(token: Promise<string>, signal?: AbortSignal): Promise<string> {
  try {
    return await token;
  } catch (error) {
    if (signal?.aborted === true) throw new TransportError('aborted', 'it was stopped');
    throw error;
  }
}
