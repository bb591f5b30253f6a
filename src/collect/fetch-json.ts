import type * as z from 'zod';
import { Fault } from '../core/fault.ts';
import { JsonError, maxRecordBytes, parseJson } from '../core/json.ts';
import { reasonOf } from '../core/reason.ts';

/** The outside world as far as identity needs it. `get` follows no redirect, and reads at most 256 KiB. */
export interface Web {
  readonly get: (request: {
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
    /** What is blotted out in an answer. */
    readonly secret?: string | undefined;
  }) => Promise<{ readonly status: number; readonly body: Uint8Array }>;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** At least 0, less than 1: the jitter. */
  readonly random: () => number;
  readonly signal: AbortSignal;
}

interface Question<T> {
  readonly url: string;
  /** Sent as a bearer, to this url only. */
  readonly secret?: string;
  readonly schema: z.ZodType<T>;
  /** What is asked for, as the beginning of a sentence. */
  readonly what: string;
  /** What a person can do about it. */
  readonly advice: string;
}

const tries = 3;
const tryMs = 10_000;
const firstDelayMs = 500;

/**
 * JSON of this form from an address that is known beforehand: 3 tries with a back-off (fault matrix), for an outage only.
 * @throws Fault facts_uncollectable
 */
export async function fetchJson<T>(web: Web, question: Question<T>): Promise<T> {
  let trouble = '';
  for (let attempt = 0; attempt < tries; attempt += 1) {
    if (attempt > 0) await pause(web, firstDelayMs * 2 ** (attempt - 1));
    const answer = await ask(web, question);
    if ('body' in answer) return read(answer.body, question);
    trouble = answer.trouble;
  }
  throw unavailable(question, `${trouble}, ${tries} times in a row`);
}

async function ask(
  web: Web,
  question: Question<unknown>,
): Promise<{ readonly body: Uint8Array } | { readonly trouble: string }> {
  const { url, secret } = question;
  const { signal } = web;
  try {
    const { status, body } = await web.get({
      ...{ url, secret, signal, timeoutMs: tryMs },
      headers: secret === undefined ? {} : { authorization: `Bearer ${secret}` },
    });
    if (status === 200) return { body };
    if (status >= 300 && status < 400) {
      throw unavailable(question, `it answered with the redirect ${status}, which is not followed`);
    }
    if (status < 500 && status !== 408 && status !== 429) {
      throw unavailable(question, `it answered ${status}`);
    }
    return { trouble: `it answered ${status}` };
  } catch (error) {
    if (error instanceof Fault) throw error;
    if (signal.aborted) throw new Fault('interrupted', `${question.what} was interrupted.`);
    return { trouble: reasonOf(error) };
  }
}

function read<T>(body: Uint8Array, question: Question<T>): T {
  try {
    const parsed = question.schema.safeParse(parseJson(body, { maxBytes: maxRecordBytes }));
    if (parsed.success) return parsed.data;
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
  }
  // What it said instead may be a secret, so it is not repeated.
  throw unavailable(question, 'its answer is not of the expected form');
}

async function pause({ sleep, random, signal }: Web, ms: number): Promise<void> {
  // Where it was interrupted, the next try finds out.
  await sleep(ms * (0.5 + random() / 2), signal).catch(() => undefined);
}

function unavailable({ url, what, advice }: Question<unknown>, problem: string): Fault {
  const { host } = new URL(url);
  return new Fault('facts_uncollectable', `${what} from ${host} failed: ${problem}. ${advice}`);
}
