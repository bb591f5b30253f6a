import type { IncomingMessage, RequestOptions } from 'node:http';
import type { HttpClient } from '@actions/http-client';
import { readBody } from './body.ts';
import { TransportError, type ApiResponse } from './http.ts';
import { transportErrorOf } from './network-faults.ts';

/** One request to a known address. */
export interface Exchange {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON; only of a POST. */
  readonly body?: string;
  /** For the whole exchange: connection, headers and body. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** What is blotted out in the answer of an error, which may repeat the request. */
  readonly secret?: string | undefined;
  readonly userAgent?: string;
}

/**
 * Sends one request by `@actions/http-client`, for its proxy support. Only its plain request is used: no redirect is followed and
 * nothing is sent twice, so that a secret reaches the host it is meant for and no other.
 * @throws TransportError when no whole answer came back
 */
export async function exchange(request: Exchange): Promise<ApiResponse> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), request.timeoutMs);
  const signals = [deadline.signal, ...(request.signal === undefined ? [] : [request.signal])];
  const signal = AbortSignal.any(signals);
  try {
    signal.throwIfAborted();
    // Loaded late: it brings undici, a third of the gate's start time, and a run that is refused before needs none of it.
    const toolkit = await import('@actions/http-client');
    const { userAgent = 'deploy-warrant', timeoutMs } = request;
    const client = new toolkit.HttpClient(userAgent, [new Conditions(signal)], {
      allowRedirects: false,
      allowRetries: false,
      keepAlive: false,
      socketTimeout: timeoutMs + 1000,
    });
    const { message } = await orAborted(send(client, request), signal);
    return await readAnswer(message, signal, request.secret);
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

function send(client: HttpClient, request: Exchange): ReturnType<HttpClient['get']> {
  const { method, url, body = '' } = request;
  const headers = { ...request.headers, accept: 'application/json' };
  if (method === 'GET') return client.get(url, headers);
  if (method === 'DELETE') return client.del(url, headers);
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
  secret: string | undefined,
): Promise<ApiResponse> {
  const status = message.statusCode ?? 0;
  const date = Date.parse(message.headers.date ?? '');
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers)) {
    headers[name] = [value].flat().join(', ');
  }
  return {
    status,
    headers,
    body: await bodyFor(status, message, signal, secret),
    ...(Number.isNaN(date) ? {} : { date }),
  };
}

async function bodyFor(
  status: number,
  message: IncomingMessage,
  signal: AbortSignal,
  secret: string | undefined,
): Promise<Uint8Array> {
  if (status >= 200 && status < 300) return readBody(message);
  if (status < 400 || status >= 500) {
    message.destroy();
    return new Uint8Array();
  }
  try {
    // An error page may repeat the request's headers, and parts of it are shown.
    const text = Buffer.from(await readBody(message)).toString('utf8');
    return Buffer.from(secret === undefined ? text : text.replaceAll(secret, '***'));
  } catch (error) {
    if (signal.aborted) throw error;
    // The status has said it all; only the quotation is missing.
    return new Uint8Array();
  }
}
