import { liveTime, localTime } from './clock.ts';
import { forgeLinks } from './deploy.ts';
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

/** A headed list of rows; nothing where no row is left. */
function group(heading: string, ...rows: readonly Row[]): HTMLElement | undefined {
  const there = rows.filter((each) => each !== undefined);
  if (there.length === 0) return undefined;
  return el('section', { class: 'group' }, el('h2', {}, heading), el('dl', {}, ...there));
}

function link(href: string | undefined, label: string): Node | undefined {
  if (href === undefined) return undefined;
  return el('a', { href, target: '_blank', rel: 'noopener noreferrer', class: 'out' }, label);
}

const note = (text: string): HTMLElement => el('span', { class: 'note' }, text);

/** The files of the migration, in the order they run, each with its hash. */
function files(sheet: Sheet, payload: Json): HTMLElement | undefined {
  const list = at(payload, 'facts', 'migration', 'files');
  if (!Array.isArray(list) || list.length === 0) return undefined;
  const items = list.map((_, index) => {
    const path: Path = ['facts', 'migration', 'files', index];
    return el(
      'li',
      {},
      sheet.show([...path, 'path']),
      el('span', { class: 'hash' }, sheet.show([...path, 'sha256'])),
    );
  });
  return el('ol', { class: 'files' }, ...items);
}

function statements(sheet: Sheet, payload: Json): HTMLElement | undefined {
  const list = at(payload, 'facts', 'migration', 'statements');
  if (!Array.isArray(list) || list.length === 0) return undefined;
  const items = list.map((_, index) =>
    el('li', {}, sheet.show(['facts', 'migration', 'statements', index])),
  );
  return el('ul', { class: 'statements' }, ...items);
}

function migrationRows(sheet: Sheet, payload: Json): readonly Row[] {
  const fact = (name: string): HTMLElement | undefined => sheet.show(['facts', 'migration', name]);
  return [
    row('What it does', statements(sheet, payload)),
    row('Command', fact('command')),
    row('Files, in order', files(sheet, payload)),
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
    el(
      'p',
      {},
      'It can delete or change data for good. A rollback of the code does not bring that back.',
    ),
    el('dl', {}, ...migrationRows(sheet, payload).filter((each) => each !== undefined)),
  );
}

/** A signed time, as it is signed, and how far off it is. */
function signedTime(sheet: Sheet, payload: Json, name: string): HTMLElement | undefined {
  const value = at(payload, name);
  const shown = sheet.show([name]);
  const moment = typeof value === 'string' ? Date.parse(value) : NaN;
  if (shown === undefined || Number.isNaN(moment)) return shown;
  const local = el('span', { class: 'when' }, localTime(moment));
  return el('div', {}, local, el('span', { class: 'raw' }, shown));
}

function deadline(value: HTMLElement | undefined, moment: number, over: string): Node | undefined {
  if (value === undefined || Number.isNaN(moment)) return value;
  const left = liveTime(el('span', { class: 'left' }), moment, (time) =>
    time === undefined ? over : `${time} left`,
  );
  return el('div', { class: 'deadline' }, left, value);
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
  const expiresAt = at(payload, 'expires_at');
  const decideByTime =
    decideBy === undefined ? undefined : el('span', { class: 'when' }, localTime(decideBy));

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
      row('Commit', fact('commit', 8), link(links.commit, 'Open commit')),
      row('Image digest', fact('digest')),
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
      row('Workflow commit', fact('workflow_sha')),
      row('Server', fact('server')),
      row('Repository id', fact('repository_id')),
    ),
    group(
      'Rollback',
      row('By', rollback('kind')),
      row('To', rollback('value')),
      row('Note', rollback('note')),
    ),
    group(
      'The requester’s words',
      row('Reason', reason === undefined ? undefined : el('q', {}, reason)) ??
        row('Reason', sheet.show(['context'])),
    ),
    group(
      'Time',
      row('Decide by', deadline(decideByTime, decideBy ?? NaN, 'over'), note('not signed')),
      row(
        'Deploy by',
        deadline(
          signedTime(sheet, payload, 'expires_at'),
          typeof expiresAt === 'string' ? Date.parse(expiresAt) : NaN,
          'over',
        ),
      ),
      row('Asked at', signedTime(sheet, payload, 'requested_at')),
    ),
  ];
  return groups.filter((each) => each !== undefined);
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
  return value === null ? 'null' : typeof value;
}

/** What is signed: fingerprint and hash, beside the parts of the payload that only say what kind of document it is. */
export function signedForm(
  sheet: Sheet,
  { fingerprint, hash }: { fingerprint: string; hash: HTMLElement },
): HTMLElement | undefined {
  return group(
    'What you sign',
    row('Fingerprint', el('strong', { class: 'fingerprint' }, fingerprint)),
    row('SHA-256', hash),
    row('Request id', sheet.show(['request_id'])),
    row('Payload', sheet.show(['schema'])),
    row('Facts', sheet.show(['facts', 'schema'])),
  );
}
