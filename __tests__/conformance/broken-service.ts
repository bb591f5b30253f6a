import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A call as it came in. */
export interface Incoming {
  readonly method: string;
  /** Below the API's base, without the query. */
  readonly path: string;
  readonly query: string;
  readonly key: string | undefined;
  readonly body: string;
}

interface Outgoing {
  status: number;
  headers: Record<string, string>;
  /** JSON, or a text as it is. */
  body: unknown;
}

type Forward = (changed?: Partial<Incoming>) => Promise<Outgoing>;

/** What a stand-in does in place of what the real service does; it may ask that one, with the call changed. */
export type Break = (call: Incoming, forward: Forward) => Promise<Outgoing>;

/** A stand-in that is the real service but for one break. */
export async function startBrokenService(
  apiUrl: string,
  broken: Break,
): Promise<{ readonly apiUrl: string; readonly close: () => Promise<void> }> {
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const chunks: Buffer[] = [];
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
      const { pathname, search } = new URL(request.url ?? '/', 'http://localhost');
      const { 'x-api-key': key } = request.headers;
      const incoming: Incoming = {
        method: request.method ?? 'GET',
        path: pathname.replace(/^\/api/, ''),
        query: search,
        key: typeof key === 'string' ? key : undefined,
        body: Buffer.concat(chunks).toString('utf8'),
      };
      const idempotencyKey = request.headers['idempotency-key'];
      const more = typeof idempotencyKey === 'string' ? { 'idempotency-key': idempotencyKey } : {};
      const { status, headers, body } = await broken(incoming, (changed) =>
        forwardTo(apiUrl, { ...incoming, ...changed }, more),
      );
      response.writeHead(status, headers);
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    };
    answer().catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    apiUrl: `http://127.0.0.1:${port}/api`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function forwardTo(
  apiUrl: string,
  { method, path, query, key, body }: Incoming,
  more: Record<string, string>,
): Promise<Outgoing> {
  const response = await fetch(`${apiUrl}${path}${query}`, {
    method,
    headers: {
      ...more,
      ...(key === undefined ? {} : { 'x-api-key': key }),
      ...(body === '' ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === '' ? {} : { body }),
  });
  const headers = Object.fromEntries(response.headers);
  for (const name of ['content-length', 'connection', 'keep-alive', 'transfer-encoding']) {
    Reflect.deleteProperty(headers, name);
  }
  const text = await response.text();
  return {
    status: response.status,
    headers,
    body: text === '' ? '' : (JSON.parse(text) as unknown),
  };
}

type Members = Readonly<Record<string, unknown>>;

/** The call that a break is about; `*` stands for an id. */
function fits({ method, path }: Incoming, pattern: string): boolean {
  return `${method} ${path.replace(/^(\/confirmations)\/.+$/, '$1/*')}` === pattern;
}

/** Members of the good answers of a call changed; `undefined` takes one away. */
export function members(pattern: string, change: (body: Members) => Members): Break {
  return async (call, forward) => {
    const answer = await forward();
    if (!fits(call, pattern) || answer.status >= 300) return answer;
    return { ...answer, body: { ...(answer.body as Members), ...change(answer.body as Members) } };
  };
}

/** Another status for answers of a call that have one, with whatever body. */
export function status(pattern: string, from: number, to: number): Break {
  return async (call, forward) => {
    const answer = await forward();
    return fits(call, pattern) && answer.status === from ? { ...answer, status: to } : answer;
  };
}

/** A header of every answer changed; `undefined` takes it away. */
export function header(name: string, value: string | undefined): Break {
  return async (_call, forward) => {
    const { headers, ...answer } = await forward();
    const rest = Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name));
    return { ...answer, headers: value === undefined ? rest : { ...rest, [name]: value } };
  };
}

/** Every answer of a call so much later. */
export function late(pattern: string, ms: number): Break {
  return async (call, forward) => {
    const answer = await forward();
    if (fits(call, pattern)) await sleep(ms);
    return answer;
  };
}

/** The call is made, but with something in it changed. */
export function changed(pattern: string, change: (call: Incoming) => Partial<Incoming>): Break {
  return (call, forward) => forward(fits(call, pattern) ? change(call) : {});
}
