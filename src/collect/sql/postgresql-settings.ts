import { child, word, type Node } from './tree.ts';

/** Settings that bound or name things, but neither change how text is read nor switch a check off. */
const harmless: ReadonlySet<string> = new Set([
  'application_name',
  'check_function_bodies',
  'client_min_messages',
  'datestyle',
  'deadlock_timeout',
  'default_table_access_method',
  'default_tablespace',
  'default_toast_compression',
  'idle_in_transaction_session_timeout',
  'lock_timeout',
  'maintenance_work_mem',
  'row_security',
  'search_path',
  'session characteristics',
  'statement_timeout',
  'timezone',
  'transaction',
  'transaction_timeout',
  'work_mem',
  'xmloption',
]);

/** Those that change how text is read, with the one value that this analysis takes for granted. */
const required: ReadonlyMap<string, RegExp> = new Map([
  ['client_encoding', /^utf-?8$/i],
  ['standard_conforming_strings', /^(?:on|true|yes|1)$/i],
]);

/** Whether a setting may have these values. */
export function harmlessSetting(name: string, values: readonly Node[]): boolean {
  const value = required.get(name);
  if (value === undefined) return harmless.has(name);
  return values.length === 1 && values.every((given) => value.test(textOf(given)));
}

/** Whether a setting may go back to what the server has. */
export function harmlessReset(name: string): boolean {
  return harmless.has(name);
}

function textOf(value: Node): string {
  const { ival: number } = child(value, 'ival');
  return typeof number === 'number' ? String(number) : word(child(value, 'sval'), 'sval');
}
