/** Interruptions as a runner makes them: SIGINT, 7.5 s later SIGTERM, 2.5 s later SIGKILL. When, and what must come of it. */
import type { Route } from '../../gate/stub-service.ts';

export interface InterruptRow {
  readonly when: string;
  readonly step: 'request' | 'verify';
  /** The call that is under way; absent: before any. */
  readonly during?: Route;
  /** The service answers soon after the signal, or never. */
  readonly service: 'answers' | 'is silent';
  /** Whether a request stays that somebody has to withdraw: the process itself, or the post step after it. */
  readonly withdrawn: 'by the step' | 'nothing to withdraw' | 'unknown: it expires';
  /** What the log says of the one use of the approval. */
  readonly use: 'unused' | 'perhaps' | 'used';
}

const row = (
  when: string,
  step: InterruptRow['step'],
  during: Route | undefined,
  service: InterruptRow['service'],
  withdrawn: InterruptRow['withdrawn'],
  use: InterruptRow['use'] = 'unused',
): InterruptRow => ({
  ...{ when, step, service, withdrawn, use },
  ...(during === undefined ? {} : { during }),
});

export const interruptRows: readonly InterruptRow[] = [
  row('the request step collects facts', 'request', undefined, 'answers', 'nothing to withdraw'),
  row('it asks for the last deploy', 'request', 'latest', 'is silent', 'nothing to withdraw'),
  row('it creates the request', 'request', 'create', 'answers', 'by the step'),
  row('it creates the request', 'request', 'create', 'is silent', 'unknown: it expires'),
  row('it waits', 'request', 'poll', 'answers', 'by the step'),
  row('it waits', 'request', 'poll', 'is silent', 'by the step'),
  row('it fetches the decision', 'request', 'fetch', 'answers', 'by the step'),
  row('it fetches the decision', 'request', 'fetch', 'is silent', 'by the step'),
  row('the verify step collects facts', 'verify', undefined, 'answers', 'nothing to withdraw'),
  row('it fetches the approval', 'verify', 'fetch', 'is silent', 'nothing to withdraw'),
  row('it redeems', 'verify', 'redeem', 'answers', 'nothing to withdraw', 'used'),
  row('it redeems', 'verify', 'redeem', 'is silent', 'nothing to withdraw', 'perhaps'),
];
