import type { Notice } from './context.ts';
import { BadAnswer, troubleOf } from './outgoing.ts';

const notifyTimeoutMs = 5_000;

/**
 * Posts each notice to one URL, which the operator chose. Nobody waits for it: a notice that does not arrive is one line in the
 * log, without the URL's path or query, which are secret as a rule. Redirects are not followed.
 */
export function createNotifier(
  notifyUrl: string | undefined,
  log: (line: string) => void,
): (notice: Notice) => void {
  if (notifyUrl === undefined) return () => undefined;
  const { host } = new URL(notifyUrl);
  return (notice) => {
    void post(notifyUrl, notice).catch((error: unknown) => {
      log(`The notification to ${host} failed (${troubleOf(error)}); the request stands.`);
    });
  };
}

async function post(notifyUrl: string, notice: Notice): Promise<void> {
  const response = await fetch(notifyUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(notice),
    redirect: 'manual',
    signal: AbortSignal.timeout(notifyTimeoutMs),
  });
  await response.body?.cancel();
  if (!response.ok) throw new BadAnswer(`status ${response.status}`);
}
