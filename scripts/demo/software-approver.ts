import {
  WebAuthnEmulator,
  type PublicKeyCredentialCreationOptionsJSON,
} from 'nid-webauthn-emulator';
import { approvalChallenge, rejectionChallenge } from '../../src/core/challenge.ts';
import type { Approver } from './approver.ts';
import { ownConnection } from './service.ts';

/** An authenticator in software that talks to the page's own endpoints: real signatures, no browser. */
export function softwareApprover(): Approver {
  const authenticator = new WebAuthnEmulator();
  let name = '';
  return {
    description: 'a software authenticator; where Chromium is installed, the real page in it',
    enrol: async (inviteUrl, username) => {
      name = username;
      const { origin, pathname } = new URL(inviteUrl);
      const invite = { code: pathname.split('/').at(-1) ?? '', username };
      const options = await post(origin, '/page/enrolments', invite);
      const response = authenticator.createJSON(
        origin,
        options as PublicKeyCredentialCreationOptionsJSON,
      );
      const finished = await post(origin, '/page/enrolments/finish', { ...invite, response });
      return (finished as { readonly sha256: string }).sha256;
    },
    decide: async (approvalUrl, decision) => {
      const { origin, pathname } = new URL(approvalUrl);
      const path = `/page/confirmations/${pathname.split('/').at(-1) ?? ''}`;
      const confirmation = (await read(origin, path)) as {
        readonly nonce: string;
        readonly payloadHash: string;
        readonly credentialIds: readonly string[];
      };
      const { rpId } = (await read(origin, '/page/config')) as { readonly rpId: string };
      const challengeOf = decision === 'approved' ? approvalChallenge : rejectionChallenge;
      const nonce = Buffer.from(confirmation.nonce, 'base64url');
      const assertion = authenticator.getJSON(origin, {
        challenge: Buffer.from(challengeOf(nonce, confirmation.payloadHash)).toString('base64url'),
        rpId,
        allowCredentials: confirmation.credentialIds.map((id) => ({ id, type: 'public-key' })),
        userVerification: 'required',
      });
      await post(origin, `${path}/decision`, { decision, assertion });
    },
    close: () => Promise.resolve(),
  };

  async function post(origin: string, path: string, body: unknown): Promise<unknown> {
    return await answerOf(
      fetch(`${origin}${path}`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'sec-fetch-site': 'same-origin',
          origin,
          ...ownConnection,
        },
        body: JSON.stringify(body),
      }),
    );
  }

  async function read(origin: string, path: string): Promise<unknown> {
    return await answerOf(fetch(`${origin}${path}`, { headers: ownConnection }));
  }

  async function answerOf(request: Promise<Response>): Promise<unknown> {
    const response = await request;
    const text = await response.text();
    if (!response.ok) throw new Error(`The page refused ${name}: ${response.status} ${text}`);
    return JSON.parse(text) as unknown;
  }
}
