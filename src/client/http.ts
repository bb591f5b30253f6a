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
