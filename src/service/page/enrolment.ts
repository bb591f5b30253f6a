import {
  base64URLStringToBuffer,
  startRegistration,
  type RegistrationResponseJSON,
} from '@simplewebauthn/browser';
import { ApiError, finishEnrolment, startEnrolment } from './api.ts';
import { sha256Hex } from './challenge.ts';
import { el, enableAgain, focusHeading, message } from './dom.ts';
import { isUnanswered, whyItFailed } from './passkey.ts';

/** Enrolment by invite: a user name, a passkey with user verification, and the key's hash to confirm by another way. */
export function showEnrolment(main: HTMLElement, code: string): void {
  document.title = 'Create your passkey · Deploy Warrant';
  const problem = el('p', { class: 'problem', role: 'alert' });
  const status = el('p', { class: 'status', role: 'status' });
  const name = el('input', {
    id: 'username',
    name: 'username',
    autocomplete: 'username',
    autocapitalize: 'none',
    spellcheck: 'false',
    required: true,
    maxlength: '128',
    'aria-describedby': 'username-hint',
  });
  const submit = el(
    'button',
    { type: 'submit', name: 'enrol', class: 'primary' },
    'Create passkey',
  );
  const form = el(
    'form',
    { class: 'enrolment' },
    el('label', { for: 'username' }, 'User name'),
    name,
    el(
      'p',
      { class: 'hint', id: 'username-hint' },
      'The name that requests are addressed to, such as “alex”. It stands in the approval policy.',
    ),
    problem,
    status,
    submit,
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void enrol();
  });

  const enrol = async (): Promise<void> => {
    submit.disabled = true;
    problem.textContent = '';
    status.textContent = 'Follow your browser’s prompt…';
    const username = name.value.trim();
    let isMade = false;
    try {
      const response = await makePasskey(code, username);
      isMade = true;
      const sha256 = await storePasskey(code, username, response);
      main.replaceChildren(enrolled(username, sha256));
      focusHeading(main);
    } catch (error) {
      status.textContent = '';
      problem.textContent = whyNotEnrolled(error, isMade);
      enableAgain(submit);
    }
  };

  main.replaceChildren(
    message(
      'Create your passkey',
      'With it you approve or reject deploys. It stays on your device or security key, which asks for your fingerprint, face or PIN each time.',
      form,
    ),
  );
  name.focus();
}

/** Why no passkey was enrolled. One that was made may be stored all the same, where the answer to that got lost. */
function whyNotEnrolled(error: unknown, isMade: boolean): string {
  if (error instanceof ApiError && (error.status === 404 || error.status === 410)) {
    return 'This invite is unknown, used up or too old. Ask the platform engineer for a new one.';
  }
  if (isMade && isUnanswered(error)) {
    return `${error.message} The passkey may be enrolled all the same: tell the platform engineer before you try again.`;
  }
  return whyItFailed(error, 'No passkey was enrolled.');
}

/** The device makes the passkey; the service has nothing of it yet. @throws ApiError or WebAuthnError */
async function makePasskey(code: string, username: string): Promise<RegistrationResponseJSON> {
  const options = await startEnrolment(code, username);
  // Not left to the service: a passkey that anybody at the device can use is none for approvals.
  const authenticatorSelection = {
    residentKey: 'required',
    requireResidentKey: true,
    userVerification: 'required',
  } as const;
  const optionsJSON = { ...options, authenticatorSelection };
  return startRegistration({ optionsJSON });
}

/**
 * The service stores the passkey.
 * @returns SHA-256 of its public key (SPKI), in hex: computed here where the browser tells the key, so that a service that
 * stored another one is found out.
 * @throws ApiError, also when the service stored another key
 */
async function storePasskey(
  code: string,
  username: string,
  response: RegistrationResponseJSON,
): Promise<string> {
  const stored = await finishEnrolment(code, username, response);
  const { publicKey } = response.response;
  if (publicKey === undefined) return stored;
  const own = await sha256Hex(new Uint8Array(base64URLStringToBuffer(publicKey)));
  if (own === stored) return own;
  throw new ApiError(
    502,
    `The service stored another key (${stored}) than the one your device made (${own}). Do not use it.`,
  );
}

/** The key's hash in groups that can be read aloud. */
function enrolled(username: string, sha256: string): HTMLElement {
  const groups = Array.from(sha256.matchAll(/.{4}/g), ([four]) => el('li', {}, four));
  return el(
    'section',
    { class: 'message' },
    el('h1', {}, 'Your passkey is ready, ', el('bdi', {}, username)),
    el(
      'p',
      {},
      'One step is left. Read the SHA-256 of your key to the platform engineer ',
      el('strong', {}, 'by another way than this page'),
      ': in person, or in a call. It must equal what ',
      el('code', {}, 'deploy-warrant policy'),
      ' prints for you. Only then does your approval count.',
    ),
    el(
      'ol',
      { class: 'key-hash', 'aria-label': 'SHA-256 of your key', 'data-sha256': sha256 },
      ...groups,
    ),
    el('p', {}, el('a', { href: '/' }, 'See what waits for you')),
  );
}
