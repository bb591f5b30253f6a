import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Fault } from '../../src/core/fault.ts';
import { withdrawPending } from '../../src/gate/withdraw.ts';
import { json } from '../support/faulty-server.ts';
import { createBench, type Bench } from './bench.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await createBench({ approvers: ['alex', 'dana', 'kim'], quorum: 3 });
});
afterEach(() => bench.close());

/** Three confirmations, and the gate's process was killed. */
async function asked(): Promise<readonly string[]> {
  const onCreated = (): never => {
    bench.service.faults.set('withdraw', json(503, {}));
    throw new Error('killed');
  };
  const { approvalIds } = await bench.request({ onCreated });
  bench.service.faults.delete('withdraw');
  return approvalIds;
}

test('only what nobody decided is withdrawn', async () => {
  const ids = await asked();
  bench.service.stored[0]!.status = 'approved';
  bench.service.stored[2]!.status = 'rejected';
  const { transport } = bench.deps;
  const before = bench.service.seen.length;
  await withdrawPending(ids, { ...bench.deps, transport: transport! });
  expect(bench.service.stored.map(({ status }) => status)).toEqual([
    'approved',
    'cancelled',
    'rejected',
  ]);
  const deleted = bench.service.seen.slice(before).filter(({ method }) => method === 'DELETE');
  expect(deleted.map(({ path }) => path)).toEqual([`/api/confirmations/${ids[1]!}`]);
});

test('where the service can not say of one how it stands, that is told, and the others are withdrawn', async () => {
  const ids = await asked();
  bench.service.faults.set('fetch', (exchange, right) =>
    (exchange.path.includes(ids[1]!) ? json(401, {}) : right)(exchange),
  );
  const { transport } = bench.deps;
  const withdrawn = withdrawPending(ids, { ...bench.deps, transport: transport! });
  await expect(withdrawn).rejects.toThrow(Fault);
  expect(bench.service.stored.map(({ status }) => status)).toEqual([
    'cancelled',
    'pending',
    'cancelled',
  ]);
});
