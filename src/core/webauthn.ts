import { createHash, verify, type KeyObject } from 'node:crypto';
import type { AssertionJson } from './assertion.ts';
import { decodeBase64url, encodeBase64url } from './base64url.ts';
import { listProblems } from './fault.ts';
import { checkJson, type JsonValue } from './json.ts';
import { readPinnedKey, type Algorithm, type PinnedKey } from './passkeys.ts';
import type { Checked, Problem } from './verdict.ts';

/** What an assertion says besides that it is good. All of it is stated by the authenticator and signed. */
export interface AuthenticatorState {
  /** 0 where the authenticator keeps no counter. */
  readonly signCount: number;
  readonly backupEligible: boolean;
  readonly backupState: boolean;
}

export interface CeremonyExpectation {
  readonly assertion: AssertionJson;
  readonly challenge: Uint8Array;
  /** Compared as text, such as `https://approve.example.com`. */
  readonly origin: string;
  readonly rpId: string;
}

/** Flags of the authenticator data (WebAuthn Level 3 section 6.1). */
const flag = { up: 0x01, uv: 0x04, be: 0x08, bs: 0x10, at: 0x40, ed: 0x80 } as const;

/** rpIdHash (32), flags (1), signCount (4); more only where AT or ED is set, and both are refused. */
const authenticatorDataBytes = 37;

/**
 * Verifies a passkey's assertion by WebAuthn Level 3 section 7.2, with the key and algorithm of the policy only.
 * The numbers in the code are the steps of that section. Steps 1 to 4 and 8 are about running the ceremony; 22 (the
 * counter) needs memory and is the service's, 23 to 25 (extensions, attestation, storing) do not apply: extensions in
 * the authenticator data are refused.
 */
export function checkAssertion(
  expected: CeremonyExpectation & { readonly key: PinnedKey },
): Checked<AuthenticatorState> {
  const ceremony = checkCeremony(expected);
  const key = checkKey(expected);
  if (ceremony.ok) return key.ok ? ceremony : key;
  return key.ok ? ceremony : { ok: false, problems: [...ceremony.problems, ...key.problems] };
}

/** The steps that need no key: what was signed, where, and whether a verified user was there. Every problem of them. */
export function checkCeremony({
  assertion,
  challenge,
  origin,
  rpId,
}: CeremonyExpectation): Checked<AuthenticatorState> {
  const { clientDataJSON, authenticatorData } = assertion.response;
  const problems: Problem[] = [];
  // Step 5 looks the credential up by its id, so that the two names of it have to agree.
  if (assertion.id !== assertion.rawId) {
    problems.push({ field: 'id', message: 'and rawId name different credentials' });
  }
  const client = readClientData(clientDataJSON);
  if (typeof client === 'string') {
    problems.push({ field: 'response.clientDataJSON', message: client });
  } else {
    problems.push(...clientDataProblems(client, { challenge, origin }));
  }
  const data = readAuthenticatorData(authenticatorData);
  if (typeof data === 'string') {
    problems.push({ field: 'response.authenticatorData', message: data });
    return { ok: false, problems };
  }
  problems.push(...authenticatorDataProblems(data, rpId));
  return problems.length === 0 ? { ok: true, value: stateOf(data) } : { ok: false, problems };
}

/** Steps 5, 6, 20 and 21: the pinned credential, its user, and the signature over the bytes as they came. Every problem of them. */
export function checkKey({
  assertion,
  key,
}: {
  readonly assertion: AssertionJson;
  readonly key: PinnedKey;
}): Checked<true> {
  const { userHandle } = assertion.response;
  const problems: Problem[] = [];
  if (assertion.id !== key.id || assertion.rawId !== key.id) {
    problems.push({ field: 'id', message: 'is not the id of the pinned passkey' });
  }
  // Step 6: the user handle, where the policy knows one, is absent or that of the person whose key this is.
  const owner = key.user_handle;
  if (userHandle !== undefined && owner !== undefined && userHandle !== owner) {
    const message = 'is not the user handle of the pinned passkey';
    problems.push({ field: 'response.userHandle', message });
  }
  // Steps 20 and 21.
  const signature = signatureProblem(assertion, key);
  if (signature !== undefined) problems.push(signature);
  return problems.length === 0 ? { ok: true, value: true } : { ok: false, problems };
}

function signatureProblem({ response }: AssertionJson, key: PinnedKey): Problem | undefined {
  const field = 'response.signature';
  const publicKey = readPinnedKey(key);
  if (typeof publicKey === 'string') return { field: 'public_key', message: publicKey };
  const client = decodeBase64url(response.clientDataJSON);
  const authenticator = decodeBase64url(response.authenticatorData);
  const signature = decodeBase64url(response.signature);
  if (client === undefined || authenticator === undefined || signature === undefined) {
    return { field, message: 'is not base64url without padding' };
  }
  const { algorithm } = key;
  const data = Buffer.concat([authenticator, createHash('sha256').update(client).digest()]);
  if (checkSignature({ algorithm, key: publicKey, data, signature })) return undefined;
  return { field, message: `does not verify with the pinned ${algorithm} key` };
}

/** The challenge that an assertion says it signed, for who looks for the nonce in it; nothing is checked yet. */
export function statedChallenge(assertion: AssertionJson): Uint8Array | undefined {
  const client = readClientData(assertion.response.clientDataJSON);
  if (typeof client === 'string' || typeof client.challenge !== 'string') return undefined;
  return decodeBase64url(client.challenge);
}

/** One signature in the form of WebAuthn Level 3 section 6.5.5: ES256 as ASN.1 DER. */
export function checkSignature(o: {
  readonly algorithm: Algorithm;
  readonly key: KeyObject;
  readonly data: Uint8Array;
  readonly signature: Uint8Array;
}): boolean {
  switch (o.algorithm) {
    case 'ES256':
      return verify('sha256', o.data, { key: o.key, dsaEncoding: 'der' }, o.signature);
    case 'EdDSA':
      return verify(null, o.data, o.key, o.signature);
    case 'RS256':
      return verify('sha256', o.data, o.key, o.signature);
  }
}

/** Steps 9 and 10: UTF-8 and JSON, read strictly; members that we do not know are left alone. */
function readClientData(text: string): Readonly<Record<string, JsonValue>> | string {
  const bytes = decodeBase64url(text);
  if (bytes === undefined) return 'is not base64url without padding';
  const read = checkJson(bytes, { maxBytes: 8192 });
  if (!read.ok) return listProblems(read.problems);
  return isObject(read.value) ? read.value : 'is not a JSON object';
}

function isObject(value: JsonValue): value is Readonly<Record<string, JsonValue>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Steps 11 to 14. `tokenBinding` is ignored, as Level 3 says. */
function* clientDataProblems(
  client: Readonly<Record<string, JsonValue>>,
  { challenge, origin }: { readonly challenge: Uint8Array; readonly origin: string },
): Generator<Problem> {
  const problem = (name: string, message: string): Problem => ({
    field: `response.clientDataJSON.${name}`,
    message,
  });
  // Step 11.
  if (client.type !== 'webauthn.get') yield problem('type', 'is not "webauthn.get"');
  // Step 12. Text against text: only the canonical encoding of our challenge is equal.
  if (client.challenge !== encodeBase64url(challenge)) {
    yield problem('challenge', 'is not the challenge of this payload');
  }
  // Step 13.
  if (client.origin !== origin) {
    yield problem('origin', `is not the origin ${origin} of the policy`);
  }
  // Step 14: we are never embedded, so a cross-origin ceremony is none of ours.
  if (client.crossOrigin !== undefined && client.crossOrigin !== false) {
    yield problem('crossOrigin', 'is not false: the page was embedded in another site');
  }
  if (client.topOrigin !== undefined) {
    yield problem('topOrigin', 'is present: the page was embedded in another site');
  }
}

function readAuthenticatorData(text: string): Buffer | string {
  const bytes = decodeBase64url(text);
  if (bytes === undefined) return 'is not base64url without padding';
  return bytes.length < authenticatorDataBytes
    ? `has ${bytes.length} bytes, fewer than ${authenticatorDataBytes}`
    : Buffer.from(bytes);
}

/** Steps 15 to 19. */
function* authenticatorDataProblems(data: Buffer, rpId: string): Generator<Problem> {
  const problem = (message: string): Problem => ({ field: 'response.authenticatorData', message });
  const flags = data.readUInt8(32);
  // Step 15.
  if (!data.subarray(0, 32).equals(createHash('sha256').update(rpId).digest())) {
    yield problem(`is not for the relying party ${rpId}`);
  }
  // Step 16.
  if ((flags & flag.up) === 0) yield problem('says that no user was present');
  // Step 17: DESIGN 1 asks for user verification always.
  if ((flags & flag.uv) === 0) yield problem('says that the user was not verified');
  // Step 18.
  const { backupEligible, backupState } = stateOf(data);
  if (backupState && !backupEligible) {
    yield problem('says backed up, but not eligible for backup');
  }
  // An assertion carries no attested credential data, and we ask for no extension.
  if ((flags & flag.at) !== 0) yield problem('carries attested credential data');
  if ((flags & flag.ed) !== 0) yield problem('carries extensions that nobody asked for');
  if (data.length > authenticatorDataBytes) {
    yield problem(`has ${data.length - authenticatorDataBytes} bytes left over`);
  }
}

function stateOf(data: Buffer): AuthenticatorState {
  const flags = data.readUInt8(32);
  return {
    signCount: data.readUInt32BE(33),
    backupEligible: (flags & flag.be) !== 0,
    backupState: (flags & flag.bs) !== 0,
  };
}
