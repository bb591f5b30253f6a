import { canonicalText } from '../core/canonical.ts';
import { Fault } from '../core/fault.ts';
import { checkApiUrl } from './api-url.ts';
import { bearerTokens, type MintToken } from './bearer.ts';
import { exchange } from './exchange.ts';
import type { ApiRequest, ApiTransport } from './http.ts';

/** How the service knows who asks: by a key of its own, or by tokens that the job's forge makes for it. */
type Credential = { readonly apiKey: string } | { readonly mintToken: MintToken };

export type TransportOptions = Credential & {
  readonly apiUrl: string;
  readonly userAgent?: string;
};

/**
 * The transport to the approval service at `apiUrl`.
 * @throws Fault configuration on a bad api-url or key
 */
export function createTransport(options: TransportOptions): ApiTransport {
  const base = checkApiUrl(options.apiUrl);
  const authorize = authorization(options, base.origin);
  return {
    host: base.host,
    send: async (request) => {
      const { header, secret } = await authorize(request);
      const { method, path, timeoutMs, signal } = request;
      return exchange({
        ...{ method, timeoutMs, signal, secret },
        url: base.href + path,
        headers: { ...request.headers, ...header },
        // The canonical form, so that any service that hashes the payload as it came agrees with our hash.
        ...(method === 'POST' ? { body: canonicalText(request.body) } : {}),
        ...(options.userAgent === undefined ? {} : { userAgent: options.userAgent }),
      });
    },
  };
}

type Authorize = (request: ApiRequest) => Promise<{
  readonly header: Readonly<Record<string, string>>;
  readonly secret: string;
}>;

function authorization(credential: Credential, audience: string): Authorize {
  if ('mintToken' in credential) {
    const tokenFor = bearerTokens(credential.mintToken, audience);
    return async (request) => {
      const secret = await tokenFor(request);
      return { header: { authorization: `Bearer ${secret}` }, secret };
    };
  }
  const { apiKey } = credential;
  if (!/^[\x21-\x7E]{1,4096}$/.test(apiKey)) {
    throw new Fault(
      'configuration',
      'api-key is empty, too long or holds a blank, a line end or another character that no key has. Store it again without white space around it.',
    );
  }
  return () => Promise.resolve({ header: { 'x-api-key': apiKey }, secret: apiKey });
}
