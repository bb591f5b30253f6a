import { Fault } from '../core/fault.ts';
import type { Call } from './command.ts';

/** The names of a flag that may be given several times, with several names each. @throws Fault where there is none */
export function namesOf({ flags }: Pick<Call, 'flags'>, flag: string): readonly string[] {
  const names = (flags.get(flag) ?? []).flatMap((list) => list.split(','));
  if (names.length > 0 && !names.includes('')) return names;
  throw new Fault(
    'configuration',
    `--${flag} is missing or holds an empty name. Say what may be asked for, or "*" for everything.`,
  );
}
