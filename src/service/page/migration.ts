import { el } from './dom.ts';
import { at, type Json, type Path } from './leaves.ts';
import { sourceOf } from './provenance.ts';
import { hash, mark, mono, row, rowList, there, type Row } from './rows.ts';
import type { View } from './sheet.ts';

/** What the page says of the migration, as rows. */
export function migrationRows({ sheet, payload, attested }: View): readonly (Row | undefined)[] {
  const fact = (
    label: string,
    name: string,
    present: (value: HTMLElement | undefined) => HTMLElement | undefined = (value) => value,
  ): Row | undefined => {
    const path = ['facts', 'migration', name];
    return row(label, present(sheet.show(path)), { source: sourceOf(path, payload, attested) });
  };
  return [
    fact('Command', 'command', mono),
    row('Files, in order', files({ sheet, payload, attested }), {
      source: sourceOf(['facts', 'migration', 'files'], payload, attested),
      isWide: true,
    }),
    fact('Kind', 'kind'),
    fact('Destructive', 'destructive'),
  ];
}

/** What is destroyed, before anything else. */
export function dangerBlock(view: View): HTMLElement {
  const { payload, attested } = view;
  const kind = at(payload, 'facts', 'migration', 'kind');
  const heading = kind === 'sql' ? 'Destructive migration' : 'Migration that nobody analysed';
  const list = statements(view);
  const source = list && sourceOf(['facts', 'migration', 'statements'], payload, attested);
  return el(
    'section',
    { class: 'danger', 'aria-labelledby': 'danger' },
    el('h2', { id: 'danger' }, heading),
    el('p', {}, 'It can delete or change data for good; a rollback does not undo that.'),
    list,
    source && mark('p', source, attested),
    rowList(there(migrationRows(view)), attested),
  );
}

/** The files of the migration, in the order they run, each with its hash. */
function files({ sheet, payload }: View): HTMLElement | undefined {
  const items = elements(payload, 'files').map((path) =>
    el('li', {}, mono(sheet.show([...path, 'path'])), ' ', hash(sheet.show([...path, 'sha256']))),
  );
  return items.length === 0 ? undefined : el('ol', { class: 'files' }, ...items);
}

function statements({ sheet, payload }: View): HTMLElement | undefined {
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
