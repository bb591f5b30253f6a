import { expect, test } from '@jest/globals';
import { readFaults, renderFaults } from '../../scripts/faults.ts';
import { cells, groups, phases } from '../acceptance/matrix/table.ts';

test('docs/FAULTS.md says what the tests drive (node scripts/faults.ts)', () => {
  expect(readFaults()).toBe(renderFaults());
});

test('no fault stands twice, and each phase has many', () => {
  for (const { rows } of groups) {
    expect(new Set(rows.map(({ fault }) => fault)).size).toBe(rows.length);
  }
  for (const phase of phases) {
    expect(cells.filter((cell) => cell.phase === phase).length).toBeGreaterThan(5);
  }
});
