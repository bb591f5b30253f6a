import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { liveTime, localTime, setServiceTime, timeAgo } from '../../src/service/page/clock.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
/** The service's time: noon, to the half second that a `Date` header leaves open. */
const noon = Date.parse('2026-11-22T12:00:00.500Z');
const header = 'Sun, 22 Nov 2026 12:00:00 GMT';

/** As much of an element as a live time needs, whose text says how often it was set. */
class Place {
  isConnected = true;
  changes = 0;
  #text = '';
  get textContent(): string {
    return this.#text;
  }
  set textContent(text: string) {
    this.#text = text;
    this.changes += 1;
  }
}

const showLeft = (moment: number): Place => {
  const place = new Place();
  liveTime(place as unknown as HTMLElement, moment, (left) => left ?? 'over');
  return place;
};

describe('the page’s clock', () => {
  beforeEach(() => {
    // A phone that is three hours slow.
    jest.useFakeTimers({ now: noon - 3 * hour });
    setServiceTime(header);
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test.each([
    [5 * day + hour, '5 days'],
    [2 * day, '2 days'],
    [2 * day - minute, '47 h 59 min'],
    [hour, '1 h 0 min'],
    [hour - second, '59 min'],
    [3 * minute, '3 min'],
    [3 * minute - second, '2 min 59 s'],
    [minute, '1 min 0 s'],
    [minute - second, '59 s'],
    [second, '1 s'],
    [second - 1, 'over'],
    [0, 'over'],
    [-day, 'over'],
  ])('says that %d ms of the service’s time are %j', (left, text) => {
    expect(showLeft(noon + left).textContent).toBe(text);
  });

  test.each([
    [-minute, 'just now'],
    [minute - 1, 'just now'],
    [minute, '1 minute ago'],
    [hour - 1, '59 minutes ago'],
    [hour, '1 hour ago'],
    [2 * day - 1, '47 hours ago'],
    [2 * day, '2 days ago'],
  ])('says that %d ms ago of the service’s time was %j', (past, text) => {
    expect(timeAgo(noon - past)).toBe(text);
  });

  test.each([null, '', 'yesterday', '\u0000'])(
    'keeps its time where an answer has none: %j',
    (none) => {
      setServiceTime(none);
      expect(showLeft(noon + minute).textContent).toBe('1 min 0 s');
    },
  );

  test('counts down by itself, writes only what changed, and stops with its place', () => {
    const place = showLeft(noon + 3 * minute + 3 * second);
    expect(place.textContent).toBe('3 min');
    jest.advanceTimersByTime(3 * second);
    expect([place.textContent, place.changes]).toEqual(['3 min', 1]);
    jest.advanceTimersByTime(second);
    expect([place.textContent, place.changes]).toEqual(['2 min 59 s', 2]);
    jest.advanceTimersByTime(3 * minute);
    expect(place.textContent).toBe('over');
    expect(jest.getTimerCount()).toBe(1);
    place.isConnected = false;
    jest.advanceTimersByTime(second);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('names the day where it is not today', () => {
    const name = new Intl.DateTimeFormat(undefined, { weekday: 'short' });
    for (const [moment, isNamed] of [
      [noon, false],
      [noon + 7 * day, true],
      [noon - 7 * day, true],
    ] as const) {
      expect(localTime(moment).includes(name.format(moment))).toBe(isNamed);
    }
  });
});
