import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import type { DeployFacts } from '../../src/core/facts.ts';
import type { Decision } from '../../src/core/record.ts';
import type { Problem } from '../../src/core/verdict.ts';
import { everyObjection } from '../../src/core/verify.ts';
import {
  createEvidence,
  createPayload,
  createRecord,
  createWorld,
  decide,
  without,
} from '../support/approvals.ts';
import { createPasskey } from '../support/authenticator.ts';
import { approversOf, codeOf, refusal } from '../support/judging.ts';

const world = createWorld();
const { alex, dana, kim } = world.passkeys;
const payload = createPayload();
/** The refusal of an otherwise good record with these decisions. */
const judged = (...decisions: Decision[]) => refusal(createEvidence(world, { decisions }));

const told = ({ field, message }: Problem) => `${field}: ${message}`;

describe('step 7: hash and challenge', () => {
  test('a record whose hash is not its payload’s is payload_invalid', () => {
    const { record } = createEvidence(world);
    const other = createRecord(createPayload({ region: 'us' }), []).payload_hash;
    const verdict = refusal(createEvidence(world, { record: { ...record, payload_hash: other } }));
    expect(verdict.reason_code).toBe('payload_invalid');
    expect(verdict.message).toContain(record.payload_hash);
  });

  test('a signature over another payload is evidence_invalid: an approval can’t be moved', () => {
    for (const other of [
      createPayload({ region: 'us' }),
      { ...payload, request_id: 'f'.repeat(32) },
    ]) {
      expect(judged(decide(other, alex)).reason_code).toBe('evidence_invalid');
      const bare = without(decide(other, alex), 'nonce');
      expect(judged(bare).reason_code).toBe('evidence_invalid');
    }
  });

  test('a signature over another nonce than the service gave is evidence_invalid', () => {
    const nonce = randomBytes(32).toString('base64url');
    expect(judged({ ...decide(payload, alex), nonce }).reason_code).toBe('evidence_invalid');
  });

  test('a sign-in, or a challenge of any other length, is evidence_invalid', () => {
    const hash = Buffer.from(createEvidence(world).record.payload_hash, 'hex');
    for (const challenge of [
      randomBytes(32),
      hash,
      Buffer.concat([randomBytes(31), hash]),
      Buffer.concat([randomBytes(64), hash]),
      Buffer.concat([randomBytes(32), hash, Buffer.of(0)]),
      Buffer.alloc(0),
    ]) {
      const decision = without(decide(payload, alex, { challenge }), 'nonce');
      expect(judged(decision).reason_code).toBe('evidence_invalid');
    }
  });

  test.each(['no JSON', '[]', '{}', '{"challenge":7}', '{"challenge":"not base64url!"}'])(
    'without a nonce, a signature that states no challenge is evidence_invalid: %j',
    (client) => {
      const decision = without(decide(payload, alex), 'nonce');
      const { assertion } = decision;
      const clientDataJSON = Buffer.from(client).toString('base64url');
      const response = { ...assertion!.response, clientDataJSON };
      const damaged = { ...decision, assertion: { ...assertion!, response } };
      expect(judged(damaged).reason_code).toBe('evidence_invalid');
    },
  );
});

describe('steps 8, 9 and 11: the assertion', () => {
  test.each([
    ['the type of an enrolment', { clientData: { type: 'webauthn.create' } }],
    ['another origin', { origin: 'https://evil.example' }],
    ['an embedded page', { clientData: { crossOrigin: true } }],
    ['a top origin', { clientData: { topOrigin: 'https://evil.example' } }],
    ['another relying party', { rpId: 'evil.example' }],
    ['nobody present', { flags: 0x04 }],
    ['an unverified user', { flags: 0x01 }],
    ['backup without eligibility', { flags: 0x15 }],
    ['extensions', { flags: 0x85 }],
    ['bytes left over', { extra: Buffer.of(0) }],
    ['another person’s user handle', { userHandle: dana.pinned.user_handle }],
    ['another key', { signWith: createPasskey().privateKey }],
    ['a broken signature', { tamper: (signature: Buffer) => signature.fill(1, 8, 9) }],
  ])('with %s is evidence_invalid', (_, options) => {
    const verdict = judged(decide(payload, alex, options));
    expect(verdict.reason_code).toBe('evidence_invalid');
    expect(verdict.problems).toHaveLength(1);
  });

  test('with everything wrong is evidence_invalid, and every fault is named', () => {
    const decision = decide(payload, alex, {
      clientData: { type: 'webauthn.create', crossOrigin: true, topOrigin: 'https://evil.example' },
      origin: 'https://evil.example',
      rpId: 'evil.example',
      flags: 0xd0,
      extra: Buffer.of(0xa0),
      userHandle: dana.pinned.user_handle,
      signWith: createPasskey().privateKey,
      challenge: randomBytes(64),
    });
    const rawId = dana.pinned.id;
    const assertion = { ...decision.assertion!, rawId };
    const found = everyObjection(
      createEvidence(world, { decisions: [{ ...decision, assertion }] }),
    );
    expect(found.flatMap(({ details }) => details?.problems ?? []).map(told)).toEqual([
      'id: and rawId name different credentials',
      'response.clientDataJSON.type: is not "webauthn.get"',
      'response.clientDataJSON.challenge: is not the challenge of this payload',
      expect.stringContaining('response.clientDataJSON.origin: is not the origin'),
      expect.stringContaining('response.clientDataJSON.crossOrigin: is not false'),
      expect.stringContaining('response.clientDataJSON.topOrigin: is present'),
      expect.stringContaining('response.authenticatorData: is not for the relying party'),
      'response.authenticatorData: says that no user was present',
      'response.authenticatorData: says that the user was not verified',
      'response.authenticatorData: says backed up, but not eligible for backup',
      'response.authenticatorData: carries attested credential data',
      'response.authenticatorData: carries extensions that nobody asked for',
      'response.authenticatorData: has 1 bytes left over',
      'id: is not the id of the pinned passkey',
      'response.userHandle: is not the user handle of the pinned passkey',
      'response.signature: does not verify with the pinned ES256 key',
    ]);
  });

  test('none at all is evidence_invalid: a status is no evidence', () => {
    const unsigned = without(decide(payload, alex), 'assertion');
    expect(judged(unsigned).reason_code).toBe('evidence_invalid');
  });

  test('one bad decision refuses, beside a good one', () => {
    const bad = decide(payload, dana, { approver: 'dana', flags: 0x01 });
    expect(judged(decide(payload, alex), bad).reason_code).toBe('evidence_invalid');
    expect(judged(bad, decide(payload, alex)).reason_code).toBe('evidence_invalid');
  });
});

describe('step 10: the person', () => {
  test('a passkey that the policy does not pin is approver_untrusted', () => {
    expect(judged(decide(payload, createPasskey())).reason_code).toBe('approver_untrusted');
  });

  test('a planted key under a pinned id is evidence_invalid', () => {
    const planted = createPasskey();
    const disguised = {
      ...planted,
      pinned: { ...planted.pinned, id: alex.pinned.id, user_handle: alex.pinned.user_handle },
    };
    expect(judged(decide(payload, disguised)).reason_code).toBe('evidence_invalid');
  });

  test('a key of somebody else than the service says is approver_untrusted', () => {
    const verdict = judged(decide(payload, alex, { approver: 'dana' }));
    expect(verdict.reason_code).toBe('approver_untrusted');
    expect(verdict.message).toContain("the passkey is alex's");
  });

  test('a person of the policy who is not named for this environment is approver_untrusted', () => {
    const verdict = judged(decide(payload, kim, { approver: 'kim' }));
    expect(verdict.reason_code).toBe('approver_untrusted');
    expect(verdict.message).toContain('the policy names alex, dana');
  });

  const own = (actor: Partial<DeployFacts['actor']>) =>
    createPayload({ actor: { login: 'somebody', id: '1', type: 'human', ...actor } });

  test.each<[string, Partial<DeployFacts['actor']>]>([
    ['the same id', { id: '1234567' }],
    ['the same id with its provider', { id: 'github:1234567' }],
    ['the same login', { login: 'alexdoe' }],
    ['the same login in another case', { login: 'AlexDoe' }],
    ['the login of who started it again', { triggered_by: 'ALEXDOE' }],
  ])('who asked for it may not approve: %s is self_approval', (_, actor) => {
    const verdict = refusal(createEvidence(world, { payload: own(actor) }));
    expect(verdict.reason_code).toBe('self_approval');
    expect(verdict.message).toMatch(
      /^alex approved a deploy that they asked for themselves.*Ask dana\.$/,
    );
  });

  test('another’s request is no self-approval, and the policy may allow it', () => {
    const byAlex = own({ id: '1234567', login: 'alexdoe' });
    const decisions = [decide(byAlex, dana, { approver: 'dana' })];
    expect(approversOf(createEvidence(world, { payload: byAlex, decisions }))).toEqual(['dana']);
    const lax = createWorld({ self_approval: true });
    expect(approversOf(createEvidence(lax, { payload: byAlex }))).toEqual(['alex']);
  });

  test('the requester’s signature refuses even where others make the quorum', () => {
    const byAlex = own({ id: '1234567' });
    const decisions = [decide(byAlex, dana, { approver: 'dana' }), decide(byAlex, alex)];
    expect(codeOf(createEvidence(world, { payload: byAlex, decisions }))).toBe('self_approval');
  });
});
