import { startAuthentication, WebAuthnAbortService } from '@simplewebauthn/browser';
import { sendDecision, sendRevocation, type Confirmation, type Status } from './api.ts';
import { challengeFor, parse32Bytes, payloadHashOf, type Act } from './challenge.ts';
import type { Json } from './leaves.ts';

/** What the person is about to sign: hashed here, from what the page shows. */
export interface Signable {
  readonly nonce: Uint8Array<ArrayBuffer>;
  readonly payloadHash: string;
}

/**
 * Whether what is shown is what the service says will be signed.
 * @param shown the payload read back from the page
 * @returns what may be signed, or a sentence why nothing may be
 */
export async function checkShown(
  shown: Json,
  confirmation: Confirmation,
): Promise<Signable | string> {
  let payloadHash: string;
  try {
    payloadHash = await payloadHashOf(shown);
  } catch {
    return 'This payload has no canonical form, so nobody can sign it.';
  }
  if (payloadHash !== confirmation.payloadHash) {
    return `What this page shows has another hash (${payloadHash.slice(0, 16)}…) than the service wants signed (${confirmation.payloadHash.slice(0, 16)}…).`;
  }
  const nonce = parse32Bytes(confirmation.nonce);
  if (nonce === undefined) return 'The service’s nonce is not 32 bytes.';
  if (confirmation.credentialIds.length === 0) {
    return `The service knows no passkey of ${confirmation.username}.`;
  }
  return { nonce, payloadHash };
}

/**
 * The ceremony over the act's own challenge, and its delivery.
 * @returns the state after it
 * @throws WebAuthnError when nothing was signed, ApiError when the service did not take it (409: someone was faster)
 */
export async function decide(
  act: Act,
  { nonce, payloadHash }: Signable,
  { confirmation, rpId }: { readonly confirmation: Confirmation; readonly rpId: string },
): Promise<Status> {
  const assertion = await startAuthentication({
    optionsJSON: {
      challenge: await challengeFor(act, nonce, payloadHash),
      rpId,
      allowCredentials: confirmation.credentialIds.map((id) => ({ id, type: 'public-key' })),
      userVerification: 'required',
      timeout: 120_000,
    },
  });
  const { id } = confirmation;
  return act === 'revoked' ? sendRevocation(id, assertion) : sendDecision(id, act, assertion);
}

/** Takes the passkey prompt away. */
export function cancelCeremony(): void {
  WebAuthnAbortService.cancelCeremony();
}
