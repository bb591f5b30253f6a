import { randomInt } from 'node:crypto';
import type { Server } from 'node:net';

const size = 1_000;
/** Below the ports that systems hand out (32768 and up), and another range for each worker of Jest. */
const first = 11_000 + (Number(process.env.JEST_WORKER_ID ?? 0) % 20) * size;
let tried = randomInt(size);

/**
 * Listens on a port that stays this server's while it is closed: nothing else of a test run is given it, so that calls to it are
 * refused and it can open again.
 */
export async function listenOnKeptPort(server: Server, host: string): Promise<void> {
  for (let left = size; left > 0; left -= 1) {
    tried += 1;
    if (await listens(server, first + (tried % size), host)) return;
  }
  throw new Error(`No port from ${first} on is free.`);
}

function listens(server: Server, port: number, host: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const fails = (error: NodeJS.ErrnoException): void => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    };
    server.once('error', fails);
    server.listen(port, host, () => {
      server.off('error', fails);
      resolve(true);
    });
  });
}
