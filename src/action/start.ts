import { runProcess } from '../gate/process.ts';
import { error } from './log.ts';

/** Runs one action as this process, with its crashes in the job's log. */
export async function start(run: (signal: AbortSignal) => Promise<number>): Promise<void> {
  await runProcess(run, error);
}
