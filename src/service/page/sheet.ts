import { el } from './dom.ts';
import { assemble, leavesOf, pathText, type Json, type Leaf, type Path } from './leaves.ts';
import type { Attested } from './provenance.ts';
import { textNodes, visibleText } from './text.ts';

interface Shown {
  readonly leaf: Leaf;
  readonly node: HTMLElement;
}

const key = (path: Path): string => JSON.stringify(path);

/** What stands on the page for a leaf. */
function leafText(value: Json): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return 'none (an empty list)';
  return value !== null && typeof value === 'object' ? 'none (empty)' : String(value);
}

/**
 * A payload while it is being shown, leaf by leaf. It knows which leaves have a place on the page, and gives the payload
 * back from those places alone: a leaf that is not shown, or shown changed, is missing from what is hashed and signed.
 */
export class Sheet {
  readonly #leaves: ReadonlyMap<string, Leaf>;
  readonly #shown = new Map<string, Shown>();

  constructor(payload: Json) {
    this.#leaves = new Map(leavesOf(payload).map((leaf) => [key(leaf.path), leaf]));
  }

  /** The leaf's place on the page, or nothing where the payload has no such leaf. The first `lead` characters are set apart. */
  show(path: Path, lead = 0): HTMLElement | undefined {
    const leaf = this.#leaves.get(key(path));
    if (leaf === undefined) return undefined;
    const text = leafText(leaf.value);
    const node = el(
      'bdi',
      { class: 'value', 'data-field': pathText(path) },
      lead > 0 ? el('b', {}, ...textNodes(text.slice(0, lead))) : undefined,
      ...textNodes(text.slice(lead)),
    );
    this.#shown.set(key(path), { leaf, node });
    return node;
  }

  /** The leaves that have no place yet, in the payload's order. */
  rest(): readonly Leaf[] {
    return [...this.#leaves].filter(([k]) => !this.#shown.has(k)).map(([, leaf]) => leaf);
  }

  /** The payload as it stands on the page now. */
  read(): Json {
    const onPage = [...this.#leaves.keys()].flatMap((k) => {
      const shown = this.#shown.get(k);
      if (shown?.node.isConnected !== true) return [];
      const isUnchanged = shown.node.textContent === visibleText(leafText(shown.leaf.value));
      return isUnchanged ? [shown.leaf] : [];
    });
    return assemble(onPage);
  }
}

/** A payload as one page shows it, and what is known about its facts. */
export interface View {
  readonly sheet: Sheet;
  readonly payload: Json;
  readonly attested: Attested | undefined;
}
