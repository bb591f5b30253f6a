import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as z from 'zod';
import { schemaFiles } from '../../scripts/schemas/files.ts';
import { broadLabels } from '../../src/core/text.ts';
import { checkFacts } from '../../src/core/facts.ts';
import { checkPayload } from '../../src/core/payload.ts';
import { checkPolicy } from '../../src/core/policy.ts';
import { checkRecord } from '../../src/core/record.ts';
import { verifyApproval } from '../../src/core/verify.ts';
import { createEvidence, createWorld } from '../support/approvals.ts';
import { arbitraryFacts, exampleFacts, examplePayload, minimalFacts } from '../support/deploy.ts';
import { leafPaths, objectPaths, withValue, written } from '../support/paths.ts';
import { frozen } from '../support/frozen.ts';

const root = resolve(import.meta.dirname, '../..');

function committed(path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(resolve(root, path), 'utf8')) as Record<string, unknown>;
}

/** A validator by the committed JSON Schema alone. */
function validator(name: string): (value: unknown) => boolean {
  const schema = z.fromJSONSchema(committed(`schemas/${name}-v1.json`));
  return (value) => schema.safeParse(value).success;
}

const valid = {
  facts: validator('deploy-facts'),
  payload: validator('deploy-approval'),
  record: validator('approval-record'),
  policy: validator('approval-policy'),
  verdict: validator('verdict'),
};

/** Every string of a document that is a pattern. */
function patternsIn(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) =>
    key === 'pattern' && typeof member === 'string' ? [member] : patternsIn(member),
  );
}

describe.each([...schemaFiles()])('%s', (path, content) => {
  test('is what npm run schemas makes of the code', () => {
    expect(JSON.stringify(committed(path))).toBe(JSON.stringify(content));
  });

  test('holds patterns that read the same with and without the flag u', () => {
    for (const pattern of patternsIn(content)) {
      expect(() => new RegExp(pattern, 'u')).not.toThrow();
      // What a pattern says of a character outside the BMP depends on the flag.
      expect(pattern).not.toMatch(/\\p\{|\\u\{/);
    }
  });
});

const { payloads, evidence, refusals } = frozen;

describe('every frozen vector', () => {
  test.each(payloads.vectors)('payload "$name" validates, as value and as text', (vector) => {
    expect(valid.payload(vector.payload)).toBe(true);
    expect(valid.payload(JSON.parse(vector.canonical))).toBe(true);
    const { facts } = vector.payload as { facts: unknown };
    expect(valid.facts(facts)).toBe(true);
  });

  test.each(evidence.vectors)('evidence "$name" validates, forged or not', (vector) => {
    expect(valid.record(vector.record)).toBe(true);
    expect(valid.facts(vector.final_facts)).toBe(true);
    const policy = vector.policy === null ? undefined : evidence.policies[vector.policy];
    if (policy !== undefined) expect(valid.policy(policy)).toBe(true);
    const { record, final_facts: finalFacts, assurance, step, circumstances } = vector;
    const now = Date.parse(vector.now);
    const verdict = verifyApproval({
      ...{ policy, record, finalFacts, circumstances, now, assurance, step },
    });
    expect(valid.verdict(verdict)).toBe(true);
  });

  const documents = refusals.documents.filter((vector) => vector.kind !== 'json');
  test.each(documents)('refused $kind "$name" fails, or is told apart by $by', (vector) => {
    const kind = vector.kind === 'payload text' ? 'payload' : vector.kind;
    expect(valid[kind](JSON.parse(vector.text))).toBe(vector.by === 'rule');
  });
});

/** A document of each kind that is acceptable, with all its optional members. */
const rule = {
  groups: { owners: { people: ['alex', 'dana'], quorum: 1, quorum_if_destructive: 2 } },
  migration_paths: ['db/**'],
  refs: ['refs/heads/*'],
  workflows: ['acme/shop/.github/workflows/*@refs/heads/main'],
  triggers: ['push'],
  runners: ['self-hosted'],
  other_commit: true,
  pull_request: true,
  not_by_commit_authors: false,
  no_deploys: [{ from: '2026-12-24T00:00:00Z', to: '2026-12-27T00:00:00Z', reason: 'Rest' }],
};
const world = createWorld({
  ...rule,
  services: { api: rule, '@acme/web': {} },
  quorum: 1,
  quorum_if_destructive: 2,
  max_age_minutes: 60,
  self_approval: false,
  rerun: 'never',
  redemption: 'required',
  require_oidc: false,
  required_facts: ['digest'],
  assurance: 'signature',
});
const example = createEvidence(world);
const kinds = [
  { kind: 'facts', document: exampleFacts(), check: checkFacts },
  { kind: 'facts', document: minimalFacts(), check: checkFacts },
  { kind: 'payload', document: examplePayload(), check: checkPayload },
  { kind: 'record', document: example.record, check: checkRecord },
  {
    kind: 'policy',
    document: {
      ...world.policy,
      issuers: [{ provider: 'gitlab', issuer: 'https://gitlab.example.com' }],
      approvers: {
        ...world.policy.approvers,
        alex: {
          ...world.policy.approvers.alex!,
          accounts: [{ provider: 'github', id: '1', login: 'a', emails: ['a@example.com'] }],
        },
      },
    },
    check: checkPolicy,
  },
] as const;

describe.each(kinds)('a $kind document and its schema', ({ kind, document, check }) => {
  test('agree on the whole of it', () => {
    expect(check(document).ok).toBe(true);
    expect(valid[kind](document)).toBe(true);
  });

  test('agree on a member more, in every object', () => {
    for (const path of objectPaths(document)) {
      const more = withValue(document, [...path, 'unheard_of'], 'x');
      expect(check(more).ok).toBe(false);
      expect([written(path), valid[kind](more)]).toEqual([written(path), false]);
    }
  });

  test.each([
    ['null', null],
    ['a number', 7],
    ['an empty string', ''],
    ['absent', undefined],
  ])('agree on each value that is %s', (_, value) => {
    for (const path of leafPaths(document)) {
      const changed = withValue(document, path, value);
      // The schema never refuses what the checker takes; beyond the schema there are only the rules between values.
      const accepted = check(changed).ok;
      if (accepted) expect([written(path), valid[kind](changed)]).toEqual([written(path), true]);
      if (value === null) expect([written(path), accepted]).toEqual([written(path), false]);
      if (value === null)
        expect([written(path), valid[kind](changed)]).toEqual([written(path), false]);
    }
  });

  test.each([' ', '\u0000', '\u202E', '../x', 'x'.repeat(501), 'a\nb', '-----'])(
    'the schema refuses nothing that the checker takes: %j',
    (value) => {
      for (const path of leafPaths(document)) {
        const changed = withValue(document, path, value);
        if (check(changed).ok)
          expect([written(path), valid[kind](changed)]).toEqual([written(path), true]);
      }
    },
  );
});

test('each schema says in words what it can not say itself', () => {
  for (const [path, content] of schemaFiles()) {
    if (path === 'openapi.json') continue;
    expect((content as { description: string }).description).toMatch(/^Beyond what this schema/);
  }
  const { properties } = committed('schemas/deploy-facts-v1.json') as {
    properties: Record<string, { description: string }>;
  };
  for (const name of ['service', 'environment', 'region', 'account', 'tenant', 'cluster']) {
    for (const label of broadLabels) expect(properties[name]!.description).toContain(label);
  }
});

test('whatever facts the checker takes, their schema takes too', () => {
  fc.assert(
    fc.property(arbitraryFacts, (facts) => {
      fc.pre(checkFacts(facts).ok);
      expect(valid.facts(facts)).toBe(true);
    }),
    { numRuns: 200 },
  );
});
