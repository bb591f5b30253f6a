import type * as z from 'zod';
import type { TransportReason } from '../client/http.ts';
import { transportErrorOf } from '../client/network-faults.ts';
import { createTransport } from '../client/transport.ts';
import { errorSchema } from '../core/api.ts';
import { Fault, listProblems } from '../core/fault.ts';
import { checkJson, maxRecordBytes, type JsonValue } from '../core/json.ts';
import { problemsOf } from '../core/problems.ts';
import { visible } from '../core/text.ts';
import type { RefusalCode } from '../core/verdict.ts';
import { checkTlsEnvironment } from '../gate/environment.ts';
import { readApiKey } from './api-key.ts';
import { flagValue, type Call } from './command.ts';

const timeoutMs = 15_000;

interface AdminRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: JsonValue;
}

/** The base of the approval API: the flag, else the variable. */
export function apiUrlOf(call: Pick<Call, 'flags' | 'env'>): string {
  return flagValue(call, 'api-url') || (call.env.DEPLOY_WARRANT_API_URL ?? '');
}

/** One call with the admin key, sent once, and its answer. @throws Fault */
export async function askAsAdmin<T>(
  call: Call,
  { answer, ...request }: AdminRequest & { readonly answer: z.ZodType<T> },
): Promise<T> {
  const { body, host } = await sendAsAdmin(call, request);
  const parsed = answer.safeParse(readJson(body, host));
  if (parsed.success) return parsed.data;
  throw new Fault(
    'service_misbehaved',
    `The answer of ${host} is not of the form of the API:\n${listProblems(problemsOf(parsed.error))}`,
  );
}

/** One call with the admin key, sent once, that has to be answered by success. @throws Fault */
export async function sendAsAdmin(
  call: Call,
  request: AdminRequest,
): Promise<{ readonly body: Uint8Array; readonly host: string }> {
  for (const warning of checkTlsEnvironment(call.env)) call.out.say(`Warning: ${warning}`);
  const apiKey = await readApiKey(call);
  if (apiKey === '') {
    throw new Fault(
      'configuration',
      'The variable DEPLOY_WARRANT_API_KEY is not set. Put an admin key into it, or name a file by --api-key-file; the first key is in the file first-admin.json of the service.',
    );
  }
  const apiUrl = apiUrlOf(call);
  if (apiUrl === '') {
    throw new Fault(
      'configuration',
      'Neither --api-url nor DEPLOY_WARRANT_API_URL is given. It is the approval API, such as https://approve.example.com/api.',
    );
  }
  const transport = createTransport({ apiUrl, apiKey });
  const { host } = transport;
  const { status, body } = await transport
    .send({ ...request, timeoutMs, signal: call.signal })
    .catch((cause: unknown) => {
      const { reason, message } = transportErrorOf(cause);
      throw new Fault(codeOfFailure[reason], `The call to ${host} failed: ${message}.`, { cause });
    });
  // A deletion has no answer to read (204).
  const isDone = request.method === 'DELETE' ? status === 204 : status === 200 || status === 201;
  if (isDone) return { body, host };
  throw new Fault(codeOf(status), `${host} answered ${status}${quotation(body)}.`);
}

/** As in the gate (fault matrix, the network rows). */
const codeOfFailure: Readonly<Record<TransportReason, RefusalCode>> = {
  unreachable: 'service_unreachable',
  insecure: 'service_unreachable',
  proxy: 'service_unauthorized',
  malformed: 'service_misbehaved',
  aborted: 'interrupted',
};

const codesByStatus: ReadonlyMap<number, RefusalCode> = new Map<number, RefusalCode>([
  [400, 'configuration'],
  [401, 'service_unauthorized'],
  [403, 'service_unauthorized'],
  [404, 'configuration'],
  [405, 'configuration'],
  [407, 'service_unauthorized'],
  [408, 'service_unreachable'],
  [409, 'configuration'],
  [413, 'configuration'],
  [422, 'configuration'],
  [429, 'service_unreachable'],
]);

function codeOf(status: number): RefusalCode {
  const otherwise = status >= 500 ? 'service_unreachable' : 'service_misbehaved';
  return codesByStatus.get(status) ?? otherwise;
}

function readJson(body: Uint8Array, host: string): JsonValue {
  const read = checkJson(body, { maxBytes: maxRecordBytes });
  if (read.ok) return read.value;
  const why = listProblems(read.problems);
  throw new Fault('service_misbehaved', `The answer of ${host} is not acceptable JSON: ${why}.`);
}

/** What an error answer says, for people. */
function quotation(body: Uint8Array): string {
  const read = checkJson(body, { maxBytes: maxRecordBytes });
  const { data } = errorSchema.safeParse(read.ok ? read.value : undefined);
  if (data === undefined) return '';
  const problems = (data.problems ?? []).map(
    ({ field, message }) => `\n${visible(field)}: ${visible(message, 200)}`,
  );
  return `: ${visible(data.message, 200)}${problems.join('')}`;
}
