/** What a part of the benchmark hands to the table: one figure with its spread, and what stands beside it. */

export interface Figure {
  /** What was measured, in words that need no code to be understood. */
  readonly what: string;
  readonly value: number;
  readonly unit: Unit;
  /** Where the values lay, such as `p99 12 ms` or `12 runs, 98 to 131 ms`. */
  readonly spread?: string;
  /** The same thing done in another way, measured in the same run. */
  readonly beside?: { readonly what: string; readonly value: number };
  /** The figure, or what `of` says of it, is to be below `below`. */
  readonly aim?: { readonly of?: 'difference' | 'ratio'; readonly below: number };
}

export type Unit = 'ms' | 'KB' | 'per second' | 'per minute' | 'times';

/** The value at `share` (0 to 1) of the sorted values, the nearest one that was measured. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  if (value === undefined) throw new Error('Nothing was measured.');
  return value;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Whether the aim is met; `undefined` where there is none. */
export function meetsAim({ value, beside, aim }: Figure): boolean | undefined {
  if (aim === undefined) return undefined;
  const { of, below } = aim;
  if (of === undefined) return value < below;
  const other = beside?.value ?? 0;
  return (of === 'difference' ? value - other : value / other) < below;
}

/** Three significant digits where there is a fraction, whole numbers with commas otherwise. */
export function showNumber(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const rounded = Math.abs(value) < 100 ? Number(value.toPrecision(3)) : Math.round(value);
  return rounded.toLocaleString('en-US', { maximumFractionDigits: 4 });
}

export const showValue = (value: number, unit: Unit): string =>
  unit === 'times' ? `${showNumber(value)}×` : `${showNumber(value)} ${unit}`;

/** The spread of runs in words. */
export function spreadOf(values: readonly number[], unit: Unit): string {
  const [least, most] = [quantile(values, 0), quantile(values, 1)];
  return `median of ${values.length}, ${showNumber(least)} to ${showValue(most, unit)}`;
}
