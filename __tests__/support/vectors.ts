import { describe, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

const folder = resolve(import.meta.dirname, '../../../shared/vectors');

/** The path of a file or folder of the official vectors, which lie beside the repository and are no part of it. */
export function vectorPath(...parts: readonly string[]): string {
  return resolve(folder, ...parts);
}

/** A suite over official vectors. Where they are not there, a skipped test says so; the suite is not even collected. */
export function describeVectors(name: string, suite: () => void): void {
  if (existsSync(folder)) describe(name, suite);
  else test.skip(`${name} (skipped: the folder ../shared/vectors is not here)`, () => undefined);
}
