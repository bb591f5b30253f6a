import { fingerprint as fingerprintOf } from '../../core/fingerprint.ts';
import { reasonOf } from '../../core/reason.ts';
import { ApiError, readConfirmation, readRelyingPartyId, type Confirmation } from './api.ts';
import { Ballot } from './ballot.ts';
import { readDeploy, type Deploy } from './deploy.ts';
import { button, el, focusHeading, message } from './dom.ts';
import { askedBy, otherFacts, otherFields, signedForm, targetFacts } from './facts.ts';
import { legend } from './legend.ts';
import { dangerBlock } from './migration.ts';
import { there } from './rows.ts';
import { Sheet } from './sheet.ts';
import { sinceLastDeploy } from './since.ts';
import { textNodes, visibleText } from './text.ts';

/** The approval of one request: what it is, what it destroys, every fact, and the decision, live. */
export async function showApproval(main: HTMLElement, id: string): Promise<void> {
  let rpId: string;
  let first: Confirmation;
  try {
    [rpId, first] = await Promise.all([readRelyingPartyId(), readConfirmation(id)]);
  } catch (error) {
    const retry = (): void => {
      void showApproval(main, id).then(() => focusHeading(main));
    };
    main.replaceChildren(notShown(error, retry));
    return;
  }
  const fingerprint = fingerprintOf(first.payloadHash);
  const deploy = readDeploy(first.payload);
  const sheet = new Sheet(first.payload);
  const ballot = new Ballot({
    first,
    rpId,
    sheet,
    title: visibleText(deploy ? `Deploy ${deploy.service} to ${deploy.environment}` : first.action),
    fingerprint,
    isDestructive: deploy?.isDestructive === true,
  });
  main.replaceChildren(
    el(
      'article',
      {},
      el('a', { class: 'skip', href: '#decision' }, 'Skip to the decision'),
      el('p', { class: 'stamp' }, ballot.mark, el('span', { class: 'fingerprint' }, fingerprint)),
      ...content(sheet, first, deploy),
    ),
    ballot.bar.node,
  );
  await ballot.open();
}

/** Everything between the stamp and the bar, in the fixed order. */
function content(
  sheet: Sheet,
  { payload, payloadHash, action, decideBy, attested, lastDeploy }: Confirmation,
  deploy: Deploy | undefined,
): readonly HTMLElement[] {
  const view = { sheet, payload, attested };
  const sha256 = el('span', {}, el('b', {}, payloadHash.slice(0, 8)), payloadHash.slice(8));
  const signed = { fingerprint: fingerprintOf(payloadHash), sha256 };
  if (deploy === undefined) {
    const fields = otherFields(view, 'The payload, field by field');
    return there([...otherHeading(action), fields, signedForm(sheet, signed)]);
  }
  const { isDestructive } = deploy;
  const danger = isDestructive ? dangerBlock(view) : undefined;
  const target = targetFacts(view);
  const since = sinceLastDeploy(view, lastDeploy);
  const facts = otherFacts(view, { decideBy, isDestructive });
  const form = signedForm(sheet, signed);
  // Last, because it takes what no other part has shown.
  const rest = otherFields(view, 'Also signed');
  const marks = legend(there([danger, target, since, ...facts]), attested);
  return there([
    deployHeading(deploy),
    askedBy(deploy),
    danger,
    target,
    marks,
    since,
    ...facts,
    rest,
    form,
  ]);
}

function deployHeading({ service, environment }: Deploy): HTMLElement {
  return el(
    'h1',
    {},
    'Deploy ',
    el('b', {}, el('bdi', {}, ...textNodes(service))),
    ' to ',
    el('b', {}, el('bdi', {}, ...textNodes(environment))),
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

function notShown(error: unknown, retry: () => void): HTMLElement {
  if (error instanceof ApiError && (error.status === 404 || error.status === 400)) {
    return message(
      'No such request',
      'There is no request at this address. Open the link from the job log or the notification again, in full.',
    );
  }
  return message(
    'This request cannot be shown',
    reasonOf(error),
    button({ name: 'retry' }, 'Try again', retry),
  );
}
