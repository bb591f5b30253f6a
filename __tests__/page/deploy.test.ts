import { describe, expect, test } from '@jest/globals';
import { isUnknownDeploy, readDeploy } from '../../src/service/page/deploy.ts';
import { assemble, leavesOf, pathText, type Json } from '../../src/service/page/leaves.ts';
import { examplePayload } from '../support/deploy.ts';

/** The example with another value at one place, or with nothing there. */
function withAt(place: string, value?: Json): Json {
  return assemble(
    leavesOf(examplePayload()).flatMap((leaf) => {
      if (pathText(leaf.path) !== place) return [leaf];
      return value === undefined ? [] : [{ ...leaf, value }];
    }),
  );
}

describe('a payload', () => {
  test('is a deploy where it says so, and who deploys what to where', () => {
    expect(readDeploy(examplePayload())).toEqual({
      service: 'api',
      environment: 'production',
      actorLogin: 'release-agent[bot]',
      actorType: 'agent',
      isDestructive: true,
    });
    expect(isUnknownDeploy(examplePayload())).toBe(false);
  });

  test.each(['facts.service', 'facts.environment', 'facts.actor.login', 'facts.actor.type'])(
    'that says so, but has no text at %s, is a deploy in a form that is not known',
    (place) => {
      for (const value of [undefined, null, 7, true, []]) {
        const payload = withAt(place, value);
        expect(readDeploy(payload)).toBeUndefined();
        expect(isUnknownDeploy(payload)).toBe(true);
      }
    },
  );

  test.each([
    ['deploy-approval/v2', true],
    ['deploy-approval/', true],
    ['key-rotation/v1', false],
    ['', false],
    [7, false],
    [undefined, false],
  ])('of the schema %j is no deploy that is known; it says it is one: %p', (schema, isDeploy) => {
    const payload = withAt('schema', schema);
    expect(readDeploy(payload)).toBeUndefined();
    expect(isUnknownDeploy(payload)).toBe(isDeploy);
  });

  test('that is absent, as in a list that leaves it out, is no deploy', () => {
    expect(readDeploy(undefined)).toBeUndefined();
  });

  test.each([
    ['none', undefined, false],
    ['sql', false, false],
    ['sql', true, true],
    ['sql', undefined, true],
    ['sql', 'false', true],
    ['other', false, true],
    ['None', false, true],
    [undefined, false, true],
  ])(
    'with a migration %j that is destructive: %j counts as destructive: %p',
    (kind, computed, is) => {
      const { facts, ...rest } = examplePayload();
      const migration: Json = {
        ...(kind === undefined ? {} : { kind }),
        ...(computed === undefined ? {} : { destructive: computed }),
      };
      expect(readDeploy({ ...rest, facts: { ...facts, migration } })?.isDestructive).toBe(is);
    },
  );
});
