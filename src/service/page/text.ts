import { visible } from '../../core/text.ts';
import { el } from './dom.ts';

/**
 * One character as it may stand on the page: itself, or written out (`\u{202E}`) where a reader could not see it or it
 * would move its neighbours. A deploy payload holds none of those (DESIGN 3.1); another tool's payload may. A line break
 * stays one, behind its name.
 */
function seen(character: string): string {
  return character === '\n' ? `${visible(character)}\n` : visible(character);
}

/** The text that {@link textNodes} puts on the page for a value. */
export function visibleText(value: string): string {
  return Array.from(value, seen).join('');
}

/** A value as nodes: plain text, and every character that is written out in a mark of its own. */
export function textNodes(value: string): readonly (Node | string)[] {
  const nodes: (Node | string)[] = [];
  let plain = '';
  for (const character of value) {
    const shown = seen(character);
    if (shown === character) {
      plain += character;
      continue;
    }
    if (plain) nodes.push(plain);
    plain = '';
    nodes.push(el('mark', { class: 'odd' }, shown));
  }
  if (plain) nodes.push(plain);
  return nodes;
}
