import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { exitCodes } from '../../src/core/verdict.ts';
import { runProcess, type HostProcess } from '../../src/gate/process.ts';

/** A process that can be signalled and ended while the test goes on. */
class TestProcess extends EventEmitter implements HostProcess {
  exitCode: number | undefined = 1;
  /** The exit code of each ending; only the first would be one. */
  readonly endings: (number | undefined)[] = [];
  readonly stdout = new EventEmitter();
  readonly stderr = new EventEmitter();

  exit(code = this.exitCode): never {
    this.endings.push(code);
    return undefined as never;
  }
}

describe('the process of a gate', () => {
  let host: TestProcess;
  let reported: string[];
  beforeEach(() => {
    // Only what waits: turns of the event loop and clocks are real.
    jest.useFakeTimers({
      doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance', 'hrtime', 'Date'],
    });
    host = new TestProcess();
    reported = [];
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  type Run = Parameters<typeof runProcess>[0];
  const start = (run: Run) => runProcess(run, (message) => reported.push(message), host);
  const never = () => new Promise<never>(() => undefined);
  const untilHeard = (signal: AbortSignal) =>
    new Promise<void>((resolve) =>
      signal.addEventListener('abort', () => resolve(), { once: true }),
    );

  describe('a gate that ends', () => {
    test.each([0, 10, 40])('with %i gives the process this exit code', async (code) => {
      await start(() => Promise.resolve(code));
      expect(host.exitCode).toBe(code);
      expect(reported).toEqual([]);
    });

    test('ends the process soon, whatever is still open', async () => {
      await start(() => Promise.resolve(10));
      expect(host.endings).toEqual([]);
      jest.advanceTimersByTime(1_000);
      expect(host.endings).toEqual([10]);
    });

    test('has no exit code before', () => {
      void start(never);
      expect(host.exitCode).toBe(1);
      jest.advanceTimersByTime(3_600_000);
      expect(host.endings).toEqual([]);
    });

    test('keeps its exit code when nobody reads what it says', async () => {
      await start(() => {
        for (const stream of [host.stdout, host.stderr]) stream.emit('error', new Error('EPIPE'));
        return Promise.resolve(0);
      });
      expect(host.exitCode).toBe(0);
      expect(reported).toEqual([]);
    });
  });

  describe.each(['SIGINT', 'SIGTERM'])('%s', (name) => {
    test('is heard by the gate, and decides the exit code, whatever the gate says', async () => {
      let heard = false;
      await start(async (signal) => {
        expect(signal.aborted).toBe(false);
        setImmediate(() => host.emit(name));
        await untilHeard(signal);
        heard = true;
        expect(host.exitCode).toBe(exitCodes.interrupted);
        return 0;
      });
      expect(heard).toBe(true);
      expect(host.exitCode).toBe(exitCodes.interrupted);
    });

    test('that comes when the gate has said 0 still decides', async () => {
      await start(() => {
        setImmediate(() => host.emit(name));
        return Promise.resolve(0);
      });
      expect(host.exitCode).toBe(exitCodes.interrupted);
      jest.advanceTimersByTime(1_000);
      expect(host.endings).toEqual([exitCodes.interrupted]);
    });

    test('ends a gate that does not, once, and before the runner does after 7.5 s', () => {
      void start(never);
      host.emit(name);
      jest.advanceTimersByTime(2_000);
      host.emit('SIGTERM');
      jest.advanceTimersByTime(3_000);
      expect(host.endings).toEqual([]);
      jest.advanceTimersByTime(2_499);
      expect(host.endings).toEqual([exitCodes.interrupted]);
      jest.advanceTimersByTime(60_000);
      expect(host.endings).toHaveLength(1);
    });

    test('is left to a gate that takes it over', async () => {
      await start((signal, releaseSignals) => {
        releaseSignals();
        expect(host.emit(name)).toBe(false);
        expect(signal.aborted).toBe(false);
        return Promise.resolve(0);
      });
      expect(host.exitCode).toBe(0);
    });
  });

  describe('what nobody caught', () => {
    const bug = (what: string) =>
      `internal: This is a bug of Deploy Warrant, please report it: ${what} See docs/TROUBLESHOOTING.md#internal.`;
    const withStack = Object.assign(new Error('no'), { stack: 'Error: no at deploy' });
    const withoutStack = Object.assign(new Error('no'), { stack: undefined });

    test.each([
      ['an error, with its stack', withStack, 'Error: no at deploy'],
      ['an error without one', withoutStack, 'no'],
      ['a value that is no error', undefined, 'undefined'],
    ])('is told and ends with 70: %s', async (_name, error, what) => {
      for (const event of ['unhandledRejection', 'uncaughtException']) {
        host = new TestProcess();
        void start(never);
        host.emit(event, error);
        expect(host.endings).toEqual([exitCodes.internal]);
        expect(host.exitCode).toBe(exitCodes.internal);
      }
      host = new TestProcess();
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- anything can be thrown
      await start(() => Promise.reject(error));
      expect(host.endings).toEqual([exitCodes.internal]);
      expect(host.exitCode).toBe(exitCodes.internal);
      expect(reported).toEqual([bug(what), bug(what), bug(what)]);
    });
  });
});
