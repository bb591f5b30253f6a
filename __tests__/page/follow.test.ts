import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { follow } from '../../src/service/page/follow.ts';

type Answer = 'more' | 'done' | Error;

/** Polls that are answered by the test, one after the other. */
class Polls {
  readonly waits: number[] = [];
  readonly signals: AbortSignal[] = [];
  readonly troubles: unknown[] = [];
  #answer: (answer: Answer) => void = () => undefined;
  readonly stop = follow({
    next: (signal, waitSeconds) => {
      this.waits.push(waitSeconds);
      this.signals.push(signal);
      return new Promise((resolve, reject) => {
        this.#answer = (answer) => (answer instanceof Error ? reject(answer) : resolve(answer));
        signal.addEventListener('abort', () => reject(new Error('aborted')));
      });
    },
    onTrouble: (error) => this.troubles.push(error),
  });

  /** Answers the poll that waits, and lets so much time pass. @returns how many polls there were until now */
  async answer(answer: Answer, ms: number): Promise<number> {
    this.#answer(answer);
    return this.pass(ms);
  }

  async pass(ms: number): Promise<number> {
    await jest.advanceTimersByTimeAsync(ms);
    return this.waits.length;
  }
}

const down = new Error('The service cannot be reached.');
const tab = Object.assign(new EventTarget(), { visibilityState: 'visible' });
const turn = (visibilityState: string): void => {
  tab.visibilityState = visibilityState;
  tab.dispatchEvent(new Event('visibilitychange'));
};

describe('following', () => {
  beforeEach(() => {
    jest.useFakeTimers();
    Object.assign(globalThis, { document: tab });
  });
  afterEach(() => {
    jest.useRealTimers();
    Reflect.deleteProperty(globalThis, 'document');
  });

  test('polls long, at most twice a second, until nothing will change any more', async () => {
    const polls = new Polls();
    expect(polls.waits).toEqual([25]);
    expect(await polls.answer('more', 499)).toBe(1);
    expect(await polls.pass(1)).toBe(2);
    // An answer that took its time is followed by the next poll at once.
    await polls.pass(25_000);
    expect(await polls.answer('more', 0)).toBe(3);
    expect(await polls.answer('done', 60_000)).toBe(3);
    expect(polls.waits).toEqual([25, 25, 25]);
    expect(polls.troubles).toEqual([]);
  });

  test('tries again after growing pauses while it fails, and says when all is well', async () => {
    const polls = new Polls();
    for (const [failures, pause] of [1000, 2000, 4000, 8000, 15_000, 15_000].entries()) {
      expect(await polls.answer(down, pause - 1)).toBe(failures + 1);
      expect(await polls.pass(1)).toBe(failures + 2);
    }
    expect(polls.troubles).toEqual(Array<Error>(6).fill(down));
    await polls.answer('more', 500);
    expect(polls.troubles.slice(6)).toEqual([undefined]);
    // Right after trouble it does not wait for news, so that it soon knows that all is well.
    expect(polls.waits).toEqual([25, 0, 0, 0, 0, 0, 0, 25]);
    await polls.answer(down, 999);
    expect(polls.waits).toHaveLength(8);
    polls.stop();
  });

  test('says so too when the first answer after trouble is the last', async () => {
    const polls = new Polls();
    await polls.answer(down, 1000);
    expect(await polls.answer('done', 60_000)).toBe(2);
    expect(polls.troubles).toEqual([down, undefined]);
  });

  test('asks at once when the page comes back to the foreground, and takes that for no trouble', async () => {
    const polls = new Polls();
    turn('hidden');
    expect(await polls.pass(0)).toBe(1);
    turn('visible');
    expect(await polls.pass(0)).toBe(2);
    expect(polls.signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    expect(polls.troubles).toEqual([]);
    // So it does in the middle of a pause.
    await polls.answer(down, 0);
    turn('visible');
    expect(await polls.pass(0)).toBe(3);
    polls.stop();
  });

  test.each([
    ['while a poll waits', () => Promise.resolve(1)],
    ['in a pause after trouble', (polls: Polls) => polls.answer(down, 0)],
    ['in a pause after an answer', (polls: Polls) => polls.answer('more', 0)],
  ])('stops for good %s', async (_, until) => {
    const polls = new Polls();
    await until(polls);
    const before = [...polls.troubles];
    polls.stop();
    turn('visible');
    expect(await polls.pass(60_000)).toBe(1);
    expect(polls.signals[0]!.aborted).toBe(true);
    expect(polls.troubles).toEqual(before);
  });
});
