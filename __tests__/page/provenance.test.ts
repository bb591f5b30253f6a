import { describe, expect, test } from '@jest/globals';
import { leavesOf, pathText, type Json, type Path } from '../../src/service/page/leaves.ts';
import {
  markMeaning,
  markText,
  sourceOf,
  sources,
  type Attested,
} from '../../src/service/page/provenance.ts';
import { examplePayload, minimalFacts } from '../support/deploy.ts';

const github: Attested = {
  by: 'GitHub',
  issuer: 'https://token.actions.githubusercontent.com',
  fields: ['environment', 'commit', 'repository', 'actor.id'],
  jobWorkflowRef: undefined,
};

const sourcesIn = (payload: Json, attested?: Attested): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    leavesOf(payload).map(({ path }) => [pathText(path), sourceOf(path, payload, attested)]),
  );

describe('how a fact is known', () => {
  test('is said of every leaf of a payload, and of nothing that is no fact', () => {
    expect(sourcesIn(examplePayload())).toEqual({
      schema: undefined,
      request_id: undefined,
      'facts.schema': 'declared',
      'facts.service': 'declared',
      'facts.environment': 'declared',
      'facts.region': 'declared',
      'facts.account': 'declared',
      'facts.tenant': 'declared',
      'facts.cluster': 'declared',
      'facts.server': 'told',
      'facts.repository': 'told',
      'facts.repository_id': 'told',
      'facts.ref': 'told',
      'facts.commit': 'computed',
      'facts.digest': 'declared',
      'facts.workflow': 'told',
      'facts.workflow_sha': 'told',
      'facts.actor.login': 'told',
      'facts.actor.id': 'told',
      'facts.actor.type': 'told',
      'facts.actor.triggered_by': 'told',
      'facts.run_id': 'told',
      'facts.run_attempt': 'told',
      'facts.migration.kind': 'declared',
      'facts.migration.command': 'declared',
      'facts.migration.destructive': 'computed',
      'facts.migration.files[0].path': 'computed',
      'facts.migration.files[0].sha256': 'computed',
      'facts.migration.files[1].path': 'computed',
      'facts.migration.files[1].sha256': 'computed',
      'facts.migration.statements[0]': 'computed',
      'facts.rollback.kind': 'declared',
      'facts.rollback.value': 'declared',
      'facts.rollback.note': 'declared',
      requested_at: undefined,
      expires_at: undefined,
      'context.reason': undefined,
    });
  });

  test('is attested for exactly the facts that the token says, whatever else they are', () => {
    const found = sourcesIn(examplePayload(), github);
    const attested = Object.keys(found).filter((path) => found[path] === 'attested');
    expect(attested).toEqual([
      'facts.environment',
      'facts.repository',
      'facts.commit',
      'facts.actor.id',
    ]);
    expect(found['facts.actor.login']).toBe('told');
  });

  test('is attested for no place outside the facts, even if the service names one like it', () => {
    const payload: Json = { environment: 'x', context: { environment: 'x' }, facts: {} };
    expect(sourceOf(['environment'], payload, github)).toBeUndefined();
    expect(sourceOf(['context', 'environment'], payload, github)).toBeUndefined();
    expect(sourceOf(['facts', 'rollback', 'environment'], payload, github)).toBe('declared');
  });

  test('is computed for what a sparse checkout leaves out', () => {
    const payload: Json = { facts: { ...minimalFacts(), left_out: { count: '7', sha256: 'ab' } } };
    for (const name of ['count', 'sha256']) {
      expect(sourceOf(['facts', 'left_out', name], payload, undefined)).toBe('computed');
    }
  });

  test('is not computed for a migration that nobody analyses', () => {
    const { migration } = examplePayload().facts;
    for (const kind of ['other', 'mongo']) {
      const payload: Json = { facts: { migration: { ...migration, kind } } };
      expect(sourceOf(['facts', 'migration', 'destructive'], payload, undefined)).toBe('declared');
      expect(sourceOf(['facts', 'migration', 'statements', 0], payload, undefined)).toBe(
        'declared',
      );
      expect(sourceOf(['facts', 'migration', 'files', 0, 'sha256'], payload, undefined)).toBe(
        'computed',
      );
    }
  });

  test.each([
    ['an unknown fact', ['facts', 'also']],
    ['a fact named like a computed one', ['facts', 'commit_of_somebody']],
    ['a fact named like a told one', ['facts', 'run_id_2']],
    ['a key with a dot', ['facts', 'actor.id']],
    ['a prototype’s member', ['facts', '__proto__']],
    ['a fact below another one', ['facts', 'rollback', 'commit']],
  ] as readonly (readonly [string, Path])[])('promises nothing of %s', (_, path) => {
    expect(sourceOf(path, { facts: minimalFacts() }, undefined)).toBe('declared');
    expect(sourceOf(path, { facts: minimalFacts() }, github)).toBe('declared');
  });

  test('has words of its own for every mark, and names whose token it was', () => {
    for (const by of ['GitHub', 'GitLab'] as const) {
      const attested = { ...github, by };
      const words = sources.map((source) => markText(source, attested));
      expect(new Set(words).size).toBe(sources.length);
      expect(words[0]).toBe(`attested by ${by}`);
      expect(markMeaning('attested', attested)).toContain(by);
    }
    for (const source of sources) expect(markMeaning(source, github).length).toBeLessThan(80);
  });
});
