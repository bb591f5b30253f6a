import { fetchConfirmation, withdrawConfirmations } from '../client/confirmations.ts';
import type { ClientDependencies } from '../client/dependencies.ts';

/**
 * Withdraws those of a request's confirmations that nobody decided: a request whose step was killed would else stay on the
 * approvers' pages. What was approved stays, for another job may be about to use it.
 * @throws Fault when the service can't say of each how it stands; the others are withdrawn all the same
 */
export async function withdrawPending(
  ids: readonly string[],
  deps: ClientDependencies,
): Promise<void> {
  const withdrawn = ids.map(async (id) => {
    const { status } = await fetchConfirmation(deps, { id });
    if (status === 'pending') await withdrawConfirmations(deps, [id]);
  });
  for (const outcome of await Promise.allSettled(withdrawn)) {
    if (outcome.status === 'rejected') throw outcome.reason;
  }
}
