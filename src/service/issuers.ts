import * as z from 'zod';
import { keysUrl, type TokenIssuer } from '../core/identity.ts';
import { maxRecordBytes, parseJson, type JsonValue } from '../core/json.ts';
import type { TokenKeys } from '../core/token.ts';
import { BadAnswer, troubleOf } from './outgoing.ts';
import { Refusal } from './refusal.ts';

/** A key that an issuer has withdrawn is good for this long at most. */
const freshMs = 3_600_000;
/** How soon a key that is not there is looked for again: whoever makes names up must not make us ask all the time. */
const unknownKeyMs = 60_000;
/** How long an issuer that could not be read is left alone. */
const failedMs = 5_000;

/** The issuers whose tokens are believed, and their keys. */
export interface Issuers {
  readonly known: readonly TokenIssuer[];
  /**
   * The keys of an issuer: those read before, unless they are an hour old or the key is not among them.
   * @throws Refusal 503 where they can't be read: without keys no token is believed
   */
  readonly keys: (issuer: TokenIssuer, keyId: string) => Promise<TokenKeys>;
}

interface Read {
  readonly at: number;
  readonly keys: TokenKeys;
}

export function createIssuers(o: {
  readonly known: readonly TokenIssuer[];
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** For one reading of keys, headers and body. */
  readonly timeoutMs: number;
}): Issuers {
  const latest = new Map<string, Read>();
  const failedAt = new Map<string, number>();
  const reading = new Map<string, Promise<TokenKeys>>();

  const readAnew = async (issuer: TokenIssuer): Promise<TokenKeys> => {
    const at = o.now();
    try {
      const keys = await readKeys(keysUrl(issuer), o.timeoutMs);
      latest.set(issuer.issuer, { at, keys });
      return keys;
    } catch (error) {
      failedAt.set(issuer.issuer, at);
      throw unavailable(issuer, troubleOf(error));
    } finally {
      reading.delete(issuer.issuer);
    }
  };

  return {
    known: o.known,
    keys: async (issuer, keyId) => {
      const read = latest.get(issuer.issuer);
      const ageMs = read === undefined ? Number.POSITIVE_INFINITY : o.now() - read.at;
      const isThere = read?.keys.keys.some(({ kid }) => kid === keyId) === true;
      if (read !== undefined && ageMs < (isThere ? freshMs : unknownKeyMs)) return read.keys;
      if (o.now() - (failedAt.get(issuer.issuer) ?? 0) < failedMs) {
        throw unavailable(issuer, 'it could not a moment ago');
      }
      // Many tokens at once are one question.
      const underWay = reading.get(issuer.issuer) ?? readAnew(issuer);
      reading.set(issuer.issuer, underWay);
      return underWay;
    },
  };
}

function unavailable({ issuer }: TokenIssuer, reason: string): Refusal {
  return new Refusal(
    503,
    'issuer_unavailable',
    `The keys of ${issuer} can't be read (${reason}), so no token of it is believed now. Try again.`,
  );
}

const keySetSchema = z.object({ keys: z.array(z.record(z.string(), z.custom<JsonValue>())) });

/** One reading: no redirect is followed, for it is the address that says whose keys these are. */
async function readKeys(url: string, timeoutMs: number): Promise<TokenKeys> {
  const response = await fetch(url, {
    headers: { accept: 'application/json' },
    redirect: 'manual',
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new BadAnswer(`status ${response.status}`);
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size > maxRecordBytes) throw new BadAnswer(`more than ${maxRecordBytes} bytes`);
  }
  const parsed = keySetSchema.safeParse(
    parseJson(Buffer.concat(chunks), { maxBytes: maxRecordBytes }),
  );
  if (!parsed.success) throw new BadAnswer('no key set');
  return parsed.data;
}
