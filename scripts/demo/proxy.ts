/** A reverse proxy in front of the real approval service: it sees every request, and may change or cut an answer. */
import { createServer, request as send, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** What went back; `undefined` until then, and after a cut. */
  answer?: ProxyAnswer;
  /** How the network broke this call: whoever made it has to make it again. */
  readonly broken?: Break;
}

/**
 * `before` the service hears of the call, or `after` it has done what was asked: the connection is cut, a 503 answers, the
 * answer is lost, or a 502 comes in its place whose body says approved.
 */
export type Break =
  'cut before' | 'unavailable before' | 'cut after' | 'lost after' | 'says approved after';

export interface ProxyAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** `cut` closes the connection in the middle of the answer. */
export type Alter = (request: SeenRequest, answer: ProxyAnswer) => ProxyAnswer | 'cut';

export interface Proxy {
  readonly origin: string;
  /** In the order they came. */
  readonly requests: readonly SeenRequest[];
  readonly close: () => Promise<void>;
}

const json = { 'content-type': 'application/json' };

/** Starts a proxy on 127.0.0.1 that forwards to `target`, an origin such as `http://localhost:8080`. */
export async function startProxy(options: {
  readonly target: string;
  readonly alter?: Alter;
  readonly breaks?: (request: SeenRequest) => Break | undefined;
}): Promise<Proxy> {
  const alter: Alter = options.alter ?? ((_request, answer) => answer);
  const requests: SeenRequest[] = [];
  const server = createServer((incoming, outgoing) => {
    const upstream = send(new URL(incoming.url ?? '/', options.target), {
      method: incoming.method,
      headers: incoming.headers,
    });
    outgoing.once('close', () => upstream.destroy());
    upstream.once('error', () => outgoing.destroy());
    void text(incoming).then(
      (body) => {
        const call: SeenRequest = {
          method: incoming.method ?? '',
          path: incoming.url ?? '',
          headers: incoming.headers,
          body,
        };
        const broken = options.breaks?.(call);
        const seen: SeenRequest = broken === undefined ? call : { ...call, broken };
        requests.push(seen);
        if (broken === 'cut before' || broken === 'unavailable before') {
          upstream.removeAllListeners('error').on('error', () => undefined);
          upstream.destroy();
          if (broken === 'cut before') outgoing.destroy();
          else outgoing.writeHead(503, json).end('{"code":"broken","message":"on purpose"}');
          return;
        }
        upstream.once('response', (response) => {
          void text(response).then((answerBody) => {
            if (broken === 'lost after') {
              outgoing.destroy();
              return;
            }
            if (broken === 'says approved after') {
              outgoing.writeHead(502, json).end(answerBody.replace('"pending"', '"approved"'));
              return;
            }
            const answer = alter(seen, {
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: answerBody,
            });
            if (answer === 'cut' || broken === 'cut after') {
              outgoing.writeHead(200, { ...json, 'content-length': 4096 });
              outgoing.write('{"id":', () => outgoing.destroy());
              return;
            }
            seen.answer = answer;
            // The body may have another length now, and is sent in one piece.
            const headers = Object.entries(answer.headers).filter(
              ([name]) => name !== 'content-length' && name !== 'transfer-encoding',
            );
            outgoing.writeHead(answer.status, Object.fromEntries(headers)).end(answer.body);
          });
        });
        upstream.end(body);
      },
      () => upstream.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function text(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
