/**
 * The fault matrix of THREATS.md, cell by cell: the built bundles as processes, each in front of a scripted service of its own.
 * The cells run side by side, as many as the machine has cores; those that wait most of the time, many at once.
 */
import { availableParallelism } from 'node:os';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { exitCodes, type RefusalCode } from '../../src/core/verdict.ts';
import { refusalOutputs } from '../../src/gate/vocabulary.ts';
import { callsUpTo, drive, wholeCalls, type Driving, type Run } from './matrix/drive.ts';
import { Pool } from './matrix/pool.ts';
import { apiKey, githubToken, setStage, type Stage } from './matrix/stage.ts';
import { cells, phases, type Cell, type Phase } from './matrix/table.ts';

jest.setTimeout(400_000);

/** What a phase may take with all its tries, as the process sees the time. */
const phaseMs: Readonly<Record<Phase, number>> = {
  last: 60_000,
  create: 120_000,
  wait: 60_000,
  confirm: 120_000,
  fetch: 120_000,
  redeem: 120_000,
  record: 10_000,
};
/** What a process takes to start and to end on a machine that does much else. */
const slackMs = 60_000;
const speed = 6;

/** Ends after which the service is not asked to withdraw: it would refuse, or it is not what it should be. */
const silent: ReadonlySet<RefusalCode> = new Set([
  'service_unauthorized',
  'service_misbehaved',
  'configuration',
]);

const quick = new Pool(Math.max(2, availableParallelism()));
const patient = new Pool(24);
const runs = new Map<string, Promise<Run>>();
let stage: Stage | undefined;

type Variant = 'once' | 'then well' | 'for ever' | 'for ever, in real time';

interface Case extends Cell {
  readonly variant: Variant;
  readonly title: string;
}

/** The row that never gets well in real time: the others do so under a clock that runs faster. */
const realTime = 'connection reset';

const all: readonly Case[] = cells.flatMap((cell) =>
  variantsOf(cell).map((variant) => ({
    ...cell,
    variant,
    title: `${cell.row.fault}${variant === 'once' ? '' : `, ${variant}`}`,
  })),
);

function variantsOf({ ending, row }: Cell): readonly Variant[] {
  if (ending === 'again') {
    return row.fault === realTime
      ? ['for ever, in real time', 'for ever', 'then well']
      : ['for ever', 'then well'];
  }
  if (ending === 'thrice') return ['for ever', 'then well'];
  return ending === 'timed_out' ? ['for ever'] : ['once'];
}

function drivingOf({ row, phase, variant, ending }: Case): Driving {
  const timesUntilWell = ending === 'thrice' ? 3 : 1;
  const isRealTime = variant !== 'for ever' || (phase === 'fetch' && ending === 'timed_out');
  return {
    ...{ row, phase },
    times: variant === 'then well' ? timesUntilWell : Infinity,
    speed: isRealTime ? 1 : speed,
  };
}

/** Where a clock ran faster than a busy machine could follow, so that good answers came too late: once more in real time. */
async function driven(on: Stage, one: Case): Promise<Run> {
  const run = await drive(on, drivingOf(one));
  const before = callsUpTo(one.phase, 0);
  const heard = run.calls.slice(0, before.length + 1);
  const followed =
    before.every((call, at) => heard[at] === call) &&
    (one.row.how.kind !== 'answer' || heard.at(-1) === callsUpTo(one.phase).at(-1));
  if (drivingOf(one).speed === 1 || followed) return run;
  return await drive(on, { ...drivingOf(one), speed: 1 });
}

const keyOf = ({ title, phase }: Case): string => `${phase}: ${title}`;

beforeAll(async () => {
  const here = await setStage();
  stage = here;
  // The longest first.
  const order = (one: Case): number =>
    one.variant === 'for ever, in real time' ? 0 : one.row.slow === true ? 1 : 2;
  for (const one of [...all].sort((a, b) => order(a) - order(b))) {
    const waits = one.variant !== 'once' || one.row.slow === true;
    const run = (waits ? patient : quick).run(() => driven(here, one));
    run.catch(() => undefined);
    runs.set(keyOf(one), run);
  }
}, 120_000);
afterAll(() => stage?.close());

/** Nothing that the step wrote holds a secret, but for the commands that hide it. */
function expectNoSecret({ result }: Run): void {
  const { stdout, stderr, files } = result;
  for (const secret of [apiKey, githubToken]) {
    const written = [stdout.replace(`::add-mask::${secret}`, ''), stderr, ...Object.values(files)];
    for (const text of written) expect(text).not.toContain(secret);
  }
}

function expectRefused(run: Run, code: RefusalCode): void {
  const { exitCode, outputs, stdout, stderr } = run.result;
  const asExpected = exitCode === exitCodes[code] && outputs['reason-code'] === code;
  expect({
    exitCode,
    code: outputs['reason-code'],
    log: asExpected ? '' : stdout + stderr,
  }).toEqual({ exitCode: exitCodes[code], code, log: '' });
  expect(Object.keys(outputs).sort()).toEqual([...refusalOutputs].sort());
  expect(outputs.status).toBe(code);
  expect(stdout).toMatch(/^::error/m);
}

function expectApproved({ result }: Run): void {
  const { exitCode, outputs, stdout, stderr } = result;
  expect({ exitCode, log: exitCode === 0 ? '' : stdout + stderr }).toEqual({
    exitCode: 0,
    log: '',
  });
  expect(outputs.status).toBe('approved');
}

/** The calls of a refusal: none after it, but for the withdrawal of what was asked. */
function callsOfRefusal({ row, phase }: Case, code: RefusalCode, count: number) {
  const { kind } = row.how;
  if (kind === 'environment') return [];
  const arrives = kind === 'answer';
  const calls = arrives ? callsUpTo(phase, count) : callsUpTo(phase, 0);
  const asked = phase === 'wait' || phase === 'confirm';
  // Through a broken connection no withdrawal arrives either.
  const withdraws = asked && arrives && !silent.has(code) && row.closes?.includes(phase) !== true;
  return withdraws ? [...calls, 'withdraw' as const] : calls;
}

describe.each(phases)('%s', (phase) => {
  const here = all.filter((one) => one.phase === phase);

  test.each(here.map((one) => [one.title, one.ending, one] as const))(
    '%s: %s',
    async (_title, ending, one) => {
      const run = await runs.get(keyOf(one))!;
      expectNoSecret(run);
      expect(stage!.elsewhere.heard).toEqual([]);
      if (ending === 'goes on') {
        expectApproved(run);
        expect(run.calls).toEqual(wholeCalls(phase, 1));
        expect(run.elapsedMs).toBeLessThan(phaseMs[phase] + slackMs);
        // How often is counted by action/commit-status.test.ts.
        if (phase === 'record') expect([1, 2, 3]).toContain(run.github);
        return;
      }
      if (one.variant === 'then well') {
        expectApproved(run);
        const failed = one.row.how.kind !== 'answer' ? 0 : ending === 'thrice' ? 3 : 1;
        const expected = wholeCalls(phase, failed + 1);
        if (one.row.how.kind === 'answer') expect(run.calls).toEqual(expected);
        else expect(kinds(run.calls)).toEqual(kinds(expected));
        expectSameBytes(run, phase);
        return;
      }
      if (one.variant === 'once') {
        expectRefused(run, ending as RefusalCode);
        expect(run.calls).toEqual(callsOfRefusal(one, ending as RefusalCode, 1));
        expect(run.elapsedMs).toBeLessThan(phaseMs[phase] + slackMs);
        return;
      }
      const code =
        ending === 'again'
          ? 'service_unreachable'
          : ending === 'thrice'
            ? 'service_misbehaved'
            : ending;
      expectRefused(run, code);
      expect(run.elapsedMs).toBeLessThan(phaseMs[phase] + slackMs);
      const route = callsUpTo(phase).at(-1);
      const tries = run.calls.filter((call) => call === route).length;
      if (one.row.how.kind === 'answer') {
        expect(tries).toBeGreaterThan(ending === 'again' && one.row.slow !== true ? 1 : 0);
        // No hot loop.
        expect(tries).toBeLessThan(ending === 'thrice' ? 5 : 60);
      }
      const expected = callsOfRefusal(one, code, ending === 'thrice' ? 4 : tries);
      if (one.variant === 'for ever') expect(kinds(run.calls)).toEqual(kinds(expected));
      else expect(run.calls).toEqual(expected);
    },
  );
});

/** Another try is the same request: the service can tell that it is. */
function expectSameBytes({ seen, calls }: Run, phase: Phase): void {
  const route = callsUpTo(phase).at(-1);
  if (route !== 'create' && route !== 'redeem') return;
  const bodies = seen
    .map((text) => JSON.parse(text) as { body: string; headers: Record<string, string> })
    .filter((_one, at) => calls[at] === route)
    .map(({ body, headers }) => `${headers['idempotency-key'] ?? ''} ${body}`);
  expect(new Set(bodies).size).toBe(1);
}

/**
 * Which calls there were, in order. On a busy machine and under a clock that runs faster, a good answer may come too late, and
 * the withdrawal too: then it is asked again, or warned about.
 */
function kinds(calls: readonly string[]): readonly string[] {
  return [...new Set(calls)].filter((call) => call !== 'withdraw');
}
