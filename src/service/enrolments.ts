import { createPublicKey, randomBytes, type JsonWebKey } from 'node:crypto';
import {
  generateRegistrationOptions,
  verifyRegistrationResponse,
  type PublicKeyCredentialCreationOptionsJSON,
} from '@simplewebauthn/server';
import { cose, decodeCredentialPublicKey } from '@simplewebauthn/server/helpers';
import * as z from 'zod';
import { credentialIdSchema } from '../core/assertion.ts';
import { canonicalText } from '../core/canonical.ts';
import { parseJson } from '../core/json.ts';
import { readPinnedKey, type Algorithm } from '../core/passkeys.ts';
import { reasonOf } from '../core/reason.ts';
import { issueChallenge, makeRoomForChallenge, useChallenge } from './challenges.ts';
import type { Context } from './context.ts';
import { countUse, findInvite, type Invite } from './invites.ts';
import {
  addPasskey,
  addPerson,
  findPasskey,
  findPerson,
  isNameTaken,
  keyHash,
  passkeysOf,
  type Passkey,
  type Person,
} from './people.ts';
import { Refusal } from './refusal.ts';

const algorithmIds = [cose.COSEALG.ES256, cose.COSEALG.EdDSA, cose.COSEALG.RS256];
const enrolmentMs = 10 * 60_000;

const base64url = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[A-Za-z0-9_-]+$/);

/** W3C `RegistrationResponseJSON`, as much of it as is used; a browser may send more. */
export const registrationSchema = z.object({
  id: credentialIdSchema,
  rawId: credentialIdSchema,
  type: z.literal('public-key'),
  response: z.object({ clientDataJSON: base64url(8192), attestationObject: base64url(32_768) }),
});
export type Registration = z.infer<typeof registrationSchema>;

export interface EnrolmentRequest {
  readonly code: string;
  readonly username: string;
  /** Who is signed in at this browser, if anybody. */
  readonly signedInAs: string | undefined;
}

/** Begins an enrolment: the options for `navigator.credentials.create`. @throws Refusal 404, 409 or 429 */
export async function beginEnrolment(
  context: Context,
  request: EnrolmentRequest,
): Promise<PublicKeyCredentialCreationOptionsJSON> {
  const challenge = randomBytes(32);
  const person = context.store.transaction(() => {
    const invite = findInvite(context, request.code);
    const enrolled = personFor(context, request, invite);
    makeRoomForChallenge(context, 'enrolment');
    issueChallenge(context, {
      challenge: challenge.toString('base64url'),
      purpose: 'enrolment',
      subject: subjectOf(invite, enrolled),
      expiresAt: context.now() + enrolmentMs,
    });
    return enrolled;
  });
  return generateRegistrationOptions({
    rpName: 'Deploy Warrant',
    rpID: context.rpId,
    userName: person.username,
    userDisplayName: person.username,
    userID: new Uint8Array(Buffer.from(person.userHandle, 'base64url')),
    challenge: new Uint8Array(challenge),
    timeout: enrolmentMs,
    attestationType: 'none',
    excludeCredentials: passkeysOf(context, person.username).map(({ key }) => ({ id: key.id })),
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    supportedAlgorithmIDs: algorithmIds,
  });
}

/** Ends it: the passkey is stored, the invite is used once more. @throws Refusal 403, 404 or 409 */
export async function finishEnrolment(
  context: Context,
  request: EnrolmentRequest & { readonly response: Registration },
): Promise<object> {
  const challenge = challengeOf(request.response);
  // The challenge is used up first and stays so, whatever comes of the answer.
  const subject = context.store.transaction(() =>
    useChallenge(context, { challenge, purpose: 'enrolment' }),
  );
  if (subject === undefined) throw refused('it answers no open enrolment; begin again');
  const { codeHash, userHandle, username } = subjectSchema.parse(JSON.parse(subject));
  const passkey = await readRegistration(context, {
    response: request.response,
    challenge,
    username,
    userHandle,
  });
  context.store.transaction(() => {
    const invite = findInvite(context, request.code);
    if (invite.codeHash !== codeHash || request.username !== username) {
      throw refused('it belongs to another invite or name');
    }
    // Asked again: since the beginning, somebody else may have taken the name or the last use of the invite.
    personFor(context, request, invite);
    if (findPerson(context, username) === undefined) addPerson(context, { username, userHandle });
    if (findPasskey(context, passkey.key.id) !== undefined) throw refused('it is enrolled already');
    addPasskey(context, passkey);
    countUse(context, invite);
  });
  const { id, algorithm, public_key: publicKey } = passkey.key;
  return { username, id, algorithm, sha256: keyHash(publicKey) };
}

const subjectSchema = z.object({
  codeHash: z.string(),
  username: z.string(),
  userHandle: z.string(),
});

function subjectOf(invite: Invite, person: Person): string {
  return canonicalText({ codeHash: invite.codeHash, ...person });
}

/**
 * Who is being enrolled. An invite makes a new person; a passkey is added to one who exists only by that person, signed in,
 * or by an invite that was made out to that name. Otherwise whoever holds an invite could become somebody else.
 */
function personFor(context: Context, request: EnrolmentRequest, invite: Invite): Person {
  const { username, signedInAs } = request;
  if (invite.username !== undefined && invite.username !== username) {
    throw new Refusal(409, 'name_not_invited', 'This invite is for another user name.');
  }
  const existing = findPerson(context, username);
  const mayAdd = signedInAs === username || invite.username === username;
  if (existing !== undefined && mayAdd) return existing;
  if (existing !== undefined || isNameTaken(context, username)) {
    throw new Refusal(
      409,
      'name_taken',
      `The name ${username} is taken. If it is yours, sign in first to add a passkey; else choose another.`,
    );
  }
  return { username, userHandle: randomBytes(32).toString('base64url') };
}

const clientDataSchema = z.object({
  challenge: z.string(),
  crossOrigin: z.literal(false).optional(),
  topOrigin: z.undefined().optional(),
});

/** The library looks at neither `crossOrigin` nor `topOrigin` (WebAuthn Level 3 section 7.1, steps 10 and 11). */
function challengeOf({ response }: Registration): string {
  try {
    const bytes = Buffer.from(response.clientDataJSON, 'base64url');
    return clientDataSchema.parse(parseJson(bytes, { maxBytes: 8192 })).challenge;
  } catch {
    throw refused('its client data is not that of a page of ours');
  }
}

/** Section 7.1, by the library; then the key in the form that policies pin. */
async function readRegistration(
  context: Context,
  o: {
    readonly response: Registration;
    readonly challenge: string;
    readonly username: string;
    readonly userHandle: string;
  },
): Promise<Passkey> {
  const result = await verifyRegistrationResponse({
    response: { ...o.response, clientExtensionResults: {} },
    expectedChallenge: o.challenge,
    expectedOrigin: context.origin,
    expectedRPID: context.rpId,
    requireUserVerification: true,
    supportedAlgorithmIDs: algorithmIds,
  }).catch((error: unknown) => {
    throw refused(reasonOf(error));
  });
  if (!result.verified) throw refused('its attestation does not verify');
  const { credential, credentialDeviceType } = result.registrationInfo;
  if (credential.id !== o.response.id) throw refused('it names two credentials');
  return {
    username: o.username,
    key: { id: credential.id, ...readKey(credential.publicKey), user_handle: o.userHandle },
    signCount: credential.counter,
    backupEligible: credentialDeviceType === 'multiDevice',
  };
}

/** A COSE key (RFC 9053) as SPKI. */
function readKey(coseKey: Uint8Array<ArrayBuffer>): { algorithm: Algorithm; public_key: string } {
  try {
    const key = decodeCredentialPublicKey(coseKey);
    const { algorithm, jwk } = toJwk(key);
    const spki = createPublicKey({ key: jwk, format: 'jwk' }).export({
      type: 'spki',
      format: 'der',
    });
    const pinned = { algorithm, public_key: spki.toString('base64url') };
    const readable = readPinnedKey(pinned);
    if (typeof readable === 'string') throw new Error(readable);
    return pinned;
  } catch (error) {
    throw refused(`its key: ${reasonOf(error)}`);
  }
}

function toJwk(key: ReturnType<typeof decodeCredentialPublicKey>): {
  algorithm: Algorithm;
  jwk: JsonWebKey;
} {
  const text = (value: Uint8Array | undefined): string =>
    Buffer.from(value ?? new Uint8Array()).toString('base64url');
  const { crv, x, y, n, e, alg } = cose.COSEKEYS;
  if (cose.isCOSEPublicKeyEC2(key) && key.get(alg) === cose.COSEALG.ES256 && key.get(crv) === 1) {
    const jwk = { kty: 'EC', crv: 'P-256', x: text(key.get(x)), y: text(key.get(y)) };
    return { algorithm: 'ES256', jwk };
  }
  if (cose.isCOSEPublicKeyOKP(key) && key.get(alg) === cose.COSEALG.EdDSA && key.get(crv) === 6) {
    return { algorithm: 'EdDSA', jwk: { kty: 'OKP', crv: 'Ed25519', x: text(key.get(x)) } };
  }
  if (cose.isCOSEPublicKeyRSA(key) && key.get(alg) === cose.COSEALG.RS256) {
    return { algorithm: 'RS256', jwk: { kty: 'RSA', n: text(key.get(n)), e: text(key.get(e)) } };
  }
  throw new Error('is of no kind that a policy can pin (ES256, EdDSA with Ed25519, RS256)');
}

function refused(reason: string): Refusal {
  return new Refusal(403, 'enrolment_refused', `This passkey can't be enrolled: ${reason}.`);
}
