/** What many gates do: ask, sleep for a fixed time, ask again. It checks nothing, so all of its time is waiting. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface Polling {
  readonly url: string;
  readonly key: string;
  readonly intervalMs: number;
}

const { url, key, intervalMs } = JSON.parse(process.env.POLLING ?? '') as Polling;
for (;;) {
  const response = await fetch(url, { headers: { 'x-api-key': key } });
  const { status } = (await response.json()) as { readonly status: string };
  if (status === 'approved') break;
  process.stdout.write('.');
  await sleep(intervalMs);
}
