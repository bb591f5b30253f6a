import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { gzipSync } from 'node:zlib';
import type { Certificate } from './certificate.ts';
import { listenOnKeptPort } from './kept-port.ts';

/** One request as the server saw it. */
export interface Seen {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface Exchange extends Seen {
  readonly response: ServerResponse;
  readonly socket: Socket;
}

/** What the server does with a request: a fault, or an answer. */
export type Act = (exchange: Exchange) => void;

/** A server on loopback that does what it is told, request by request, and remembers what came. */
export interface FaultyServer {
  /** The api-url to it. */
  readonly apiUrl: string;
  readonly host: string;
  readonly port: number;
  readonly seen: readonly Seen[];
  /** What to do with the next requests, in order; the last is repeated. Forgets what was seen. */
  script: (...acts: readonly Act[]) => void;
  /** From now on another certificate, where it speaks TLS. */
  present: (certificate: Certificate) => void;
  /** Takes no more connections, until `reopen`. */
  shut: () => void;
  reopen: () => void;
  close: () => Promise<void>;
}

export async function startFaultyServer(
  options: {
    readonly tls?: Certificate & SecureContextOptions;
    readonly host?: string;
  } = {},
): Promise<FaultyServer> {
  const { tls, host = '127.0.0.1' } = options;
  let acts: readonly Act[] = [];
  let seen: Seen[] = [];
  const listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers, socket } = request;
      const one = { method, path: url, headers, body: Buffer.concat(chunks).toString() };
      seen.push(one);
      const act = acts[Math.min(seen.length, acts.length) - 1];
      if (act === undefined) throw new Error(`Nothing is scripted for ${method} ${url}`);
      act({ ...one, response, socket });
    });
    request.on('error', () => undefined);
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  server.on('tlsClientError', () => undefined);
  await listenOnKeptPort(server, host);
  const { port } = server.address() as AddressInfo;
  const name = host.includes(':') ? `[${host}]` : host;
  return {
    apiUrl: `${tls === undefined ? 'http' : 'https'}://${name}:${port}/api`,
    host: `${name}:${port}`,
    port,
    get seen() {
      return seen;
    },
    script: (...next) => {
      acts = next;
      seen = [];
    },
    present: (certificate) => (server as TlsServer).setSecureContext(certificate),
    shut: () => void server.close(),
    reopen: () => void server.listen(port, host),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

type Headers = Readonly<Record<string, string | number>>;

/** A whole answer with a body of any kind. */
export const answer =
  (
    status: number,
    body: string | Buffer,
    headers: Headers = { 'content-type': 'application/json' },
  ): Act =>
  ({ response }) => {
    response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers }).end(body);
  };

/** JSON of our form; a function is asked for each request. */
export const json =
  (status: number, value: unknown, headers: Headers = {}): Act =>
  (exchange) => {
    const body: unknown =
      typeof value === 'function' ? (value as (e: Exchange) => unknown)(exchange) : value;
    answer(status, JSON.stringify(body), { 'content-type': 'application/json', ...headers })(
      exchange,
    );
  };

export const redirect = (status: number, location: string): Act =>
  answer(status, '', { location, 'content-type': 'application/json' });

/** The connection ends without an answer. */
export const cut: Act = ({ socket }) => socket.destroy();

/** Nothing is ever answered. */
export const silence: Act = () => undefined;

/** Headers, then a byte now and then for ever. */
export const slowLoris =
  (status = 200): Act =>
  ({ response }) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.write('{');
    const drip = setInterval(() => response.write(' '), 20);
    response.on('close', () => clearInterval(drip));
  };

/** Less body than Content-Length says, then the connection ends. */
export const truncated =
  (body = '{"id":'): Act =>
  ({ response, socket }) => {
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': body.length + 100,
    });
    response.write(body, () => socket.destroy());
  };

/** A chunked body whose last chunk never comes. */
export const truncatedChunk: Act = ({ response, socket }) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.write('{"id":', () => socket.destroy());
};

/** More than the limit, in pieces and without saying how much. Tells how much was taken. */
export const flood =
  (taken: { bytes: number }, status = 200): Act =>
  ({ response }) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    const piece = Buffer.alloc(16_384, 0x20);
    const pour = (): void => {
      if (response.destroyed || taken.bytes > 50_000_000) {
        response.end();
        return;
      }
      taken.bytes += piece.length;
      if (response.write(piece)) setImmediate(pour);
      else response.once('drain', pour);
    };
    pour();
  };

/** Some kilobytes that would unpack to 4 MiB of blanks. */
export const gzipBomb: Act = (exchange) => {
  const body = gzipSync(Buffer.alloc(4_194_304, 0x20));
  answer(200, body, { 'content-type': 'application/json', 'content-encoding': 'gzip' })(exchange);
};

/** Bytes that are no HTTP. */
export const noHttp: Act = ({ socket }) => {
  socket.end('SSH-2.0-OpenSSH_9.2\r\n');
};
