import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  call,
  createKey,
  currentPayload,
  decide,
  enrol,
  redeem,
  redemptionBody,
  removeFolders,
  requestApproval,
  startTestService,
  type Answer,
  type Person,
  type TestService,
} from '../support/service.ts';

/**
 * Threat 32: whatever happens in whatever order to a request that was put to two people, service and model agree on every
 * answer and every state. The model is DESIGN 3.5 in a few lines.
 */

let service: TestService;
let key: string;
let now = Date.now();
let runs = 0;

beforeAll(async () => {
  service = await startTestService({ now: () => now });
  key = await createKey(service);
});
afterAll(async () => {
  await service.close();
  await removeFolders();
});

const people = ['first', 'second'] as const;
type Who = (typeof people)[number];
const events = [
  ...people.flatMap((who) => [
    { kind: 'approve', who } as const,
    { kind: 'reject', who } as const,
    { kind: 'withdraw', who } as const,
    { kind: 'revoke', who } as const,
  ]),
  { kind: 'supersede' } as const,
  { kind: 'expire' } as const,
  { kind: 'redeem' } as const,
  { kind: 'redeem again' } as const,
];
type Event = (typeof events)[number];

type Status =
  'pending' | 'approved' | 'rejected' | 'expired' | 'cancelled' | 'superseded' | 'redeemed';

interface ModelOfOne {
  status: Status;
  wasApproved: boolean;
  isRevoked: boolean;
}

class Model {
  readonly of: Readonly<Record<Who, ModelOfOne>> = {
    first: { status: 'pending', wasApproved: false, isRevoked: false },
    second: { status: 'pending', wasApproved: false, isRevoked: false },
  };
  private isRedeemed = false;
  private get all(): readonly ModelOfOne[] {
    return people.map((who) => this.of[who]);
  }
  private get open(): readonly ModelOfOne[] {
    return this.all.filter(({ status }) => status === 'pending' || status === 'approved');
  }

  /** The HTTP status that an event must get, and what it changes. */
  apply(event: Event): number {
    switch (event.kind) {
      case 'approve':
      case 'reject': {
        const one = this.of[event.who];
        if (one.status !== 'pending') return 409;
        if (one.isRevoked) return 403;
        one.status = event.kind === 'approve' ? 'approved' : 'rejected';
        one.wasApproved = event.kind === 'approve';
        return 200;
      }
      case 'withdraw': {
        const one = this.of[event.who];
        if (!this.open.includes(one)) return 409;
        one.status = 'cancelled';
        return 200;
      }
      case 'revoke': {
        const one = this.of[event.who];
        if (one.isRevoked) return 404;
        one.isRevoked = true;
        return 204;
      }
      case 'supersede':
        for (const one of this.open) one.status = 'superseded';
        return 201;
      case 'expire':
        for (const one of this.open) one.status = 'expired';
        return 0;
      case 'redeem':
        return this.redeem();
      case 'redeem again':
        return this.isRedeemed ? 200 : this.redeem();
    }
  }

  private redeem(): number {
    if (this.isRedeemed) return 409;
    const spoiled = this.all.some(
      ({ status, wasApproved }) =>
        ['rejected', 'superseded', 'expired'].includes(status) ||
        (status === 'cancelled' && wasApproved),
    );
    if (spoiled || this.all.every(({ status }) => status === 'cancelled')) return 410;
    const approved = this.all.filter(({ status }) => status === 'approved');
    if (approved.length === 0) return 409;
    if (approved.some(({ isRevoked }) => isRevoked)) return 410;
    for (const one of this.open) one.status = one.wasApproved ? 'redeemed' : 'cancelled';
    this.isRedeemed = true;
    return 201;
  }
}

/** People whose passkey the last history has not revoked. */
const idle: Person[] = [];
async function takePerson(): Promise<Person> {
  return idle.pop() ?? (await enrol(service, `person${runs}-${idle.length}-${Math.random()}`));
}

class Reality {
  readonly persons: Readonly<Record<Who, Person>>;
  private readonly ids: Readonly<Record<Who, string>>;
  private readonly payloadHash: string;
  private readonly target: string;
  private firstUse: object | undefined;

  private constructor(o: {
    persons: Record<Who, Person>;
    ids: Record<Who, string>;
    payloadHash: string;
    target: string;
  }) {
    this.persons = o.persons;
    this.ids = o.ids;
    this.payloadHash = o.payloadHash;
    this.target = o.target;
  }

  static async start(): Promise<Reality> {
    runs += 1;
    now += 10_000;
    const target = `s${runs}`;
    const payload = currentPayload({ service: target }, { now });
    const persons = { first: await takePerson(), second: await takePerson() };
    const ask = async (who: Who) =>
      (await requestApproval(service, { key, username: persons[who].username, payload })).body;
    const [first, second] = [await ask('first'), await ask('second')];
    const ids = { first: first.id, second: second.id };
    return new Reality({ persons, ids, payloadHash: first.payloadHash, target });
  }

  async apply(event: Event): Promise<number> {
    switch (event.kind) {
      case 'approve':
      case 'reject': {
        const decision = event.kind === 'approve' ? 'approved' : 'rejected';
        const { status } = await decide(
          service,
          this.ids[event.who],
          this.persons[event.who],
          decision,
        );
        return status;
      }
      case 'withdraw': {
        const path = `/api/confirmations/${this.ids[event.who]}`;
        return (await call(service, path, { key, method: 'DELETE' })).status;
      }
      case 'revoke': {
        const path = `/api/passkeys/${this.persons[event.who].passkey.pinned.id}`;
        return (await call(service, path, { key: service.adminKey, method: 'DELETE' })).status;
      }
      case 'supersede': {
        const payload = currentPayload({ service: this.target }, { now });
        const username = this.persons.first.username;
        return (await requestApproval(service, { key, username, payload })).status;
      }
      case 'expire':
        now += 3_600_000;
        return 0;
      case 'redeem':
        return this.redeem(redemptionBody(this.payloadHash));
      case 'redeem again':
        return this.redeem(this.firstUse ?? redemptionBody(this.payloadHash));
    }
  }

  private async redeem(body: object): Promise<number> {
    const { status } = await redeem(service, { key, body });
    if (status === 201) this.firstUse = body;
    return status;
  }

  async read(who: Who): Promise<Answer> {
    return call(service, `/api/confirmations/${this.ids[who]}`, { key });
  }
}

async function agree(history: readonly Event[]): Promise<void> {
  const model = new Model();
  const reality = await Reality.start();
  const finals: Partial<Record<Who, string>> = {};
  for (const event of history) {
    expect([event, await reality.apply(event)]).toEqual([event, model.apply(event)]);
    for (const who of people) {
      const { status } = (await reality.read(who)).body;
      expect([event, who, status]).toEqual([event, who, model.of[who].status]);
      // Final is final.
      if (finals[who] !== undefined) expect(status).toBe(finals[who]);
      if (status !== 'pending' && status !== 'approved') finals[who] = status;
    }
  }
  for (const who of people) if (!model.of[who].isRevoked) idle.push(reality.persons[who]);
}

test('an approval, and every order of two events after it', async () => {
  for (const one of events) {
    for (const other of events) await agree([{ kind: 'approve', who: 'first' }, one, other]);
  }
}, 120_000);

test('any order of up to six events', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...events), { minLength: 3, maxLength: 6 }),
      (history) => agree(history),
    ),
    { numRuns: 60 },
  );
}, 120_000);
