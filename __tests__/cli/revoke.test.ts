import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { verdictSchema } from '../../src/core/verdict.ts';
import { createInvite, createKey, enrol } from '../support/service.ts';
import { startCommandWorld, type CommandWorld } from './command-world.ts';

let world: CommandWorld;
beforeAll(async () => {
  world = await startCommandWorld();
}, 90_000);
afterAll(() => world.close());

let runs = 700;
const revoke = (args: readonly string[], key = world.service.adminKey) =>
  world.start(['revoke', ...args], { DEPLOY_WARRANT_API_KEY: key }).result;
/** Has a deploy approved; resolves to what verifies it. */
async function approved(key = world.key) {
  const env = { DEPLOY_WARRANT_RUN_ID: String((runs += 1)), DEPLOY_WARRANT_API_KEY: key };
  const running = world.start(['request', ...world.facts], env);
  const id = await running.asked();
  await world.decide(id);
  expect((await running.result).exitCode).toBe(0);
  return () => world.start(['verify', ...world.facts, '--approval-id', id, '--json'], env).result;
}
const reasonOf = ({ stdout }: { readonly stdout: string }) =>
  verdictSchema.parse(JSON.parse(stdout)).reason_code;

describe('after a revocation', () => {
  test('of the request key, the key redeems nothing', async () => {
    const key = await createKey(world.service);
    const verify = await approved(key);
    const { exitCode, stdout } = await revoke(['--key', key.split('_')[1]!]);
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: `Revoked the key ${key.split('_')[1]!}.\n`,
    });
    const refused = await verify();
    expect([refused.exitCode, reasonOf(refused)]).toEqual([31, 'service_unauthorized']);
  });

  test('of another passkey, an approval is redeemed as before', async () => {
    const kim = await enrol(world.service, 'kim');
    const verify = await approved();
    const { exitCode, stdout } = await revoke([`--passkey=${kim.passkey.pinned.id}`, '--json']);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      ...{ schema: 'revocation/v1', kind: 'passkey', id: kim.passkey.pinned.id, exit_code: 0 },
    });
    expect((await verify()).exitCode).toBe(0);
  });

  test('of the passkey that approved, what it approved before is not redeemed', async () => {
    const verify = await approved();
    const { exitCode, stderr } = await revoke([`--passkey=${world.alex.passkey.pinned.id}`]);
    expect(exitCode).toBe(0);
    expect(stderr).toContain('Take it out of every policy too');
    const refused = await verify();
    expect([refused.exitCode, reasonOf(refused)]).toEqual([22, 'approver_untrusted']);
    const again = await revoke([`--passkey=${world.alex.passkey.pinned.id}`]);
    expect([again.exitCode, again.stdout]).toEqual([40, '']);
  });
});

describe('nothing is revoked', () => {
  test.each([
    ['without an id', []],
    ['with two ids', ['--passkey', 'a', '--key', 'b']],
    ['with an id that is a path', ['--key', '../passkeys/x']],
    ['with an empty id', ['--passkey=']],
    ['with an id that there is not', ['--key', '0123456789abcdef']],
  ] as [string, string[]][])('%s', async (_name, args) => {
    const { exitCode, stdout } = await revoke(args);
    expect([exitCode, stdout]).toEqual([40, '']);
  });

  test('with a request key', async () => {
    const { exitCode, stdout } = await revoke(['--key', world.key.split('_')[1]!], world.key);
    expect([exitCode, stdout]).toEqual([31, '']);
    expect(await createInvite(world.service)).not.toBe('');
  });
});
