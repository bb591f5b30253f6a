import * as z from 'zod';
import type { Context } from './context.ts';
import { Refusal } from './refusal.ts';
import { usernameSchema } from './people.ts';
import { hashToken, newToken } from './tokens.ts';

export const inviteBodySchema = z.strictObject({
  note: z.string().max(500),
  maxUses: z.int().min(1).max(1000),
  /** Our extension: only this name can be enrolled, also when it exists already (somebody has lost a passkey). */
  username: usernameSchema.exactOptional(),
});
export type InviteBody = z.infer<typeof inviteBodySchema>;

const validForMs = 7 * 24 * 3_600_000;

const inviteRow = z.object({ code_hash: z.string(), username: z.string().nullable() });

export interface Invite {
  readonly codeHash: string;
  readonly username: string | undefined;
}

/** Makes an invite, valid for seven days; its code is shown here only. */
export function createInvite(
  context: Context,
  o: InviteBody,
): { readonly code: string; readonly registerUrl: string } {
  const code = newToken();
  context.store.run(
    'insert into invites (code_hash, note, username, max_uses, uses, expires_at) values ($1, $2, $3, $4, 0, $5)',
    hashToken(code),
    o.note,
    o.username ?? null,
    o.maxUses,
    context.now() + validForMs,
  );
  return { code, registerUrl: `${context.origin}/enrol/${code}` };
}

/** @throws Refusal 404 for a code that is unknown, used up or expired */
export function findInvite(context: Context, code: string): Invite {
  const row = context.store.get(
    'select * from invites where code_hash = $1 and uses < max_uses and expires_at > $2',
    hashToken(code),
    context.now(),
  );
  if (row === undefined) {
    throw new Refusal(
      404,
      'invite_not_found',
      'This invite is unknown, used up or older than seven days. Ask for a new one.',
    );
  }
  const { code_hash: codeHash, username } = inviteRow.parse(row);
  return { codeHash, username: username ?? undefined };
}

export function countUse(context: Context, invite: Invite): void {
  context.store.run('update invites set uses = uses + 1 where code_hash = $1', invite.codeHash);
}
