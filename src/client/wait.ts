import type { ConfirmationStatus } from '../core/api.ts';
import type { Fault } from '../core/fault.ts';
import { interrupted, Passing } from './answers.ts';
import { pollConfirmation, type StatedConfirmation } from './confirmations.ts';
import type { ClientDependencies } from './dependencies.ts';
import { Pace } from './pace.ts';
import { showProgress, type Asked } from './progress.ts';
import { backOffMs, pause } from './retry.ts';

export type { Asked } from './progress.ts';

export interface WaitOptions {
  readonly asked: readonly Asked[];
  /** Whether the approvals of these people open the gate. */
  readonly isEnough: (approvers: readonly string[]) => boolean;
  readonly payloadHash: string;
  /** Epoch milliseconds: decide by. */
  readonly deadline: number;
}

/** How a wait ended; statuses are what the service says, no evidence. */
type WaitEnd =
  | { readonly kind: 'quorum'; readonly approved: readonly Asked[] }
  /** One person rejected, or so many confirmations lapsed that the quorum can't be reached. */
  | { readonly kind: 'closed'; readonly by: Asked; readonly confirmation: StatedConfirmation }
  | { readonly kind: 'timed_out' };

export interface WaitResult {
  readonly end: WaitEnd;
  /** Those without an answer, which may still be withdrawn. */
  readonly undecided: readonly Asked[];
}

/** How long the service may hold one question open, and how much longer we wait for that. */
const longPollSeconds = 25;
const answerMs = 10_000;
/** The last questions are asked so that their answers are here before the deadline. */
const lastAskMs = 2_000;
const answerMarginMs = 1_000;
/** Answers in a row that are empty or a page in place of JSON. */
const maxUnreadable = 3;

/**
 * Waits for people. Each confirmation is polled for its decision; all together at most 3 requests a minute while nothing happens.
 * The first rejection ends it, and so does a quorum, or that none can be reached any more.
 * @throws Fault when the service can't be reached until the deadline, refuses, does not speak the protocol, or on interruption
 */
export async function waitForDecisions(
  deps: ClientDependencies,
  options: WaitOptions,
): Promise<WaitResult> {
  return new Wait(deps, options).run();
}

class Wait {
  /** With a signal that also aborts when the wait has ended. */
  private readonly deps: ClientDependencies;
  private readonly interruption: AbortSignal;
  private readonly options: WaitOptions;
  private readonly pace: Pace;
  private readonly decided = new Map<Asked, ConfirmationStatus>();
  private readonly ended = new AbortController();
  private end: WaitEnd | { readonly kind: 'fault'; readonly error: unknown } | undefined;
  /** What the last answer was: nothing while the service says "pending". */
  private trouble: Fault | undefined;

  constructor(deps: ClientDependencies, options: WaitOptions) {
    const signal = AbortSignal.any([deps.signal, this.ended.signal]);
    this.deps = { ...deps, signal };
    this.interruption = deps.signal;
    this.options = options;
    this.pace = new Pace(this.deps);
  }

  async run(): Promise<WaitResult> {
    const { asked, deadline } = this.options;
    const progress = showProgress(this.deps, {
      deadline,
      waitingFor: () => this.undecided(),
      trouble: () => this.trouble?.message,
    });
    await Promise.all(asked.map((one) => this.watch(one)));
    this.ended.abort();
    await progress;
    return { end: this.outcome(), undecided: this.undecided() };
  }

  private outcome(): WaitEnd {
    const { end, trouble } = this;
    if (end?.kind === 'fault') throw end.error;
    if (end !== undefined) return end;
    if (this.interruption.aborted) throw interrupted({ phase: 'wait', requestId: this.ids() });
    if (trouble !== undefined) throw trouble;
    return { kind: 'timed_out' };
  }

  /** Follows one confirmation until it is decided or the wait is over. Never throws. */
  private async watch(one: Asked): Promise<void> {
    try {
      const confirmation = await this.follow(one);
      if (confirmation !== undefined) this.conclude(one, confirmation);
    } catch (error) {
      this.finish({ kind: 'fault', error });
    }
  }

  private async follow({ id }: Asked): Promise<StatedConfirmation | undefined> {
    const { payloadHash } = this.options;
    let failures = 0;
    let unreadable = 0;
    for (;;) {
      if (failures === 0) await this.pace.turn(this.remainingMs() - lastAskMs);
      const remainingMs = this.remainingMs();
      if (this.stopped() || remainingMs <= 0) return undefined;
      const seconds = Math.floor((remainingMs - answerMarginMs) / 1000);
      const waitSeconds = Math.max(0, Math.min(longPollSeconds, seconds));
      try {
        const confirmation = await pollConfirmation(this.deps, {
          id,
          payloadHash,
          waitSeconds,
          timeoutMs: Math.min(waitSeconds * 1000 + answerMs, remainingMs),
        });
        this.trouble = undefined;
        failures = 0;
        unreadable = 0;
        if (confirmation.status !== 'pending') return confirmation;
        if (this.remainingMs() <= lastAskMs) {
          await this.sleep(this.remainingMs());
          return undefined;
        }
      } catch (error) {
        if (this.stopped()) return undefined;
        if (!(error instanceof Passing)) throw error;
        this.trouble = error.fault;
        failures += 1;
        if (error.kind === 'unreadable') unreadable += 1;
        if (unreadable > maxUnreadable) throw error.fault;
        await this.sleep(
          Math.min(backOffMs(failures, error.retryAfterMs, this.deps), this.remainingMs()),
        );
      }
    }
  }

  private conclude(one: Asked, confirmation: StatedConfirmation): void {
    const { asked, isEnough } = this.options;
    const { status } = confirmation;
    this.decided.set(one, status);
    const approved = asked.filter((each) => this.decided.get(each) === 'approved');
    const reachable = isEnough(namesOf([...approved, ...this.undecided()]));
    if (status === 'rejected' || status === 'redeemed' || !reachable) {
      this.finish({ kind: 'closed', by: one, confirmation });
    } else if (isEnough(namesOf(approved))) {
      this.finish({ kind: 'quorum', approved });
    } else {
      this.pace.reset();
    }
  }

  private finish(end: NonNullable<Wait['end']>): void {
    this.end ??= end;
    this.ended.abort();
  }

  private stopped(): boolean {
    return this.deps.signal.aborted;
  }

  private undecided(): readonly Asked[] {
    return this.options.asked.filter((one) => !this.decided.has(one));
  }

  private ids(): string {
    return this.options.asked.map(({ id }) => id).join(',');
  }

  private remainingMs(): number {
    return this.options.deadline - this.deps.now();
  }

  private async sleep(ms: number): Promise<void> {
    await pause(ms, this.deps.signal, this.deps);
  }
}

function namesOf(people: readonly Asked[]): readonly string[] {
  return people.map(({ approver }) => approver);
}
