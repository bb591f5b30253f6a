import type { ApiTransport } from './http.ts';

/** @throws Fault configuration on a bad api-url or key */
export function createTransport(_options: {
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly userAgent?: string;
}): ApiTransport {
  throw new Error('Not built yet.');
}
