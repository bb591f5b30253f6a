import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { policyParts } from '../../src/core/policy-format.ts';
import { checkPolicy } from '../../src/core/policy.ts';

const text = readFileSync('docs/POLICY.md', 'utf8');
const fence = (language: string) =>
  new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(text)?.[1] ?? '';

interface Example {
  readonly environments: { readonly production: Record<string, unknown> };
}
const example = () => JSON.parse(fence('json policy')) as Example;

test('the policy of the page is accepted', () => {
  const checked = checkPolicy(example());
  expect(checked.ok ? [] : checked.problems).toEqual([]);
});

test('the table names every member of a rule, once', () => {
  const members = [...text.matchAll(/^\| `([a-z_]+)` \|/gm)].map(([, name]) => name!);
  expect(new Set(members)).toEqual(new Set(Object.keys(policyParts.rule.shape)));
  expect(members).toHaveLength(new Set(members).size);
});

test('the faults of the page are those that are told', () => {
  const broken = example();
  Object.assign(broken.environments.production, { quorum: 3, services: undefined });
  Reflect.deleteProperty(broken.environments.production, 'services');
  Reflect.deleteProperty(broken.environments.production, 'migration_paths');
  const checked = checkPolicy(broken);
  const told = checked.ok ? [] : checked.problems.map((one) => `${one.field}: ${one.message}`);
  const shown = fence('text').trim().split('\n');
  expect(shown).toHaveLength(2);
  for (const line of shown) {
    expect(line).toMatch(/^policy\.json:\d+:\d+ /);
    expect(told).toContain(line.replace(/^\S+ /, ''));
  }
});
