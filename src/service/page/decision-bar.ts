import type { Confirmation } from './api.ts';
import type { Act } from './challenge.ts';
import { liveTime, localTime } from './clock.ts';
import { button, el } from './dom.ts';
import { states } from './states.ts';

interface BarOptions {
  readonly confirmation: Confirmation;
  readonly fingerprint: string;
  readonly isDestructive: boolean;
  readonly onAct: (act: Act) => void;
}

/**
 * The bar that stays in view: time left and both buttons, and in their place the state once it is decided, with the way back
 * from an approval.
 */
export class DecisionBar {
  readonly node: HTMLElement;
  readonly #left: HTMLElement;
  readonly #status = el('p', { class: 'status', role: 'status' });
  readonly #problem = el('p', { class: 'problem', role: 'alert' });
  readonly #buttons: Readonly<Record<Act, HTMLButtonElement>>;
  readonly #row: HTMLElement;
  #pressed: HTMLButtonElement | undefined;

  constructor({ confirmation, fingerprint, isDestructive, onAct }: BarOptions) {
    const { decideBy, expiresAt, username } = confirmation;
    const make = (act: Act, name: string, label: string, kind = ''): HTMLButtonElement =>
      button({ name, class: `${name}${kind}`, disabled: true }, label, () => onAct(act));
    this.#buttons = {
      rejected: make('rejected', 'reject', 'Reject'),
      approved: isDestructive
        ? make('approved', 'approve', 'Approve destructive deploy', ' destructive')
        : make('approved', 'approve', 'Approve'),
      revoked: make('revoked', 'revoke', 'Take back my approval'),
    };
    const { rejected, approved, revoked } = this.#buttons;
    this.#row = el('div', { class: 'buttons' }, rejected, approved);
    revoked.hidden = true;
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
      el('div', { class: 'inner' }, this.#left, this.#problem, this.#status, this.#row, revoked),
    );
  }

  /** What can be pressed. The focus of a button that no longer can waits at the bar, and comes back with it. */
  enable(acts: readonly Act[]): void {
    const all = Object.entries(this.#buttons) as [Act, HTMLButtonElement][];
    const focused = all.find(([, each]) => each === document.activeElement)?.[1];
    for (const [act, each] of all) each.disabled = !acts.includes(act);
    if (focused?.disabled === true) {
      this.#pressed = focused;
      this.node.focus({ preventScroll: true });
    } else if (this.#pressed?.disabled === false && document.activeElement === this.node) {
      this.#pressed.focus({ preventScroll: true });
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

  /** The state in the place of the buttons, for good; `now` is what goes on right now in place of what the state means. */
  close({ status, username, decidedAt }: Confirmation, now: string): void {
    const { name, text, tone } = states[status];
    const isDecision = status === 'approved' || status === 'rejected';
    const when = decidedAt === undefined ? '' : ` at ${localTime(decidedAt)}`;
    this.node.dataset.tone = tone;
    this.#row.hidden = true;
    this.#left.hidden = true;
    this.#buttons.revoked.hidden = status !== 'approved';
    const said = el(
      'p',
      {},
      el('strong', {}, name, ...(isDecision ? [' by ', el('bdi', {}, username), when] : []), '.'),
      ` ${now === '' ? text : now}`,
    );
    // What has not changed is not read aloud again with every poll.
    if (this.#status.textContent !== said.textContent) {
      this.#status.replaceChildren(...said.childNodes);
    }
  }
}
