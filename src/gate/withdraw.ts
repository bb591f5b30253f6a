import { fetchConfirmation, withdrawConfirmations } from '../client/confirmations.ts';
import type { ClientDependencies } from '../client/dependencies.ts';

/**
 * Withdraws those of a request's confirmations that nobody decided: a request whose step was killed would else stay on the
 * approvers' pages. What was approved stays, for another job may be about to use it.
 * @throws Fault when the service can't say how they stand
 */
export async function withdrawPending(
  ids: readonly string[],
  deps: ClientDependencies,
): Promise<void> {
  const confirmations = await Promise.all(ids.map((id) => fetchConfirmation(deps, { id })));
  const pending = confirmations.filter(({ status }) => status === 'pending').map(({ id }) => id);
  await withdrawConfirmations(deps, pending);
}
