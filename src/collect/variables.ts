import { Fault, listProblems } from '../core/fault.ts';
import type { Problem } from '../core/verdict.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The variables that a forge sets for every job.
 * @param forge the variable that says this is a job of it, and what to do
 * @throws Fault facts_uncollectable, naming each that is missing
 */
export function requireVariables<Name extends string>(
  env: Environment,
  names: readonly Name[],
  forge: { readonly mark: string; readonly advice: string },
): Readonly<Record<Name, string>> {
  const problems: Problem[] = [];
  const read = {} as Record<Name, string>;
  for (const name of names) {
    const value = env[name];
    if (isSet(value)) read[name] = value;
    else problems.push({ field: name, message: 'is missing or empty' });
  }
  if (problems.length === 0) return read;
  throw new Fault(
    'facts_uncollectable',
    `${forge.mark} is true, but variables of the job are missing:\n${listProblems(problems)}\n${forge.advice}`,
    { problems },
  );
}

/** An empty variable is an absent one. */
export function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}
