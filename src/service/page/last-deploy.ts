import { at, type Json } from './leaves.ts';

/** The last deploy of the same target that was approved and used, as this service knows it. Nobody signs this. */
export interface LastDeploy {
  readonly payload: Json;
  readonly payloadHash: string;
  /** Epoch ms. */
  readonly redeemedAt: number;
}

/** What of two deploys differs, in the words of the page, and what does not. */
export interface Comparison {
  readonly differs: readonly { readonly label: string; readonly text: string }[];
  readonly same: readonly string[];
}

const factOf = (payload: Json, ...path: readonly string[]): Json | undefined =>
  at(payload, 'facts', ...path);

/** Ref, digest, migration and rollback of this deploy, compared with the last one. The commit stands apart: see {@link commitsOf}. */
export function compareDeploys(last: Json, now: Json): Comparison {
  const parts = [
    ['Ref', simple(factOf(last, 'ref'), factOf(now, 'ref'))],
    ['Image digest', simple(factOf(last, 'digest'), factOf(now, 'digest'))],
    ['Migration', migrationChange(factOf(last, 'migration'), factOf(now, 'migration'))],
    ['Rollback', rollbackChange(factOf(last, 'rollback'), factOf(now, 'rollback'))],
  ] as const;
  return {
    differs: parts.flatMap(([label, text]) => (text === '' ? [] : [{ label, text }])),
    same: parts.flatMap(([label, text]) => (text === '' ? [label] : [])),
  };
}

/** What was, where it is another than what is; empty where nothing changed. */
function simple(last: Json | undefined, now: Json | undefined): string {
  if (last === now) return '';
  const isDigest = typeof last === 'string' && /^sha256:[0-9a-f]{64}$/.test(last);
  return `was ${isDigest ? `${last.slice(0, 15)}…` : textOf(last)}`;
}

function rollbackChange(last: Json | undefined, now: Json | undefined): string {
  if (isSame(last, now)) return '';
  const was = `was ${textOf(at(last, 'kind'))}: ${textOf(at(last, 'value'))}`;
  const onlyNote = ['kind', 'value'].every((name) => at(last, name) === at(now, name));
  return onlyNote ? 'another note' : was;
}

function migrationChange(last: Json | undefined, now: Json | undefined): string {
  if (isSame(last, now)) return '';
  const [then, today] = [filesOf(last), filesOf(now)];
  const added = [...today.keys()].filter((path) => !then.has(path)).length;
  const changed = [...today].filter(
    ([path, sha256]) => then.has(path) && then.get(path) !== sha256,
  ).length;
  const gone = [...then.keys()].filter((path) => !today.has(path)).length;
  const said = [
    at(last, 'kind') === at(now, 'kind') ? '' : `was ${textOf(at(last, 'kind'))}`,
    added === 0 ? '' : `${count(added, 'file')} not in the last deploy`,
    changed === 0 ? '' : `${count(changed, 'file')} with other content`,
    gone === 0 ? '' : `${count(gone, 'file')} of the last deploy not in this one`,
    at(last, 'command') === at(now, 'command') || today.size === 0 || then.size === 0
      ? ''
      : `the command was ${textOf(at(last, 'command'))}`,
  ].filter((part) => part !== '');
  // What is left is their order, or what was found in them.
  return said.length === 0
    ? 'the same files, in another order or judged otherwise'
    : said.join('; ');
}

function filesOf(migration: Json | undefined): ReadonlyMap<Json | undefined, Json | undefined> {
  const files = at(migration, 'files');
  const list = Array.isArray(files) ? (files as readonly Json[]) : [];
  return new Map(list.map((file) => [at(file, 'path'), at(file, 'sha256')]));
}

const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;

const textOf = (value: Json | undefined): string =>
  typeof value === 'string' ? value : 'not given';

/** Equal but for the order of keys, which is no fact; the order of a list is one (DESIGN 3.1). */
function isSame(a: Json | undefined, b: Json | undefined): boolean {
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return a === b;
  const [left, right] = [Object.entries(a), Object.entries(b)];
  return (
    Array.isArray(a) === Array.isArray(b) &&
    left.length === right.length &&
    left.every(([name, value]) => isSame(value, at(b, name)))
  );
}

/** From which commit to which, and what is known about the way between them. */
export interface CommitChange {
  readonly from: string;
  readonly to: string;
  /** The last deploy named this commit as the one to go back to. */
  readonly isRollback: boolean;
}

/** The commits of the last deploy and of this one; undefined where one of them is no commit. */
export function commitsOf(last: Json, now: Json): CommitChange | undefined {
  const [from, to] = [factOf(last, 'commit'), factOf(now, 'commit')];
  if (!isCommit(from) || !isCommit(to)) return undefined;
  const named = factOf(last, 'rollback', 'value');
  const isRollback =
    factOf(last, 'rollback', 'kind') === 'version' &&
    typeof named === 'string' &&
    /^[0-9a-f]{7,64}$/i.test(named) &&
    to.startsWith(named.toLowerCase());
  return { from, to, isRollback };
}

export function isCommit(value: Json | undefined): value is string {
  return typeof value === 'string' && /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(value);
}
