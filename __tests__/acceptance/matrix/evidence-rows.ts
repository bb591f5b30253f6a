import { randomBytes } from 'node:crypto';
import { canonicalText } from '../../../src/core/canonical.ts';
import { sha256Hex } from '../../../src/core/hash.ts';
import type { ApprovalPayload } from '../../../src/core/payload.ts';
import type { RefusalCode } from '../../../src/core/verdict.ts';
import { otherForm } from '../../support/authenticator.ts';
import { json } from '../../support/faulty-server.ts';
import type { RightAnswer, Row, Tools } from './table.ts';

type Change = (value: RightAnswer['value'], tools: Tools) => object;

/** A lying service: it says `approved`, and shows this for it. The request step judges as the verify step does. */
const row = (
  fault: string,
  change: Change,
  code: RefusalCode | 'goes on',
  confirm: RefusalCode | 'goes on' = code,
): Row => ({
  fault,
  how: {
    kind: 'answer',
    act: ({ status, value }, tools) => json(status, { ...value, ...change(value, tools) }),
  },
  endings: { confirm, fetch: code },
});
const assertion = (fault: string, rawAssertion: unknown): Row =>
  row(fault, () => ({ rawAssertion }), 'evidence_invalid');
const signed = (
  fault: string,
  options: Parameters<Tools['sign']>[0],
  code: RefusalCode | 'goes on' = 'evidence_invalid',
): Row => row(fault, (_value, { sign }) => ({ rawAssertion: sign(options) }), code);

const anotherPayload = (value: RightAnswer['value']): ApprovalPayload => {
  const payload = value.payload as ApprovalPayload;
  return { ...payload, facts: { ...payload.facts, region: 'us-east-1' } };
};

export const evidenceRows: readonly Row[] = [
  assertion('approved without a signature', undefined),
  assertion('`null` as signature', null),
  assertion('`{}` as signature', {}),
  assertion('`true` as signature', true),
  assertion('a text as signature', 'approved'),
  row(
    'signed by a key that nobody pinned',
    (_value, { sign, people }) => ({
      rawAssertion: sign({
        passkey: {
          ...people.alex,
          pinned: { ...people.alex.pinned, id: 'AAAAAAAAAAAAAAAAAAAAAA' },
        },
      }),
    }),
    'approver_untrusted',
  ),
  row(
    "signed by another key under the pinned key's id (re-signed)",
    (_value, { sign, people }) => ({ rawAssertion: sign({ signWith: people.kim.privateKey }) }),
    'evidence_invalid',
  ),
  row(
    'a good signature of another approver, who was not asked',
    (_value, { sign, people }) => ({ rawAssertion: sign({ passkey: people.dana }) }),
    'approver_untrusted',
  ),
  row(
    'a good signature of somebody who may not approve here',
    (_value, { sign, people }) => ({ rawAssertion: sign({ passkey: people.kim }) }),
    'approver_untrusted',
  ),
  signed('a good signature over another payload', { payloadHash: 'c'.repeat(64) }),
  signed('a good signature over another nonce (replayed)', { nonce: randomBytes(32) }),
  row(
    'a nonce that was not signed',
    () => ({ nonce: randomBytes(32).toString('base64url') }),
    'evidence_invalid',
    // The request step knows the nonce from create, and believes that one.
    'goes on',
  ),
  row(
    'another payload, under our hash',
    (value) => ({ payload: anotherPayload(value) }),
    'service_misbehaved',
    'goes on',
  ),
  row(
    'another payload with its own hash and a good signature',
    (value, { sign }) => {
      const payload = anotherPayload(value);
      const payloadHash = sha256Hex(canonicalText(payload));
      return { payload, payloadHash, rawAssertion: sign({ payloadHash }) };
    },
    'facts_mismatch',
    'service_misbehaved',
  ),
  row('no payload at all', () => ({ payload: undefined }), 'evidence_invalid', 'goes on'),
  signed('the signature of a rejection', { decision: 'rejected' }),
  signed('a sign-in in place of an approval (32 bytes of challenge)', {
    clientData: { challenge: randomBytes(32).toString('base64url') },
  }),
  signed('an enrolment in place of an approval', { clientData: { type: 'webauthn.create' } }),
  signed('the user was not verified', { flags: 0x01 }),
  signed('the user was not present', { flags: 0x04 }),
  signed('signed on another page', { origin: 'https://evil.example.com' }),
  signed('signed for another relying party', { rpId: 'evil.example.com' }),
  signed('signed in a frame of another page', { clientData: { crossOrigin: true } }),
  signed('signed below another page', { clientData: { topOrigin: 'https://evil.example.com' } }),
  signed('bytes left over after the authenticator data', { extra: Buffer.of(1) }),
  signed('authenticator data cut short', { length: 36 }),
  signed('one bit of the signature changed', {
    tamper: (signature) => {
      const copy = Buffer.from(signature);
      copy[copy.length - 1]! ^= 1;
      return copy;
    },
  }),
  signed('an empty signature', { tamper: () => Buffer.alloc(0) }),
  signed('the user handle of somebody else', { userHandle: randomBytes(16).toString('base64url') }),
  signed('the other good form of the same signature', { tamper: otherForm }, 'goes on'),
  row(
    'decided an hour from now',
    () => ({ decidedAt: new Date(Date.now() + 3_500_000).toISOString() }),
    'evidence_invalid',
  ),
  row(
    'decided before it was asked',
    () => ({ decidedAt: new Date(Date.now() - 3_600_000).toISOString() }),
    'evidence_invalid',
  ),
];
