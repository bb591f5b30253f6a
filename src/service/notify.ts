import * as z from 'zod';
import type { Notice } from './context.ts';

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
      log(`The notification to ${host} failed (${reasonOf(error)}); the request stands.`);
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
  if (!response.ok) throw new HookAnswer(`status ${response.status}`);
}

class HookAnswer extends Error {}

const errorShape = z.object({
  name: z.string(),
  cause: z.object({ code: z.string() }).optional().catch(undefined),
});

/** What is known to hold no URL: our own words, the system's code, or the error's class. */
function reasonOf(error: unknown): string {
  if (error instanceof HookAnswer) return error.message;
  const { name, cause } = errorShape.safeParse(error).data ?? { name: 'unknown' };
  return cause?.code ?? name;
}
