/** Prints how long one offline check takes, as JSON: of an approval, of one signature, and of that by @simplewebauthn/server. */
import { randomBytes } from 'node:crypto';
import { verifyAuthenticationResponse } from '@simplewebauthn/server';
import {
  createEvidence,
  createPayload,
  createWorld,
  decide,
} from '../../__tests__/support/approvals.ts';
import { createPasskey, makeAssertion } from '../../__tests__/support/authenticator.ts';
import { makeRegistration } from '../../__tests__/support/registration.ts';
import { registeredKey } from '../../__tests__/support/cose.ts';
import { isApproved, verifyApproval } from '../../src/core/verify.ts';
import { checkAssertion } from '../../src/core/webauthn.ts';
import { median } from './figures.ts';

interface Times {
  readonly first: number;
  /** The median of all after the first. */
  readonly warm: number;
}
export type OfflineTimes = Readonly<Record<'verify' | 'assertion' | 'library', Times>>;

const origin = 'https://approve.example.com';
const rpId = 'approve.example.com';
const checks = Number(process.argv[2]);
const world = createWorld();
const passkey = createPasskey('ES256');
const { attestationObject } = (
  makeRegistration({ passkey, challenge: 'AA', origin, rpId }) as {
    readonly response: { readonly attestationObject: string };
  }
).response;
const { cose } = registeredKey(Buffer.from(attestationObject, 'base64url'));

const times: Record<keyof OfflineTimes, number[]> = { verify: [], assertion: [], library: [] };

// Each time another approval, so that nothing can be remembered; its making is not measured.
for (let round = 0; round <= checks; round += 1) {
  const payload = createPayload();
  const evidence = createEvidence(world, {
    payload,
    decisions: [decide(payload, world.passkeys.alex)],
  });
  const challenge = randomBytes(64);
  const assertion = makeAssertion({ passkey, challenge, origin, rpId });

  let begun = performance.now();
  const verdict = verifyApproval(evidence);
  times.verify.push(performance.now() - begun);

  begun = performance.now();
  const ours = checkAssertion({ assertion, challenge, origin, rpId, key: passkey.pinned });
  times.assertion.push(performance.now() - begun);

  begun = performance.now();
  const theirs = await verifyAuthenticationResponse({
    response: assertion,
    expectedChallenge: challenge.toString('base64url'),
    expectedOrigin: origin,
    expectedRPID: rpId,
    credential: { id: assertion.id, publicKey: new Uint8Array(cose), counter: 0 },
  });
  times.library.push(performance.now() - begun);
  if (!isApproved(verdict) || !ours.ok || !theirs.verified) throw new Error('A check refused.');
}

const summary = ([first, ...rest]: readonly number[]): Times => ({
  first: first!,
  warm: median(rest),
});
process.stdout.write(
  JSON.stringify({
    verify: summary(times.verify),
    assertion: summary(times.assertion),
    library: summary(times.library),
  } satisfies OfflineTimes),
);
