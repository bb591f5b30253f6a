import { el } from './dom.ts';
import { markMeaning, sources, type Attested } from './provenance.ts';
import { mark } from './rows.ts';

/** What the marks mean: a line for each that stands on the page, the strongest first. */
export function legend(shown: readonly HTMLElement[], attested: Attested | undefined): HTMLElement {
  const marks = shown.flatMap((part) => [...part.querySelectorAll<HTMLElement>('.mark')]);
  const used = new Set(marks.map((each) => each.dataset.source));
  const lines = sources
    .filter((source) => used.has(source))
    .map((source) =>
      el('li', {}, mark('span', source, attested), ': ', markMeaning(source, attested)),
    );
  const none = 'No token of GitHub or GitLab came with this request, so nothing here is attested.';
  return el(
    'section',
    { class: 'legend', 'aria-label': 'How each fact is known' },
    el('ul', {}, ...lines),
    attested === undefined ? el('p', {}, none) : undefined,
  );
}
