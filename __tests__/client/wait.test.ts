import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ConfirmationStatus } from '../../src/core/api.ts';
import { Fault } from '../../src/core/fault.ts';
import { TransportError, type ApiResponse } from '../../src/client/http.ts';
import { backOffMs } from '../../src/client/retry.ts';
import { waitForDecisions, type Asked, type WaitResult } from '../../src/client/wait.ts';
import { createTestClock } from '../support/test-clock.ts';

const payloadHash = 'a'.repeat(64);
const minute = 60_000;
const second = 1_000;

const person = (approver: string, digit: string): Asked => ({
  id: `${digit.repeat(8)}-2222-4333-8444-555555555555`,
  approver,
  url: `https://approve.example.com/approve/${digit}`,
});
const alex = person('alex', 'a');
const dana = person('dana', 'b');
const kim = person('kim', 'c');

/** At which moment after the start somebody decides what. */
type Plan = ReadonlyMap<Asked, { readonly atMs: number; readonly status: ConfirmationStatus }>;
const plan = (...entries: readonly (readonly [Asked, number, ConfirmationStatus])[]): Plan =>
  new Map(entries.map(([one, atMs, status]) => [one, { atMs, status }]));

interface Run {
  readonly asked: readonly Asked[];
  readonly quorum?: number;
  readonly decisions?: Plan;
  readonly deadlineMs?: number;
  /** The service is down from and until these moments. */
  readonly outages?: readonly (readonly [number, number])[];
  /** Whether the service holds a question open. */
  readonly holds?: boolean;
  /** The process is ended at this moment. */
  readonly stopAtMs?: number;
  /** How long an answer is on its way. */
  readonly latencyMs?: number;
}

interface Ran {
  readonly result: WaitResult | undefined;
  readonly fault: Fault | undefined;
  /** When each request was made, and for whom. */
  readonly requests: readonly {
    readonly atMs: number;
    readonly one: Asked;
    readonly waitSeconds: number;
  }[];
  readonly endedMs: number;
  readonly lines: readonly { readonly atMs: number; readonly line: string }[];
}

/** One wait against a service in virtual time that long-polls as ours does. */
async function run(options: Run): Promise<Ran> {
  const { asked, quorum = 1, decisions = new Map(), deadlineMs = 30 * minute } = options;
  const { outages = [], holds = true, stopAtMs, latencyMs = 0 } = options;
  const clock = createTestClock();
  const start = clock.now();
  const requests: Ran['requests'][number][] = [];
  const lines: Ran['lines'][number][] = [];
  const stop = new AbortController();
  const since = () => clock.now() - start;
  const answer = (one: Asked): ApiResponse => {
    const decision = decisions.get(one);
    const status = decision !== undefined && decision.atMs <= since() ? decision.status : 'pending';
    const body = { id: one.id, status, payloadHash, expiresAt: '2026-11-22T11:00:00Z' };
    const headers = { 'content-type': 'application/json' };
    return { status: 200, headers, body: Buffer.from(JSON.stringify(body)) };
  };
  const sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
    await clock.sleep(ms, signal).catch(() => {
      throw new TransportError('aborted', 'it was stopped');
    });
  };
  const deps = {
    now: clock.now,
    sleep: clock.sleep,
    random: () => 0.5,
    log: (line: string) => lines.push({ atMs: since(), line }),
    signal: stop.signal,
    transport: {
      host: 'approve.example.com',
      send: async ({
        path,
        timeoutMs,
        signal,
      }: {
        path: string;
        timeoutMs: number;
        signal?: AbortSignal;
      }) => {
        const [, id, wait] = /^\/confirmations\/([0-9a-f-]{36})\?wait=(\d+)$/.exec(path)!;
        const one = asked.find((each) => each.id === id)!;
        requests.push({ atMs: since(), one, waitSeconds: Number(wait) });
        const deadline = since() + timeoutMs;
        const down = outages.some(([from, until]) => since() >= from && since() < until);
        if (down) throw new TransportError('unreachable', 'the connection failed: ECONNREFUSED');
        const decidedMs = decisions.get(one)?.atMs ?? Infinity;
        const heldMs = holds
          ? Math.min(Number(wait) * second, Math.max(decidedMs - since(), 0))
          : 0;
        await sleep(Math.min(heldMs + latencyMs, deadline - since()), signal);
        if (heldMs + latencyMs > timeoutMs)
          throw new TransportError('unreachable', 'no whole answer');
        return answer(one);
      },
    },
  };
  if (stopAtMs !== undefined) void clock.sleep(stopAtMs).then(() => stop.abort());
  let result: WaitResult | undefined;
  let fault: Fault | undefined;
  try {
    const deadline = start + deadlineMs;
    const isEnough = (names: readonly string[]) => names.length >= quorum;
    result = await waitForDecisions(deps, { asked, isEnough, payloadHash, deadline });
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    fault = error;
  }
  return { result, fault, requests, endedMs: since(), lines };
}

/** The most requests in any minute that ends before the last moments. */
function busiestMinute({ requests, endedMs }: Ran): number {
  const times = requests.map(({ atMs }) => atMs).filter((at) => at < endedMs - 3 * second);
  return Math.max(...times.map((at) => times.filter((t) => t >= at && t < at + minute).length));
}

describe('one person', () => {
  test('is watched without a gap: the decision is seen the moment it is made', async () => {
    for (const atMs of [0, 1, 24_999, 25_000, 25_001, 61_234, 20 * minute + 7]) {
      const ran = await run({ asked: [alex], decisions: plan([alex, atMs, 'approved']) });
      expect(ran.result).toEqual({ end: { kind: 'quorum', approved: [alex] }, undecided: [] });
      expect(ran.endedMs).toBe(atMs);
    }
  });

  test('costs at most 3 requests a minute while nothing happens', async () => {
    const ran = await run({ asked: [alex] });
    expect(busiestMinute(ran)).toBeLessThanOrEqual(3);
    expect(ran.requests.length).toBeGreaterThan(70);
    expect(ran.requests.length).toBeLessThanOrEqual(90);
  });

  test('costs no more where the service does not hold the question open', async () => {
    const ran = await run({ asked: [alex], holds: false });
    expect(busiestMinute(ran)).toBeLessThanOrEqual(3);
  });

  test.each(['rejected', 'expired', 'cancelled', 'superseded', 'redeemed'] as const)(
    'who is %s ends it',
    async (status) => {
      const ran = await run({ asked: [alex], decisions: plan([alex, 5 * second, status]) });
      expect(ran.result?.end).toMatchObject({ kind: 'closed', by: alex, confirmation: { status } });
      expect(ran.endedMs).toBe(5 * second);
      expect(ran.requests).toHaveLength(1);
    },
  );
});

describe('several people', () => {
  test.each([2, 3, 5])('%i of them share one budget of 3 requests a minute', async (count) => {
    const asked = Array.from({ length: count }, (_, i) => person(`p${i}`, i.toString(16)));
    const ran = await run({ asked });
    expect(busiestMinute(ran)).toBeLessThanOrEqual(3);
    for (const one of asked) {
      expect(ran.requests.filter((request) => request.one === one).length).toBeGreaterThan(10);
    }
    expect(ran.result).toEqual({ end: { kind: 'timed_out' }, undecided: asked });
  });

  test('who does not hold the question open: they still do', async () => {
    const ran = await run({ asked: [alex, dana, kim], holds: false });
    expect(busiestMinute(ran)).toBeLessThanOrEqual(3);
  });

  test('a quorum of two opens when the second has approved', async () => {
    const ran = await run({
      asked: [alex, dana, kim],
      quorum: 2,
      decisions: plan([dana, 30 * second, 'approved'], [kim, 40 * second, 'approved']),
    });
    expect(ran.result).toEqual({
      end: { kind: 'quorum', approved: [dana, kim] },
      undecided: [alex],
    });
    // Dana is seen in her turn, and that makes the others be asked at once.
    expect(ran.endedMs).toBeLessThanOrEqual(60 * second);
  });

  test('a decision makes the others be asked at once', async () => {
    const ran = await run({
      asked: [alex, dana],
      quorum: 2,
      decisions: plan([alex, 3 * second, 'approved'], [dana, 5 * second, 'approved']),
    });
    expect(ran.endedMs).toBe(5 * second);
  });

  test('a quorum of two is not one person', async () => {
    const ran = await run({
      asked: [alex, dana],
      quorum: 2,
      decisions: plan([alex, 3 * second, 'approved']),
    });
    expect(ran.result).toEqual({ end: { kind: 'timed_out' }, undecided: [dana] });
  });

  test('one rejection closes it for all', async () => {
    const ran = await run({
      asked: [alex, dana, kim],
      quorum: 1,
      decisions: plan([alex, 2 * second, 'rejected']),
    });
    expect(ran.result).toMatchObject({
      end: { kind: 'closed', by: alex, confirmation: { status: 'rejected' } },
      undecided: [dana, kim],
    });
    expect(ran.endedMs).toBe(2 * second);
  });

  test('a lapsed confirmation closes it only when the quorum can not be reached any more', async () => {
    const decisions = plan(
      [alex, 2 * second, 'expired'],
      [dana, 5 * second, 'cancelled'],
      [kim, 2 * minute, 'approved'],
    );
    const enough = await run({ asked: [alex, dana, kim], quorum: 1, decisions });
    expect(enough.result?.end).toEqual({ kind: 'quorum', approved: [kim] });

    const short = await run({ asked: [alex, dana, kim], quorum: 2, decisions });
    expect(short.result?.end).toMatchObject({
      kind: 'closed',
      confirmation: { status: 'cancelled' },
    });
    expect(short.endedMs).toBeLessThan(minute);
  });

  test('the end of one question ends the others', async () => {
    const ran = await run({
      asked: [alex, dana],
      decisions: plan([alex, 24 * second, 'approved']),
    });
    const after = ran.requests.filter(({ atMs }) => atMs > 24 * second);
    expect(after).toEqual([]);
    expect(ran.endedMs).toBe(24 * second);
  });
});

describe('the deadline', () => {
  test.each([1, 2, 3])('with %i people it ends timed out, not a moment later', async (count) => {
    const asked = [alex, dana, kim].slice(0, count);
    const ran = await run({ asked, latencyMs: 200 });
    expect(ran.result?.end).toEqual({ kind: 'timed_out' });
    expect(ran.endedMs).toBe(30 * minute);
  });

  test('everybody is asked once more just before it', async () => {
    const ran = await run({
      asked: [alex, dana, kim],
      decisions: plan([kim, 29.9 * minute, 'approved']),
    });
    expect(ran.result?.end).toEqual({ kind: 'quorum', approved: [kim] });
  });

  test('no question is held open beyond it', async () => {
    const ran = await run({ asked: [alex], deadlineMs: 40 * second });
    for (const { atMs, waitSeconds } of ran.requests) {
      expect(atMs + waitSeconds * second).toBeLessThan(40 * second);
    }
  });

  test('with a last contact that failed it is an outage, 30', async () => {
    const ran = await run({ asked: [alex], outages: [[29 * minute, Infinity]] });
    expect(ran.fault).toMatchObject({ code: 'service_unreachable' });
    expect(ran.endedMs).toBe(30 * minute);
  });

  test('with a last contact that said pending it is timed out, 12, whatever happened before', async () => {
    const ran = await run({ asked: [alex], outages: [[minute, 29 * minute]] });
    expect(ran.result?.end).toEqual({ kind: 'timed_out' });
  });

  test('a service that takes the last question and never answers is an outage', async () => {
    const ran = await run({ asked: [alex], deadlineMs: minute, latencyMs: 50 * second });
    expect(ran.fault).toMatchObject({ code: 'service_unreachable' });
    expect(ran.endedMs).toBe(minute);
  });
});

describe('an outage', () => {
  test('is no rejection: the decision after it counts', async () => {
    const ran = await run({
      asked: [alex],
      outages: [[10 * second, 10 * minute]],
      decisions: plan([alex, 5 * minute, 'approved']),
    });
    expect(ran.result?.end).toEqual({ kind: 'quorum', approved: [alex] });
    expect(ran.endedMs).toBeLessThan(10.6 * minute);
    // Back-off, not a hot loop.
    expect(ran.requests.length).toBeLessThan(60);
  });

  test('is told in the progress line', async () => {
    const ran = await run({ asked: [alex], outages: [[0, 5 * minute]] });
    const told = ran.lines.filter(({ line }) => line.includes('trying again after'));
    expect(told).toHaveLength(10);
    expect(told[0]!.line).toContain('approve.example.com');
    expect(ran.lines.at(-1)!.line).not.toContain('trying again');
  });
});

describe('the progress line', () => {
  test('comes every 30 seconds with link and time left', async () => {
    const ran = await run({ asked: [alex, dana], deadlineMs: 5 * minute });
    expect(ran.lines.map(({ atMs }) => atMs)).toEqual(
      Array.from({ length: 9 }, (_, i) => (i + 1) * 30 * second),
    );
    expect(ran.lines[0]!.line).toBe(
      `Waiting for alex, dana, 4 min 30 s left: ${alex.url} ${dana.url}`,
    );
  });

  test('names only those who have not decided', async () => {
    const ran = await run({
      asked: [alex, dana],
      quorum: 2,
      deadlineMs: 5 * minute,
      decisions: plan([alex, 20 * second, 'approved']),
    });
    expect(ran.lines[0]!.line).toBe(`Waiting for dana, 4 min 30 s left: ${dana.url}`);
  });
});

test('an interruption ends it at once, without a decision', async () => {
  const ran = await run({ asked: [alex, dana], stopAtMs: 7 * second });
  expect(ran.fault).toMatchObject({ code: 'interrupted' });
  expect(ran.endedMs).toBe(7 * second);
});

test('whatever the order of decisions, a quorum is that many approvals and no rejection seen', async () => {
  const status = fc.constantFrom<ConfirmationStatus>(
    'approved',
    'rejected',
    'expired',
    'cancelled',
  );
  const decision = fc.option(fc.tuple(fc.integer({ min: 0, max: 600_000 }), status));
  await fc.assert(
    fc.asyncProperty(
      fc.array(decision, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 3 }),
      async (given, wanted) => {
        const asked = given.map((_, i) => person(`p${i}`, i.toString(16)));
        const quorum = Math.min(wanted, asked.length);
        const decisions = new Map(
          given.flatMap((one, i) =>
            one === null ? [] : [[asked[i]!, { atMs: one[0], status: one[1] }] as const],
          ),
        );
        const { result, endedMs } = await run({
          asked,
          quorum,
          decisions,
          deadlineMs: 11 * minute,
        });
        const end = result!.end;
        const before = [...decisions].filter(([, { atMs }]) => atMs <= endedMs);
        const count = (wantedStatus: ConfirmationStatus) =>
          before.filter(([, one]) => one.status === wantedStatus).length;
        if (end.kind === 'quorum') {
          expect(end.approved.length).toBeGreaterThanOrEqual(quorum);
          for (const one of end.approved) expect(decisions.get(one)?.status).toBe('approved');
        } else if (end.kind === 'timed_out') {
          expect(endedMs).toBe(11 * minute);
          expect(count('approved')).toBeLessThan(quorum);
          expect(count('rejected')).toBe(0);
        } else {
          expect(end.confirmation.status).not.toBe('approved');
          expect(end.confirmation.status).not.toBe('pending');
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('back-off is full jitter from 0.5 s doubling to 30 s, never less than Retry-After', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1_000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      fc.integer({ min: 0, max: 60_000 }),
      (failures, random, retryAfterMs) => {
        const ceiling = Math.min(30_000, 500 * 2 ** (failures - 1));
        const delayMs = backOffMs(failures, retryAfterMs, { random: () => random });
        expect(delayMs).toBe(Math.max(random * ceiling, retryAfterMs));
      },
    ),
  );
  expect([1, 2, 3, 6, 7, 8].map((n) => backOffMs(n, 0, { random: () => 1 }))).toEqual([
    500, 1_000, 2_000, 16_000, 30_000, 30_000,
  ]);
});
