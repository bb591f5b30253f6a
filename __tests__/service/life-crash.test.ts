/**
 * Threat 32, with crashes: the real service is killed with SIGKILL and started again on its folder, between the events of several
 * requests and in the middle of calls, and time may have passed meanwhile. Of a call that was cut off the model knows two lives,
 * with it and without it; every later answer and state has to fit one that is left.
 */
import { createHash, randomInt } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  approvalChallenge,
  rejectionChallenge,
  revocationChallenge,
} from '../../src/core/challenge.ts';
import { documentHash } from '../../src/core/hash.ts';
import { makeAssertion, type AssertionOptions } from '../support/authenticator.ts';
import { preload } from '../support/preloads.ts';
import {
  call,
  callPage,
  createBody,
  createKey,
  currentPayload,
  enrol,
  redeem,
  redemptionBody,
  removeFolders,
  requestApproval,
  spawnTestService,
  stubPage,
  temporaryFolder,
  type Answer,
  type Person,
  type ServiceProcess,
} from '../support/service.ts';
import { eventsOf, Life, people, type Event, type Who } from './life-model.ts';

const rounds = 24;
const talesAtOnce = 6;
const hourMs = 3_600_000;
const events = eventsOf(people);

/** Which events come is decided by it; which of them a crash cuts off, the machine decides. */
const seed = process.env.DEPLOY_WARRANT_TEST_SEED ?? String(randomInt(1_000_000_000));
let draws = 0;
function below(limit: number): number {
  draws += 1;
  return createHash('sha256').update(`${seed} ${draws}`).digest().readUInt32BE(0) % limit;
}

let dataDir: string;
let pageDir: string;
let service: ServiceProcess;
/** How far the clock of the service is ahead of the machine's. It moves while the service is down. */
let aheadMs = 0;
const idle: Person[] = [];
const counts = { answered: 0, cut: 0, cutAndDone: 0, cutAndUndone: 0, used: 0 };

/**
 * In the process of the service: its clock is ahead, and from SIGUSR2 on it counts its commits down and kills itself right before
 * or right after the last one, before anybody hears of it.
 */
const surroundings = `
  const { now } = Date;
  Date.now = () => now() + Number(process.env.TEST_CLOCK_AHEAD_MS);
  const { DatabaseSync } = require('node:sqlite');
  const { exec } = DatabaseSync.prototype;
  let left = Infinity;
  process.on('SIGUSR2', () => { left = Number(process.env.TEST_COMMITS_LEFT); });
  DatabaseSync.prototype.exec = function (sql) {
    if (sql === 'commit') left -= 1;
    const isLast = left === 0;
    if (isLast && process.env.TEST_DIE === 'before') process.kill(process.pid, 'SIGKILL');
    exec.call(this, sql);
    if (isLast) process.kill(process.pid, 'SIGKILL');
  };
`;

async function startService(port?: number): Promise<ServiceProcess> {
  const variables = {
    ...preload('life', surroundings),
    TEST_CLOCK_AHEAD_MS: aheadMs,
    TEST_COMMITS_LEFT: 1 + below(12),
    TEST_DIE: below(2) === 0 ? 'before' : 'after',
  };
  const pairs = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  return spawnTestService({
    ...{ dataDir, pageDir },
    ...(port === undefined ? {} : { port }),
    before: `export ${pairs.join(' ')}`,
  });
}

beforeAll(async () => {
  dataDir = join(await temporaryFolder(), 'data');
  pageDir = await stubPage();
  service = await startService();
}, 60_000);
afterAll(async () => {
  await service.kill('SIGKILL');
  await removeFolders();
});

let tales = 0;

/** One payload on its way, and every life that it may have had. */
class Tale {
  private readonly name = `s${(tales += 1)}`;
  private readonly payload = currentPayload({ service: this.name }, { now: Date.now() + aheadMs });
  private readonly key: string;
  private readonly persons: Readonly<Record<Who, Person>>;
  private readonly asked: Partial<Record<Who, Answer['body']>> = {};
  private readonly history: unknown[] = [];
  private ourUse: object | undefined;
  private lives: readonly Life[] = [new Life()];
  /** Told by the answers alone. */
  private isRefused = false;
  private isApproved = false;
  private uses = 0;

  constructor(key: string, persons: Readonly<Record<Who, Person>>) {
    this.key = key;
    this.persons = persons;
  }

  get isLong(): boolean {
    return this.history.length > 12;
  }

  /** The people whose passkeys are good for another tale. */
  get spared(): readonly Person[] {
    const isSpared = (who: Who) => this.lives.every(({ of }) => !of[who].passkeyRevoked);
    return people.filter(isSpared).map((who) => this.persons[who]);
  }

  timePasses(): void {
    this.take({ kind: 'expire' }, 0);
  }

  /** Any event that somebody could bring about now. @returns whether the service lived to answer it */
  async goOn(): Promise<boolean> {
    const possible = events.filter(
      (event) =>
        event.kind !== 'expire' &&
        (!('who' in event) ||
          ['ask', 'revoke passkey'].includes(event.kind) ||
          this.asked[event.who] !== undefined) &&
        // Rare, for they end the tale or don't carry it on.
        (!['forge', 'revoke passkey', 'supersede'].includes(event.kind) || below(5) === 0),
    );
    const event = this.history.length === 0 ? events[0]! : possible[below(possible.length)]!;
    // Known only when the call is over: until then it may be the one that is cut off.
    const answer = await unlessCut(this.send(event));
    if (answer === undefined) {
      counts.cut += 1;
      this.mayHaveBeen(event);
      return false;
    }
    counts.answered += 1;
    if (event.kind === 'ask' && answer.status === 201) this.asked[event.who] = answer.body;
    this.take(event, answer.status);
    return this.look();
  }

  /** The states as they are now fit a life that is left. */
  async look(): Promise<boolean> {
    for (const who of people) {
      const id = this.asked[who]?.id;
      if (id === undefined) continue;
      const path = `/api/confirmations/${id}`;
      const answer = await unlessCut(call(service, path, { key: this.key }));
      if (answer === undefined) return false;
      const { status } = answer.body;
      this.keep([who, status], ({ of }) => of[who].status === status);
    }
    return true;
  }

  /** What was cut off is there as a whole or not at all; then it is seen which. */
  async lookAfterCrash(): Promise<void> {
    const before = this.lives;
    await this.look();
    if (before.length !== 2 || this.lives.length !== 1) return;
    if (this.lives[0] === before[0]) counts.cutAndUndone += 1;
    else counts.cutAndDone += 1;
  }

  /** At the end: whoever comes now gets no second use, and none at all of what was refused. */
  async end(): Promise<void> {
    for (const kind of ['redeem', 'redeem elsewhere'] as const) {
      const answer = await this.send({ kind });
      this.take({ kind }, answer.status);
    }
    counts.used += this.uses;
  }

  private take(event: Event, status: number): void {
    const used = event.kind.startsWith('redeem') && status === 201;
    if (used) this.uses += 1;
    if (event.kind === 'approve') this.isApproved = true;
    expect([this.history, event, used && (this.isRefused || !this.isApproved)]).toEqual([
      this.history,
      event,
      false,
    ]);
    if (['reject', 'take back'].includes(event.kind) && status === 200) this.isRefused = true;
    const after = this.lives.map((life) => life.after(event));
    const fitting = after.filter(({ answer }) => answer === status);
    this.keep(
      [event, status],
      () => false,
      fitting.map(({ life }) => life),
    );
    expect([this.history, this.uses <= 1]).toEqual([this.history, true]);
  }

  private mayHaveBeen(event: Event): void {
    if (event.kind === 'approve') this.isApproved = true;
    this.history.push([event, 'cut off']);
    const after = this.lives.map((life) => life.after(event).life);
    this.lives = distinct([...this.lives, ...after]);
  }

  private keep(
    what: unknown,
    fits: (life: Life) => boolean,
    lives: readonly Life[] = this.lives.filter(fits),
  ): void {
    this.history.push(what);
    const expected = lives.length === 0 ? this.lives : 'a life that fits';
    expect([this.history, expected]).toEqual([this.history, 'a life that fits']);
    this.lives = distinct(lives);
  }

  private send(event: Event): Promise<Answer> {
    const { key, payload } = this;
    switch (event.kind) {
      case 'ask': {
        const body = createBody(this.persons[event.who].username, payload);
        const headers = { 'idempotency-key': `${this.name} ${event.who}`.replace(' ', '-') };
        return call(service, '/api/confirmations', { key, body, headers });
      }
      case 'approve':
        return this.decide(event.who, 'approved', this.signed(event.who, approvalChallenge));
      case 'reject':
        return this.decide(event.who, 'rejected', this.signed(event.who, rejectionChallenge));
      case 'forge': {
        const other = event.who === 'first' ? 'second' : 'first';
        const forged = {
          'of another': () =>
            this.signed(event.who, approvalChallenge, { passkey: this.persons[other].passkey }),
          'of a rejection': () => this.signed(event.who, rejectionChallenge),
          unverified: () => this.signed(event.who, approvalChallenge, { flags: 0x01 }),
          'by another key': () =>
            this.signed(event.who, approvalChallenge, {
              signWith: this.persons[other].passkey.privateKey,
            }),
        };
        return this.decide(event.who, 'approved', forged[event.how]());
      }
      case 'take back': {
        const body = { assertion: this.signed(event.who, revocationChallenge) };
        const { id } = this.asked[event.who]!;
        return callPage(service, `/page/confirmations/${id}/revocation`, { body });
      }
      case 'withdraw': {
        const path = `/api/confirmations/${this.asked[event.who]!.id}`;
        return call(service, path, { key, method: 'DELETE' });
      }
      case 'revoke passkey': {
        const path = `/api/passkeys/${this.persons[event.who].passkey.pinned.id}`;
        return call(service, path, { key: service.adminKey, method: 'DELETE' });
      }
      case 'supersede': {
        const newer = currentPayload({ service: this.name }, { now: Date.now() + aheadMs });
        const { username } = this.persons.first;
        return requestApproval(service, { key, username, payload: newer });
      }
      case 'redeem':
        this.ourUse ??= this.use();
        return redeem(service, { key, body: this.ourUse });
      case 'redeem elsewhere':
        return redeem(service, { key, body: this.use() });
      case 'expire':
        throw new Error('Time passes while the service is down.');
    }
  }

  private use(): object {
    return redemptionBody(documentHash(this.payload));
  }

  private decide(who: Who, decision: 'approved' | 'rejected', assertion: object): Promise<Answer> {
    const path = `/page/confirmations/${this.asked[who]!.id}/decision`;
    return callPage(service, path, { body: { decision, assertion } });
  }

  private signed(
    who: Who,
    challengeOf: typeof approvalChallenge,
    change: Partial<AssertionOptions> = {},
  ): object {
    const person = this.persons[who];
    person.signCount += 1;
    const { nonce, payloadHash } = this.asked[who]!;
    return makeAssertion({
      passkey: person.passkey,
      challenge: challengeOf(Buffer.from(nonce, 'base64url'), payloadHash),
      origin: service.origin,
      rpId: service.rpId,
      signCount: person.signCount,
      ...change,
    });
  }
}

function distinct(lives: readonly Life[]): readonly Life[] {
  return [...new Map(lives.map((life) => [JSON.stringify(life), life])).values()];
}

/** Nothing when the service dies meanwhile. */
async function unlessCut(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer;
  } catch (error) {
    // By name: fetch comes from outside of jest's realm, where TypeError is another class.
    if ((error as Error).name === 'TypeError') return undefined;
    throw error;
  }
}

async function newTale(): Promise<Tale> {
  const person = async () =>
    idle.shift() ?? (await enrol(service, `person-${tales}-${below(1e9)}`));
  return new Tale(await createKey(service), { first: await person(), second: await person() });
}

const ways = ['between calls', 'at a commit', 'at any moment'] as const;

/** Everybody goes on until the service dies in this way. */
async function crash(tales: readonly Tale[], way: (typeof ways)[number]): Promise<void> {
  if (way === 'at a commit') service.child.kill('SIGUSR2');
  const calls = way === 'between calls' ? 1 + below(3) : Infinity;
  const goal = counts.answered + 6 + below(25);
  const clients = Promise.all(
    tales.map(async (tale) => {
      for (let n = 0; n < calls && (await tale.goOn()); n += 1);
    }),
  );
  const isTime = async (): Promise<void> => {
    while (counts.answered < goal) await sleep(1);
  };
  await (way === 'at any moment' ? Promise.race([isTime(), clients]) : clients);
  await service.kill('SIGKILL');
  await clients;
}

test(`any order of events, with at least ${rounds} crashes between and in the middle of them (seed ${seed})`, async () => {
  const { port } = new URL(service.url);
  let open: Tale[] = [];
  // The machine decides which calls are cut off: there are more rounds until it has done so both after and before their commit.
  const isSeen = () => counts.cutAndDone > 0 && counts.cutAndUndone > 0;
  for (let round = 0; round < rounds || (!isSeen() && round < 4 * rounds); round += 1) {
    while (open.length < talesAtOnce) open.push(await newTale());
    await crash(open, ways[round % ways.length]!);
    const passes = below(6) === 0;
    if (passes) aheadMs += hourMs;
    service = await startService(Number(port));
    for (const tale of open) {
      if (passes) tale.timePasses();
      await tale.lookAfterCrash();
      if (tale.isLong) {
        await tale.end();
        idle.push(...tale.spared);
      }
    }
    open = open.filter((tale) => !tale.isLong);
  }
  for (const tale of open) await tale.end();
  expect(counts.cut).toBeGreaterThan(rounds);
  expect(counts.cutAndDone).toBeGreaterThan(0);
  expect(counts.cutAndUndone).toBeGreaterThan(0);
  expect(counts.used).toBeGreaterThan(0);
}, 240_000);
