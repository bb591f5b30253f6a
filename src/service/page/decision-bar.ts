import type { Confirmation } from './api.ts';
import { liveTime, localTime } from './clock.ts';
import { button, el } from './dom.ts';
import { states } from './states.ts';

interface BarOptions {
  readonly confirmation: Confirmation;
  readonly fingerprint: string;
  readonly isDestructive: boolean;
  readonly onDecide: (decision: 'approved' | 'rejected') => void;
}

/** The bar that stays in view: time left and both buttons, and in their place the state once it is decided. */
export class DecisionBar {
  readonly node: HTMLElement;
  readonly #left: HTMLElement;
  readonly #status = el('p', { class: 'status', role: 'status' });
  readonly #problem = el('p', { class: 'problem', role: 'alert' });
  readonly #buttons: readonly [HTMLButtonElement, HTMLButtonElement];
  readonly #row: HTMLElement;
  #pressed: HTMLButtonElement | undefined;

  constructor({ confirmation, fingerprint, isDestructive, onDecide }: BarOptions) {
    const { decideBy, expiresAt, username } = confirmation;
    this.#buttons = [
      button({ name: 'reject', class: 'reject', disabled: true }, 'Reject', () =>
        onDecide('rejected'),
      ),
      button(
        {
          name: 'approve',
          class: isDestructive ? 'approve destructive' : 'approve',
          disabled: true,
        },
        isDestructive ? 'Approve destructive deploy' : 'Approve',
        () => onDecide('approved'),
      ),
    ];
    this.#row = el('div', { class: 'buttons' }, ...this.#buttons);
    const left = liveTime(el('span'), Math.min(decideBy ?? Infinity, expiresAt), (time) =>
      time === undefined ? 'The time to decide is over' : `${time} left`,
    );
    this.#left = el(
      'p',
      { class: 'ask' },
      left,
      el('span', {}, 'for ', el('bdi', { class: 'name' }, username)),
      el('span', { class: 'fingerprint' }, fingerprint),
    );
    this.node = el(
      'section',
      { class: 'bar', id: 'decision', 'aria-label': 'Your decision', tabindex: '-1' },
      el('div', { class: 'inner' }, this.#left, this.#problem, this.#status, this.#row),
    );
  }

  /** Buttons that can be pressed, or not. The focus of one that cannot waits at the bar, and comes back with it. */
  enable(isEnabled: boolean): void {
    const focused = this.#buttons.find((each) => each === document.activeElement);
    for (const each of this.#buttons) each.disabled = !isEnabled;
    if (!isEnabled && focused !== undefined) {
      this.#pressed = focused;
      this.node.focus({ preventScroll: true });
    } else if (isEnabled && document.activeElement === this.node) {
      this.#pressed?.focus({ preventScroll: true });
    }
  }

  /** What goes on right now; read aloud. Empty for nothing. */
  say(text: string): void {
    if (this.#status.textContent !== text) this.#status.textContent = text;
  }

  /** What went wrong; read aloud at once. Empty for nothing. */
  complain(text: string): void {
    if (this.#problem.textContent !== text) this.#problem.textContent = text;
  }

  /** The state in the place of the buttons, for good. */
  close({ status, username, decidedAt }: Confirmation): void {
    const { name, text, tone } = states[status];
    const isDecision = status === 'approved' || status === 'rejected';
    const when = decidedAt === undefined ? '' : ` at ${localTime(decidedAt)}`;
    this.node.dataset.tone = tone;
    this.#row.hidden = true;
    this.#left.hidden = true;
    this.#status.replaceChildren(
      el('strong', {}, name, ...(isDecision ? [' by ', el('bdi', {}, username), when] : []), '.'),
      ` ${text}`,
    );
  }
}
