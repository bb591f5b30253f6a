import { describe, expect, test } from '@jest/globals';
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

  test.each(strings.map((leaf) => [written(leaf), leaf] as const))(
    'each kind of secret is refused and never shown: %s',
    (field, leaf) => {
      for (const [rule, secret] of secretSamples) {
        const checked = checkFacts(withValue(exampleFacts(), leaf, secret));
        if (checked.ok) throw new Error(`${rule} was accepted in ${field}`);
        const messages = checked.problems.filter((problem) => problem.field === field);
        expect(messages.map(({ message }) => message).join()).toContain(
          `looks like a secret (${rule}`,
        );
        expect([rule, isShown(secret, checked.problems)]).toEqual([rule, false]);
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
  const isText = (field: string) => /^migration|^rollback/.test(field);

  test.each(leaves.map((leaf) => [written(leaf), leaf] as const))('%s', (field, leaf) => {
    const accepted: string[] = [];
    const problems: string[] = [];
    for (const value of naughty) {
      const checked = checkFacts(withValue(exampleFacts(), leaf, value));
      if (checked.ok) accepted.push(value);
      else
        problems.push(...checked.problems.map((problem) => `${problem.field}: ${problem.message}`));
    }
    expect(accepted.length + problems.length).toBeGreaterThanOrEqual(naughty.length);
    const allowed = isText(field)
      ? /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Variation_Selector}]{1,500}$/u
      : /^[ -~]{1,255}$/;
    expect(accepted.filter((value) => !allowed.test(value))).toEqual([]);
    const message = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,300}$/u;
    expect(
      problems.filter((text) => !message.test(text) || !text.startsWith(`${field}: `)),
    ).toEqual([]);
  });
});
