import { createTransport } from '../client/transport.ts';
import type { ApiTransport } from '../client/http.ts';
import { Fault } from '../core/fault.ts';

/** Inputs as text, empty where absent. */
export interface ServiceAccess {
  readonly apiUrl: string;
  readonly apiKey: string;
}

/**
 * The way to the approval service, or nothing where neither url nor key is given: an offline check of a record may do without.
 * @throws Fault configuration on a bad url or key, or on one without the other
 */
export function openService({ apiUrl, apiKey }: ServiceAccess): ApiTransport | undefined {
  if (apiUrl === '' && apiKey === '') return undefined;
  if (apiUrl === '')
    throw new Fault(
      'configuration',
      'api-url is empty. Set it to the approval service, such as https://approve.example.com/api.',
    );
  if (apiKey === '')
    throw new Fault(
      'configuration',
      'api-key is empty. Set it to a request key of the approval service; a secret that does not exist in this environment is an empty string.',
    );
  return createTransport({ apiUrl, apiKey });
}
