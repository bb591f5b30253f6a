/** How the counts of a process, a page or a test file get into the folder of counts. */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** How often each way of each branch was taken, by the name of the instrumented file. */
export type Counts = Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;

/** An expression in JavaScript, wherever sources ran: their counts as text. */
export const countsAsText =
  'JSON.stringify(Object.fromEntries(Object.entries(globalThis.__coverage__??{}).map(([name,{b}])=>[name,b])))';

export function saveCounts(folder: string, text: string): void {
  writeFileSync(join(folder, `${randomUUID()}.json`), text);
}

/**
 * JavaScript for the top of a bundle: its process saves its counts when it exits, and a thread, which is always terminated, before
 * each message. It changes nothing else about either; where it can't write, the counts are lost.
 */
export function savesItself(folder: string): string {
  const save = `try{require('node:fs').writeFileSync(__countsFile,${countsAsText})}catch{}`;
  return [
    `const __countsFile=${JSON.stringify(`${folder}/`)}+require('node:crypto').randomUUID()+'.json';`,
    `process.on('exit',()=>{${save}});`,
    "{const{parentPort:port}=require('node:worker_threads');if(port){const post=port.postMessage;",
    `port.postMessage=(...all)=>{${save}return post.apply(port,all)}}}`,
  ].join('');
}
