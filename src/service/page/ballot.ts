import { reasonOf } from '../../core/reason.ts';
import {
  ApiError,
  followConfirmation,
  readConfirmation,
  type Confirmation,
  type Status,
} from './api.ts';
import type { Act } from './challenge.ts';
import { DecisionBar } from './decision-bar.ts';
import { cancelCeremony, checkShown, decide, type Signable } from './decision.ts';
import { isUnknownDeploy } from './deploy.ts';
import { el } from './dom.ts';
import { follow } from './follow.ts';
import { isUnanswered, whyItFailed } from './passkey.ts';
import type { Sheet } from './sheet.ts';
import { isFinal, states } from './states.ts';

interface BallotOptions {
  readonly first: Confirmation;
  readonly rpId: string;
  readonly sheet: Sheet;
  readonly title: string;
  readonly fingerprint: string;
  readonly isDestructive: boolean;
}

/** What a person may do in a state, as long as the service has not left it. */
const actsIn: Partial<Readonly<Record<Status, readonly Act[]>>> = {
  pending: ['approved', 'rejected'],
  approved: ['revoked'],
};

const prompts: Readonly<Record<Act, string>> = {
  approved: 'Use your passkey to approve…',
  rejected: 'Use your passkey to reject…',
  revoked: 'Use your passkey to take your approval back…',
};

/** The state of one request, live, and the decision on it. What is asked is fixed when the page opens. */
export class Ballot {
  readonly mark = el('span', { class: 'state' });
  readonly bar: DecisionBar;
  readonly #o: BallotOptions;
  #confirmation: Confirmation;
  #isChecked = false;
  #isBusy = false;
  /** Why this page may be out of date. */
  #trouble = '';
  /** What the person is asked to do right now. */
  #prompt = '';
  /** Why nothing may be signed here, for good. */
  #blocked: string | undefined;

  constructor(options: BallotOptions) {
    this.#o = options;
    this.#confirmation = options.first;
    this.bar = new DecisionBar({
      confirmation: options.first,
      fingerprint: options.fingerprint,
      isDestructive: options.isDestructive,
      onAct: (act) => void this.#act(act),
    });
  }

  /** Checks what is shown, lets the person decide, and follows the state until it is final. */
  async open(): Promise<void> {
    await this.#check();
    follow({
      next: async (signal, waitSeconds) => {
        const { id, status } = this.#confirmation;
        this.#takeOver(await followConfirmation(id, status, { signal, waitSeconds }));
        return isFinal(this.#confirmation.status) ? 'done' : 'more';
      },
      onTrouble: (error) => {
        this.#trouble =
          error === undefined
            ? ''
            : `${reasonOf(error)} This page may be out of date; it keeps trying.`;
        this.#update();
      },
    });
  }

  /** What is shown is checked when the page opens, and again right before each ceremony. */
  async #check(): Promise<Signable | undefined> {
    const { first, sheet } = this.#o;
    const signable = isUnknownDeploy(first.payload)
      ? 'It is a deploy in a form that this page does not know.'
      : await checkShown(sheet.read(), first);
    this.#isChecked = true;
    if (typeof signable === 'string') {
      this.#block(`Nothing can be decided on this page, and nothing is signed here. ${signable}`);
    }
    this.#update();
    return typeof signable === 'string' ? undefined : signable;
  }

  #block(reason: string): void {
    this.#blocked ??= `${reason} Tell the platform engineer.`;
    cancelCeremony();
  }

  /**
   * Takes over a newer answer. State and times may change under an open page, never what is asked. What comes after a final
   * state was on its way before it.
   */
  #takeOver(answer: Confirmation): void {
    if (isFinal(this.#confirmation.status)) return;
    const { first } = this.#o;
    const isSame = (['id', 'username', 'payloadHash', 'nonce'] as const).every(
      (name) => answer[name] === first[name],
    );
    if (answer.status !== this.#confirmation.status) {
      cancelCeremony();
      this.bar.complain('');
      this.#prompt = '';
    }
    if (isSame) this.#confirmation = answer;
    else {
      // What was signed before that, if anything, may count.
      this.#block(
        'Nothing more can be decided on this page. The service now tells something else about this request than before.',
      );
    }
    this.#update();
  }

  async #act(act: Act): Promise<void> {
    if (this.#isBusy) return;
    const { first, rpId } = this.#o;
    const { status: before } = this.#confirmation;
    this.#isBusy = true;
    this.bar.complain('');
    try {
      const signable = await this.#check();
      if (signable === undefined) return;
      this.#prompt = prompts[act];
      this.#update();
      const status = await decide(act, signable, { confirmation: first, rpId });
      await this.#catchUp(() => ({ ...this.#confirmation, status }));
    } catch (error) {
      if (error instanceof ApiError) await this.#catchUp(() => this.#confirmation);
      // A request that was decided meanwhile takes the prompt away: the state says it all then.
      const isOpen = this.#confirmation.status === before && this.#blocked === undefined;
      if (isOpen) this.bar.complain(whyNot(error, act));
    } finally {
      this.#isBusy = false;
      this.#prompt = '';
      this.#update();
    }
  }

  /** The service's state now, or what is known then where it cannot be had; the long poll brings it later. */
  async #catchUp(known: () => Confirmation): Promise<void> {
    this.#takeOver(await readConfirmation(this.#o.first.id).catch(known));
  }

  #update(): void {
    const { fingerprint, title } = this.#o;
    const { status } = this.#confirmation;
    const { name, tone } = states[status];
    const blocked = this.#blocked;
    document.title = `${status === 'pending' ? '' : `${name}: `}${fingerprint} ${title}`;
    this.mark.dataset.status = status;
    this.mark.dataset.tone = blocked === undefined ? tone : 'bad';
    this.mark.textContent = blocked === undefined ? name : 'Do not sign';
    const isReady = blocked === undefined && this.#isChecked && !this.#isBusy;
    this.bar.enable(isReady ? (actsIn[status] ?? []) : []);
    if (blocked !== undefined) this.bar.complain(blocked);
    // Trouble is none where nothing can change any more.
    const said = this.#prompt || (isFinal(status) ? '' : this.#trouble);
    if (status === 'pending') this.bar.say(said);
    else this.bar.close(this.#confirmation, said);
  }
}

/** Why a decision failed. Without an answer nobody knows whether it arrived, and the page does not claim to. */
function whyNot(error: unknown, act: Act): string {
  const undone = act === 'revoked' ? 'Your approval stands.' : 'Nothing was decided.';
  if (!isUnanswered(error)) return whyItFailed(error, undone);
  return `${error.message} Your decision may not have arrived. If it did, this page shows it in a moment; if not, try again.`;
}
