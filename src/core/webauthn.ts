import { createHash, verify, type KeyObject } from 'node:crypto';
import type { AssertionJson } from './assertion.ts';
import { decodeBase64url, encodeBase64url } from './base64url.ts';
import { JsonError, parseJson, type JsonValue } from './json.ts';
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
  if (!ceremony.ok) return ceremony;
  const key = checkKey(expected);
  return key.ok ? ceremony : key;
}

/** The steps that need no key: what was signed, where, and whether a verified user was there. */
export function checkCeremony({
  assertion,
  challenge,
  origin,
  rpId,
}: CeremonyExpectation): Checked<AuthenticatorState> {
  // Step 5 looks the credential up by its id, so that the two names of it have to agree.
  if (assertion.id !== assertion.rawId) return fault('id', 'and rawId name different credentials');
  const client = readClientData(assertion.response.clientDataJSON);
  if (typeof client === 'string') return fault('response.clientDataJSON', client);
  const clientFault = checkClientData(client, { challenge, origin });
  if (clientFault !== undefined) return { ok: false, problems: [clientFault] };
  return checkAuthenticatorData(assertion.response.authenticatorData, rpId);
}

/** Steps 5, 6, 20 and 21: the pinned credential, its user, and the signature over the bytes as they came. */
export function checkKey({
  assertion,
  key,
}: {
  readonly assertion: AssertionJson;
  readonly key: PinnedKey;
}): Checked<true> {
  if (assertion.id !== key.id || assertion.rawId !== key.id) {
    return fault('id', 'is not the id of the pinned passkey');
  }
  const { clientDataJSON, authenticatorData, signature, userHandle } = assertion.response;
  // Step 6: the user handle, where the policy knows one, is absent or that of the person whose key this is.
  const owner = key.user_handle;
  if (userHandle !== undefined && owner !== undefined && userHandle !== owner) {
    return fault('response.userHandle', 'is not the user handle of the pinned passkey');
  }
  const publicKey = readPinnedKey(key);
  if (typeof publicKey === 'string') return fault('public_key', publicKey);
  const client = decodeBase64url(clientDataJSON);
  const authenticator = decodeBase64url(authenticatorData);
  const signed = decodeBase64url(signature);
  if (client === undefined || authenticator === undefined || signed === undefined) {
    return fault('response.signature', 'is not base64url without padding');
  }
  // Steps 20 and 21.
  const data = Buffer.concat([authenticator, createHash('sha256').update(client).digest()]);
  return checkSignature({ algorithm: key.algorithm, key: publicKey, data, signature: signed })
    ? { ok: true, value: true }
    : fault('response.signature', `does not verify with the pinned ${key.algorithm} key`);
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
  try {
    const client = parseJson(bytes, { maxBytes: 8192 });
    return isObject(client) ? client : 'is not a JSON object';
  } catch (error) {
    if (error instanceof JsonError) return error.message;
    throw error;
  }
}

function isObject(value: JsonValue): value is Readonly<Record<string, JsonValue>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Steps 11 to 14. `tokenBinding` is ignored, as Level 3 says. */
function checkClientData(
  client: Readonly<Record<string, JsonValue>>,
  { challenge, origin }: { readonly challenge: Uint8Array; readonly origin: string },
): Problem | undefined {
  const problem = (name: string, message: string): Problem => ({
    field: `response.clientDataJSON.${name}`,
    message,
  });
  // Step 11.
  if (client.type !== 'webauthn.get') return problem('type', 'is not "webauthn.get"');
  // Step 12. Text against text: only the canonical encoding of our challenge is equal.
  if (client.challenge !== encodeBase64url(challenge)) {
    return problem('challenge', 'is not the challenge of this payload');
  }
  // Step 13.
  if (client.origin !== origin) {
    return problem('origin', `is not the origin ${origin} of the policy`);
  }
  // Step 14: we are never embedded, so a cross-origin ceremony is none of ours.
  if (client.crossOrigin !== undefined && client.crossOrigin !== false) {
    return problem('crossOrigin', 'is not false: the page was embedded in another site');
  }
  if (client.topOrigin !== undefined) {
    return problem('topOrigin', 'is present: the page was embedded in another site');
  }
  return undefined;
}

/** Steps 15 to 19. */
function checkAuthenticatorData(text: string, rpId: string): Checked<AuthenticatorState> {
  const field = 'response.authenticatorData';
  const bytes = decodeBase64url(text);
  if (bytes === undefined) return fault(field, 'is not base64url without padding');
  if (bytes.length < authenticatorDataBytes) {
    return fault(field, `has ${bytes.length} bytes, fewer than ${authenticatorDataBytes}`);
  }
  const data = Buffer.from(bytes);
  const flags = data.readUInt8(32);
  // Step 15.
  if (!data.subarray(0, 32).equals(createHash('sha256').update(rpId).digest())) {
    return fault(field, `is not for the relying party ${rpId}`);
  }
  // Step 16.
  if ((flags & flag.up) === 0) return fault(field, 'says that no user was present');
  // Step 17: DESIGN 1 asks for user verification always.
  if ((flags & flag.uv) === 0) return fault(field, 'says that the user was not verified');
  // Step 18.
  const backupEligible = (flags & flag.be) !== 0;
  const backupState = (flags & flag.bs) !== 0;
  if (backupState && !backupEligible) {
    return fault(field, 'says backed up, but not eligible for backup');
  }
  // An assertion carries no attested credential data, and we ask for no extension.
  if ((flags & flag.at) !== 0) return fault(field, 'carries attested credential data');
  if ((flags & flag.ed) !== 0) return fault(field, 'carries extensions that nobody asked for');
  if (data.length > authenticatorDataBytes) {
    return fault(field, `has ${data.length - authenticatorDataBytes} bytes left over`);
  }
  return { ok: true, value: { signCount: data.readUInt32BE(33), backupEligible, backupState } };
}

function fault(field: string, message: string): { ok: false; problems: Problem[] } {
  return { ok: false, problems: [{ field, message }] };
}
