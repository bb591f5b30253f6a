import { expect, test } from '@jest/globals';
import { watchClock } from '../../src/client/clock.ts';
import type { ApiResponse } from '../../src/client/http.ts';

/** A transport that gives these answers, watched by a machine whose clock says `now`. */
function watched(now: number, dates: readonly (number | undefined)[]) {
  const lines: string[] = [];
  const left = [...dates];
  const send = (): Promise<ApiResponse> => {
    const date = left.shift();
    const answer = { status: 200, headers: {}, body: new Uint8Array() };
    return Promise.resolve(date === undefined ? answer : { ...answer, date });
  };
  const log = (line: string) => lines.push(line);
  const transport = watchClock({ host: 'approve.example.com', send }, { now: () => now, log });
  const ask = () => transport.send({ method: 'GET', path: '/x', timeoutMs: 1 });
  return { transport, ask, lines };
}

test('an answer without a date leaves the time of the last one that had one', async () => {
  const { transport, ask, lines } = watched(1_000_000, [undefined, 1_000_500, undefined]);
  await ask();
  expect(transport.serviceTime()).toBeUndefined();
  await ask();
  await ask();
  expect(transport.serviceTime()).toBe(1_000_500);
  expect(lines).toEqual([]);
});

test('a clock that is more than a minute off is told of once', async () => {
  const { ask, lines } = watched(1_000_000, [1_060_000, 1_061_000, 900_000]);
  await ask();
  expect(lines).toEqual([]);
  await ask();
  await ask();
  expect(lines).toEqual([
    "Warning: this machine's clock is 61 s behind that of approve.example.com. An approval counts only while it is valid by both: set the clock.",
  ]);
});
