import { randomUUID } from 'node:crypto';
import { canonicalText } from '../../src/core/canonical.ts';
import { approvalChallenge, rejectionChallenge } from '../../src/core/challenge.ts';
import type { Circumstances } from '../../src/core/circumstances.ts';
import type { DeployFacts } from '../../src/core/facts.ts';
import { sha256Hex } from '../../src/core/hash.ts';
import { buildPayload, type ApprovalPayload } from '../../src/core/payload.ts';
import type { Policy } from '../../src/core/policy.ts';
import type { ApprovalRecord, Decision } from '../../src/core/record.ts';
import { formatTime } from '../../src/core/time.ts';
import type { ApprovalEvidence } from '../../src/core/verify.ts';
import {
  createPasskey,
  makeAssertion,
  type AssertionOptions,
  type TestPasskey,
} from './authenticator.ts';
import { exampleFacts } from './deploy.ts';

/** A world in which a deploy was approved as it should be; tests change one thing in it. */

const relyingParty = { id: 'approve.example.com', origin: 'https://approve.example.com' };

/** 2026-11-22T10:00:00Z, when the request was made. */
export const requestedAt = Date.parse('2026-11-22T10:00:00Z');
/** When the approval can be used no more. */
export const expiresAt = requestedAt + 60 * 60_000;

export const facts: DeployFacts = {
  ...exampleFacts(),
  actor: { login: 'release-agent[bot]', id: '41898282', type: 'agent' },
  migration: { kind: 'none' },
};

export const destructiveMigration: DeployFacts['migration'] = exampleFacts().migration;

/** A job of which nothing needs a token, after which nothing is new. */
export const plainJob: Circumstances = {
  provider: 'local',
  commit_authors: [],
  new_migrations: [],
};

type PersonName = 'alex' | 'dana' | 'kim';

export interface World {
  readonly policy: Policy;
  readonly passkeys: Readonly<Record<PersonName, TestPasskey>>;
  /** A second passkey of alex, also pinned. */
  readonly spare: TestPasskey;
}

/** Alex (two passkeys) and Dana may approve for production; Kim is known, but only for staging. */
export function createWorld(rule: Partial<Policy['environments'][string]> = {}): World {
  const passkeys = {
    alex: createPasskey('ES256'),
    dana: createPasskey('EdDSA'),
    kim: createPasskey('ES256'),
  };
  const spare = createPasskey('ES256');
  return {
    passkeys,
    spare,
    policy: {
      schema: 'approval-policy/v1',
      relying_party: relyingParty,
      approvers: {
        alex: {
          accounts: [{ provider: 'github', id: '1234567', login: 'alexdoe' }],
          passkeys: [passkeys.alex.pinned, spare.pinned],
        },
        dana: {
          accounts: [{ provider: 'github', id: '2345678', login: 'DanaRoe' }],
          passkeys: [passkeys.dana.pinned],
        },
        kim: {
          accounts: [{ provider: 'github', id: '3456789', login: 'kimpoe' }],
          passkeys: [passkeys.kim.pinned],
        },
      },
      environments: {
        production: { approvers: ['alex', 'dana'], ...rule },
        staging: { approvers: ['kim'] },
      },
    },
  };
}

export function createPayload(
  overrides: Partial<DeployFacts> = {},
  times: { readonly requestedAt?: number; readonly expiresAt?: number } = {},
): ApprovalPayload {
  return buildPayload({
    facts: { ...facts, ...overrides },
    requestId: '00112233445566778899aabbccddeeff',
    requestedAt,
    expiresAt,
    reason: 'Release 1.42',
    ...times,
  });
}

export interface DecisionOptions extends Partial<AssertionOptions> {
  readonly approver?: string;
  readonly decision?: Decision['decision'];
  /** The hash that is signed, in place of the payload's. */
  readonly payloadHash?: string;
  readonly decidedAt?: number;
  readonly nonce?: Uint8Array;
}

/** A person's signed answer to a payload, five minutes after the request. */
export function decide(
  payload: ApprovalPayload,
  passkey: TestPasskey,
  options: DecisionOptions = {},
): Decision {
  const { approver, decision = 'approved', decidedAt, ...assertion } = options;
  const nonce = options.nonce ?? Buffer.alloc(32, randomUUID());
  const payloadHash = options.payloadHash ?? sha256Hex(canonicalText(payload));
  const challenge =
    decision === 'approved'
      ? approvalChallenge(nonce, payloadHash)
      : rejectionChallenge(nonce, payloadHash);
  return {
    id: randomUUID(),
    approver: approver ?? 'alex',
    decision,
    nonce: Buffer.from(nonce).toString('base64url'),
    decided_at: formatTime(decidedAt ?? requestedAt + 5 * 60_000),
    assertion: makeAssertion({
      passkey,
      challenge,
      origin: relyingParty.origin,
      rpId: relyingParty.id,
      ...assertion,
    }),
  };
}

export function createRecord(
  payload: ApprovalPayload,
  decisions: readonly Decision[],
  overrides: Partial<ApprovalRecord> = {},
): ApprovalRecord {
  const text = canonicalText(payload);
  return {
    schema: 'approval-record/v1',
    payload: text,
    payload_hash: sha256Hex(text),
    assurance: 'signature',
    redemption: {
      state: 'redeemed',
      redeemed_at: formatTime(requestedAt + 10 * 60_000),
      run_id: payload.facts.run_id,
      run_attempt: payload.facts.run_attempt,
      job: 'deploy',
    },
    decisions,
    ...overrides,
  };
}

/** Evidence for `verifyApproval`, ten minutes after the request: alex approved, and it was redeemed by this run. */
export function createEvidence(
  world: World,
  overrides: Partial<ApprovalEvidence> & {
    readonly payload?: ApprovalPayload;
    readonly decisions?: readonly Decision[];
  } = {},
): ApprovalEvidence {
  const { payload = createPayload(), decisions, ...rest } = overrides;
  return {
    policy: world.policy,
    record: createRecord(payload, decisions ?? [decide(payload, world.passkeys.alex)]),
    finalFacts: payload.facts,
    circumstances: plainJob,
    now: requestedAt + 10 * 60_000,
    step: 'verify',
    ...rest,
  };
}

/** The object without one of its members. */
export function without<T extends object, K extends keyof T>(value: T, key: K): Omit<T, K> {
  const copy: Partial<T> = { ...value };
  Reflect.deleteProperty(copy, key);
  return copy as Omit<T, K>;
}
