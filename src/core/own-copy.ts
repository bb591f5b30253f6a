/**
 * A frozen deep copy of a JSON value whose objects have no prototype, so that a look-up finds own members only, even
 * when something has polluted `Object.prototype` (threat 38).
 */
export function ownCopy(value: unknown): unknown {
  if (Array.isArray(value)) return Object.freeze(value.map(ownCopy));
  if (typeof value !== 'object' || value === null) return value;
  const copy = Object.create(null) as Record<string, unknown>;
  for (const [key, member] of Object.entries(value)) copy[key] = ownCopy(member);
  return Object.freeze(copy);
}
