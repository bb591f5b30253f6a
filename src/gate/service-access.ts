import { createTransport } from '../client/transport.ts';
import type { ApiTransport } from '../client/http.ts';
import { Fault } from '../core/fault.ts';
import type { JobAccess } from './job-access.ts';

/** Inputs as text, empty where absent. */
export interface ServiceAccess {
  readonly apiUrl: string;
  readonly apiKey: string;
}

/**
 * The way to the approval service, or nothing where neither url nor key is given: an offline check of a record may do without.
 * Without a key the job shows tokens of its forge, where it may have them.
 * @throws Fault configuration on a bad url or key, or on one without the other
 */
export function openService(
  { apiUrl, apiKey }: ServiceAccess,
  { tokens }: Pick<JobAccess, 'tokens'>,
): ApiTransport | undefined {
  if (apiUrl === '' && apiKey === '') return undefined;
  if (apiUrl === '')
    throw new Fault(
      'configuration',
      'api-url is empty. Set it to the approval service, such as https://approve.example.com/api.',
    );
  if (apiKey !== '') return createTransport({ apiUrl, apiKey });
  if (tokens === undefined)
    throw new Fault(
      'configuration',
      'api-key is empty, and this job may not have OIDC tokens, which can take its place. Set api-key to a request key of the approval service (a secret that does not exist in this environment is an empty string), or give the job the permission id-token: write.',
    );
  return createTransport({ apiUrl, mintToken: tokens.mint });
}
