import { liveTime, localTime } from './clock.ts';
import { el } from './dom.ts';
import { at, type Json, type Path } from './leaves.ts';
import type { Sheet } from './sheet.ts';

interface Moment {
  /** Epoch ms; undefined where the text is no time, which then stands as it is. */
  readonly moment: number | undefined;
  /** The text as it is signed. */
  readonly signed?: HTMLElement | undefined;
}

/** A moment: for a deadline the time left, then the reader's own time, then the text that is signed. */
export function time({ moment, signed }: Moment, isDeadline: boolean): HTMLElement | undefined {
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
export function signedTime(sheet: Sheet, payload: Json, path: Path): Moment {
  const text = at(payload, ...path);
  const moment = typeof text === 'string' ? Date.parse(text) : NaN;
  return { moment: Number.isNaN(moment) ? undefined : moment, signed: sheet.show(path) };
}
