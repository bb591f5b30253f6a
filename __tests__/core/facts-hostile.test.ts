import { beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { checkFacts } from '../../src/core/facts.ts';
import { exampleFacts } from '../support/deploy.ts';
import { leafPaths, valueAt, withValue, written } from '../support/paths.ts';
import { secretSamples } from '../support/secrets.ts';
import { describeVectors, vectorPath } from '../support/vectors.ts';

const leaves = leafPaths(exampleFacts());

function problemsOf(value: unknown) {
  const checked = checkFacts(value);
  return checked.ok ? [] : checked.problems.map(({ field, message }) => `${field}: ${message}`);
}

describe('secrets (threat 29)', () => {
  const strings = leaves.filter((leaf) => typeof valueAt(exampleFacts(), leaf) === 'string');
  const isShown = (secret: string, problems: unknown) => {
    const text = JSON.stringify(problems);
    return text.includes(secret.slice(0, 12)) || text.includes(secret.slice(-8));
  };

  /** Facts whose every string is this one. */
  const everywhere = (text: string) =>
    strings.reduce((facts, leaf) => withValue(facts, leaf, text), exampleFacts());
  const refusedIn = (facts: unknown, rule: string) => {
    const checked = checkFacts(facts);
    if (checked.ok) return [];
    return checked.problems
      .filter(({ message }) => message.startsWith(`looks like a secret (${rule}`))
      .map(({ field }) => field);
  };

  test.each(secretSamples)('refused in every field, and never shown: no. %# %s', (rule, secret) => {
    expect(refusedIn(everywhere(secret), rule)).toEqual(strings.map(written));
    expect(isShown(secret, checkFacts(everywhere(secret)))).toBe(false);
  });

  test.each(strings.map((leaf) => [written(leaf), leaf] as const))(
    'refused in one field alone: %s',
    (field, leaf) => {
      for (const [rule, secret] of secretSamples) {
        expect(refusedIn(withValue(exampleFacts(), leaf, secret), rule)).toEqual([field]);
      }
    },
  );

  test('inside a text that is fine otherwise', () => {
    const [, secret] = secretSamples.find(([rule]) => rule.startsWith('github'))!;
    expect(
      problemsOf(withValue(exampleFacts(), ['rollback', 'note'], `use ${secret} for it`)),
    ).toEqual([
      expect.stringMatching(/^rollback\.note: looks like a secret \(github GITHUB_TOKEN\)/),
    ]);
  });

  test('in unknown members, at any depth, in lists, and as a member name', () => {
    for (const [rule, secret] of secretSamples) {
      const facts = { ...exampleFacts(), extra: [{ deep: ['x', secret] }], [secret]: 'x' };
      const checked = checkFacts(facts);
      if (checked.ok) throw new Error('accepted');
      expect(checked.problems.map(({ field }) => field)).toEqual(
        expect.arrayContaining(['extra', '(a member whose name is not shown)', 'extra[0].deep[1]']),
      );
      expect([rule, isShown(secret, checked.problems)]).toEqual([rule, false]);
    }
  });

  test('the name of a secret is fine', () => {
    for (const name of ['secret:DB_PASSWORD', 'env:AWS_SECRET_ACCESS_KEY', 'uses $GITHUB_TOKEN']) {
      expect(problemsOf(withValue(exampleFacts(), ['rollback', 'note'], name))).toEqual([]);
    }
  });
});

describeVectors('naughty strings in every field (threat 16)', () => {
  const naughty = JSON.parse(
    readFileSync(vectorPath('naughty-strings', 'blns.json'), 'utf8'),
  ) as string[];
  // An unknown kind of migration leaves nothing to check in it.
  const fields = leaves.filter((leaf) => written(leaf) !== 'migration.kind');
  const isText = (field: string) => /^migration|^rollback/.test(field);

  /** By field: what of these strings is accepted there. One document holds the same string in every field. */
  const accepted = new Map<string, string[]>(fields.map((leaf) => [written(leaf), []]));
  const messages: string[] = [];
  beforeAll(() => {
    for (const value of naughty) {
      const checked = checkFacts(
        fields.reduce((facts, leaf) => withValue(facts, leaf, value), exampleFacts()),
      );
      if (checked.ok) throw new Error(`Accepted in every field: ${value}`);
      messages.push(...checked.problems.map(({ message }) => message));
      const refused = new Set(checked.problems.map(({ field }) => field));
      for (const [field, values] of accepted) if (!refused.has(field)) values.push(value);
    }
  });

  test.each(fields.map(written))('%s', (field) => {
    const allowed = isText(field)
      ? /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Variation_Selector}]{1,500}$/u
      : /^[ -~]{1,255}$/;
    expect(accepted.get(field)!.filter((value) => !allowed.test(value))).toEqual([]);
  });

  test('messages are one visible line', () => {
    expect(messages.length).toBeGreaterThan(naughty.length * 10);
    expect(messages.filter((text) => !/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,300}$/u.test(text))).toEqual(
      [],
    );
  });
});
