import type { ClientDependencies } from '../../src/client/dependencies.ts';
import { createTransport } from '../../src/client/transport.ts';
import { createTestClock, type TestClock } from '../support/test-clock.ts';

export const apiKey = 'dw_request_0123456789abcdefghijklmnopqrstuvwxyz';

export interface TestDependencies extends ClientDependencies {
  readonly clock: TestClock;
  readonly lines: readonly string[];
  readonly stop: AbortController;
}

/** Dependencies with a clock that jumps, over real requests; a try that gets no answer is given up after `tryMs`. */
export function testDependencies(apiUrl: string, tryMs = 150): TestDependencies {
  const clock = createTestClock();
  const lines: string[] = [];
  const stop = new AbortController();
  const real = createTransport({ apiUrl, apiKey });
  const transport = clock.watch({
    host: real.host,
    send: (request) => real.send({ ...request, timeoutMs: Math.min(request.timeoutMs, tryMs) }),
  });
  return {
    transport,
    now: clock.now,
    sleep: clock.sleep,
    random: () => 0.5,
    log: (line) => lines.push(line),
    signal: stop.signal,
    clock,
    lines,
    stop,
  };
}
