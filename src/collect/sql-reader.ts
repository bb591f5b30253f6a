import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { Fault } from '../core/fault.ts';
import { reasonOf } from '../core/reason.ts';
import { visible } from '../core/text.ts';
import type { SqlDialect } from './declared.ts';
import type { Finding } from './sql/finding.ts';
import type { FileFindings } from './sql/statement-lines.ts';

const timeLimitMs = 60_000;
const maxHeapMegabytes = 1_024;

/**
 * What in the files destroys data, blocks, or can't be judged. The parser runs in a thread of its own, and is loaded only here. A
 * file on which it gives up is unknown; when it is missing, or too slow, the gate ends.
 * @param folder of the parsers; beside this file, in the sources as in the bundle
 * @throws Fault facts_uncollectable
 */
export async function readSql(options: {
  readonly dialect: SqlDialect;
  readonly files: readonly { readonly path: string; readonly text: string }[];
  readonly folder?: URL;
  readonly limitMs?: number;
}): Promise<readonly FileFindings[]> {
  const { dialect, files, limitMs = timeLimitMs } = options;
  const url = new URL(
    `./${dialect}${extname(fileURLToPath(import.meta.url))}`,
    options.folder ?? new URL('./sql/', import.meta.url),
  );
  const deadline = Date.now() + limitMs;
  const results: FileFindings[] = [];
  let parser: Parser | undefined;
  try {
    for (const { path, text } of files) {
      if (parser === undefined) {
        parser = startParser(url);
        const answer = await nextAnswer(parser, deadline);
        if (answer === late) throw tooSlow(path, limitMs);
        if (answer instanceof Ended) throw notLoaded(dialect, answer);
      }
      parser.worker.postMessage(text);
      const answer = await nextAnswer(parser, deadline);
      if (answer === late) throw tooSlow(path, limitMs);
      if (answer instanceof Ended) {
        results.push({ path, findings: [gaveUp(answer)] });
        await parser.worker.terminate();
        parser = undefined;
      } else results.push({ path, findings: answer as readonly Finding[] });
    }
  } finally {
    await parser?.worker.terminate();
  }
  return results;
}

interface Parser {
  readonly worker: Worker;
  /** Why it ended, once it has. */
  readonly ended: Promise<Ended>;
}

/** That a thread is over, and why. */
class Ended {
  readonly why: string;

  constructor(why: string) {
    this.why = why;
  }
}

function startParser(url: URL): Parser {
  const worker = new Worker(url, {
    // Nothing of this process is for a parser.
    env: {},
    argv: [],
    execArgv: [],
    // What it prints does not get into the log of the job.
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: maxHeapMegabytes },
  });
  const ended = new Promise<Ended>((resolve) => {
    worker.on('error', (error) => resolve(new Ended(reasonOf(error))));
    worker.on('exit', (code) => resolve(new Ended(`it ended with code ${code}`)));
  });
  return { worker, ended };
}

const late = Symbol('late');

/** The next message of a parser, why it ended, or that the time is over. */
async function nextAnswer({ worker, ended }: Parser, deadline: number): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const message = new Promise<unknown>((resolve) => worker.once('message', resolve));
  const timeout = new Promise<typeof late>((resolve) => {
    timer = setTimeout(() => resolve(late), Math.max(0, deadline - Date.now()));
  });
  try {
    return await Promise.race([message, ended, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

function gaveUp({ why }: Ended): Finding {
  return { line: 1, statement: '', why: 'unknown, the parser gave up on this file', detail: why };
}

function notLoaded(dialect: SqlDialect, { why }: Ended): Fault {
  return new Fault(
    'facts_uncollectable',
    `The parser for migration-dialect: ${dialect} can't be loaded: ${why}. It lies in the folder sql beside this program: use the release as it is.`,
  );
}

function tooSlow(path: string, limitMs: number): Fault {
  return new Fault(
    'facts_uncollectable',
    `The SQL of the migration was not read within ${limitMs / 1000} s; ${visible(path)} is where it stopped. Name only the files that this deploy runs (since), split that file, or say migration: other, which counts as destructive.`,
  );
}
