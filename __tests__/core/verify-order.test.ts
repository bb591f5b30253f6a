import { expect, test } from '@jest/globals';
import { canonicalText } from '../../src/core/canonical.ts';
import type { ReasonCode } from '../../src/core/verdict.ts';
import {
  createEvidence,
  createPayload,
  createRecord,
  createWorld,
  decide,
  expiresAt,
  facts,
  requestedAt,
  without,
} from '../support/approvals.ts';
import { createPasskey } from '../support/authenticator.ts';
import { approversOf, codeOf } from '../support/judging.ts';

/**
 * Evidence with something wrong at every step of DESIGN 5: the first step that is still wrong gives the reason. Each line
 * repairs one more step, so that a check that is gone, or comes too late, shows as another code in its line.
 */
test('the steps refuse in the order of DESIGN 5', () => {
  const world = createWorld({ quorum: 2, max_age_minutes: 60 });
  const { alex, dana } = world.passkeys;
  const payload = createPayload({ actor: { login: 'somebody', id: '2345678', type: 'human' } });
  const long = createPayload(payload.facts, { expiresAt: expiresAt + 60_000 });
  const good = decide(payload, alex);
  const own = decide(payload, dana, { approver: 'dana' });
  const stranger = decide(payload, createPasskey());
  const rejection = decide(payload, alex, { decision: 'rejected' });
  const embedded = { clientData: { crossOrigin: true } };
  const late = { now: expiresAt };
  const other = { ...payload.facts, region: 'us-east-1' };
  const pending = { redemption: { state: 'pending' } } as const;
  const wrongHash = { ...pending, payload_hash: 'ab'.repeat(32) };
  const spaced = { ...wrongHash, payload: `${canonicalText(payload)} ` };
  const elsewhere = createWorld().policy;
  const evidence = (
    ...[decisions, changes = {}, rest = {}]: [
      Parameters<typeof createRecord>[1],
      Parameters<typeof createRecord>[2]?,
      Partial<Parameters<typeof createEvidence>[1]>?,
    ]
  ) =>
    createEvidence(world, {
      finalFacts: payload.facts,
      record: createRecord(payload, decisions, changes),
      ...late,
      ...rest,
    });
  const unnamed = {
    policy: { ...elsewhere, environments: { staging: elsewhere.environments.staging! } },
  };

  const steps: readonly [ReasonCode, ReturnType<typeof evidence>][] = [
    // Every document, then a person's no, then the payload's text.
    ['payload_invalid', evidence([], spaced, { finalFacts: other, ...unnamed })],
    ['rejected', evidence([rejection], spaced, { finalFacts: other, ...unnamed })],
    ['payload_invalid', evidence([stranger], spaced, { finalFacts: other, ...unnamed })],
    // 6: facts before the rule.
    ['facts_mismatch', evidence([stranger], wrongHash, { finalFacts: other, ...unnamed })],
    ['configuration', evidence([stranger], wrongHash, unnamed)],
    // 7: hash, then challenge and ceremony before the person.
    ['payload_invalid', evidence([stranger], wrongHash)],
    ['evidence_invalid', evidence([decide(payload, createPasskey(), embedded)], pending)],
    // 10: pinned, then not the requester's, before the signature.
    ['approver_untrusted', evidence([stranger], pending)],
    [
      'self_approval',
      evidence([decide(payload, dana, { approver: 'dana', signWith: alex.privateKey })], pending),
    ],
    ['self_approval', evidence([good, own], pending)],
    // 11 before 12.
    ['evidence_invalid', evidence([decide(payload, alex, { signWith: dana.privateKey })], pending)],
    // 12 before 13.
    ['expired', evidence([good], pending)],
    [
      'payload_invalid',
      evidence([decide(long, alex)], pending, {
        record: createRecord(long, [decide(long, alex)], pending),
        now: requestedAt + 600_000,
      }),
    ],
    // 13 before 14.
    ['quorum_unmet', evidence([good], pending, { now: requestedAt + 600_000 })],
  ];
  for (const [index, [code, broken]] of steps.entries()) {
    expect([index, codeOf(broken)]).toEqual([index, code]);
  }

  const byDana = createPayload();
  const both = [decide(byDana, alex), decide(byDana, dana, { approver: 'dana' })];
  const unredeemed = createRecord(byDana, both, pending);
  expect(codeOf(createEvidence(world, { record: unredeemed, finalFacts: facts }))).toBe(
    'configuration',
  );
  expect(approversOf(createEvidence(world, { decisions: both }))).toEqual(['alex', 'dana']);
  expect(
    codeOf(createEvidence(world, { decisions: both.map((one) => without(one, 'assertion')) })),
  ).toBe('evidence_invalid');
});
