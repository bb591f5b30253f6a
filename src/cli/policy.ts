import * as z from 'zod';
import { credentialIdSchema, userHandleSchema } from '../core/assertion.ts';
import { Fault, listProblems } from '../core/fault.ts';
import { sha256Hex } from '../core/hash.ts';
import { algorithms, type PinnedKey } from '../core/passkeys.ts';
import { checkPolicy } from '../core/policy.ts';
import type { Account } from '../core/policy-format.ts';
import { visible } from '../core/text.ts';
import type { Problem } from '../core/verdict.ts';
import { apiUrlOf, askAsAdmin } from './admin.ts';
import { flagValue, type Call, type RunCommand } from './command.ts';

const passkeySchema = z.object({
  username: z.string().min(1),
  id: credentialIdSchema,
  algorithm: z.enum(algorithms),
  publicKey: z.base64url().min(1),
  userHandle: userHandleSchema.nullish(),
});
const answerSchema = z.object({ passkeys: z.array(passkeySchema) });
type Passkey = z.infer<typeof passkeySchema>;

/**
 * Prints an `approval-policy/v1` with every passkey of the service. From then on the gate believes these keys, so each one's SHA-256
 * is printed beside it, to be confirmed with its owner by another way than the service.
 */
export const policy: RunCommand = async (call) => {
  const { passkeys } = await askAsAdmin(call, {
    method: 'GET',
    path: '/passkeys',
    answer: answerSchema,
  });
  if (passkeys.length === 0) {
    throw new Fault(
      'configuration',
      'Nobody has enrolled a passkey yet. "deploy-warrant invite" makes an invite.',
    );
  }
  const document = skeleton(call, passkeys);
  const toDo = openProblems(document);
  const keys = passkeys.map(({ username, id, publicKey }) => ({
    username,
    id,
    sha256: sha256Hex(Buffer.from(publicKey, 'base64url')),
  }));
  if (call.json) {
    call.out.printJson({
      schema: 'policy-draft/v1',
      policy: document,
      passkeys: keys,
      problems: toDo,
    });
  } else {
    for (const line of JSON.stringify(document, null, 2).split('\n')) call.out.print(line);
  }
  call.out.say('Confirm the SHA-256 of each key with its owner, who saw it when enrolling:');
  for (const { username, sha256 } of keys) call.out.say(`  ${username}  ${sha256}`);
  if (toDo.length > 0) {
    call.out.say(`The gate will not take this policy yet. Add by --account or by hand:`);
    for (const { field, message } of toDo) call.out.say(`  ${field}: ${message}`);
  }
  return 0;
};

/** What is left to fill in: the accounts from which people start deploys. @throws Fault for every other problem */
function openProblems(document: object): readonly Problem[] {
  const checked = checkPolicy(document);
  if (checked.ok) return [];
  const isOpen = ({ field }: Problem): boolean => /^approvers\..*\.accounts$/.test(field);
  const { problems } = checked;
  if (problems.every(isOpen)) return problems;
  throw new Fault(
    'configuration',
    `These keys and flags make no acceptable policy:\n${listProblems(problems)}`,
    { problems },
  );
}

function skeleton(call: Call, passkeys: readonly Passkey[]) {
  const origin = flagValue(call, 'origin') || new URL(apiUrlOf(call)).origin;
  const relyingPartyId = flagValue(call, 'relying-party-id') || hostOf(origin);
  const environments = call.flags.get('environment') ?? [];
  if (environments.length === 0) {
    throw new Fault('configuration', '--environment is missing. Name what the policy is for.');
  }
  const names = [...new Set(passkeys.map(({ username }) => username))];
  const accounts = readAccounts(call, names);
  const isGitHub = [...accounts.values()].flat().some(({ provider }) => provider === 'github');
  const rule = {
    approvers: names,
    quorum: readQuorum(call),
    // The default for jobs of GitHub; said here so that whoever reads the policy sees it.
    ...(isGitHub ? { require_oidc: true } : {}),
  };
  return {
    schema: 'approval-policy/v1',
    relying_party: { id: relyingPartyId, origin },
    approvers: Object.fromEntries(
      names.map((name) => [
        name,
        {
          accounts: accounts.get(name) ?? [],
          passkeys: passkeys.filter(({ username }) => username === name).map(pinned),
        },
      ]),
    ),
    environments: Object.fromEntries(environments.map((name) => [name, rule])),
  };
}

/** `--account NAME=PROVIDER:ID:LOGIN` by name. */
function readAccounts(
  call: Call,
  names: readonly string[],
): ReadonlyMap<string, readonly Account[]> {
  const accounts = new Map<string, Account[]>();
  for (const text of call.flags.get('account') ?? []) {
    const [, name = '', provider = '', id = '', login = ''] =
      /^([^=]+)=([^:]+):([^:]+):(.+)$/.exec(text) ?? [];
    if (!names.includes(name)) {
      throw new Fault(
        'configuration',
        `--account is NAME=PROVIDER:ID:LOGIN, such as ${String(names[0])}=github:1234567:alexdoe, of a person with a passkey (${names.join(', ')}); not "${visible(text)}".`,
      );
    }
    accounts.set(name, [...(accounts.get(name) ?? []), { provider, id, login }]);
  }
  return accounts;
}

function pinned({ id, algorithm, publicKey, userHandle }: Passkey): PinnedKey {
  return {
    ...{ id, algorithm, public_key: publicKey },
    ...(userHandle === undefined || userHandle === null ? {} : { user_handle: userHandle }),
  };
}

function hostOf(origin: string): string {
  if (URL.canParse(origin)) return new URL(origin).hostname;
  throw new Fault('configuration', `--origin is not a URL: "${visible(origin)}".`);
}

function readQuorum(call: Call): number {
  const text = flagValue(call, 'quorum') || '1';
  if (/^[1-9][0-9]?$/.test(text)) return Number(text);
  throw new Fault(
    'configuration',
    `--quorum is a whole number from 1 to 99, not "${visible(text, 60)}".`,
  );
}
