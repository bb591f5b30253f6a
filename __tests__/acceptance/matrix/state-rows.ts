import { json } from '../../support/faulty-server.ts';
import type { RefusalCode } from '../../../src/core/verdict.ts';
import type { RightAnswer, Row } from './table.ts';

const row = (
  fault: string,
  change: (value: RightAnswer['value']) => object,
  endings: Row['endings'],
  headers: Record<string, string> = {},
): Row => ({
  fault,
  how: { kind: 'answer', act: ({ status, value }) => json(status, change(value), headers) },
  endings,
});

/** A status that closes: nobody can approve any more, and nothing is left to withdraw. */
const closed = (status: string, code: RefusalCode): Row => ({
  ...row(
    `status \`${status}\``,
    (value) => ({ ...value, status, rawAssertion: undefined, nonce: undefined }),
    { wait: code, fetch: code },
  ),
  // One who says "approved" and then "rejected" is asked to withdraw it all the same.
  closes: status === 'rejected' ? ['wait'] : ['wait', 'confirm'],
});

const minutes = (count: number) => new Date(Date.now() + count * 60_000).toUTCString();

export const stateRows: readonly Row[] = [
  row(
    'status `pending`, for ever',
    (value) => ({ ...value, status: 'pending', rawAssertion: undefined }),
    // The request step was told "approved" before: a service that contradicts itself.
    { wait: 'timed_out', confirm: 'service_misbehaved', fetch: 'timed_out' },
  ),
  closed('rejected', 'rejected'),
  closed('expired', 'expired'),
  closed('cancelled', 'cancelled'),
  closed('superseded', 'superseded'),
  closed('redeemed', 'already_used'),
  row(
    'status `approved`, decided by somebody else',
    (value) => ({ ...value, username: 'mallory' }),
    { confirm: 'service_misbehaved', fetch: 'approver_untrusted' },
  ),
  {
    fault: "the service's clock is 10 minutes behind",
    how: {
      kind: 'answer',
      act: ({ status, value }) => json(status, value, { date: minutes(-10) }),
    },
    // A warning; and by the clock of the service the decision is still to come.
    endings: {
      create: 'goes on',
      wait: 'goes on',
      confirm: 'goes on',
      fetch: 'evidence_invalid',
    },
  },
  {
    fault: "the service's clock is a day ahead",
    how: {
      kind: 'answer',
      act: ({ status, value }) => json(status, value, { date: minutes(1440) }),
    },
    endings: { create: 'goes on', wait: 'goes on', confirm: 'goes on', fetch: 'expired' },
  },
];
