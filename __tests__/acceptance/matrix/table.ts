/**
 * The fault matrix as data: what goes wrong, in which phase, and how the gate must end. `docs/FAULTS.md` is written from it
 * (`scripts/faults.ts`), and `matrix.test.ts` drives the built bundles through every cell of it.
 */
import type { RefusalCode } from '../../../src/core/verdict.ts';
import type { DecisionOptions } from '../../support/approvals.ts';
import type { Act } from '../../support/faulty-server.ts';
import type { TestPasskey } from '../../support/authenticator.ts';
import { bodyRows } from './body-rows.ts';
import { evidenceRows } from './evidence-rows.ts';
import { networkRows } from './network-rows.ts';
import { stateRows } from './state-rows.ts';
import { statusRows } from './status-rows.ts';

/**
 * `last` is the question for the last deploy of the target, with which the request step begins. `confirm` and `fetch` are the same read of a decided confirmation, by the request step and by the verify step. `record` is
 * the commit status at GitHub, the only record that goes over the network; it opens nothing and closes nothing.
 */
export const phases = ['last', 'create', 'wait', 'confirm', 'fetch', 'redeem', 'record'] as const;
export type Phase = (typeof phases)[number];

/**
 * A reason code: at once, with it. `again`: tried again until the phase's deadline, then `service_unreachable`. `thrice`: tried
 * again three times in a row, then `service_misbehaved`. `goes on`: no fault of the gate's.
 */
export type Ending = RefusalCode | 'again' | 'thrice' | 'goes on';

/** The answer that would have been right. */
export interface RightAnswer {
  readonly status: number;
  readonly value: Readonly<Record<string, unknown>>;
}

export interface Tools {
  /** The person's assertion over the payload of the right answer, with what is to be wrong about it. */
  readonly sign: (options?: DecisionOptions & { readonly passkey?: TestPasskey }) => object;
  readonly people: Readonly<Record<'alex' | 'dana' | 'kim', TestPasskey>>;
  /** An origin where nothing may ever arrive. */
  readonly elsewhere: string;
}

type How =
  | { readonly kind: 'answer'; readonly act: (right: RightAnswer, tools: Tools) => Act }
  /** Looking up the service's name fails with this code. */
  | { readonly kind: 'dns'; readonly code: 'ENOTFOUND' | 'EAI_AGAIN' }
  /** Nobody listens any more. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'certificate'; readonly certificate: BadCertificate }
  /** A proxy answers CONNECT with this status, or nobody listens there. */
  | { readonly kind: 'proxy'; readonly status: number | 'refused' }
  | { readonly kind: 'environment'; readonly env: Readonly<Record<string, string>> };

export type BadCertificate =
  'self-signed' | 'unknown authority' | 'expired' | 'not yet valid' | 'other name' | 'old protocol';

export interface Row {
  readonly fault: string;
  readonly how: How;
  /** It may befall any answer: `last` and `confirm` are as `fetch`, of which they are kinds, unless they stand in `endings`. */
  readonly any?: true;
  /** Where a phase is missing, the fault can't happen in it, or is driven in a phase that does the same. */
  readonly endings: Readonly<Partial<Record<Phase, Ending>>>;
  /** The request is final by itself in these phases: nothing is left to withdraw. */
  readonly closes?: readonly Phase[];
  /** The fault takes longer than a client waits: its cells last 15 s and more. */
  readonly slow?: true;
}

export interface Group {
  readonly title: string;
  readonly rows: readonly Row[];
}

export const groups: readonly Group[] = [
  { title: 'Network', rows: anyAnswer(networkRows) },
  { title: 'Status', rows: anyAnswer(statusRows) },
  { title: 'Body', rows: bodyRows },
  { title: 'What the service says of the request', rows: stateRows },
  { title: 'Evidence', rows: evidenceRows },
];

/** Faults of answers, whatever was asked. */
function anyAnswer(rows: readonly Row[]): readonly Row[] {
  return rows.map((row) => (row.how.kind === 'environment' ? row : { ...row, any: true }));
}

export interface Cell {
  readonly row: Row;
  readonly phase: Phase;
  readonly ending: Ending;
}

export function endingOf({ endings, any }: Row, phase: Phase): Ending | undefined {
  const asFetch = (phase === 'confirm' || phase === 'last') && any === true;
  return endings[phase] ?? (asFetch ? endings.fetch : undefined);
}

/** Every cell of the matrix that can happen. */
export const cells: readonly Cell[] = groups
  .flatMap(({ rows }) => rows)
  .flatMap((row) =>
    phases.flatMap((phase) => {
      const ending = endingOf(row, phase);
      return ending === undefined ? [] : [{ row, phase, ending }];
    }),
  );
