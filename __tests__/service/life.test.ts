/**
 * Threat 32, by exhaustion: from nothing asked on, every event in every state that real calls on a real store can reach, until
 * no new state comes up. So every order of events of every length is tried, where two orders that leave the same rows behind
 * (all columns; of times and signatures whether they are there) go on as one.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  approvalChallenge,
  rejectionChallenge,
  revocationChallenge,
} from '../../src/core/challenge.ts';
import type { AssertionJson } from '../../src/core/assertion.ts';
import { documentHash } from '../../src/core/hash.ts';
import { payloadAction } from '../../src/core/payload.ts';
import { checkAssertion } from '../../src/core/webauthn.ts';
import type { Context } from '../../src/service/context.ts';
import { createConfirmation } from '../../src/service/create.ts';
import { decide, revoke, withdraw } from '../../src/service/decisions.ts';
import { addPasskey, addPerson, revokePasskey } from '../../src/service/people.ts';
import { redeem } from '../../src/service/redemptions.ts';
import { Refusal } from '../../src/service/refusal.ts';
import { openStore, type Store } from '../../src/service/store.ts';
import { hashToken } from '../../src/service/tokens.ts';
import { Waiters } from '../../src/service/waiters.ts';
import { createPasskey, makeAssertion, type AssertionOptions } from '../support/authenticator.ts';
import {
  currentPayload,
  redemptionBody,
  removeFolders,
  temporaryFolder,
} from '../support/service.ts';
import { eventsOf, Life, people, type Event, type Forgery, type Who } from './life-model.ts';

type Row = Record<string, unknown>;
type Rows = Readonly<Record<string, readonly Row[]>>;

const start = Date.parse('2026-11-22T10:00:00Z');
const origin = 'https://approve.example.com';
const rpId = 'approve.example.com';
const passkeys = {
  first: createPasskey(),
  second: createPasskey('EdDSA'),
  bystander: createPasskey(),
};
const payload = currentPayload({}, { now: start });
const payloadHash = documentHash(payload);
const ourRedemption = redemptionBody(payloadHash);
const scope = { repositories: ['*'], services: ['*'], environments: ['*'] };
const requester = { kind: 'request', id: 'key', scope, scopeText: 'scope' } as const;
/** What any of the events may change. */
const tables = ['confirmations', 'challenges', 'idempotency_keys', 'passkeys', 'redemptions'];

let store: Store;
let now = start;
let signCount = 0;
/** What is thrown at a statement in the middle of a call, where it is to be cut off. */
let cutAt = Infinity;
let statements = 0;
class Cut extends Error {}

/** The store, but a call may break off before any of its statements, and before its commit. */
const breakable: Store = {
  get: (...query) => (step(), store.get(...query)),
  all: (...query) => (step(), store.all(...query)),
  run: (...query) => (step(), store.run(...query)),
  transaction: (work) =>
    store.transaction((touch) => {
      const result = work(touch);
      step();
      return result;
    }),
  close: () => store.close(),
};
function step(): void {
  statements += 1;
  if (statements === cutAt) throw new Cut();
}

const context: Context = {
  store: breakable,
  waiters: new Waiters(),
  issuers: { keysOf: () => Promise.reject(new Error('nobody asks')) } as never,
  ...{ origin, rpId, now: () => now, log: () => undefined, notify: () => undefined },
};

beforeAll(async () => {
  const dataDir = join(await temporaryFolder(), 'data');
  store = await openStore({ dataDir, onCommitted: () => undefined });
  // What a commit survives is the matter of crash.test.ts.
  store.get('pragma synchronous = off');
  for (const [username, { pinned }] of Object.entries(passkeys)) {
    addPerson(context, { username, userHandle: pinned.user_handle });
    addPasskey(context, { username, key: pinned, signCount: 0, backupEligible: false });
  }
});
afterAll(async () => {
  store.close();
  await removeFolders();
});

/** The rows as they are, so that they can be brought back. */
function stored(): Rows {
  return Object.fromEntries(
    tables.map((table) => [table, store.all(`select rowid, * from ${table} order by rowid`)]),
  );
}

function restore(rows: Rows): void {
  store.transaction(() => {
    store.get('pragma defer_foreign_keys = on');
    for (const table of tables) {
      store.run(`delete from ${table}`);
      for (const row of rows[table]!) {
        const columns = Object.keys(row);
        store.run(
          `insert into ${table} (${columns.join()}) values (${columns.map((_, at) => `$${at + 1}`).join()})`,
          ...(Object.values(row) as never[]),
        );
      }
    }
  });
}

/** What of the rows can make a difference later on. Those of the request that superseded this one can't. */
function meaning(rows: Rows): string {
  const ours = rows.confirmations!.filter((row) => row.payload_hash === payloadHash);
  const whose = new Map(ours.map(({ id, username }) => [id, username]));
  const isSet = (value: unknown) => value !== null;
  return JSON.stringify([
    now >= Date.parse(payload.expires_at),
    ours
      .map(({ id, nonce, created_at, decided_at, assertion, revoked_at, revocation, ...row }) => [
        row.username,
        Object.entries({ ...row, rowid: 0 }),
        [isSet(id), isSet(nonce), isSet(created_at)],
        [isSet(decided_at), isSet(assertion), isSet(revoked_at), isSet(revocation)],
      ])
      .sort(),
    rows
      .challenges!.filter(({ subject }) => whose.has(subject))
      .map(({ subject, purpose, used_at }) => [whose.get(subject), purpose, isSet(used_at)])
      .sort(),
    rows.idempotency_keys!.map((row) => whose.get(row.confirmation_id)).sort(),
    rows.passkeys!.map(({ username, revoked_at }) => [username, isSet(revoked_at)]),
    rows.redemptions!.map(({ key_hash, redeemed_at, rowid, ...row }) => [
      Object.entries({ ...row, rowid: isSet(rowid), redeemed_at: isSet(redeemed_at) }),
      key_hash === hashToken(ourRedemption.redemptionKey),
    ]),
  ]);
}

function rowOf(who: Who): Row | undefined {
  return store.get(
    'select * from confirmations where payload_hash = $1 and username = $2',
    payloadHash,
    who,
  );
}

function signed(
  who: Who,
  challengeOf: typeof approvalChallenge,
  change: Partial<AssertionOptions> = {},
): AssertionJson {
  signCount += 1;
  const nonce = Buffer.from(String(rowOf(who)?.nonce), 'base64url');
  const passkey = passkeys[who];
  const challenge = challengeOf(nonce, payloadHash);
  return makeAssertion({ passkey, challenge, origin, rpId, signCount, ...change });
}

function forged(who: Who, how: Forgery): AssertionJson {
  switch (how) {
    case 'of another':
      return signed(who, approvalChallenge, { passkey: passkeys.bystander });
    case 'of a rejection':
      return signed(who, rejectionChallenge);
    case 'unverified':
      return signed(who, approvalChallenge, { flags: 0x01 });
    case 'by another key':
      return signed(who, approvalChallenge, { signWith: passkeys.bystander.privateKey });
  }
}

function ask(who: string, asked: typeof payload, idempotencyKey: string | undefined): number {
  const body = { username: who, action: payloadAction(asked.facts), payload: asked };
  createConfirmation(context, requester, { body: body as never, idempotencyKey });
  return 201;
}

/** Brings it about. @returns the HTTP status of the answer */
function perform(event: Event): number {
  const id = 'who' in event ? String(rowOf(event.who)?.id) : '';
  switch (event.kind) {
    case 'ask':
      return ask(event.who, payload, `ask ${event.who}`);
    case 'approve':
      decide(context, id, {
        decision: 'approved',
        assertion: signed(event.who, approvalChallenge),
      });
      return 200;
    case 'reject':
      decide(context, id, {
        decision: 'rejected',
        assertion: signed(event.who, rejectionChallenge),
      });
      return 200;
    case 'forge':
      decide(context, id, { decision: 'approved', assertion: forged(event.who, event.how) });
      return 200;
    case 'take back':
      revoke(context, id, signed(event.who, revocationChallenge));
      return 200;
    case 'withdraw':
      withdraw(context, id);
      return 200;
    case 'revoke passkey':
      revokePasskey(context, passkeys[event.who].pinned.id);
      return 204;
    case 'supersede':
      return ask('bystander', currentPayload({}, { now }), undefined);
    case 'expire':
      now += 3_600_000;
      return 0;
    case 'redeem':
      return redeem(context, requester, ourRedemption).httpStatus;
    case 'redeem elsewhere':
      return redeem(context, requester, redemptionBody(payloadHash)).httpStatus;
  }
}

function answerTo(event: Event): number {
  try {
    return perform(event);
  } catch (error) {
    if (error instanceof Refusal) return error.httpStatus;
    throw error;
  }
}

function statusOf(who: Who): string {
  const row = rowOf(who);
  if (row === undefined) return 'not asked';
  const isOpen = row.status === 'pending' || row.status === 'approved';
  return isOpen && now >= Number(row.expires_at) ? 'expired' : String(row.status);
}

/** Said by the rows alone: nobody has refused it, and somebody's good signature says yes. */
function expectLawfulUse(before: Rows, history: readonly Event[]): void {
  expect([history, before.redemptions]).toEqual([history, []]);
  const ours = before.confirmations!.filter((row) => row.payload_hash === payloadHash);
  for (const row of ours) {
    const refused =
      ['rejected', 'superseded', 'redeemed'].includes(String(row.status)) ||
      row.revoked_at !== null;
    expect([history, refused]).toEqual([history, false]);
  }
  const approved = ours.filter(({ status }) => status === 'approved');
  expect([history, approved.length]).not.toEqual([history, 0]);
  for (const { username, nonce, assertion } of approved) {
    const checked = checkAssertion({
      assertion: JSON.parse(String(assertion)) as AssertionJson,
      challenge: approvalChallenge(Buffer.from(String(nonce), 'base64url'), payloadHash),
      key: passkeys[username as Who].pinned,
      ...{ origin, rpId },
    });
    expect([history, checked.ok]).toEqual([history, true]);
  }
}

interface State {
  readonly life: Life;
  readonly rows: Rows;
  readonly meaning: string;
  readonly now: number;
  readonly history: readonly Event[];
}

function goTo(state: State): void {
  restore(state.rows);
  now = state.now;
}

/** Nobody can answer what they were not asked: there is no id for it. */
function isPossible({ life }: State, event: Event): boolean {
  if (!('who' in event) || ['ask', 'revoke passkey'].includes(event.kind)) return true;
  return life.of[event.who].status !== 'not asked';
}

/** A plain comparison first: there are a hundred thousand of them. */
function expectSame(history: readonly Event[], found: unknown, expected: unknown): void {
  if (found !== expected) expect({ history, found }).toEqual({ history, found: expected });
}

/** Tries every event in every state. @param first what is done before each event; it has to leave the state as it is */
function explore(
  of: readonly Who[],
  first: (state: State, event: Event) => void = () => undefined,
) {
  now = start;
  const rows = stored();
  const begin = { life: new Life(), rows, meaning: meaning(rows), now, history: [] };
  const known = new Map([[begin.meaning, JSON.stringify(begin.life)]]);
  const states: State[] = [begin];
  let tried = 0;
  for (const state of states) {
    goTo(state);
    for (const event of eventsOf(of).filter((one) => isPossible(state, one))) {
      first(state, event);
      const history = [...state.history, event];
      const { answer, life } = state.life.after(event);
      expectSame(history, answerTo(event), answer);
      for (const who of people) expectSame(history, statusOf(who), life.of[who].status);
      if (answer === 201 && event.kind.startsWith('redeem')) expectLawfulUse(state.rows, history);
      tried += 1;
      const after = stored();
      const found = { life, rows: after, meaning: meaning(after), now, history };
      if (found.meaning === state.meaning) {
        expectSame(history, life, state.life);
        continue;
      }
      const text = JSON.stringify(life);
      const before = known.get(found.meaning);
      // The rows hold everything that the model knows: so nothing is lost where two orders go on as one.
      if (before !== undefined) expectSame(history, before, text);
      else {
        known.set(found.meaning, text);
        states.push(found);
      }
      goTo(state);
    }
  }
  goTo(begin);
  return { states: states.length, tried, longest: states.at(-1)!.history.length };
}

test('every event, in every state that any order of events leads to: answered as the model says, used at most once', () => {
  const { states, tried, longest } = explore(people);
  // Far more than the orders of six, and not so few that something was left out.
  expect(longest).toBeGreaterThan(6);
  expect(states).toBeGreaterThan(800);
  expect(tried).toBeGreaterThan(20 * states);
}, 240_000);

test('a call that breaks off before any of its statements, or its commit, has changed nothing', () => {
  let cuts = 0;
  explore(['first'], (state, event) => {
    if (event.kind === 'expire') return;
    for (cutAt = 1; ; cutAt += 1) {
      statements = 0;
      try {
        answerTo(event);
        break;
      } catch (error) {
        if (!(error instanceof Cut)) throw error;
      }
      cuts += 1;
      expectSame([...state.history, event], meaning(stored()), state.meaning);
    }
    cutAt = Infinity;
    goTo(state);
  });
  expect(cuts).toBeGreaterThan(1000);
}, 240_000);
