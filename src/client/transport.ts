import type { IncomingMessage, RequestOptions } from 'node:http';
import type { HttpClient } from '@actions/http-client';
import { canonicalText } from '../core/canonical.ts';
import { Fault } from '../core/fault.ts';
import { checkApiUrl } from './api-url.ts';
import { readBody } from './body.ts';
import { TransportError, type ApiRequest, type ApiResponse, type ApiTransport } from './http.ts';
import { transportErrorOf } from './network-faults.ts';

export interface TransportOptions {
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly userAgent?: string;
}

/**
 * The transport over `@actions/http-client`, for its proxy support. Only its plain request is used: no redirect is followed and
 * nothing is sent twice, so that the key reaches the configured host and no other.
 * @throws Fault configuration on a bad api-url or key
 */
export function createTransport({
  apiUrl,
  apiKey,
  userAgent = 'deploy-warrant',
}: TransportOptions): ApiTransport {
  const base = checkApiUrl(apiUrl);
  if (!/^[\x21-\x7E]{1,4096}$/.test(apiKey)) {
    throw new Fault(
      'configuration',
      'api-key is empty, too long or holds a blank, a line end or another character that no key has. Store it again without white space around it.',
    );
  }
  return {
    host: base.host,
    send: (request) => send({ url: base.href + request.path, apiKey, userAgent, request }),
  };
}

interface Sending {
  readonly url: string;
  readonly apiKey: string;
  readonly userAgent: string;
  readonly request: ApiRequest;
}

async function send({ url, apiKey, userAgent, request }: Sending): Promise<ApiResponse> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), request.timeoutMs);
  const signals = [deadline.signal, ...(request.signal === undefined ? [] : [request.signal])];
  const signal = AbortSignal.any(signals);
  try {
    signal.throwIfAborted();
    // Loaded late: it brings undici, a third of the gate's start time, and a run that is refused before needs none of it.
    const toolkit = await import('@actions/http-client');
    const client = new toolkit.HttpClient(userAgent, [new Conditions(signal)], {
      allowRedirects: false,
      allowRetries: false,
      keepAlive: false,
      socketTimeout: request.timeoutMs + 1000,
    });
    const headers = { ...request.headers, accept: 'application/json', 'x-api-key': apiKey };
    const { message } = await orAborted(exchange(client, url, headers, request), signal);
    return await readAnswer(message, signal, apiKey);
  } catch (error) {
    if (request.signal?.aborted === true) throw new TransportError('aborted', 'it was stopped');
    if (deadline.signal.aborted) {
      const seconds = Math.ceil(request.timeoutMs / 1000);
      throw new TransportError('unreachable', `no whole answer within ${seconds} s`);
    }
    throw transportErrorOf(error);
  } finally {
    clearTimeout(timer);
  }
}

function exchange(
  client: HttpClient,
  url: string,
  headers: Readonly<Record<string, string>>,
  request: ApiRequest,
): ReturnType<HttpClient['get']> {
  if (request.method === 'GET') return client.get(url, headers);
  if (request.method === 'DELETE') return client.del(url, headers);
  // The canonical form, so that any service that hashes the payload as it came agrees with our hash.
  const body = canonicalText(request.body);
  return client.post(url, body, { ...headers, 'content-type': 'application/json' });
}

/** What the toolkit's options can't say of a request, put in just before it goes out. */
class Conditions {
  private readonly signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.signal = signal;
  }

  prepareRequest(options: RequestOptions & { rejectUnauthorized?: boolean }): void {
    // Covers connection, headers and body.
    options.signal = this.signal;
    // Said outright, it outweighs NODE_TLS_REJECT_UNAUTHORIZED.
    options.rejectUnauthorized = true;
    // The toolkit leaves the brackets of [::1] on, and then looks that up as a name.
    options.host = options.host?.replace(/^\[(.*)\]$/, '$1');
  }

  canHandleAuthentication(): boolean {
    return false;
  }

  handleAuthentication(): never {
    throw new Error('There is no second try with other credentials.');
  }
}

/** A request that is stuck in a proxy's CONNECT does not see its signal; this does. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(new TransportError('aborted', 'it was stopped'));
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

async function readAnswer(
  message: IncomingMessage,
  signal: AbortSignal,
  apiKey: string,
): Promise<ApiResponse> {
  const status = message.statusCode ?? 0;
  const date = Date.parse(message.headers.date ?? '');
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers)) {
    headers[name] = Array.isArray(value) ? value.join(', ') : (value ?? '');
  }
  return {
    status,
    headers,
    body: await bodyFor(status, message, signal, apiKey),
    ...(Number.isNaN(date) ? {} : { date }),
  };
}

async function bodyFor(
  status: number,
  message: IncomingMessage,
  signal: AbortSignal,
  apiKey: string,
): Promise<Uint8Array> {
  if (status >= 200 && status < 300) return readBody(message);
  if (status < 400 || status >= 500) {
    message.destroy();
    return new Uint8Array();
  }
  try {
    // An error page may repeat the request's headers, and parts of it are shown.
    const text = Buffer.from(await readBody(message)).toString('utf8');
    return Buffer.from(text.replaceAll(apiKey, '***'));
  } catch (error) {
    if (signal.aborted) throw error;
    // The status has said it all; only the quotation is missing.
    return new Uint8Array();
  }
}
