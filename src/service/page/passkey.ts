import { ApiError } from './api.ts';

/** Whether nobody knows if a call arrived, or what became of it. */
export function isUnanswered(error: unknown): error is ApiError {
  return error instanceof ApiError && (error.status === 0 || error.status >= 500);
}

/** Why a ceremony or the call after it failed, and what to do, in a sentence or two for the person at the page. */
export function whyItFailed(error: unknown, undone: string): string {
  if (error instanceof ApiError) {
    return error.status === 0
      ? `The service cannot be reached. ${undone} Check the connection and try again.`
      : `${error.message} ${undone}`;
  }
  // An error says its name first.
  const detail = String(error);
  switch (detail.split(':')[0]) {
    case 'NotAllowedError':
      return `The passkey was not used: the prompt was closed, took too long, or this device has no fitting passkey. ${undone} You can try again.`;
    case 'AbortError':
      return `The passkey prompt was cancelled. ${undone}`;
    case 'SecurityError':
      return `The browser refuses passkeys at this address (${location.host}). ${undone} Open the page at the service’s own address.`;
    case 'InvalidStateError':
      return `This device already has a passkey for you here. ${undone} Use another device or security key.`;
    case 'ConstraintError':
    case 'NotSupportedError':
      return `This device or security key cannot keep a passkey with user verification (PIN, fingerprint or face). ${undone} Use one that can.`;
    default:
      return `The passkey could not be used (${detail}). ${undone} You can try again.`;
  }
}
