import type { CollectedChanges } from '../collect/changes.ts';
import type { LastDeploy } from '../client/deploys.ts';
import type { Changes } from '../core/changes.ts';
import type { DeployFacts } from '../core/facts.ts';
import { visible } from '../core/text.ts';
import { formatTime } from '../core/time.ts';

interface Known {
  readonly changes: CollectedChanges;
  readonly lastDeploy: LastDeploy | undefined;
}

/** What is new, as it is signed with the facts (core/changes.ts). */
export function payloadChanges({ changes, lastDeploy }: Known): Changes {
  const { commits, more, gap } = changes;
  return {
    ...(lastDeploy === undefined
      ? {}
      : { since: lastDeploy.facts.commit, deployed_at: redeemed(lastDeploy) }),
    commits,
    ...(more === 0 ? {} : { more: String(more) }),
    ...(gap === undefined ? {} : { incomplete: true }),
  };
}

/** The same for the job log, with the facts that are not those of the last deploy. */
export function changesLines(
  { changes, lastDeploy }: Known,
  facts: DeployFacts,
): readonly string[] {
  const { commits, more, gap } = changes;
  const count = commits.length + more;
  const number = `${gap === undefined ? '' : 'at least '}${count} ${count === 1 ? 'commit' : 'commits'}`;
  return [
    lastDeploy === undefined
      ? `No deploy of ${facts.service} to ${facts.environment} is known that was approved before. The commit, and what it merged:`
      : `Since the last deploy (${lastDeploy.facts.commit}, ${redeemed(lastDeploy)}): ${number}${count === 0 ? '.' : ':'}`,
    ...commits.map(
      ({ commit, subject, author }) => `  ${commit.slice(0, 12)} ${subject} (${author})`,
    ),
    ...(more === 0 ? [] : [`  and ${more} more`]),
    ...(gap === undefined ? [] : [`  There may be others: ${gap}. ${deepen}`]),
    ...(lastDeploy === undefined ? [] : differences(lastDeploy.facts, facts)),
  ];
}

const deepen = 'With fetch-depth: 0 in actions/checkout the history is there.';

function redeemed({ redeemedAt }: LastDeploy): string {
  return formatTime(Date.parse(redeemedAt));
}

/** Digest, migration and way back, where they are others than last time. */
function differences(last: DeployFacts, now: DeployFacts): readonly string[] {
  const lines: readonly (readonly [string, string, string])[] = [
    ['Digest', last.digest ?? 'none', now.digest ?? 'none'],
    ['Migration', migrationText(last), migrationText(now)],
    ['Rollback', rollbackText(last), rollbackText(now)],
  ];
  const ran = new Map(filesOf(last).map(({ path, sha256 }) => [path, sha256]));
  const files = filesOf(now).filter(({ path, sha256 }) => ran.get(path) !== sha256);
  return [
    ...lines.flatMap(([name, was, is]) => (was === is ? [] : [`  ${name}: ${is} (was ${was})`])),
    ...files.slice(0, maxFiles).map(({ path }) => {
      return `  ${ran.has(path) ? 'Changed' : 'New'} migration file: ${visible(path)}`;
    }),
    ...(files.length > maxFiles ? [`  More migration files: ${files.length - maxFiles}`] : []),
  ];
}

const maxFiles = 20;

function filesOf({ migration }: DeployFacts) {
  return migration.kind === 'none' ? [] : migration.files;
}

function migrationText({ migration }: DeployFacts): string {
  if (migration.kind === 'none') return 'none';
  const { kind, files, command, destructive } = migration;
  const number = `${files.length} ${files.length === 1 ? 'file' : 'files'}`;
  return `${kind}, ${number}, ${destructive ? 'destructive' : 'not destructive'}, by ${visible(command)}`;
}

function rollbackText({ rollback: { kind, value, note } }: DeployFacts): string {
  return `${kind} ${visible(value)}${note === undefined ? '' : ` (${visible(note)})`}`;
}
