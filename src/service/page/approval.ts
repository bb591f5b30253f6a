import { fingerprint as fingerprintOf } from '../../core/fingerprint.ts';
import {
  ApiError,
  followConfirmation,
  readConfirmation,
  readRelyingPartyId,
  type Confirmation,
} from './api.ts';
import { DecisionBar } from './decision-bar.ts';
import { cancelCeremony, checkShown, decide } from './decision.ts';
import { isUnknownDeploy, readDeploy, type Deploy } from './deploy.ts';
import { button, el, message } from './dom.ts';
import { dangerBlock, deployFacts, otherFields, signedForm } from './facts.ts';
import { follow } from './follow.ts';
import { whyItFailed } from './passkey.ts';
import { Sheet } from './sheet.ts';
import { isFinal, states } from './states.ts';
import { textNodes, visibleText } from './text.ts';

/** The approval of one request: what it is, what it destroys, every fact, and the decision, live. */
export async function showApproval(main: HTMLElement, id: string): Promise<void> {
  let rpId: string;
  let confirmation: Confirmation;
  try {
    [rpId, confirmation] = await Promise.all([readRelyingPartyId(), readConfirmation(id)]);
  } catch (error) {
    main.replaceChildren(notShown(error, () => void showApproval(main, id)));
    return;
  }
  const first = confirmation;
  const fingerprint = fingerprintOf(first.payloadHash);
  const deploy = readDeploy(first.payload);
  const sheet = new Sheet(first.payload);
  const mark = el('span', { class: 'state' });
  const bar = new DecisionBar({
    confirmation: first,
    fingerprint,
    isDestructive: deploy?.isDestructive === true,
    onDecide: (decision) => void onDecide(decision),
  });
  main.replaceChildren(
    el(
      'article',
      {},
      el('a', { class: 'skip', href: '#decision' }, 'Skip to the decision'),
      el('p', { class: 'stamp' }, mark, el('span', { class: 'fingerprint' }, fingerprint)),
      ...content(sheet, first, deploy),
    ),
    bar.node,
  );

  let isBusy = false;
  /** Why nothing may be signed here, for good. */
  let blocked: string | undefined;
  let isChecked = false;

  const block = (reason: string): void => {
    blocked ??= `Nothing can be decided on this page, and nothing was signed. ${reason} Tell the platform engineer.`;
    cancelCeremony();
    update();
  };

  const update = (): void => {
    const { status } = confirmation;
    const { name, tone } = states[status];
    const title = deploy
      ? `Deploy ${deploy.service} to ${deploy.environment}`
      : visibleText(first.action);
    document.title = `${status === 'pending' ? '' : `${name}: `}${fingerprint} ${title}`;
    mark.dataset.status = status;
    mark.textContent = blocked === undefined ? name : 'Do not sign';
    mark.dataset.tone = blocked === undefined ? tone : 'bad';
    bar.enable(status === 'pending' && isChecked && blocked === undefined && !isBusy);
    if (blocked !== undefined) bar.complain(blocked);
    if (status !== 'pending') {
      if (blocked === undefined) bar.complain('');
      bar.close(status, confirmation);
    }
  };

  /** What is shown is checked when the page opens, and again right before each ceremony. */
  const check = async (): ReturnType<typeof checkShown> => {
    const signable = isUnknownDeploy(first.payload)
      ? 'It is a deploy in a form that this page does not know.'
      : await checkShown(sheet.read(), first);
    if (typeof signable === 'string') block(signable);
    isChecked = true;
    update();
    return signable;
  };

  /** Takes over a newer answer. Only state and times may change under an open page, never what is asked. */
  const takeOver = (answer: Confirmation): void => {
    confirmation = { ...answer, username: first.username };
    if (answer.status !== 'pending') cancelCeremony();
    const isSame = (['id', 'username', 'payloadHash', 'nonce'] as const).every(
      (name) => answer[name] === first[name],
    );
    if (!isSame) block('The service now tells something else about this request than before.');
    update();
  };

  /** The service's state now, where it can be had; else the long poll brings it. */
  const catchUp = async (): Promise<void> => {
    try {
      takeOver(await readConfirmation(id));
    } catch {
      return;
    }
  };

  const onDecide = async (decision: 'approved' | 'rejected'): Promise<void> => {
    if (isBusy) return;
    isBusy = true;
    bar.complain('');
    update();
    try {
      const signable = await check();
      if (typeof signable === 'string') return;
      bar.say(`Use your passkey to ${decision === 'approved' ? 'approve' : 'reject'}…`);
      const status = await decide(decision, signable, { confirmation: first, rpId });
      takeOver({ ...confirmation, status });
    } catch (error) {
      if (error instanceof ApiError) await catchUp();
      // A request that was decided meanwhile takes the prompt away: the state says it all then.
      if (confirmation.status === 'pending' && blocked === undefined) bar.complain(whyNot(error));
    } finally {
      isBusy = false;
      if (confirmation.status === 'pending') bar.say('');
      update();
    }
  };

  await check();
  follow({
    next: async (signal, waitSeconds) => {
      takeOver(await followConfirmation(id, confirmation.status, { signal, waitSeconds }));
      return isFinal(confirmation.status) ? 'done' : 'more';
    },
    onTrouble: (error) => {
      if (blocked !== undefined || isBusy) return;
      bar.complain(
        error === undefined
          ? ''
          : 'The service cannot be reached, so this page may be out of date. It keeps trying.',
      );
    },
  });
}

/** Everything between the stamp and the bar, in the fixed order. */
function content(
  sheet: Sheet,
  { payload, payloadHash, action, decideBy }: Confirmation,
  deploy: Deploy | undefined,
): readonly (HTMLElement | string)[] {
  const hash = el('span', {}, el('b', {}, payloadHash.slice(0, 8)), payloadHash.slice(8));
  const signed = { fingerprint: fingerprintOf(payloadHash), hash };
  if (deploy === undefined) {
    const fields = otherFields(sheet, 'The payload, field by field');
    return [...otherHeading(action), fields ?? '', signedForm(sheet, signed) ?? ''];
  }
  const { isDestructive } = deploy;
  const danger = isDestructive ? dangerBlock(sheet, payload) : '';
  const facts = deployFacts(sheet, payload, { decideBy, isDestructive });
  const form = signedForm(sheet, signed) ?? '';
  // Last, because it takes what no other part has shown.
  const rest = otherFields(sheet, 'Also signed') ?? '';
  return [deployHeading(deploy), danger, ...facts, rest, form];
}

function deployHeading({ service, environment }: Deploy): HTMLElement {
  return el(
    'h1',
    {},
    'Deploy ',
    el('b', {}, ...textNodes(service)),
    ' to ',
    el('b', {}, ...textNodes(environment)),
  );
}

function otherHeading(action: string): readonly HTMLElement[] {
  return [
    el('h1', {}, 'A request from another tool'),
    el(
      'p',
      { class: 'notice' },
      'This is no deploy that this page knows. You sign the fields below, and nothing else.',
    ),
    el(
      'p',
      { class: 'claim' },
      el('span', { class: 'note' }, 'Claimed, not signed:'),
      ' ',
      el('q', {}, el('bdi', {}, ...textNodes(action))),
    ),
  ];
}

/** Why a decision failed. Without an answer nobody knows whether it arrived, and the page does not claim to. */
function whyNot(error: unknown): string {
  const isUnknown = error instanceof ApiError && (error.status === 0 || error.status >= 500);
  if (!isUnknown) return whyItFailed(error, 'Nothing was decided.');
  return `${error.message} Your decision may not have arrived. If it did, this page shows it in a moment; if not, try again.`;
}

function notShown(error: unknown, retry: () => void): HTMLElement {
  if (error instanceof ApiError && (error.status === 404 || error.status === 400)) {
    return message(
      'No such request',
      'There is no request at this address. Open the link from the job log or the notification again, in full.',
    );
  }
  return message(
    'This request cannot be shown',
    error instanceof Error ? error.message : String(error),
    button({ name: 'retry' }, 'Try again', retry),
  );
}
