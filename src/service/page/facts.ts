import { liveTime, localTime } from './clock.ts';
import { forgeLinks, type Deploy } from './deploy.ts';
import { el } from './dom.ts';
import { at, pathText, type Json, type Path } from './leaves.ts';
import type { Sheet } from './sheet.ts';
import { textNodes } from './text.ts';

type Row = HTMLElement | undefined;

/** A label and its value; nothing where there is no value. `note` is the page's word about it, not signed. */
function row(label: string, value: Node | undefined, note?: Node): Row {
  if (value === undefined) return undefined;
  const shown = note === undefined ? [value] : [value, ' ', note];
  return el('div', { class: 'row' }, el('dt', {}, label), el('dd', {}, ...shown));
}

/** A row whose value stands below its label. */
function wideRow(label: string, value: Node | undefined): Row {
  const node = row(label, value);
  node?.classList.add('wide');
  return node;
}

const there = <T>(list: readonly (T | undefined)[]): readonly T[] =>
  list.filter((each) => each !== undefined);

/** A headed list of rows; nothing where no row is left. */
function group(heading: string, ...rows: readonly Row[]): HTMLElement | undefined {
  const left = there(rows);
  if (left.length === 0) return undefined;
  return el('section', { class: 'group' }, el('h2', {}, heading), el('dl', {}, ...left));
}

/** A value that is read letter by letter. */
function mono(value: HTMLElement | undefined): HTMLElement | undefined {
  value?.classList.add('mono');
  return value;
}

function link(href: string | undefined, label: string): Node | undefined {
  if (href === undefined) return undefined;
  return el('a', { href, target: '_blank', rel: 'noopener noreferrer', class: 'out' }, label);
}

const note = (text: string): HTMLElement => el('span', { class: 'note' }, text);

/** The files of the migration, in the order they run, each with its hash. */
function files(sheet: Sheet, payload: Json): HTMLElement | undefined {
  const items = elements(payload, 'files').map((path) =>
    el('li', {}, mono(sheet.show([...path, 'path'])), ' ', mono(sheet.show([...path, 'sha256']))),
  );
  return items.length === 0 ? undefined : el('ol', { class: 'files' }, ...items);
}

function statements(sheet: Sheet, payload: Json): HTMLElement | undefined {
  const items = elements(payload, 'statements').map((path) =>
    el('li', {}, mono(sheet.show(path, whereLength(payload, at(payload, ...path))))),
  );
  return items.length === 0 ? undefined : el('ul', { class: 'statements' }, ...items);
}

/** How much of a statement only says where it stands: `db/002.sql:14 ` before `DROP TABLE users`, for a file of this migration. */
function whereLength(payload: Json, statement: Json | undefined): number {
  const text = typeof statement === 'string' ? statement : '';
  const [where = '', path] = /^(.+?):[0-9]+ /.exec(text) ?? [];
  const isFile = elements(payload, 'files').some((file) => at(payload, ...file, 'path') === path);
  return isFile ? where.length : 0;
}

/** The paths of a list's elements. */
function elements(payload: Json, name: string): readonly Path[] {
  const list = at(payload, 'facts', 'migration', name);
  return Array.isArray(list) ? list.map((_, index) => ['facts', 'migration', name, index]) : [];
}

function migrationRows(sheet: Sheet, payload: Json): readonly Row[] {
  const fact = (name: string): HTMLElement | undefined => sheet.show(['facts', 'migration', name]);
  return [
    row('Command', mono(fact('command'))),
    wideRow('Files, in the order they run', files(sheet, payload)),
    row('Kind', fact('kind')),
    row('Destructive', fact('destructive')),
  ];
}

/** What is destroyed, before anything else. */
export function dangerBlock(sheet: Sheet, payload: Json): HTMLElement {
  const kind = at(payload, 'facts', 'migration', 'kind');
  const heading = kind === 'sql' ? 'Destructive migration' : 'Migration that nobody analysed';
  return el(
    'section',
    { class: 'danger', 'aria-labelledby': 'danger' },
    el('h2', { id: 'danger' }, heading),
    el('p', {}, 'It can delete or change data for good; a rollback does not undo that.'),
    statements(sheet, payload),
    el('dl', {}, ...there(migrationRows(sheet, payload))),
  );
}

/** Who asks, in a line below the heading; the account in full stands among the facts. */
export function askedBy({ actorLogin, actorType }: Deploy): HTMLElement {
  const [login, type] = [textNodes(actorLogin), textNodes(actorType)];
  return el(
    'p',
    { class: 'asker' },
    ...['Asked by ', el('b', {}, el('bdi', {}, ...login)), ' (', el('bdi', {}, ...type), ')'],
  );
}

interface TimeRow {
  /** Epoch ms; undefined where the text is no time, which then stands as it is. */
  readonly moment: number | undefined;
  /** The text as it is signed. */
  readonly signed?: HTMLElement | undefined;
}

/** A moment: for a deadline the time left, then the reader's own time, then the text that is signed. */
function time({ moment, signed }: TimeRow, isDeadline: boolean): HTMLElement | undefined {
  if (moment === undefined) return signed;
  const left = liveTime(el('span', { class: 'left' }), moment, (text) =>
    text === undefined ? 'over' : `${text} left`,
  );
  const until = isDeadline ? ', until ' : '';
  const local = el('span', { class: 'when' }, `${until}${localTime(moment)}`);
  const source =
    signed === undefined
      ? el('span', { class: 'note' }, ' (not signed)')
      : el('span', { class: 'raw' }, signed);
  return el('div', {}, isDeadline ? left : '', local, source);
}

/** A signed time of the payload. */
function signedTime(sheet: Sheet, payload: Json, name: string): TimeRow {
  const text = at(payload, name);
  const moment = typeof text === 'string' ? Date.parse(text) : NaN;
  return { moment: Number.isNaN(moment) ? undefined : moment, signed: sheet.show([name]) };
}

/** Every fact of a deploy in the fixed order; the migration is left out where {@link dangerBlock} has shown it. */
export function deployFacts(
  sheet: Sheet,
  payload: Json,
  { decideBy, isDestructive }: { decideBy: number | undefined; isDestructive: boolean },
): readonly HTMLElement[] {
  const fact = (name: string, lead = 0): HTMLElement | undefined =>
    sheet.show(['facts', name], lead);
  const actor = (name: string): HTMLElement | undefined => sheet.show(['facts', 'actor', name]);
  const rollback = (name: string): HTMLElement | undefined =>
    sheet.show(['facts', 'rollback', name]);
  const links = forgeLinks(payload);
  const reason = sheet.show(['context', 'reason']);
  const groups = [
    group(
      'Deploy',
      row('Service', fact('service')),
      row('Environment', fact('environment')),
      row('Region', fact('region')),
      row('Account', fact('account')),
      row('Tenant', fact('tenant')),
      row('Cluster', fact('cluster')),
      row('Repository', fact('repository')),
      row('Ref', fact('ref')),
      row('Commit', mono(fact('commit', 8)), link(links.commit, 'Open commit')),
      row('Image digest', mono(fact('digest'))),
    ),
    isDestructive ? undefined : group('Migration', ...migrationRows(sheet, payload)),
    group(
      'Who asks',
      row('Login', actor('login')),
      row('Type', actor('type')),
      row('Account id', actor('id')),
      row('Triggered by', actor('triggered_by')),
    ),
    group(
      'Which run',
      row('Run', fact('run_id'), link(links.run, 'Open run')),
      row('Attempt', fact('run_attempt')),
      row('Workflow', fact('workflow')),
      row('Workflow commit', mono(fact('workflow_sha'))),
      row('Server', fact('server')),
      row('Repository id', fact('repository_id')),
    ),
    group(
      'Rollback',
      row('By', rollback('kind')),
      row('To', mono(rollback('value'))),
      row('Note', rollback('note')),
    ),
    group(
      'The requester’s words',
      row('Reason', reason === undefined ? undefined : el('q', {}, reason)) ??
        row('Reason', sheet.show(['context'])),
    ),
    group(
      'Time',
      row('Decide by', time({ moment: decideBy }, true)),
      row('Deploy by', time(signedTime(sheet, payload, 'expires_at'), true)),
      row('Asked at', time(signedTime(sheet, payload, 'requested_at'), false)),
    ),
  ];
  return there(groups);
}

/** What has no place in the fixed order, so that nothing signed is ever hidden. */
export function otherFields(sheet: Sheet, heading: string): HTMLElement | undefined {
  const rows = sheet.rest().map(({ path, value }) => {
    const type = typeOf(value);
    return el(
      'div',
      { class: 'row' },
      el('dt', { class: 'path' }, ...textNodes(pathText(path))),
      el('dd', {}, sheet.show(path), ...(type === undefined ? [] : [' ', note(type)])),
    );
  });
  return group(heading, ...rows);
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
  { fingerprint, hash }: { fingerprint: string; hash: HTMLElement },
): HTMLElement | undefined {
  return group(
    'What you sign',
    row('Fingerprint', el('strong', { class: 'fingerprint' }, fingerprint)),
    row('SHA-256', mono(hash)),
    row('Request id', mono(sheet.show(['request_id']))),
    row('Payload', sheet.show(['schema'])),
    row('Facts', sheet.show(['facts', 'schema'])),
  );
}
