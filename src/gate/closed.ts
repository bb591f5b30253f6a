import { Fault } from '../core/fault.ts';
import { visible } from '../core/text.ts';
import type { StatedConfirmation } from '../client/confirmations.ts';

type ClosedStatus = Exclude<StatedConfirmation['status'], 'pending' | 'approved' | 'rejected'>;

/** What it means that nobody can use a confirmation any more, by what the service says: a hint that can only take away. */
export function closedFault(status: ClosedStatus, id: string, host: string): Fault {
  const request = `request ${visible(id)}`;
  switch (status) {
    case 'expired':
      return new Fault(
        'expired',
        `${host} says that ${request} has expired. Ask for a new approval.`,
      );
    case 'cancelled':
      return new Fault(
        'cancelled',
        `${host} says that ${request} was withdrawn. Ask for a new approval.`,
      );
    case 'superseded':
      return new Fault(
        'superseded',
        `${host} says that a newer request for the same target replaced ${request}. Look for the newer run, or ask for a new approval.`,
      );
    case 'redeemed':
      return new Fault(
        'already_used',
        `${host} says that ${request} was used already. One approval is good for one deploy: ask for a new approval.`,
      );
  }
}
