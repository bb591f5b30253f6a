/**
 * The life of one payload that is put to two people, as DESIGN 3.3 and 3.5 tell it, in a few lines that share nothing with the
 * service: what every event must be answered, and what has become of both confirmations after it.
 */

export const people = ['first', 'second'] as const;
export type Who = (typeof people)[number];

/** Answers of a passkey that are no approval: of somebody else, for another purpose, without its user verified, by another key. */
const forgeries = ['of another', 'of a rejection', 'unverified', 'by another key'] as const;
export type Forgery = (typeof forgeries)[number];

export type Event =
  | {
      readonly kind: 'ask' | 'approve' | 'reject' | 'take back' | 'withdraw' | 'revoke passkey';
      readonly who: Who;
    }
  | { readonly kind: 'forge'; readonly who: Who; readonly how: Forgery }
  /** `redeem` is always the same verify process, `redeem elsewhere` another one each time. */
  | { readonly kind: 'supersede' | 'expire' | 'redeem' | 'redeem elsewhere' };

/** Every event that these people can bring about. */
export function eventsOf(of: readonly Who[]): readonly Event[] {
  return [
    ...of.flatMap((who): readonly Event[] => [
      { kind: 'ask', who },
      { kind: 'approve', who },
      { kind: 'reject', who },
      { kind: 'take back', who },
      { kind: 'withdraw', who },
      { kind: 'revoke passkey', who },
      ...forgeries.map((how) => ({ kind: 'forge', who, how }) as const),
    ]),
    { kind: 'supersede' },
    { kind: 'expire' },
    { kind: 'redeem' },
    { kind: 'redeem elsewhere' },
  ];
}

type Status =
  'pending' | 'approved' | 'rejected' | 'expired' | 'cancelled' | 'superseded' | 'redeemed';

interface One {
  readonly status: Status | 'not asked';
  readonly approvedOnce: boolean;
  readonly passkeyRevoked: boolean;
}

type LifeParts = Partial<Pick<Life, 'of' | 'isOver' | 'usedBy'>>;

const newcomer: One = { status: 'not asked', approvedOnce: false, passkeyRevoked: false };

/** Never changes: an event gives an answer, and the life after it. */
export class Life {
  readonly of: Readonly<Record<Who, One>>;
  /** Whether its time is over. */
  readonly isOver: boolean;
  readonly usedBy: 'nobody' | 'one' | 'another';

  constructor(o: LifeParts = {}) {
    this.of = o.of ?? { first: newcomer, second: newcomer };
    this.isOver = o.isOver ?? false;
    this.usedBy = o.usedBy ?? 'nobody';
  }

  /** The HTTP status that the event must get (0 for time that passes), and what follows. */
  after(event: Event): { readonly answer: number; readonly life: Life } {
    switch (event.kind) {
      case 'supersede':
        return { answer: 201, life: this.withOpenOnes('superseded') };
      case 'expire':
        return { answer: 0, life: this.withOpenOnes('expired', { isOver: true }) };
      case 'redeem':
        return this.usedBy === 'one' ? this.unchanged(200) : this.redeemed('one');
      case 'redeem elsewhere':
        return this.redeemed('another');
      default:
        return this.afterDeed(event);
    }
  }

  private afterDeed(event: Extract<Event, { readonly who: Who }>) {
    const { who, kind } = event;
    const one = this.of[who];
    switch (kind) {
      case 'ask':
        if (one.status !== 'not asked') return this.unchanged(201);
        if (this.isOver) return this.unchanged(422);
        if (this.has('superseded')) return this.unchanged(410);
        return this.with(201, who, { status: 'pending' });
      case 'approve':
      case 'reject':
      case 'forge':
        if (one.status !== 'pending') return this.unchanged(409);
        if (one.passkeyRevoked || kind === 'forge') return this.unchanged(403);
        return kind === 'approve'
          ? this.with(200, who, { status: 'approved', approvedOnce: true })
          : this.with(200, who, { status: 'rejected' });
      case 'take back':
        if (one.status !== 'approved') return this.unchanged(409);
        if (one.passkeyRevoked) return this.unchanged(403);
        return this.with(200, who, { status: 'cancelled' });
      case 'withdraw':
        if (!isOpen(one)) return this.unchanged(409);
        return this.with(200, who, { status: 'cancelled' });
      case 'revoke passkey':
        if (one.passkeyRevoked) return this.unchanged(404);
        return this.with(204, who, { passkeyRevoked: true });
    }
  }

  private redeemed(by: 'one' | 'another') {
    const asked = this.all.filter(({ status }) => status !== 'not asked');
    if (asked.length === 0) return this.unchanged(404);
    if (this.usedBy !== 'nobody') return this.unchanged(409);
    const refused =
      this.has('rejected') ||
      this.has('superseded') ||
      this.has('expired') ||
      asked.some(({ status, approvedOnce }) => status === 'cancelled' && approvedOnce) ||
      asked.every(({ status }) => status === 'cancelled');
    if (refused) return this.unchanged(410);
    const approved = asked.filter(({ status }) => status === 'approved');
    if (approved.length === 0) return this.unchanged(409);
    if (approved.some(({ passkeyRevoked }) => passkeyRevoked)) return this.unchanged(410);
    const of = this.mapped((one) =>
      isOpen(one) ? { ...one, status: one.approvedOnce ? 'redeemed' : 'cancelled' } : one,
    );
    return { answer: 201, life: this.next({ of, usedBy: by }) };
  }

  private get all(): readonly One[] {
    return people.map((who) => this.of[who]);
  }

  private has(status: Status): boolean {
    return this.all.some((one) => one.status === status);
  }

  private next(change: LifeParts): Life {
    const { of, isOver, usedBy } = this;
    return new Life({ of, isOver, usedBy, ...change });
  }

  private unchanged(answer: number) {
    return { answer, life: this as Life };
  }

  private with(answer: number, who: Who, change: Partial<One>) {
    const of = { ...this.of, [who]: { ...this.of[who], ...change } };
    return { answer, life: this.next({ of }) };
  }

  private withOpenOnes(status: Status, change: { readonly isOver?: boolean } = {}): Life {
    const of = this.mapped((one) => (isOpen(one) ? { ...one, status } : one));
    return this.next({ ...change, of });
  }

  private mapped(change: (one: One) => One): Record<Who, One> {
    return { first: change(this.of.first), second: change(this.of.second) };
  }
}

function isOpen({ status }: One): boolean {
  return status === 'pending' || status === 'approved';
}
