import { maxRecordBytes, parseJson, type JsonValue } from '../../src/core/json.ts';
import { visible } from '../../src/core/text.ts';

/** What a service does not honour: the message says what was found in place of what a statement says. */
export class Broken extends Error {
  override readonly name = 'Broken';
}

/** @throws Broken unless it holds */
export function demand(holds: boolean, found: string): asserts holds {
  if (!holds) throw new Broken(found);
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Undefined where the body is no JSON that a strict reader takes. */
  readonly body: JsonValue | undefined;
  readonly ms: number;
}

export interface ApiCall {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  /** JSON, or a text as it is. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Another key than the right one; null for none. */
  readonly key?: string | null;
  /** How deep the answer may be; 8 if not given, as in every answer of the API. */
  readonly maxDepth?: number;
}

const answerMs = 45_000;
const maxTries = 8;

/** The service under test: each call once, no redirects, and nothing of an answer believed. */
export class Api {
  readonly url: URL;
  private readonly key: string;

  constructor(url: URL, key: string) {
    this.url = url;
    this.key = key;
  }

  /** Waits where the service says that it is asked too much (RFC 6585 section 4). @throws Broken when there is no answer */
  async send(path: string, call: ApiCall = {}): Promise<Answer> {
    for (let tries = 1; ; tries += 1) {
      const answer = await this.sendOnce(path, call);
      if (answer.status !== 429 || tries === maxTries) return answer;
      const seconds = Number(answer.headers.get('retry-after') ?? Number.NaN);
      const waitMs = Number.isNaN(seconds) ? 10_000 : Math.min(seconds * 1000, 60_000);
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }

  private async sendOnce(path: string, call: ApiCall): Promise<Answer> {
    const { body, headers, key = this.key } = call;
    const started = performance.now();
    try {
      const response = await fetch(`${this.url.href}${path}`, {
        method: call.method ?? (body === undefined ? 'GET' : 'POST'),
        headers: {
          ...(key === null ? {} : { 'x-api-key': key }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined
          ? {}
          : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        redirect: 'manual',
        signal: AbortSignal.timeout(answerMs),
      });
      const bytes = new Uint8Array(await response.arrayBuffer());
      const ms = performance.now() - started;
      return {
        status: response.status,
        headers: response.headers,
        body: read(response, bytes, call.maxDepth),
        ms,
      };
    } catch (error) {
      throw new Broken(`no answer: ${reasonOf(error)}`);
    }
  }
}

function read(response: Response, bytes: Uint8Array, maxDepth = 8): JsonValue | undefined {
  if (!/^application\/json\b/i.test(response.headers.get('content-type') ?? '')) return undefined;
  try {
    return parseJson(bytes, { maxBytes: maxRecordBytes, maxDepth });
  } catch {
    return undefined;
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : '';
  return visible(code === '' ? error.message : String(code), 100);
}
