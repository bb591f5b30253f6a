import { showApproval } from './approval.ts';
import { el, message } from './dom.ts';
import { showEnrolment } from './enrolment.ts';
import { showWaiting } from './waiting.ts';

/** The view of an address: `/` the list, `/approve/:id` one request, `/enrol/:code` an invite. */
async function show(main: HTMLElement, path: string): Promise<void> {
  const [, view, argument, ...more] = path.split('/').map(decodeURIComponent);
  if (view === '') return showWaiting(main);
  if (view === 'approve' && argument && more.length === 0) return showApproval(main, argument);
  if (view === 'enrol' && argument && more.length === 0) {
    showEnrolment(main, argument);
    return;
  }
  main.replaceChildren(
    message('There is no such page', el('p', {}, el('a', { href: '/' }, 'See what waits for you'))),
  );
}

const main = document.getElementById('main');
if (main !== null) {
  try {
    await show(main, location.pathname);
  } catch (error) {
    main.replaceChildren(message('This page failed', String(error)));
  }
}
