import { expect, test } from '@jest/globals';
import { auditRecord } from '../../src/core/audit.ts';
import { policyHash } from '../../src/core/policy.ts';
import { recordFileNames, recordFiles, type RecordFileName } from '../../src/core/record-files.ts';
import { isApproved, verifyApproval } from '../../src/core/verify.ts';
import { createEvidence, createPayload, createWorld } from '../support/approvals.ts';

const world = createWorld();
const payload = createPayload();
const now = Date.parse('2027-03-01T00:00:00Z');

const { record } = createEvidence(world, { payload });
const sealed = { ...record, policy_sha256: policyHash(world.policy) };
const verdict = verifyApproval(createEvidence(world, { payload, record: sealed }));
const written = recordFiles({
  record: sealed,
  facts: payload.facts,
  policy: world.policy,
  verdict,
});
const good = new Map(
  Object.entries(written).map(([name, text]) => [name as RecordFileName, Buffer.from(text)]),
);

test('the record itself holds', () => {
  expect(isApproved(verdict)).toBe(true);
  const { faults, held } = auditRecord({ files: good, now });
  expect(faults).toEqual([]);
  expect(held).toBeDefined();
});

test.each(recordFileNames)(
  'one flipped byte anywhere in %s never holds',
  (name) => {
    const bytes = good.get(name)!;
    for (let at = 0; at < bytes.length; at += 1) {
      // The lowest bit makes another letter or digit, the sixth another case; every 32nd byte has each bit flipped.
      const bits = at % 32 === 0 ? [1, 2, 4, 8, 16, 32, 64, 128] : [at % 2 === 0 ? 1 : 0x20];
      for (const bit of bits) {
        const flipped = Uint8Array.from(bytes);
        flipped[at]! ^= bit;
        const { faults, held } = auditRecord({
          files: new Map<RecordFileName, Uint8Array>(good).set(name, flipped),
          now,
        });
        if (faults.length === 0 || held !== undefined) {
          throw new Error(`byte ${at} of ${name} with ${bit} flipped holds`);
        }
        // Damage is never told as a matter of people or times alone. In the list of hashes it may be either file's.
        const named = faults.some(({ where, message }) => where === name || message.includes(name));
        if (!named) throw new Error(`byte ${at}: ${name} is not named`);
      }
    }
  },
  120_000,
);
