import { describe, expect, test } from '@jest/globals';
import { canonicalText } from '../../src/core/canonical.ts';
import type { Circumstances } from '../../src/core/circumstances.ts';
import type { DeployFacts } from '../../src/core/facts.ts';
import { fingerprint } from '../../src/core/fingerprint.ts';
import { policyHash, type Policy } from '../../src/core/policy.ts';
import type { ApprovalRecord, Decision } from '../../src/core/record.ts';
import type { ReasonCode } from '../../src/core/verdict.ts';
import {
  checkApproval,
  everyObjection,
  isApproved,
  verifyApproval,
  type ApprovalEvidence,
} from '../../src/core/verify.ts';
import {
  createEvidence,
  createPayload,
  createRecord,
  createWorld,
  decide,
  expiresAt,
  facts,
  plainJob,
  requestedAt,
  without,
} from '../support/approvals.ts';
import { createPasskey } from '../support/authenticator.ts';
import { refusal } from '../support/judging.ts';

const world = createWorld();
const { alex, dana, kim } = world.passkeys;
const payload = createPayload();
const stranger = createPasskey();
const minutes = (count: number) => count * 60_000;
const by = (...decisions: Decision[]) => createEvidence(world, { decisions });
const recorded = (changes: Partial<ApprovalRecord>, rest: Partial<ApprovalEvidence> = {}) => {
  const evidence = createEvidence(world, rest);
  return { ...evidence, record: { ...evidence.record, ...changes } };
};
const { payload_hash: payloadHash } = createRecord(payload, []);
const clockAt = (now: number, decidedAt = requestedAt) =>
  createEvidence(world, { decisions: [decide(payload, alex, { decidedAt })], now });

type Case = readonly [
  what: string,
  evidence: ApprovalEvidence,
  code: ReasonCode,
  lines: readonly string[],
];

const askAgain = 'Ask for a new approval.';
const documents: readonly Case[] = [
  [
    'a policy of another version',
    createEvidence(world, {
      policy: { ...world.policy, schema: 'approval-policy/v2' } as unknown as Policy,
    }),
    'configuration',
    ['The policy is not acceptable:', 'schema: must be "approval-policy/v1"'],
  ],
  [
    'a record with faults',
    recorded({ assurance: 'none' as 'service', decisions: [] }),
    'payload_invalid',
    [
      'The approval record is not acceptable:',
      'assurance: must be "signature" or "service"',
      'decisions: holds no decision',
    ],
  ],
  [
    'facts that are none',
    createEvidence(world, { finalFacts: { ...facts, commit: 'main' } }),
    'payload_invalid',
    [
      'What is about to run is not acceptable:',
      'commit: must be a full commit id, 40 or 64 lower-case hex digits and not all zero, not "main"',
    ],
  ],
  [
    'circumstances that are none',
    createEvidence(world, {
      circumstances: { ...plainJob, approved: true } as unknown as Circumstances,
    }),
    'configuration',
    [
      'What is known of the job is not acceptable:',
      'approved: is not a member of this format; remove it',
    ],
  ],
  [
    'a payload in another form',
    recorded({ payload: `${canonicalText(payload)} ` }),
    'payload_invalid',
    [
      'The payload in the record is not acceptable:',
      'is not in its canonical form (RFC 8785): other bytes than these were signed',
    ],
  ],
  [
    'no policy',
    createEvidence(world, { policy: undefined }),
    'configuration',
    [
      'Without a policy no signature can be trusted: it names the people and their keys. Set the input policy.',
    ],
  ],
  [
    'another hash than the payload’s',
    recorded({ payload_hash: 'ab'.repeat(32) }),
    'payload_invalid',
    [
      `The record says that its payload has the hash ${'ab'.repeat(32)}, but it has ${payloadHash}. The record was changed or damaged. Fetch it again by approval-id.`,
    ],
  ],
];

const unsigned = without(decide(payload, alex), 'assertion');
const lonely = createWorld({ approvers: ['alex'] });
const own = (actor: Partial<DeployFacts['actor']>) =>
  createPayload({ actor: { login: 'somebody', id: '1', type: 'human', ...actor } });
const written = (email: string): Circumstances => ({
  ...plainJob,
  commit_authors: [
    { name: 'A', email: 'other@example.com' },
    { name: 'B', email },
  ],
});
const authorsMind = createWorld({ not_by_commit_authors: true });
for (const name of ['alex', 'dana']) {
  Object.assign(authorsMind.policy.approvers[name]!.accounts[0]!, {
    emails: [`${name}@example.com`],
  });
}
const people: readonly Case[] = [
  [
    'an approval without a signature',
    by(unsigned),
    'evidence_invalid',
    [
      'The service says that alex approved, but gives no signature. A status is no evidence. Ask for a new approval, and look into the service if this happens again.',
    ],
  ],
  [
    'a name that would reorder the line',
    by({ ...unsigned, approver: 'al\u202Eex' }),
    'evidence_invalid',
    [
      'The service says that al\\u{202E}ex approved, but gives no signature. A status is no evidence. Ask for a new approval, and look into the service if this happens again.',
    ],
  ],
  [
    'an unknown passkey',
    by(decide(payload, stranger)),
    'approver_untrusted',
    [
      `alex approved with the passkey ${stranger.pinned.id}, which the policy does not pin. If it really is alex's, add it to the policy (deploy-warrant policy) and ask again.`,
    ],
  ],
  [
    'one fault of the signature',
    by(decide(payload, alex, { flags: 0x01 })),
    'evidence_invalid',
    [
      `alex's signature is no approval of this deploy: response.authenticatorData: says that the user was not verified. ${askAgain}`,
    ],
  ],
  [
    'two faults of the signature',
    by(decide(payload, alex, { flags: 0x00 })),
    'evidence_invalid',
    [
      "alex's signature is no approval of this deploy: response.authenticatorData: says that no user was present",
      'response.authenticatorData: says that the user was not verified.',
      askAgain,
    ],
  ],
  [
    'another key than the pinned one',
    by(decide(payload, alex, { signWith: stranger.privateKey })),
    'evidence_invalid',
    [
      `alex's signature is no approval of this deploy: response.signature: does not verify with the pinned ES256 key. ${askAgain}`,
    ],
  ],
  [
    'another name than the key’s',
    by(decide(payload, alex, { approver: 'dana' })),
    'approver_untrusted',
    [
      "The service says that dana approved, but the passkey is alex's. Ask for a new approval, and look into the service if this happens again.",
    ],
  ],
  [
    'somebody of another environment',
    by(decide(payload, kim, { approver: 'kim' })),
    'approver_untrusted',
    ['kim may not approve for this environment; the policy names alex, dana. Ask one of them.'],
  ],
  [
    'who asked for it, by id',
    createEvidence(world, { payload: own({ id: '1234567' }) }),
    'self_approval',
    ['alex approved a deploy that they asked for themselves, as somebody (1234567). Ask dana.'],
  ],
  [
    'who asked for it, by login, with nobody else to ask',
    createEvidence(lonely, { payload: own({ login: 'AlexDoe' }) }),
    'self_approval',
    [
      'alex approved a deploy that they asked for themselves, as AlexDoe. Ask for another approver in the policy.',
    ],
  ],
  [
    'who started it again',
    createEvidence(createWorld({ approvers: ['kim', 'alex', 'dana'] }), {
      payload: own({ triggered_by: 'ALEXDOE' }),
    }),
    'self_approval',
    ['alex approved a deploy that they asked for themselves, as ALEXDOE. Ask kim or dana.'],
  ],
  [
    'who wrote it',
    createEvidence(authorsMind, {
      circumstances: written('1234567+alexdoe@users.noreply.github.com'),
    }),
    'self_approval',
    [
      'alex approved a deploy of commits that they wrote themselves, as 1234567+alexdoe@users.noreply.github.com (not_by_commit_authors). Ask dana.',
    ],
  ],
];

const long = createPayload({}, { expiresAt: expiresAt + minutes(30) });
const rightClock = 'Compare the two clocks, then ask for a new approval.';
const times: readonly Case[] = [
  [
    'a decision before the request',
    clockAt(requestedAt, requestedAt - 61_000),
    'evidence_invalid',
    [
      'The service says that alex decided at 2026-11-22T09:58:59Z, which is before the request of 2026-11-22T10:00:00Z. Compare the clocks of this machine and of the service, then ask for a new approval.',
    ],
  ],
  [
    'a decision to come',
    clockAt(requestedAt, requestedAt + 61_000),
    'evidence_invalid',
    [
      `The service says that alex decided at 2026-11-22T10:01:01Z, which is still to come: the clock says 2026-11-22T10:00:00Z. ${rightClock}`,
    ],
  ],
  [
    'a decision that came too late',
    clockAt(expiresAt - 1, expiresAt),
    'expired',
    [
      `The service says that alex decided at 2026-11-22T11:00:00Z, but the request could be approved only until 2026-11-22T11:00:00Z. ${askAgain}`,
    ],
  ],
  [
    'a decision of somebody whose name would reorder the line',
    by({ ...decide(payload, alex, { decidedAt: requestedAt - 61_000 }), approver: 'al\u202Eex' }),
    'approver_untrusted',
    [
      "The service says that al\\u{202E}ex approved, but the passkey is alex's. Ask for a new approval, and look into the service if this happens again.",
    ],
  ],
  [
    'a request to come',
    clockAt(requestedAt - 61_000, requestedAt - 60_000),
    'expired',
    [
      'This approval is not valid yet: it begins at 2026-11-22T10:00:00Z, and the clock says 2026-11-22T09:58:59Z. Set the clock, then run this step again.',
    ],
  ],
  [
    'an approval that is over',
    clockAt(expiresAt),
    'expired',
    [
      `This approval could be deployed until 2026-11-22T11:00:00Z, and the clock says 2026-11-22T11:00:00Z. ${askAgain}`,
    ],
  ],
  [
    'a longer window than the policy’s',
    createEvidence(world, { payload: long }),
    'payload_invalid',
    [
      'This approval was asked for with a validity of 90 minutes; the policy allows 60 (max_age_minutes). Ask again with a lower valid-minutes.',
    ],
  ],
  // A clock that is out of its mind is told as it is: there is no time in our form for it.
  ...(
    [
      [-1, '-1 ms since 1970'],
      [0, '1970-01-01T00:00:00Z'],
      [Number.NaN, 'NaN ms since 1970'],
    ] as const
  ).map(([now, told]): Case => [
    `a clock at ${now}`,
    clockAt(now),
    'evidence_invalid',
    [
      `The service says that alex decided at 2026-11-22T10:00:00Z, which is still to come: the clock says ${told}. ${rightClock}`,
    ],
  ]),
  ...(
    [
      [Date.UTC(10_000, 0) - 1, '9999-12-31T23:59:59Z'],
      [Date.UTC(10_000, 0), '253402300800000 ms since 1970'],
      [Number.POSITIVE_INFINITY, 'Infinity ms since 1970'],
    ] as const
  ).map(([now, told]): Case => [
    `a clock at ${now}`,
    clockAt(now),
    'expired',
    [
      `This approval could be deployed until 2026-11-22T11:00:00Z, and the clock says ${told}. ${askAgain}`,
    ],
  ]),
];

describe('a refusal says what happened, with which values, and what to do next', () => {
  test.each([...documents, ...people, ...times])('%s', (_, evidence, code, lines) => {
    const verdict = refusal(evidence);
    expect(verdict.reason_code).toBe(code);
    expect(verdict.message.split('\n')).toEqual(lines);
  });
});

describe('a refusal is whole', () => {
  test('with what is known of payload, policy and problems', () => {
    const evidence = createEvidence(world, { payload: long });
    expect(verifyApproval(evidence)).toEqual({
      schema: 'verdict/v1',
      reason_code: 'payload_invalid',
      exit_code: 21,
      message: expect.stringContaining('90 minutes'),
      payload_hash: evidence.record.payload_hash,
      approvers: [],
      differences: [],
      problems: [{ field: 'expires_at', message: 'is more than 60 minutes away' }],
      policy_sha256: policyHash(world.policy),
      assurance: 'signature',
      redemption: 'none',
    });
  });

  test.each<[string, ApprovalEvidence, readonly string[]]>([
    ['nothing of them before the documents can be read', documents[0]![1], []],
    ['the record only where there is no policy', documents[5]![1], ['payload_hash']],
    [
      'both where just the payload can’t be read',
      documents[4]![1],
      ['payload_hash', 'policy_sha256'],
    ],
    [
      'both where a person refuses',
      by({ ...unsigned, decision: 'rejected' }),
      ['payload_hash', 'policy_sha256'],
    ],
  ])('it holds %s', (_, evidence, known) => {
    const verdict = refusal(evidence);
    const told = ['payload_hash', 'policy_sha256'].filter((member) =>
      Object.hasOwn(verdict, member),
    );
    expect(told).toEqual(known);
  });

  test('with every problem of a document and of a signature', () => {
    expect(refusal(documents[1]![1]).problems).toEqual([
      { field: 'assurance', message: 'must be "signature" or "service"' },
      { field: 'decisions', message: 'holds no decision' },
    ]);
    expect(refusal(by(decide(payload, alex, { flags: 0x01 }))).problems).toEqual([
      { field: 'response.authenticatorData', message: 'says that the user was not verified' },
    ]);
  });

  test('by checkApproval too, in the same words', () => {
    const wrong = by(decide(payload, stranger));
    const checked = checkApproval(wrong);
    if (checked.ok) throw new Error('The evidence was accepted.');
    expect(checked.verdict).toEqual(verifyApproval(wrong));
    expect(isApproved(checked.verdict)).toBe(false);
    const expired = checkApproval(clockAt(expiresAt));
    expect(expired).toEqual({ ok: false, verdict: verifyApproval(clockAt(expiresAt)) });
  });
});

describe('an approval says who approved what', () => {
  const what = `"Deploy api to production" at commit ${facts.commit} (${fingerprint(payloadHash)})`;

  test('signed by two people', () => {
    const { message } = verifyApproval(
      by(decide(payload, dana, { approver: 'dana' }), decide(payload, alex)),
    );
    expect(message).toBe(`dana and alex approved ${what}.`);
  });

  test('bound to its run only', () => {
    const lax = createWorld({ redemption: 'run' });
    const evidence = createEvidence(lax);
    const record = { ...evidence.record, redemption: { state: 'run' } as const };
    expect(verifyApproval({ ...evidence, record }).message).toBe(
      `alex approved ${what}. It was NOT REDEEMED (redemption: run): only run, attempt and commit bind it.`,
    );
  });

  test('on the word of a service, whatever name it gives', () => {
    const decisions = [
      { ...unsigned, approver: 'al\u202Eex' },
      { ...unsigned, id: 'f'.repeat(8) + '-0000-0000-0000-000000000000', approver: 'dana' },
    ];
    const record = createRecord(payload, decisions, {
      assurance: 'service',
      redemption: { state: 'service' },
    });
    const evidence = createEvidence(world, { policy: undefined, record, assurance: 'service' });
    const verdict = verifyApproval(evidence);
    expect(verdict.message).toBe(
      `The service says that al\\u{202E}ex and dana approved ${what}. NO SIGNATURE WAS CHECKED (assurance: service): nothing is claimed about who approved, how many they were, or how often this approval is used.`,
    );
    expect(Object.hasOwn(verdict, 'policy_sha256')).toBe(false);
  });

  test('and holds no circumstances where none are known', () => {
    const plain = createWorld({ require_oidc: false });
    const verdict = verifyApproval(createEvidence(plain, { circumstances: undefined }));
    expect(isApproved(verdict)).toBe(true);
    expect(Object.hasOwn(verdict, 'circumstances')).toBe(false);
  });
});

describe('every objection', () => {
  const codesOf = (evidence: ApprovalEvidence) => everyObjection(evidence).map(({ code }) => code);
  const elsewhere = { ...facts, region: 'us-east-1' };
  const no = decide(payload, dana, { approver: 'dana', decision: 'rejected' });
  const pending = { redemption: { state: 'pending' } } as const;

  test('there is none to an approval', () => {
    expect(everyObjection(createEvidence(world))).toEqual([]);
  });

  test('a document that can’t be read is the only one', () => {
    for (const [, evidence] of documents.slice(0, 4)) {
      const late = { ...evidence, now: expiresAt };
      expect(everyObjection(late)).toHaveLength(1);
    }
  });

  test('a rejection is told beside a payload that can’t be read, and then no more', () => {
    const record = createRecord(payload, [no], { ...pending, payload: '{}' });
    expect(codesOf(createEvidence(world, { record, now: expiresAt }))).toEqual([
      'rejected',
      'payload_invalid',
    ]);
  });

  test('of every step, up to the redemption', () => {
    const signed = decide(payload, alex, { flags: 0x01 });
    const record = createRecord(payload, [no, signed], {
      ...pending,
      payload_hash: 'ab'.repeat(32),
    });
    const evidence = createEvidence(world, { record, finalFacts: elsewhere, now: expiresAt });
    expect(codesOf(evidence)).toEqual([
      'rejected',
      'facts_mismatch',
      'payload_invalid',
      'evidence_invalid',
      'expired',
      'quorum_unmet',
      'configuration',
    ]);
    expect(codesOf({ ...evidence, step: 'request' })).not.toContain('configuration');
  });

  test('an approval that is only not redeemed has that one', () => {
    expect(everyObjection(recorded(pending)).map(({ message }) => message)).toEqual([
      'This approval was not redeemed, so that it could be used again.',
    ]);
  });

  test('authors that nobody knows are one, and the approval is judged all the same', () => {
    const unknown = without(plainJob, 'commit_authors');
    for (const circumstances of [unknown, undefined]) {
      const evidence = createEvidence(authorsMind, { circumstances });
      expect(codesOf(evidence)).toContain('configuration');
      expect(codesOf(evidence)).not.toContain('self_approval');
    }
  });

  test('a decision that is not good counts for nobody', () => {
    const bad = decide(payload, alex, { flags: 0x01 });
    const { message } = everyObjection(by(bad)).at(-1)!;
    expect(message).toBe('1 person has to approve, and 0 did.');
  });

  test('that there is no policy is told once, wherever it stands', () => {
    const message =
      'Without a policy no signature can be trusted: it names the people and their keys.';
    const told = (evidence: ApprovalEvidence) =>
      everyObjection({ ...evidence, policy: undefined }).map((objection) => objection.message);
    expect(told(createEvidence(world))).toEqual([message]);
    expect(told(createEvidence(world, { finalFacts: elsewhere }))).toEqual([
      expect.stringMatching(/^What is about to run is not what was approved:\nregion: /),
      message,
    ]);
  });

  test('that the policy has no rule is told once, and not as if there were no policy', () => {
    const other = createPayload({ environment: 'canary' });
    const found = everyObjection(createEvidence(world, { payload: other }));
    expect(found.map(({ message }) => message)).toEqual([
      'The policy has no rule for the environment "canary", so nothing may be deployed there.',
    ]);
  });
});
