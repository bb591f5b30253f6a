import type { IncomingMessage } from 'node:http';
import { maxRecordBytes } from '../core/json.ts';
import { TransportError } from './http.ts';

/**
 * The whole body of an answer, counted while it streams (DESIGN 7: the toolkit's own reader waits for ever on a cut
 * connection). Never decompressed: we ask for no encoding, so a compressed answer is not the protocol.
 * @throws TransportError `malformed` over 256 KiB or encoded; Node's own error when it is cut off or the request is aborted
 */
export async function readBody(message: IncomingMessage): Promise<Uint8Array> {
  const encoding = message.headers['content-encoding'] ?? 'identity';
  if (encoding.toLowerCase() !== 'identity') {
    message.destroy();
    throw new TransportError('malformed', 'the answer is compressed, which was not asked for');
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length;
    // Leaving the loop destroys the connection: nothing more is received.
    if (size > maxRecordBytes) {
      throw new TransportError('malformed', `the answer is larger than ${maxRecordBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
