import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  RegistrationResponseJSON,
} from '@simplewebauthn/browser';
import { setServiceTime } from './clock.ts';
import type { LastDeploy } from './last-deploy.ts';
import { at, type Json } from './leaves.ts';
import type { Attested } from './provenance.ts';

/** The service did not answer, or answered no; `message` is a sentence for the person at the page. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** HTTP status, 0 without an answer. */
  readonly status: number;

  constructor(status: number, text: string) {
    super(text);
    this.status = status;
  }
}

interface Call {
  readonly body?: Json;
  readonly signal?: AbortSignal;
}

/** One call of the page API: same origin, JSON both ways. Without `body` it is a GET. Gives up after 40 s. */
async function call(path: string, { body, signal }: Call = {}): Promise<Json> {
  const timeout = AbortSignal.timeout(40_000);
  const init: RequestInit = {
    signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    redirect: 'error',
    cache: 'no-store',
    ...(body === undefined
      ? {}
      : {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify(body),
        }),
  };
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(path, init);
    text = await answer.text();
  } catch {
    throw new ApiError(0, 'The service cannot be reached.');
  }
  setServiceTime(answer.headers.get('Date'));
  const json = parse(text);
  if (answer.ok) return json ?? null;
  const said = at(json, 'message');
  throw new ApiError(
    answer.status,
    typeof said === 'string' ? said : `The service answered with status ${answer.status}.`,
  );
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

function misunderstood(): ApiError {
  return new ApiError(502, 'The service’s answer is not one this page understands.');
}

function text(value: Json, ...path: readonly string[]): string {
  const found = at(value, ...path);
  if (typeof found !== 'string') throw misunderstood();
  return found;
}

function time(value: Json, name: string): number {
  const found = Date.parse(text(value, name));
  if (Number.isNaN(found)) throw misunderstood();
  return found;
}

const optionalTime = (value: Json, name: string): number | undefined =>
  typeof at(value, name) === 'string' ? time(value, name) : undefined;

const statuses = [
  'pending',
  'approved',
  'rejected',
  'expired',
  'cancelled',
  'superseded',
  'redeemed',
] as const;
/** A closed list: an unknown status is an error, never "still waiting". */
export type Status = (typeof statuses)[number];

function statusOf(value: Json): Status {
  const status = statuses.find((known) => known === text(value, 'status'));
  if (status === undefined) throw misunderstood();
  return status;
}

/** One request as the service tells it. Times are epoch ms. Only `payload` is checked against `payloadHash`. */
export interface Confirmation {
  readonly id: string;
  readonly status: Status;
  readonly username: string;
  readonly action: string;
  readonly payload: Json;
  readonly payloadHash: string;
  readonly nonce: string;
  readonly expiresAt: number;
  readonly decideBy: number | undefined;
  readonly decidedAt: number | undefined;
  readonly credentialIds: readonly string[];
  readonly attested: Attested | undefined;
  readonly lastDeploy: LastDeploy | undefined;
}

function confirmationOf(value: Json): Confirmation {
  const credentialIds = at(value, 'credentialIds');
  if (!Array.isArray(credentialIds)) throw misunderstood();
  const payload = at(value, 'payload');
  if (payload === undefined) throw misunderstood();
  return {
    id: text(value, 'id'),
    status: statusOf(value),
    username: text(value, 'username'),
    action: text(value, 'action'),
    payload,
    payloadHash: text(value, 'payloadHash'),
    nonce: text(value, 'nonce'),
    expiresAt: time(value, 'expiresAt'),
    decideBy: optionalTime(value, 'decideBy'),
    decidedAt: optionalTime(value, 'decidedAt'),
    credentialIds: texts(credentialIds),
    attested: attestedOf(at(value, 'attested')),
    lastDeploy: lastDeployOf(at(value, 'lastDeploy')),
  };
}

const texts = (list: readonly unknown[]): readonly string[] =>
  list.filter((each) => typeof each === 'string');

function attestedOf(value: Json | undefined): Attested | undefined {
  if (value === undefined || value === null) return undefined;
  const by = at(value, 'by');
  const fields = at(value, 'fields');
  const jobWorkflowRef = at(value, 'jobWorkflowRef');
  if ((by !== 'GitHub' && by !== 'GitLab') || !Array.isArray(fields)) throw misunderstood();
  return {
    by,
    issuer: text(value, 'issuer'),
    fields: texts(fields),
    jobWorkflowRef: typeof jobWorkflowRef === 'string' ? jobWorkflowRef : undefined,
  };
}

function lastDeployOf(value: Json | undefined): LastDeploy | undefined {
  if (value === undefined || value === null) return undefined;
  const payload = at(value, 'payload');
  if (payload === undefined) throw misunderstood();
  const redeemedAt = time(value, 'redeemedAt');
  return { payload, payloadHash: text(value, 'payloadHash'), redeemedAt };
}

/** A request that waits for the signed-in person. */
export interface Waiting {
  readonly id: string;
  readonly action: string;
  readonly payload: Json | undefined;
  readonly payloadHash: string;
  readonly expiresAt: number;
  readonly decideBy: number | undefined;
}

const decisionPath = (id: string): string => `/page/confirmations/${encodeURIComponent(id)}`;

export async function readRelyingPartyId(): Promise<string> {
  return text(await call('/page/config'), 'rpId');
}

export async function readConfirmation(id: string): Promise<Confirmation> {
  return confirmationOf(await call(decisionPath(id)));
}

interface Poll {
  readonly signal: AbortSignal;
  readonly waitSeconds: number;
}

/** Answers when the status is another than `status`, or after the wait. */
export async function followConfirmation(
  id: string,
  status: Status,
  { signal, waitSeconds }: Poll,
): Promise<Confirmation> {
  const path = `${decisionPath(id)}?wait=${waitSeconds}&status=${status}`;
  return confirmationOf(await call(path, { signal }));
}

export async function sendDecision(
  id: string,
  decision: 'approved' | 'rejected',
  assertion: AuthenticationResponseJSON,
): Promise<Status> {
  const body = { decision, assertion: plain(assertion) };
  return statusOf(await call(`${decisionPath(id)}/decision`, { body }));
}

export async function sendRevocation(
  id: string,
  assertion: AuthenticationResponseJSON,
): Promise<Status> {
  return statusOf(
    await call(`${decisionPath(id)}/revocation`, { body: { assertion: plain(assertion) } }),
  );
}

export async function startEnrolment(
  code: string,
  username: string,
): Promise<PublicKeyCredentialCreationOptionsJSON> {
  const answer = await call('/page/enrolments', { body: { code, username } });
  return answer as unknown as PublicKeyCredentialCreationOptionsJSON;
}

/** @returns the SHA-256 of the public key that the service stored, in hex */
export async function finishEnrolment(
  code: string,
  username: string,
  response: RegistrationResponseJSON,
): Promise<string> {
  const body = { code, username, response: plain(response) };
  return text(await call('/page/enrolments/finish', { body }), 'sha256');
}

export async function startSignIn(): Promise<{
  readonly challenge: string;
  readonly rpId: string;
}> {
  const answer = await call('/page/sign-in/options', { body: {} });
  return { challenge: text(answer, 'challenge'), rpId: text(answer, 'rpId') };
}

export async function finishSignIn(assertion: AuthenticationResponseJSON): Promise<string> {
  return text(await call('/page/sign-in', { body: { assertion: plain(assertion) } }), 'username');
}

/** @returns the name of the signed-in person, or undefined */
export async function readSession(): Promise<string | undefined> {
  try {
    return text(await call('/page/session'), 'username');
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return undefined;
    throw error;
  }
}

export async function signOut(): Promise<void> {
  await call('/page/sign-out', { body: {} });
}

/** Answers when the list is another than version `version`, or after the wait; at once without a version. */
export async function readWaiting(
  version: number | undefined,
  { signal, waitSeconds }: Poll,
): Promise<{ readonly version: number; readonly items: readonly Waiting[] }> {
  const query = version === undefined ? '' : `?wait=${waitSeconds}&version=${version}`;
  const answer = await call(`/page/waiting${query}`, { signal });
  const items = at(answer, 'items');
  const newVersion = at(answer, 'version');
  if (!Array.isArray(items) || typeof newVersion !== 'number') throw misunderstood();
  return {
    version: newVersion,
    items: (items as readonly Json[]).map((item) => ({
      id: text(item, 'id'),
      action: text(item, 'action'),
      payload: at(item, 'payload'),
      payloadHash: text(item, 'payloadHash'),
      expiresAt: time(item, 'expiresAt'),
      decideBy: optionalTime(item, 'decideBy'),
    })),
  };
}

/** W3C's JSON types as the plain JSON they are. */
function plain(value: AuthenticationResponseJSON | RegistrationResponseJSON): Json {
  return value as unknown as Json;
}
