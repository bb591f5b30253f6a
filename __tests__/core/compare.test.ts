import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { canonicalText } from '../../src/core/canonical.ts';
import { compareFacts } from '../../src/core/compare.ts';
import { checkFacts, type DeployFacts } from '../../src/core/facts.ts';
import { documentHash } from '../../src/core/hash.ts';
import { arbitraryFacts, exampleFacts, minimalFacts } from '../support/deploy.ts';
import { leafPaths, valueAt, withValue, written, type Path } from '../support/paths.ts';

const leaves = leafPaths(exampleFacts());
const optional: readonly Path[] = [
  ...[
    'region',
    'account',
    'tenant',
    'cluster',
    'server',
    'repository_id',
    'digest',
    'workflow',
    'workflow_sha',
  ].map((key) => [key]),
  ['actor', 'triggered_by'],
  ['rollback', 'note'],
];

/** The same facts with the members of every object in the opposite order, in fresh objects. */
function reordered<T>(value: T): T {
  if (Array.isArray(value)) return value.map(reordered) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([k, v]) => [k, reordered(v)]),
  ) as T;
}

describe('no difference', () => {
  test('property: facts and a copy of them, whatever the order of keys', () => {
    fc.assert(
      fc.property(arbitraryFacts, (facts) => {
        expect(compareFacts(facts, structuredClone(facts))).toEqual([]);
        expect(compareFacts(facts, reordered(facts))).toEqual([]);
        expect(documentHash(reordered(facts))).toBe(documentHash(facts));
      }),
    );
  });

  test('facts and what was read back from their text, which has no prototype', () => {
    const checked = checkFacts(exampleFacts());
    if (!checked.ok) throw new Error('refused');
    expect(compareFacts(checked.value, exampleFacts())).toEqual([]);
  });
});

describe('each field that differs, with both values', () => {
  test.each(leaves.map((leaf) => [written(leaf), leaf] as const))('changed: %s', (field, leaf) => {
    const before = valueAt(exampleFacts(), leaf);
    const after = typeof before === 'boolean' ? !before : `${String(before)}x`;
    const final = withValue(exampleFacts(), leaf, after);
    expect(compareFacts(exampleFacts(), final)).toEqual([
      { field, signed: String(before), final: String(after) },
    ]);
    expect(compareFacts(final, exampleFacts())).toEqual([
      { field, signed: String(after), final: String(before) },
    ]);
    expect(documentHash(final)).not.toBe(documentHash(exampleFacts()));
  });

  test.each(leaves.map((leaf) => [written(leaf), leaf] as const))(
    'no trimming, case folding, normalisation or coercion: %s',
    (field, leaf) => {
      const before = valueAt(exampleFacts(), leaf);
      const others =
        typeof before === 'boolean'
          ? ['true', 1]
          : [
              ` ${String(before)}`,
              `${String(before)} `,
              String(before).toUpperCase(),
              `${String(before)}\u200b`,
              [before],
            ];
      for (const after of others.filter((other) => other !== before)) {
        const [difference, ...more] = compareFacts(
          exampleFacts(),
          withValue(exampleFacts(), leaf, after),
        );
        expect([difference?.field, more]).toEqual([field, []]);
      }
    },
  );

  test.each(optional.map((leaf) => [written(leaf), leaf] as const))(
    'present on one side only: %s',
    (field, leaf) => {
      const value = valueAt(exampleFacts(), leaf);
      const without = withValue(exampleFacts(), leaf, undefined);
      expect(compareFacts(exampleFacts(), without)).toEqual([
        { field, signed: value, final: null },
      ]);
      expect(compareFacts(without, exampleFacts())).toEqual([
        { field, signed: null, final: value },
      ]);
    },
  );

  test('a list: another order, one less, one more, one in between', () => {
    const file = (name: string) => ({ path: name, sha256: name.repeat(64) });
    const facts = (...names: string[]): DeployFacts =>
      withValue(exampleFacts(), ['migration', 'files'], names.map(file));
    const fields = (signed: DeployFacts, final: DeployFacts) =>
      compareFacts(signed, final).map(({ field, signed: a, final: b }) => [
        field,
        a?.[0] ?? null,
        b?.[0] ?? null,
      ]);
    expect(fields(facts('a', 'b'), facts('b', 'a'))).toEqual([
      ['migration.files[0].path', 'a', 'b'],
      ['migration.files[0].sha256', 'a', 'b'],
      ['migration.files[1].path', 'b', 'a'],
      ['migration.files[1].sha256', 'b', 'a'],
    ]);
    expect(fields(facts('a', 'b'), facts('a'))).toEqual([
      ['migration.files[1].path', 'b', null],
      ['migration.files[1].sha256', 'b', null],
    ]);
    expect(fields(facts('a'), facts('a', 'b'))).toEqual([
      ['migration.files[1].path', null, 'b'],
      ['migration.files[1].sha256', null, 'b'],
    ]);
    expect(fields(facts('a', 'c'), facts('a', 'b', 'c'))).toHaveLength(4);
  });

  test('a list has its indexes in the order of numbers', () => {
    const statements = Array.from({ length: 12 }, (_, i) => `statement ${i}`);
    const signed = withValue(exampleFacts(), ['migration', 'statements'], statements);
    const final = withValue(
      exampleFacts(),
      ['migration', 'statements'],
      statements.map((text) => `${text}!`),
    );
    expect(compareFacts(signed, final).map(({ field }) => field)).toEqual(
      statements.map((_, i) => `migration.statements[${i}]`),
    );
  });

  test('a migration that was signed as none', () => {
    const signed = withValue(exampleFacts(), ['migration'], { kind: 'none' });
    expect(compareFacts(signed, exampleFacts()).map(({ field }) => field)).toEqual([
      'migration.command',
      'migration.destructive',
      'migration.files[0].path',
      'migration.files[0].sha256',
      'migration.files[1].path',
      'migration.files[1].sha256',
      'migration.kind',
      'migration.statements[0]',
    ]);
  });

  test('another shape than the format has is a difference too', () => {
    const cases: (readonly [unknown, unknown])[] = [
      [{ kind: 'none' }, 'none'],
      [[], {}],
      [['none'], { 0: 'none' }],
      [null, 'null'],
      [null, { kind: 'none' }],
    ];
    for (const [one, other] of cases) {
      const [signed, final] = [one, other].map(
        (migration) => ({ ...minimalFacts(), migration }) as unknown as DeployFacts,
      );
      expect(compareFacts(signed!, final!)).toHaveLength(1);
      expect(compareFacts(final!, signed!)).toHaveLength(1);
    }
  });

  test('property: any two facts differ in the list exactly if their bytes differ, and in a stable order', () => {
    fc.assert(
      fc.property(arbitraryFacts, arbitraryFacts, fc.boolean(), (signed, other, same) => {
        const final = same ? { ...other, ...signed } : other;
        const differences = compareFacts(signed, final);
        expect(differences.length === 0).toBe(canonicalText(signed) === canonicalText(final));
        expect(differences).toEqual(compareFacts(reordered(signed), reordered(final)));
        expect(compareFacts(final, signed)).toEqual(
          differences.map(({ field, ...sides }) => ({
            field,
            signed: sides.final,
            final: sides.signed,
          })),
        );
      }),
    );
  });

  test('property: any one member changed, added or removed is a difference and another hash', () => {
    fc.assert(
      fc.property(
        arbitraryFacts,
        fc.nat(),
        fc.constantFrom('change', 'remove'),
        (facts, pick, how) => {
          const paths = leafPaths(facts);
          const leaf = paths[pick % paths.length]!;
          const before = valueAt(facts, leaf);
          const after =
            how === 'remove'
              ? undefined
              : typeof before === 'boolean'
                ? !before
                : `${String(before)}0`;
          const final = withValue(facts, leaf, after);
          expect(compareFacts(facts, final).length).toBeGreaterThan(0);
          expect(documentHash(final)).not.toBe(documentHash(facts));
        },
      ),
    );
  });
});
