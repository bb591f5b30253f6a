import { createHash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { recordFileNames, recordFiles } from '../../src/core/record-files.ts';
import { verifyApproval } from '../../src/core/verify.ts';
import { createEvidence, createWorld } from '../support/approvals.ts';

const world = createWorld();
const evidence = createEvidence(world);
const { record, finalFacts: facts, policy } = evidence;
const verdict = verifyApproval(evidence);
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
/** The lines of a document, one member each. */
const lines = (document: object) => `${JSON.stringify(document, null, 2)}\n`;

test('a record folder holds each document for people to read, and the hash of each', () => {
  const files = recordFiles({ record, facts, policy, verdict });
  expect(files).toEqual({
    'record.json': lines(record),
    'facts.json': lines(facts),
    'policy.json': lines(policy!),
    'verdict.json': lines({
      ...verdict,
      files: {
        'record.json': sha256(lines(record)),
        'facts.json': sha256(lines(facts)),
        'policy.json': sha256(lines(policy!)),
        // As it would be without the list.
        'verdict.json': sha256(lines(verdict)),
      },
    }),
  });
  expect(Object.keys(files)).toEqual(recordFileNames);
});

test('without a policy there is neither its file nor its hash', () => {
  const files = recordFiles({ record, facts, verdict });
  expect(Object.keys(files)).toEqual(['record.json', 'facts.json', 'verdict.json']);
  const written = JSON.parse(files['verdict.json']!) as { files: object };
  expect(Object.keys(written.files)).toEqual(['record.json', 'facts.json', 'verdict.json']);
});
