import type { Account } from './policy-format.ts';

/** Where a forge lets people commit without telling their address; the account stands before the @. */
const noReply: Readonly<Record<string, RegExp>> = {
  github: /^(?:(\d+)\+)?([^@]+)@users\.noreply\.github\.com$/,
  gitlab: /^(?:(\d+)-)?([^@]+)@users\.noreply\.gitlab\.com$/,
};

/**
 * The address by which one of these accounts' owner wrote a commit: one of its addresses, or the forge's own for it. Compared
 * without case. A commit says of its author what it likes, so that this finds who does not hide.
 */
export function authorAmong(
  accounts: readonly Account[],
  authors: readonly { readonly email: string }[],
): string | undefined {
  return authors.find(({ email }) => accounts.some((account) => isAddressOf(account, email)))
    ?.email;
}

function isAddressOf({ provider, id, login, emails = [] }: Account, written: string): boolean {
  const address = written.toLowerCase();
  if (emails.some((email) => email.toLowerCase() === address)) return true;
  const pattern = Object.hasOwn(noReply, provider) ? noReply[provider] : undefined;
  const found = pattern?.exec(address);
  return found?.[1] === id || found?.[2] === login.toLowerCase();
}
