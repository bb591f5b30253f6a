/**
 * A stand-in for the hosted service: only the two calls that Cosignet documents, strict about what they take, and a person who
 * decides by a method call. It withdraws nothing, redeems nothing, and gives no nonce and no signature.
 */
import { createServer } from 'node:http';
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { documentHash } from '../../src/core/hash.ts';

export interface HostedService {
  readonly apiUrl: string;
  /** Method and path, in order, ids left out. */
  readonly calls: readonly string[];
  /** Names of the members of every body that came. */
  readonly members: ReadonlySet<string>;
  /** Decides the newest request as soon as it is there. */
  readonly decide: (status: string) => Promise<void>;
  /** Says something else about the newest request from now on. */
  readonly change: (status: string) => void;
  readonly close: () => Promise<void>;
}

interface Stored {
  readonly id: string;
  readonly payload: unknown;
  readonly payloadHash: string;
  status: string;
}

export async function startHostedService(o: {
  readonly apiKey: string;
  /** Whether it repeats the payload: DESIGN 3.5 leaves that open. */
  readonly givesPayload: boolean;
}): Promise<HostedService> {
  const stored: Stored[] = [];
  const calls: string[] = [];
  const members = new Set<string>();
  let wake: (() => void)[] = [];
  const news = (): Promise<void> => new Promise((resolve) => wake.push(resolve));
  const tell = (): void => {
    for (const each of wake) each();
    wake = [];
  };
  const inAnHour = new Date(Date.now() + 3_600_000).toISOString();

  const server = createServer((request, response) => {
    const [path = ''] = (request.url ?? '').split('?');
    const id = /^\/api\/confirmations\/([0-9a-f-]{36})$/.exec(path)?.[1];
    calls.push(`${request.method ?? ''} ${id === undefined ? path : '/api/confirmations/:id'}`);
    const answer = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    const handle = async (): Promise<void> => {
      if (request.headers['x-api-key'] !== o.apiKey) {
        answer(401, { code: 'unauthorized', message: 'Who are you?' });
      } else if (request.method === 'POST' && path === '/api/confirmations') {
        const chunks: Buffer[] = [];
        for await (const chunk of request) chunks.push(chunk as Buffer);
        const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { payload: unknown };
        for (const name of Object.keys(body)) members.add(name);
        const payloadHash = documentHash(body.payload);
        const one = { id: randomUUID(), payload: body.payload, payloadHash, status: 'pending' };
        stored.push(one);
        tell();
        const url = `https://cosignet.example/confirm/${one.id}`;
        answer(201, { id: one.id, url, payloadHash, expiresAt: inAnHour });
      } else if (request.method === 'GET' && id !== undefined) {
        const one = stored.find((each) => each.id === id);
        if (one?.status === 'pending') await news();
        if (one === undefined) answer(404, { code: 'not_found', message: 'No such request' });
        else {
          const { status, payloadHash } = one;
          const payload = o.givesPayload ? one.payload : undefined;
          answer(200, { id, status, payloadHash, payload, expiresAt: inAnHour, isNew: true });
        }
      } else {
        answer(404, { code: 'not_found', message: 'No such call' });
      }
    };
    void handle();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`,
    calls,
    members,
    decide: async (status) => {
      while (stored.at(-1)?.status !== 'pending') await news();
      stored.at(-1)!.status = status;
      tell();
    },
    change: (status) => {
      stored.at(-1)!.status = status;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
