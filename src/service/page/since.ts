import { fingerprint } from '../../core/fingerprint.ts';
import { localTime, timeAgo } from './clock.ts';
import { el } from './dom.ts';
import { forgeLinks } from './forge.ts';
import { commitsOf, compareDeploys, type LastDeploy } from './last-deploy.ts';
import { at, type Json, type Path } from './leaves.ts';
import { hash, headed, link, mark, note, row, rowList, there, type Row } from './rows.ts';
import type { Sheet, View } from './sheet.ts';
import { textNodes } from './text.ts';
import { signedTime, time } from './times.ts';

/** How many commits stand in the open on a phone. */
const openOnPhone = 5;

/** What is new against the last deploy of this target: by this service's own knowledge, and by what the runner tells of git. */
export function sinceLastDeploy(view: View, last: LastDeploy | undefined): HTMLElement {
  const told = commitList(view, last);
  return el(
    'section',
    { class: 'group since' },
    headed('Since the last deploy', last && note('known to this service')),
    el(
      'div',
      { class: 'sheet' },
      last === undefined
        ? el('p', {}, 'This service knows of no earlier deploy of this target.')
        : rowList(there(differences(view, last)), undefined),
      told,
    ),
  );
}

function differences(
  { payload }: View,
  { payload: then, payloadHash, redeemedAt }: LastDeploy,
): readonly (Row | undefined)[] {
  const { differs, same } = compareDeploys(then, payload);
  const was = el(
    'span',
    {},
    el('b', {}, timeAgo(redeemedAt)),
    el('span', { class: 'when' }, `, ${localTime(redeemedAt)}, as `),
    el('span', { class: 'fingerprint' }, fingerprint(payloadHash)),
  );
  return [
    row('Last deploy', was),
    ...commitRows(then, payload),
    ...differs.map(({ label, text }) =>
      row(label, el('bdi', { class: 'value' }, ...textNodes(text))),
    ),
    row('Unchanged', same.length === 0 ? undefined : el('span', {}, same.join(', '))),
  ];
}

function commitRows(then: Json, now: Json): readonly (Row | undefined)[] {
  const commits = commitsOf(then, now);
  if (commits === undefined) return [];
  const { from, to, isRollback } = commits;
  if (from === to) return [row('Commit', el('span', {}, 'the same as then'))];
  const short = (commit: string): HTMLElement => el('span', { class: 'mono' }, commit.slice(0, 8));
  return [
    row('Commit', el('span', {}, 'from ', short(from), ' to ', short(to)), {
      note: link(forgeLinks(now).compare(from), 'Compare'),
    }),
    isRollback
      ? row('Direction', el('b', {}, 'back: the last deploy named this commit as its rollback'))
      : undefined,
  ];
}

/** The commits as the runner tells them: signed, and shown in full. */
function commitList(
  { sheet, payload, attested }: View,
  last: LastDeploy | undefined,
): HTMLElement | undefined {
  const changes: Path = ['context', 'changes'];
  const list = at(payload, ...changes, 'commits');
  if (!Array.isArray(list)) return undefined;
  const signed = (name: string, lead = 0): HTMLElement | undefined =>
    sheet.show([...changes, name], lead);
  const counted = at(payload, ...changes, 'since');
  const since = hash(signed('since', 8));
  const deployedAt = time(signedTime(sheet, payload, [...changes, 'deployed_at']), false);
  const line = (...parts: readonly (Node | string | undefined)[]): HTMLElement | undefined =>
    parts.includes(undefined) ? undefined : el('div', { class: 'counted' }, ...parts);
  const isElsewhere = since !== undefined && counted !== at(last?.payload, 'facts', 'commit');
  return el(
    'div',
    { class: 'told' },
    el(
      'div',
      { class: 'head' },
      el('h3', {}, since === undefined ? 'The deployed commit, and what it merged' : 'Commits'),
      mark('p', 'told', attested),
    ),
    isElsewhere
      ? el(
          'p',
          { class: 'odd-one' },
          'The runner counts from a commit that is not the last deploy this service knows.',
        )
      : undefined,
    ...folded(list.map((_, index) => commit(sheet, [...changes, 'commits', index]))),
    line(signed('commits')),
    line('and ', signed('more'), ' more, not listed'),
    line('incomplete: ', signed('incomplete'), ' (the checkout holds no older history)'),
    line('counted from ', since),
    line('deployed ', deployedAt),
  );
}

function commit(sheet: Sheet, path: Path): HTMLElement {
  const part = (name: string, lead = 0): HTMLElement | undefined =>
    sheet.show([...path, name], lead);
  return el(
    'li',
    {},
    el('span', { class: 'subject' }, part('subject')),
    el('span', { class: 'by' }, part('author'), ' ', hash(part('commit', 8))),
  );
}

/** On a phone the first few in the open, and the others behind a word that keyboard and screen reader open too. */
function folded(items: readonly HTMLElement[]): readonly HTMLElement[] {
  const list = (from: number, to?: number): HTMLElement =>
    el('ol', { class: 'commits', start: String(from + 1) }, ...items.slice(from, to));
  if (items.length === 0) return [];
  if (items.length <= openOnPhone) return [list(0)];
  const isOpen = matchMedia('(min-width: 640px)').matches;
  return [
    list(0, openOnPhone),
    el(
      'details',
      { open: isOpen },
      el('summary', {}, `${items.length - openOnPhone} more commits`),
      list(openOnPhone),
    ),
  ];
}
