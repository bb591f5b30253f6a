import * as z from 'zod';
import type { Requester } from './callers.ts';
import type { Context } from './context.ts';
import { Refusal } from './refusal.ts';

/** What a token is used for: reading, whatever is read, or one kind of call about one payload. */
export type TokenUse =
  | { readonly call: 'read' }
  | { readonly call: 'create' | 'withdraw' | 'redeem'; readonly payloadHash: string };

/** Longer than a token is believed after its `exp` (`core/token.ts` allows for clocks that differ by 60 s). */
const keptMs = 120_000;

const rowSchema = z.object({ call: z.string(), payload_hash: z.string().nullable() });

/**
 * Binds a token at its first use to what it is used for: whoever gets hold of it later, in another step's log or memory, can do
 * nothing else with it (threat 23). The same use again is a retry. GitHub makes a job as many tokens as it asks for, so each is
 * good for one call; GitLab gives a job one for all, which is bound to the payload alone. A key is bound to nothing.
 * @throws Refusal 401
 */
export function bindToken(context: Context, { token }: Requester, use: TokenUse): void {
  if (token === undefined) return;
  const isOnlyOne = token.issuer.provider === 'gitlab';
  if (isOnlyOne && use.call === 'read') return;
  const { iss, jti, exp } = token.claims;
  const call = isOnlyOne ? 'change' : use.call;
  const payloadHash = use.call === 'read' ? null : use.payloadHash;
  const found = context.store.get(
    'select * from used_tokens where issuer = $1 and token_id = $2',
    iss,
    jti,
  );
  if (found === undefined) {
    context.store.transaction(() => {
      context.store.run('delete from used_tokens where expires_at <= $1', context.now());
      context.store.run(
        'insert into used_tokens (issuer, token_id, call, payload_hash, expires_at) values ($1, $2, $3, $4, $5)',
        iss,
        jti,
        call,
        payloadHash,
        exp * 1000 + keptMs,
      );
    });
    return;
  }
  const bound = rowSchema.parse(found);
  if (bound.call === call && bound.payload_hash === payloadHash) return;
  throw new Refusal(
    401,
    'token_used',
    isOnlyOne
      ? 'This token was used before, for another payload: it is good for one. Give the job another ID token for another deploy.'
      : `This token was used before, to ${bound.call}: it is good for that alone, and of one payload. Fetch a new token for each request, withdrawal and redemption, and another to read.`,
  );
}
