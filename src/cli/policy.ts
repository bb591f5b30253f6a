import * as z from 'zod';
import { credentialIdSchema, userHandleSchema } from '../core/assertion.ts';
import { Fault, listProblems } from '../core/fault.ts';
import { sha256Hex } from '../core/hash.ts';
import { algorithms, type PinnedKey } from '../core/passkeys.ts';
import { checkPolicy } from '../core/policy.ts';
import { visible } from '../core/text.ts';
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
  const checked = checkPolicy(document);
  if (!checked.ok) {
    throw new Fault(
      'configuration',
      `These keys and flags make no acceptable policy:\n${listProblems(checked.problems)}`,
      { problems: checked.problems },
    );
  }
  const keys = passkeys.map(({ username, id, publicKey }) => ({
    username,
    id,
    sha256: sha256Hex(Buffer.from(publicKey, 'base64url')),
  }));
  if (call.json) {
    call.out.printJson({ schema: 'policy-draft/v1', policy: document, passkeys: keys });
    return 0;
  }
  for (const line of JSON.stringify(document, null, 2).split('\n')) call.out.print(line);
  call.out.say('Confirm the SHA-256 of each key with its owner, who saw it when enrolling:');
  for (const { username, sha256 } of keys) call.out.say(`  ${username}  ${sha256}`);
  call.out.say(
    'Add to each person the accounts ("provider", "id", "login") from which they start deploys: nobody may approve their own.',
  );
  return 0;
};

function skeleton(call: Call, passkeys: readonly Passkey[]) {
  const origin = flagValue(call, 'origin') || new URL(apiUrlOf(call)).origin;
  const relyingPartyId = flagValue(call, 'relying-party-id') || hostOf(origin);
  const environments = call.flags.get('environment') ?? [];
  if (environments.length === 0) {
    throw new Fault('configuration', '--environment is missing. Name what the policy is for.');
  }
  const names = [...new Set(passkeys.map(({ username }) => username))];
  const rule = { approvers: names, quorum: readQuorum(call) };
  return {
    schema: 'approval-policy/v1',
    relying_party: { id: relyingPartyId, origin },
    approvers: Object.fromEntries(
      names.map((name) => [
        name,
        {
          accounts: [],
          passkeys: passkeys.filter(({ username }) => username === name).map(pinned),
        },
      ]),
    ),
    environments: Object.fromEntries(environments.map((name) => [name, rule])),
  };
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
