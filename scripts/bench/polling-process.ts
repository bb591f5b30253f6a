/** What many gates do: ask, sleep for a fixed time, ask again. It checks nothing, so all of its time is waiting. */
import { setTimeout as sleep } from 'node:timers/promises';

const { POLL_URL = '', POLL_KEY = '', POLL_INTERVAL_MS = '' } = process.env;
for (;;) {
  const response = await fetch(POLL_URL, { headers: { 'x-api-key': POLL_KEY } });
  const { status } = (await response.json()) as { readonly status: string };
  if (status === 'approved') break;
  process.stdout.write('.');
  await sleep(Number(POLL_INTERVAL_MS));
}
