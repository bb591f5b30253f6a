import { el } from './dom.ts';
import { markText, type Attested, type Source } from './provenance.ts';

/** A labelled value. */
export interface Row {
  readonly label: string;
  readonly value: Node;
  /** The page's word about it, or a link; not signed. */
  readonly note?: Node | undefined;
  /** How the value is known, where it is a fact. */
  readonly source?: Source | undefined;
  /** The value stands below its label, at any width. */
  readonly isWide?: boolean;
}

export const there = <T>(list: readonly (T | undefined)[]): readonly T[] =>
  list.filter((each) => each !== undefined);

/** A row, or nothing where there is no value. */
export function row(
  label: string,
  value: Node | undefined,
  more: Omit<Row, 'label' | 'value'> = {},
): Row | undefined {
  return value === undefined ? undefined : { label, value, ...more };
}

/** How a fact is known, in words. */
export function mark<K extends 'dd' | 'p' | 'span'>(
  tag: K,
  source: Source,
  attested: Attested | undefined,
): HTMLElementTagNameMap[K] {
  return el(tag, { class: 'mark', 'data-source': source }, markText(source, attested));
}

/** Rows as a list of terms; with `attested` each says how it is known. */
export function rowList(rows: readonly Row[], attested: Attested | undefined): HTMLElement {
  const isMarked = rows.some(({ source }) => source !== undefined);
  return el(
    'dl',
    { class: isMarked ? 'marked' : undefined },
    ...rows.map(({ label, value, note, source, isWide }) =>
      el(
        'div',
        { class: isWide === true ? 'row wide' : 'row' },
        el('dt', {}, label),
        el('dd', {}, value, ...(note === undefined ? [] : [' ', note])),
        source === undefined ? undefined : mark('dd', source, attested),
      ),
    ),
  );
}

/**
 * A headed list of rows; nothing where no row is left. What all of them have in common of how they are known stands
 * beside the heading, once.
 */
export function group(
  heading: string,
  rows: readonly (Row | undefined)[],
  attested?: Attested,
): HTMLElement | undefined {
  const left = there(rows);
  if (left.length === 0) return undefined;
  const common = commonSource(left);
  const list = rowList(
    common === undefined ? left : left.map((each) => ({ ...each, source: undefined })),
    attested,
  );
  return el(
    'section',
    { class: 'group' },
    headed(heading, common === undefined ? undefined : mark('p', common, attested)),
    list,
  );
}

function commonSource([first, ...others]: readonly Row[]): Source | undefined {
  return others.every(({ source }) => source === first?.source) ? first?.source : undefined;
}

/** A heading, and what stands at its other end. */
export function headed(heading: string, beside?: HTMLElement): HTMLElement {
  return el('div', { class: 'head' }, el('h2', {}, heading), beside);
}

/** A value that is read letter by letter. */
export function mono(value: HTMLElement | undefined): HTMLElement | undefined {
  value?.classList.add('mono');
  return value;
}

/** A hash or a commit. */
export function hash(value: HTMLElement | undefined): HTMLElement | undefined {
  value?.classList.add('mono', 'hash');
  return value;
}

export function link(href: string | undefined, label: string): Node | undefined {
  if (href === undefined) return undefined;
  return el('a', { href, target: '_blank', rel: 'noopener noreferrer', class: 'out' }, label);
}

export const note = (text: string): HTMLElement => el('span', { class: 'note' }, text);
