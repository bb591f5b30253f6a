/** Many long polls in one client process, as gates make them: 25 s each, then again, until the request is decided. */
import { Agent, get } from 'node:http';

export interface ToWaiters {
  readonly url: string;
  readonly key: string;
  readonly ids: readonly string[];
}

export interface Woken {
  readonly id: string;
  /** Epoch milliseconds with fractions, when the whole answer was here. */
  readonly at: number;
}

const agent = new Agent({ keepAlive: true });
/** New connections on their way at once: the queue of the listening socket is finite. */
const atOnce = 100;
const longPollSeconds = 25;

process.once('message', (message) => {
  void wait(message as ToWaiters);
});

async function wait({ url, key, ids }: ToWaiters): Promise<void> {
  for (let from = 0; from < ids.length; from += atOnce) {
    await Promise.all(
      ids.slice(from, from + atOnce).map((id) => {
        const connected = Promise.withResolvers<undefined>();
        // Gates begin at any time. If all these renewed their polls in the same second, that would be measured.
        const firstSeconds = 1 + Math.floor(Math.random() * longPollSeconds);
        poll(
          { url: `${url}/api/confirmations/${id}`, key, seconds: firstSeconds },
          {
            connected: () => connected.resolve(undefined),
            decided: (at) => process.send?.({ id, at } satisfies Woken),
          },
        );
        return connected.promise;
      }),
    );
  }
  process.send?.('all wait');
}

function poll(
  question: { readonly url: string; readonly key: string; readonly seconds: number },
  on: { readonly connected: () => void; readonly decided: (at: number) => void },
): void {
  const { url, key, seconds } = question;
  const options = { agent, headers: { 'x-api-key': key } };
  const request = get(`${url}?wait=${seconds}`, options, (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    response.once('end', () => {
      const at = performance.timeOrigin + performance.now();
      if (response.statusCode !== 200) throw new Error(`${response.statusCode} ${text}`);
      if (text.includes('"status":"pending"')) poll({ url, key, seconds: longPollSeconds }, on);
      else on.decided(at);
    });
  });
  request.once('finish', on.connected);
}
