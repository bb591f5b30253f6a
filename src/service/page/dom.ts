type Attributes = Readonly<Record<string, string | boolean | undefined>>;
type Child = Node | string | undefined;

/** An element with attributes (`true` sets an empty one, `false` and `undefined` none); text becomes text nodes, never markup. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.filter((child) => child !== undefined));
  return node;
}

/** A button that calls back; it never submits a form by itself. */
export function button(
  attributes: Attributes & { readonly name: string },
  label: string,
  onClick: () => void,
): HTMLButtonElement {
  const node = el('button', { type: 'button', ...attributes }, label);
  node.addEventListener('click', onClick);
  return node;
}

/** A button that could not be pressed for a while has lost the focus, and gets it back unless that is elsewhere by now. */
export function enableAgain(node: HTMLButtonElement): void {
  node.disabled = false;
  if (document.activeElement === document.body) node.focus();
}

/** Where a view has taken the place of another one, keyboard and screen reader go on from its heading. */
export function focusHeading(main: HTMLElement): void {
  const heading = main.querySelector('h1');
  heading?.setAttribute('tabindex', '-1');
  heading?.focus();
}

/** A view that has nothing but a heading and paragraphs: what happened, and what to do next. */
export function message(heading: string, ...paragraphs: readonly Child[]): HTMLElement {
  return el(
    'section',
    { class: 'message' },
    el('h1', {}, heading),
    ...paragraphs.map((child) => (typeof child === 'string' ? el('p', {}, child) : child)),
  );
}
