import { isMainThread, parentPort } from 'node:worker_threads';
import type { Finding } from './finding.ts';

/**
 * In a thread of its own: analyses one text after the other, and sends back what it found. What it throws ends the thread, which
 * the other side sees; its first message says that it is loaded.
 */
export function answerQuestions(
  analyse: (text: string) => Promise<readonly Finding[]>,
  load: () => Promise<void> = () => Promise.resolve(),
): void {
  if (isMainThread || parentPort === null) return;
  const port = parentPort;
  void load().then(() => {
    port.on('message', (text: string) => {
      void analyse(text).then((findings) => port.postMessage(findings));
    });
    port.postMessage('loaded');
  });
}
