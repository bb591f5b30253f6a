import type { Deploy } from './deploy.ts';
import { el } from './dom.ts';
import { forgeLinks } from './forge.ts';
import { pathText, type Json } from './leaves.ts';
import { migrationRows } from './migration.ts';
import { sourceOf } from './provenance.ts';
import { group, hash, link, mono, note, row, there, type Row } from './rows.ts';
import type { Sheet, View } from './sheet.ts';
import { textNodes } from './text.ts';
import { signedTime, time } from './times.ts';

/** Who asks, in a line below the heading; the account in full stands among the facts. */
export function askedBy({ actorLogin, actorType }: Deploy): HTMLElement {
  const [login, type] = [textNodes(actorLogin), textNodes(actorType)];
  return el(
    'p',
    { class: 'asker' },
    ...['Asked by ', el('b', {}, el('bdi', {}, ...login)), ' (', el('bdi', {}, ...type), ')'],
  );
}

interface FactOptions {
  readonly as?: typeof mono;
  /** So many characters in front are set apart. */
  readonly lead?: number;
  readonly note?: Node | undefined;
}

type FactRow = (label: string, path: string, options?: FactOptions) => Row | undefined;

/** Makes the row of a fact, `actor.id` for one, with how it is known. */
function factRow({ sheet, payload, attested }: View): FactRow {
  return (label, path, { as, lead, note: about } = {}) => {
    const full = ['facts', ...path.split('.')];
    const value = sheet.show(full, lead);
    return row(label, as === undefined ? value : as(value), {
      note: about,
      source: sourceOf(full, payload, attested),
    });
  };
}

/** Where what goes: the first facts to read. */
export function targetFacts(view: View): HTMLElement | undefined {
  const fact = factRow(view);
  return group(
    'Deploy',
    [
      fact('Service', 'service'),
      fact('Environment', 'environment'),
      fact('Region', 'region'),
      fact('Account', 'account'),
      fact('Tenant', 'tenant'),
      fact('Cluster', 'cluster'),
      fact('Repository', 'repository'),
      fact('Ref', 'ref'),
      fact('Commit', 'commit', {
        as: hash,
        lead: 8,
        note: link(forgeLinks(view.payload).commit, 'Open commit'),
      }),
      fact('Image digest', 'digest', { as: hash }),
      fact('Not checked out', 'left_out.count', { note: note('tracked files') }),
      fact('List of those', 'left_out.sha256', { as: hash }),
    ],
    view.attested,
  );
}

/** Every other fact of a deploy in the fixed order; the migration is left out where the danger block has shown it. */
export function otherFacts(
  view: View,
  { decideBy, isDestructive }: { decideBy: number | undefined; isDestructive: boolean },
): readonly HTMLElement[] {
  const { sheet, payload, attested } = view;
  const fact = factRow(view);
  const reason = sheet.show(['context', 'reason']);
  return there([
    isDestructive ? undefined : group('Migration', migrationRows(view), attested),
    group(
      'Who asks',
      [
        fact('Login', 'actor.login'),
        fact('Type', 'actor.type'),
        fact('Account id', 'actor.id'),
        fact('Triggered by', 'actor.triggered_by'),
      ],
      attested,
    ),
    group(
      'Which run',
      [
        fact('Run', 'run_id', { note: link(forgeLinks(payload).run, 'Open run') }),
        fact('Attempt', 'run_attempt'),
        fact('Workflow', 'workflow'),
        fact('Workflow commit', 'workflow_sha', { as: hash }),
        ...tokenRows(view),
        fact('Server', 'server'),
        fact('Repository id', 'repository_id'),
      ],
      attested,
    ),
    group(
      'Rollback',
      [
        fact('By', 'rollback.kind'),
        fact('To', 'rollback.value', { as: mono }),
        fact('Note', 'rollback.note'),
      ],
      attested,
    ),
    group('The requester’s words', [
      row('Reason', reason === undefined ? undefined : el('q', {}, reason)) ??
        row('Reason', sheet.show(['context'])),
    ]),
    group('Time', [
      row('Decide by', time({ moment: decideBy }, true)),
      row('Deploy by', time(signedTime(sheet, payload, ['expires_at']), true)),
      row('Asked at', time(signedTime(sheet, payload, ['requested_at']), false)),
    ]),
  ]);
}

/** What the token says beside the facts: which file holds the job. Not signed. */
function tokenRows({ attested }: View): readonly (Row | undefined)[] {
  if (attested?.jobWorkflowRef === undefined) return [];
  const value = el('bdi', { class: 'value' }, ...textNodes(attested.jobWorkflowRef));
  return [row('File of the job', value, { note: note('(not signed)'), source: 'attested' })];
}

/** What has no place in the fixed order, so that nothing signed is ever hidden. */
export function otherFields(
  { sheet }: Pick<View, 'sheet'>,
  heading: string,
): HTMLElement | undefined {
  const rows = sheet.rest().map(({ path, value }) => {
    const type = typeOf(value);
    return el(
      'div',
      { class: 'row' },
      el('dt', { class: 'path' }, ...textNodes(pathText(path))),
      el('dd', {}, sheet.show(path), ...(type === undefined ? [] : [' ', note(type)])),
    );
  });
  if (rows.length === 0) return undefined;
  return el('section', { class: 'group' }, el('h2', {}, heading), el('dl', {}, ...rows));
}

/** The type of what is no plain text: `true` the word and `true` the truth value look the same. */
function typeOf(value: Json): string | undefined {
  if (value === '') return 'empty text';
  if (typeof value === 'string') return undefined;
  if (Array.isArray(value)) return 'list';
  return value === null ? 'no value' : typeof value;
}

/** What is signed: fingerprint and hash, beside the parts of the payload that only say what kind of document it is. */
export function signedForm(
  sheet: Sheet,
  { fingerprint, sha256 }: { fingerprint: string; sha256: HTMLElement },
): HTMLElement | undefined {
  return group('What you sign', [
    row('Fingerprint', el('strong', { class: 'fingerprint' }, fingerprint)),
    row('SHA-256', mono(sha256)),
    row('Request id', mono(sheet.show(['request_id']))),
    row('Payload', sheet.show(['schema'])),
    row('Facts', sheet.show(['facts', 'schema'])),
  ]);
}
