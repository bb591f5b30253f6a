import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { expect } from '@jest/globals';
import { createTransport } from '../../src/client/transport.ts';
import type { DeployFacts } from '../../src/core/facts.ts';
import type { RefusalCode } from '../../src/core/verdict.ts';
import { exitCodes, verdictSchema } from '../../src/core/verdict.ts';
import { isApproved } from '../../src/core/verify.ts';
import type { GateDependencies } from '../../src/gate/dependencies.ts';
import {
  requestApproval,
  type RequestInput,
  type RequestOutcome,
  type RequestProgress,
} from '../../src/gate/request.ts';
import { verifyDeploy, type VerifyInput, type VerifyOutcome } from '../../src/gate/verify.ts';
import { createWorld, facts, plainJob, requestedAt, type World } from '../support/approvals.ts';
import { createTestClock, type TestClock } from '../support/test-clock.ts';
import { startStubService, type Reaction, type StubService } from './stub-service.ts';

const apiKey = 'dw_request_0123456789abcdefghijklmnopqrstuvwxyz';

/** One gate with its service, people, clock and record folder. */
export interface Bench {
  readonly world: World;
  readonly service: StubService;
  readonly clock: TestClock;
  readonly lines: readonly string[];
  readonly stop: AbortController;
  readonly recordParent: string;
  readonly deps: GateDependencies;
  /** The second argument stands in place of some of `deps`. */
  readonly request: (
    input?: Partial<RequestInput & RequestProgress>,
    other?: Partial<GateDependencies>,
  ) => Promise<RequestOutcome>;
  readonly verify: (
    input?: Partial<VerifyInput>,
    other?: Partial<GateDependencies>,
  ) => Promise<VerifyOutcome>;
  /** Requests with alex's approval and gives what a verify step needs. */
  readonly approved: (
    input?: Partial<RequestInput>,
    reaction?: Partial<Reaction>,
  ) => Promise<RequestOutcome>;
  readonly close: () => Promise<void>;
}

export async function createBench(
  rule: Parameters<typeof createWorld>[0] = {},
  tryMs = 1_000,
): Promise<Bench> {
  const world = createWorld(rule);
  const clock = createTestClock(requestedAt);
  const service = await startStubService(world, clock.now);
  const real = createTransport({ apiUrl: service.apiUrl, apiKey });
  const lines: string[] = [];
  const stop = new AbortController();
  const recordParent = mkdtempSync(join(tmpdir(), 'deploy-warrant-gate-'));
  const deps: GateDependencies = {
    transport: clock.watch({
      host: real.host,
      send: (request) => real.send({ ...request, timeoutMs: Math.min(request.timeoutMs, tryMs) }),
    }),
    now: clock.now,
    sleep: clock.sleep,
    random: () => 0.5,
    randomBytes: (size) => randomBytes(size),
    log: (line) => lines.push(line),
    signal: stop.signal,
  };
  const bench: Bench = {
    ...{ world, clock, service, lines, stop, recordParent, deps },
    request: (input = {}, other = {}) =>
      requestApproval(
        {
          facts,
          policy: world.policy,
          circumstances: plainJob,
          approvers: [],
          assurance: 'signature',
          job: 'deploy',
          ...input,
        },
        { ...deps, ...other },
      ),
    verify: (input = {}, other = {}) =>
      verifyDeploy(
        {
          collect: () => Promise.resolve(facts),
          policy: world.policy,
          circumstances: plainJob,
          assurance: 'signature',
          job: 'deploy',
          recordParent,
          ...input,
        },
        { ...deps, ...other },
      ),
    approved: async (input = {}, reaction = {}) => {
      service.reactions.set('alex', { status: 'approved', ...reaction });
      const outcome = await bench.request({ approvers: ['alex'], ...input });
      return outcome;
    },
    close: async () => {
      await service.close();
      rmSync(recordParent, { recursive: true, force: true });
    },
  };
  return bench;
}

/** The outcome refuses for this reason, opens nothing and tells no secret. */
export function expectRefused(
  bench: Bench,
  outcome: RequestOutcome | VerifyOutcome,
  code: RefusalCode,
): string {
  const { verdict, status } = outcome;
  expect({ status, said: status === code ? '' : verdict?.message }).toEqual({
    status: code,
    said: '',
  });
  expect(verdictSchema.safeParse(verdict).success).toBe(true);
  expect(verdict).toMatchObject({
    reason_code: code,
    exit_code: exitCodes[code],
    redemption: 'none',
  });
  expect(isApproved(verdict!)).toBe(false);
  expect(outcome.approvers).toEqual([]);
  expect(outcome.record).toBeUndefined();
  expect(outcome.recordPath).toBeUndefined();
  expectNoSecret(bench, verdict!.message);
  return verdict!.message;
}

export function expectNoSecret({ lines, service }: Bench, ...more: readonly string[]): void {
  const keys = service.seen
    .filter(({ path }) => path.endsWith('/redemptions'))
    .map(({ body }) => (JSON.parse(body) as { redemptionKey: string }).redemptionKey);
  for (const secret of [apiKey, ...keys]) {
    for (const text of [...lines, ...more]) expect(text).not.toContain(secret);
  }
}

/** Names of the record folders that were made. */
export function recordFolders({ recordParent }: Bench): readonly string[] {
  return readdirSync(recordParent);
}

export const otherFacts: DeployFacts = { ...facts, commit: 'd'.repeat(40) };
