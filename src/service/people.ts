import * as z from 'zod';
import { sha256Hex } from '../core/hash.ts';
import type { PinnedKey } from '../core/passkeys.ts';
import type { Context } from './context.ts';
import { notFound } from './refusal.ts';

/** People's names stand in policies, links and messages: plain ASCII, and no two that differ in case only. */
export const usernameSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/,
    'is 1 to 128 letters, digits or . _ @ + - and begins with a letter or digit',
  );

export interface Person {
  readonly username: string;
  readonly userHandle: string;
}

export interface Passkey {
  readonly username: string;
  readonly key: PinnedKey;
  readonly signCount: number;
  readonly backupEligible: boolean;
}

const passkeyRow = z.object({
  credential_id: z.string(),
  username: z.string(),
  algorithm: z.enum(['ES256', 'EdDSA', 'RS256']),
  public_key: z.string(),
  sign_count: z.number(),
  backup_eligible: z.number(),
  user_handle: z.string(),
});

/** By exact name. */
export function findPerson(context: Context, username: string): Person | undefined {
  const row = context.store.get('select * from people where username = $1', username);
  return row && { username: String(row.username), userHandle: String(row.user_handle) };
}

/** Whether a name is taken, also in another case. */
export function isNameTaken(context: Context, username: string): boolean {
  const folded = username.toLowerCase();
  return context.store.get('select 1 from people where folded = $1', folded) !== undefined;
}

export function addPerson(context: Context, person: Person): void {
  context.store.run(
    'insert into people (username, folded, user_handle, created_at) values ($1, $2, $3, $4)',
    person.username,
    person.username.toLowerCase(),
    person.userHandle,
    context.now(),
  );
}

export function addPasskey(context: Context, passkey: Passkey): void {
  context.store.run(
    `insert into passkeys (credential_id, username, algorithm, public_key, sign_count, backup_eligible, created_at)
      values ($1, $2, $3, $4, $5, $6, $7)`,
    passkey.key.id,
    passkey.username,
    passkey.key.algorithm,
    passkey.key.public_key,
    passkey.signCount,
    passkey.backupEligible ? 1 : 0,
    context.now(),
  );
}

const passkeysOfPeople =
  'select passkeys.*, people.user_handle from passkeys join people on people.username = passkeys.username where revoked_at is null';

/** A passkey that is not revoked. */
export function findPasskey(context: Context, credentialId: string): Passkey | undefined {
  const row = context.store.get(`${passkeysOfPeople} and credential_id = $1`, credentialId);
  return row && toPasskey(row);
}

export function passkeysOf(context: Context, username: string): readonly Passkey[] {
  return context.store
    .all(`${passkeysOfPeople} and passkeys.username = $1 order by passkeys.created_at`, username)
    .map(toPasskey);
}

function toPasskey(row: Record<string, unknown>): Passkey {
  const found = passkeyRow.parse(row);
  return {
    username: found.username,
    key: {
      id: found.credential_id,
      algorithm: found.algorithm,
      public_key: found.public_key,
      user_handle: found.user_handle,
    },
    signCount: found.sign_count,
    backupEligible: found.backup_eligible === 1,
  };
}

/** What an admin writes a policy from. `sha256` is what the enrolment page has shown to the person. */
export function listPasskeys(context: Context): readonly object[] {
  return context.store
    .all(`${passkeysOfPeople} order by passkeys.username, passkeys.created_at`)
    .map(toPasskey)
    .map(({ username, key }) => ({
      username,
      id: key.id,
      algorithm: key.algorithm,
      publicKey: key.public_key,
      userHandle: key.user_handle,
      sha256: keyHash(key.public_key),
    }));
}

/** SHA-256 of an SPKI, for comparing by another way than the service. */
export function keyHash(publicKey: string): string {
  return sha256Hex(Buffer.from(publicKey, 'base64url'));
}

/** From now on it neither signs in nor decides, and what it has approved can't be redeemed. @throws Refusal 404 */
export function revokePasskey(context: Context, credentialId: string): void {
  const changed = context.store.run(
    'update passkeys set revoked_at = $2 where credential_id = $1 and revoked_at is null',
    credentialId,
    context.now(),
  );
  if (changed === 0) throw notFound();
}
