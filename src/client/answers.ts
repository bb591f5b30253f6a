import type * as z from 'zod';
import { errorSchema } from '../core/api.ts';
import { Fault, listProblems } from '../core/fault.ts';
import { checkJson, maxRecordBytes, type JsonValue } from '../core/json.ts';
import { problemsOf } from '../core/problems.ts';
import { visible } from '../core/text.ts';
import type { Problem, RefusalCode } from '../core/verdict.ts';
import { TransportError, type ApiRequest, type ApiResponse, type ApiTransport } from './http.ts';
import { adviceFor, meaningOf, phaseWords, type Phase } from './phases.ts';

/** Which call an answer belongs to, for the table of meanings and for messages. */
export interface Call {
  readonly phase: Phase;
  /** What is being done, where it is not what the phase says. */
  readonly words?: string;
  readonly host: string;
  /** The confirmation's or the request's id, as people find it in the service. */
  readonly requestId: string;
}

/**
 * A fault that may pass by itself. `fault` is what it becomes when it does not. `unreadable` answers (empty, or a page in place
 * of JSON) are passing only while waiting, a few in a row.
 */
export class Passing extends Error {
  override readonly name = 'Passing';
  readonly fault: Fault;
  readonly kind: 'unreachable' | 'unreadable';
  readonly retryAfterMs: number;

  constructor(fault: Fault, kind: 'unreachable' | 'unreadable', retryAfterMs = 0) {
    super(fault.message);
    this.fault = fault;
    this.kind = kind;
    this.retryAfterMs = retryAfterMs;
  }
}

/** A fault in the words of its call: phase, host, what happened, request, what to do. Never a path, a query or the key. */
export function callFault(
  call: Call,
  code: RefusalCode,
  what: string,
  problems: readonly Problem[] = [],
): Fault {
  const { phase, words = phaseWords[phase], host, requestId } = call;
  const list = problems.length === 0 ? '. ' : `:\n${listProblems(problems)}\n`;
  const where = `${words} at ${host} failed (request ${visible(requestId)})`;
  return new Fault(code, `${where}: ${what}${list}${adviceFor(code, phase)}`, { problems });
}

/** @throws Fault, or Passing where another try may help, if there is no answer at all (fault matrix, the network rows) */
export async function exchange(
  transport: ApiTransport,
  call: Call,
  request: ApiRequest,
): Promise<ApiResponse> {
  try {
    return await transport.send(request);
  } catch (error) {
    throw error instanceof TransportError ? faultOfTransport(error, call) : error;
  }
}

function faultOfTransport(error: TransportError, call: Call): Fault | Passing {
  switch (error.reason) {
    case 'unreachable':
      return new Passing(callFault(call, 'service_unreachable', error.message), 'unreachable');
    case 'insecure':
      return callFault(call, 'service_unreachable', error.message);
    case 'proxy':
      return callFault(call, 'service_unauthorized', error.message);
    case 'malformed':
      return callFault(call, 'service_misbehaved', error.message);
    case 'aborted':
      return interrupted(call);
  }
}

export function interrupted({
  phase,
  words = phaseWords[phase],
  requestId,
}: Pick<Call, 'phase' | 'words' | 'requestId'>): Fault {
  return new Fault('interrupted', `${words} was interrupted (request ${visible(requestId)}).`);
}

/**
 * The value of a good answer (fault matrix, the status and body rows).
 * @throws Fault, or Passing where another try may help
 */
export function readAnswer<T>(response: ApiResponse, schema: z.ZodType<T>, call: Call): T {
  const { status } = response;
  const meaning = meaningOf(status, call.phase);
  if (meaning === 'passing') {
    const fault = callFault(call, 'service_unreachable', `it answered ${status}`);
    throw new Passing(fault, 'unreachable', retryAfterMs(response));
  }
  if (meaning !== 'good') throw refusalFault(response, meaning, call);
  const parsed = schema.safeParse(readJson(response, call));
  if (parsed.success) return parsed.data;
  const problems = problemsOf(parsed.error).map(shown);
  throw callFault(call, 'service_misbehaved', 'its answer is not of the form of the API', problems);
}

function readJson({ headers, body, status }: ApiResponse, call: Call): JsonValue {
  const unreadable = (what: string) => {
    const fault = callFault(call, 'service_misbehaved', what);
    return call.phase === 'wait' ? new Passing(fault, 'unreadable') : fault;
  };
  if (body.length === 0) throw unreadable(`its answer ${status} is empty`);
  const type = headers['content-type'] ?? '';
  if (/^text\/html *(;|$)/i.test(type)) throw unreadable('it answered with a page instead of JSON');
  if (!/^application\/json *(; *charset="?utf-8"? *)?$/i.test(type)) {
    const what = `its answer is of type "${visible(type, 60)}", not application/json`;
    throw callFault(call, 'service_misbehaved', what);
  }
  const json = checkJson(body, { maxBytes: maxRecordBytes });
  if (json.ok) return json.value;
  const what = `its answer is not acceptable JSON: ${listProblems(json.problems)}`;
  throw isAnyJson(body) ? callFault(call, 'service_misbehaved', what) : unreadable(what);
}

/** Whether a lenient reader takes it: then it is JSON that we refuse on purpose, and another try is no help. */
function isAnyJson(body: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder().decode(body));
    return true;
  } catch {
    return false;
  }
}

/** What an error of status 410 may say more exactly; each is a refusal all the same. */
const goneCodes: ReadonlyMap<string, RefusalCode> = new Map<string, RefusalCode>([
  ['rejected', 'rejected'],
  ['cancelled', 'cancelled'],
  ['superseded', 'superseded'],
  ['passkey_revoked', 'approver_untrusted'],
]);

/** The most problems of an answer that are shown. */
const maxProblems = 20;

function refusalFault(response: ApiResponse, code: RefusalCode, call: Call): Fault {
  const { status } = response;
  if (status >= 300 && status < 400) {
    return callFault(call, code, `it answered with the redirect ${status}, which is not followed`);
  }
  const error = readError(response.body);
  const said = error.text === '' ? '' : ` and said "${visible(error.text, 200)}"`;
  return callFault(
    call,
    status === 410 ? (goneCodes.get(error.code) ?? code) : code,
    `it answered ${status}${said}`,
    error.problems.slice(0, maxProblems).map(shown),
  );
}

interface ErrorText {
  readonly code: string;
  readonly text: string;
  readonly problems: readonly Problem[];
}

/** What an error's body says, for people only. */
function readError(body: Uint8Array): ErrorText {
  const json = checkJson(body, { maxBytes: maxRecordBytes });
  const parsed = json.ok ? errorSchema.safeParse(json.value).data : undefined;
  if (parsed === undefined) return { code: '', text: new TextDecoder().decode(body), problems: [] };
  const { code, message, problems = [] } = parsed;
  return { code, text: `${code}: ${message}`, problems };
}

function shown({ field, message }: Problem): Problem {
  return { field: visible(field), message: visible(message, 200) };
}

const maxRetryAfterMs = 60_000;

/** The header Retry-After (RFC 9110 section 10.2.3), seconds or a date, at most 60 s; 0 without one. */
function retryAfterMs({ headers, date }: ApiResponse): number {
  const text = headers['retry-after'] ?? '';
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - (date ?? Number.NaN);
  return Number.isNaN(waitMs) ? 0 : Math.min(Math.max(waitMs, 0), maxRetryAfterMs);
}
