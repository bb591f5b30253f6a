import type { JsonValue } from '../core/json.ts';

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below the api-url, beginning with `/`. */
  readonly path: string;
  readonly body?: JsonValue;
  readonly headers?: Readonly<Record<string, string>>;
  /** For the whole exchange: connection, headers and body. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export interface ApiResponse {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** At most 256 KiB. Empty for a redirect and from 500 on: what they say is never believed, so it is not read. */
  readonly body: Uint8Array;
  /** The service's clock (header Date) in epoch milliseconds. */
  readonly date?: number;
}

/** One way to reach one approval service. Sends each request once, to that service only. */
export interface ApiTransport {
  /** Host and port, for messages. */
  readonly host: string;
  /** @throws TransportError when no whole answer came back */
  send(request: ApiRequest): Promise<ApiResponse>;
}

/**
 * Why there is no answer: `unreachable` may pass by itself and is the only one that is tried again; `insecure` is TLS (and any
 * fault of the network that we do not know); `proxy` said no; `malformed` is not HTTP as we speak it; `aborted` by the caller.
 */
export type TransportReason = 'unreachable' | 'insecure' | 'proxy' | 'malformed' | 'aborted';

export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly reason: TransportReason;

  /** @param message what happened, to stand inside a sentence: no host, path, key or text of the other side unescaped */
  constructor(reason: TransportReason, message: string) {
    super(message);
    this.reason = reason;
  }
}
