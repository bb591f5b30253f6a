import { Fault } from '../core/fault.ts';
import { visible } from '../core/text.ts';
import { sendAsAdmin } from './admin.ts';
import { flagValue, type RunCommand } from './command.ts';

/**
 * Revokes a passkey or a key at the service. What the passkey approved can't be redeemed from then on; a policy goes on pinning
 * it until it is taken out there too.
 */
export const revoke: RunCommand = async (call) => {
  const [passkey, key] = [flagValue(call, 'passkey'), flagValue(call, 'key')];
  if ((passkey === '') === (key === '')) {
    throw new Fault('configuration', 'Give exactly one of --passkey and --key.');
  }
  const [kind, id] = passkey === '' ? (['key', key] as const) : (['passkey', passkey] as const);
  if (!/^[A-Za-z0-9_-]+$/.test(id)) {
    throw new Fault('configuration', `--${kind} is the id of a ${kind}, not "${visible(id, 60)}".`);
  }
  await sendAsAdmin(call, { method: 'DELETE', path: `/${kind}s/${id}` });
  if (call.json) call.out.printJson({ schema: 'revocation/v1', kind, id, exit_code: 0 });
  else call.out.print(`Revoked the ${kind} ${id}.`);
  if (kind === 'passkey') {
    call.out.say(
      'Take it out of every policy too: where a policy says "redemption": "run" the service is not asked.',
    );
  }
  return 0;
};
