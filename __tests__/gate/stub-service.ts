import { randomBytes, randomUUID } from 'node:crypto';
import { canonicalText } from '../../src/core/canonical.ts';
import type { ConfirmationStatus } from '../../src/core/api.ts';
import { sha256Hex } from '../../src/core/hash.ts';
import type { ApprovalPayload } from '../../src/core/payload.ts';
import { formatTime } from '../../src/core/time.ts';
import { decide, type DecisionOptions, type World } from '../support/approvals.ts';
import {
  json,
  startFaultyServer,
  type Act,
  type Exchange,
  type FaultyServer,
  type Seen,
} from '../support/faulty-server.ts';
import type { TestPasskey } from '../support/authenticator.ts';

/** What a person does as soon as they are asked. */
export interface Reaction {
  readonly status: ConfirmationStatus;
  /** Signs in place of the person's own passkey. */
  readonly passkey?: TestPasskey;
  readonly sign?: DecisionOptions;
  /** Replaces members of the answer; `undefined` removes one. */
  readonly change?: Readonly<Record<string, unknown>>;
}

export type Route = 'latest' | 'create' | 'poll' | 'fetch' | 'withdraw' | 'redeem';

export interface Stored {
  readonly id: string;
  readonly username: string;
  readonly payload: ApprovalPayload;
  readonly payloadHash: string;
  readonly nonce: Buffer;
  readonly decidedAt: number;
  status: ConfirmationStatus;
  reaction: Reaction;
}

/** An approval service that lies and fails as a test tells it to, with people whose passkeys are software. */
export interface StubService {
  readonly apiUrl: string;
  readonly host: string;
  /** What each person does; nothing, if not named here. */
  readonly reactions: Map<string, Reaction>;
  /** What happens instead of a right answer, each time; an act may also call the second argument for the right one. */
  readonly faults: Map<Route, (exchange: Exchange, right: Act) => void>;
  /** Where the links to approve at lead. */
  readonly links: { origin: string };
  readonly stored: readonly Stored[];
  /** `create`, `poll` … in order. */
  readonly calls: readonly Route[];
  readonly seen: readonly Seen[];
  readonly server: FaultyServer;
  readonly close: () => Promise<void>;
}

/** `known` are confirmations of an earlier stub that this one has too. */
export async function startStubService(
  world: World,
  now: () => number,
  options: {
    readonly known?: readonly Stored[];
    readonly server?: FaultyServer;
  } = {},
): Promise<StubService> {
  const server = options.server ?? (await startFaultyServer());
  const reactions = new Map<string, Reaction>();
  const faults = new Map<Route, (exchange: Exchange, right: Act) => void>();
  const links = { origin: world.policy.relying_party.origin };
  const stored: Stored[] = (options.known ?? []).map((one) => ({ ...one }));
  const calls: Route[] = [];
  const redemptions = new Map<string, string>();
  const reply = (status: number, value: unknown) =>
    json(status, value, { date: new Date(now()).toUTCString() });

  const find = (path: string): Stored =>
    stored.find(({ id }) => path.includes(id)) ?? notFound(path);

  const state = (one: Stored): object => {
    const { id, status, username, payload, payloadHash, nonce, reaction } = one;
    const { passkey = world.passkeys[username as 'alex'], sign, change } = reaction;
    const decision = ['approved', 'rejected'].find((name) => name === reaction.status);
    const answer: Record<string, unknown> = {
      ...{ id, status, username, payload, payloadHash },
      expiresAt: payload.expires_at,
      nonce: nonce.toString('base64url'),
    };
    if (decision !== undefined && status !== 'pending') {
      const signed = decide(payload, passkey, {
        nonce,
        decidedAt: one.decidedAt,
        decision: decision as 'approved' | 'rejected',
        ...sign,
      });
      Object.assign(answer, { rawAssertion: signed.assertion, decidedAt: signed.decided_at });
    }
    return { ...answer, ...change };
  };

  const create: Act = (exchange) => {
    const { username, payload } = JSON.parse(exchange.body) as {
      username: string;
      payload: ApprovalPayload;
    };
    const reaction = reactions.get(username) ?? { status: 'pending' };
    const one: Stored = {
      id: randomUUID(),
      username,
      payload,
      payloadHash: sha256Hex(canonicalText(payload)),
      nonce: randomBytes(32),
      decidedAt: now(),
      status: reaction.status,
      reaction,
    };
    stored.push(one);
    const { id, payloadHash, nonce } = one;
    const url = `${links.origin}/approve/${id}`;
    const expiresAt = payload.expires_at;
    reply(201, { id, url, payloadHash, expiresAt, nonce: nonce.toString('base64url') })(exchange);
  };
  /** There was no deploy of that target before. */
  const latest: Act = (exchange) => reply(200, {})(exchange);
  const read: Act = (exchange) => reply(200, state(find(exchange.path)))(exchange);
  const withdraw: Act = (exchange) => {
    const one = find(exchange.path);
    const open = one.status === 'pending' || one.status === 'approved';
    if (open) one.status = 'cancelled';
    reply(open ? 200 : 409, open ? state(one) : { code: 'final', message: 'final' })(exchange);
  };
  const redeem: Act = (exchange) => {
    const { payloadHash, redemptionKey } = JSON.parse(exchange.body) as Record<string, string>;
    const key = redemptions.get(payloadHash!);
    if (key !== undefined && key !== redemptionKey) {
      reply(409, { code: 'already_redeemed', message: 'This approval was used.' })(exchange);
      return;
    }
    redemptions.set(payloadHash!, redemptionKey!);
    reply(key === undefined ? 201 : 200, { payloadHash, redeemedAt: formatTime(now()) })(exchange);
  };

  server.script((exchange) => {
    const { method, path } = exchange;
    const route: Route =
      method === 'DELETE'
        ? 'withdraw'
        : method === 'GET'
          ? path.startsWith('/api/deploys/')
            ? 'latest'
            : path.includes('?wait=')
              ? 'poll'
              : 'fetch'
          : path.endsWith('/redemptions')
            ? 'redeem'
            : 'create';
    calls.push(route);
    const right = { latest, create, poll: read, fetch: read, withdraw, redeem }[route];
    const fault = faults.get(route);
    if (fault === undefined) right(exchange);
    else fault(exchange, right);
  });
  const { apiUrl, host, close } = server;
  return {
    ...{ apiUrl, host, reactions, faults, links, stored, calls, server, close },
    get seen() {
      return server.seen;
    },
  };
}

function notFound(path: string): never {
  throw new Error(`No confirmation of the stub: ${path}`);
}
