import { Broken } from './api.ts';
import { documented } from './documented.ts';
import { extensions } from './extensions.ts';
import type { Statement } from './statement.ts';
import { World, type WorldOptions } from './world.ts';

export interface Result {
  readonly group: 'documented' | 'extension';
  readonly id: string;
  readonly call: string;
  readonly says: string;
  readonly result: 'honoured' | 'broken' | 'not tried';
  /** What was found instead, or what it would take to try it. */
  readonly found?: string;
}

export interface RunOptions extends WorldOptions {
  /** Only these statements. */
  readonly only?: ReadonlySet<string> | undefined;
  readonly onResult?: (result: Result) => void;
}

const groups = { documented, extension: extensions } as const;

export const statementIds: readonly string[] = [...documented, ...extensions].map(({ id }) => id);

/** Tries one statement after the other, and withdraws at the end what it has asked for. */
export async function runConformance(options: RunOptions): Promise<readonly Result[]> {
  const world = new World(options);
  const has = {
    approval: options.onAsk !== undefined,
    'admin key': options.adminKey !== undefined,
  };
  const results: Result[] = [];
  try {
    for (const group of ['documented', 'extension'] as const) {
      for (const statement of groups[group]) {
        const { id, call, says, needs } = statement;
        if (options.only?.has(id) === false) continue;
        const outcome =
          needs !== undefined && !has[needs]
            ? { result: 'not tried' as const, found: `needs an ${needs}` }
            : await tryOut(statement, world);
        const result = { group, id, call, says, ...outcome };
        results.push(result);
        options.onResult?.(result);
      }
    }
  } finally {
    await world.withdrawAll();
  }
  return results;
}

async function tryOut(
  { check }: Statement,
  world: World,
): Promise<Pick<Result, 'result' | 'found'>> {
  try {
    await check(world);
    return { result: 'honoured' };
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
    return { result: 'broken', found: error.message };
  }
}

/** Whether every documented call that was tried is honoured, and at least one was. */
export function isConformant(results: readonly Result[]): boolean {
  const tried = results.filter(
    ({ group, result }) => group === 'documented' && result !== 'not tried',
  );
  return tried.length > 0 && tried.every(({ result }) => result === 'honoured');
}
