import { canonicalText } from './canonical.ts';
import type { DeployFacts } from './facts.ts';
import { fieldPath } from './problems.ts';
import type { Difference } from './verdict.ts';

/**
 * Each fact that is not the same on both sides, with both values, members by name and lists by position. Strict: no trimming,
 * case folding, normalisation or coercion; key order is no fact, the order of a list is (DESIGN 3.1).
 */
export function compareFacts(signed: DeployFacts, final: DeployFacts): readonly Difference[] {
  return differences('', signed, final);
}

function differences(field: string, signed: unknown, final: unknown): readonly Difference[] {
  const keys = commonKeys(signed, final);
  if (keys === undefined) {
    if (signed === final) return [];
    return [{ field, signed: leafText(signed), final: leafText(final) }];
  }
  return keys.flatMap((key) =>
    differences(fieldPath([key], field), memberOf(signed, key), memberOf(final, key)),
  );
}

/** The positions or names on either side, if both sides are of one kind or one is absent; nothing for single values. */
function commonKeys(signed: unknown, final: unknown): readonly PropertyKey[] | undefined {
  const sides = [signed, final].filter((side) => side !== undefined);
  if (!sides.every(isContainer)) return undefined;
  if (sides.every((side) => Array.isArray(side))) {
    return Array.from(
      { length: Math.max(...sides.map((side) => side.length)) },
      (_, index) => index,
    );
  }
  if (sides.some((side) => Array.isArray(side))) return undefined;
  return [...new Set(sides.flatMap((side) => Object.keys(side)))].sort();
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function memberOf(container: unknown, key: PropertyKey): unknown {
  return isContainer(container)
    ? Object.getOwnPropertyDescriptor(container, key)?.value
    : undefined;
}

function leafText(value: unknown): string | null {
  if (value === undefined) return null;
  return typeof value === 'string' ? value : canonicalText(value);
}
