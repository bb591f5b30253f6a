import type { Status } from './api.ts';

interface State {
  /** One word for title and mark. */
  readonly name: string;
  readonly text: string;
  readonly tone: 'waiting' | 'good' | 'bad' | 'over';
}

/** What each state of a request means to the person at the page. */
export const states: Readonly<Record<Status, State>> = {
  pending: { name: 'Waiting', text: 'Waiting for a decision.', tone: 'waiting' },
  approved: {
    name: 'Approved',
    text: 'The run checks the signature, and goes on once it has every approval it needs. You can close this page.',
    tone: 'good',
  },
  rejected: {
    name: 'Rejected',
    text: 'The run stops. You can close this page.',
    tone: 'bad',
  },
  expired: {
    name: 'Expired',
    text: 'The time for this request is over. The run has to ask again.',
    tone: 'over',
  },
  cancelled: {
    name: 'Withdrawn',
    text: 'The run no longer asks (it was stopped, stopped waiting, or has the answers it needs), or the approval was taken back.',
    tone: 'over',
  },
  superseded: {
    name: 'Superseded',
    text: 'A newer request for the same target took its place. It is another deploy, with a link of its own.',
    tone: 'over',
  },
  redeemed: {
    name: 'Approved and used',
    text: 'The run has used this approval. It cannot be used again.',
    tone: 'good',
  },
};

/** States that nothing can change any more. */
export function isFinal(status: Status): boolean {
  return status !== 'pending' && status !== 'approved';
}
