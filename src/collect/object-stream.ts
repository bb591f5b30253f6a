import { Fault } from '../core/fault.ts';
import { visible } from '../core/text.ts';
import { startGit, type Git, type GitCall, type GitLimits } from './git.ts';

export interface GitObject {
  readonly type: string;
  readonly body: Buffer;
}

/**
 * One `git cat-file --batch` that answers for as long as git is lent: a history is read commit by commit, and a process for each
 * would take longer than all else. Readers wait for each other.
 */
export class ObjectStream {
  private readonly child: ReturnType<typeof startGit>;
  private readonly limits: GitLimits;
  private chunks: Buffer[] = [];
  /** Bytes in them. */
  private available = 0;
  private complaint = '';
  private hasEnded = false;
  private wake: () => void = () => undefined;
  private last: Promise<unknown> = Promise.resolve();

  constructor(git: Git, call: Omit<GitCall, 'args' | 'input'>) {
    this.limits = git.limits;
    this.child = startGit(git, { ...call, args: ['cat-file', '--batch'] });
    this.child.stdout.on('data', (chunk: Buffer) => {
      this.chunks.push(chunk);
      this.available += chunk.length;
      this.wake();
    });
    this.child.stderr.on('data', (chunk: Buffer) => {
      this.complaint = (this.complaint + chunk.toString('utf8')).slice(0, 1000);
    });
    this.child.on('error', (error) => {
      this.complaint ||= error.message;
    });
    this.child.on('close', () => {
      this.hasEnded = true;
      this.wake();
    });
    // git may end before it has read everything; what it does not answer tells.
    this.child.stdin.on('error', () => undefined);
  }

  /** Those of the objects that are there, by their ids; not yet proven. @throws Fault facts_uncollectable */
  read(ids: readonly string[]): Promise<ReadonlyMap<string, GitObject>> {
    const answer = this.last.then(() => this.answer(ids));
    this.last = answer.catch(() => undefined);
    return answer;
  }

  private async answer(ids: readonly string[]): Promise<ReadonlyMap<string, GitObject>> {
    const objects = new Map<string, GitObject>();
    if (ids.length === 0) return objects;
    const { timeoutMs, maxBytes } = this.limits;
    const late = setTimeout(() => {
      this.complaint = `no answer within ${timeoutMs / 1000} s`;
      this.child.kill('SIGKILL');
    }, timeoutMs);
    try {
      this.child.stdin.write(ids.map((id) => `${id}\n`).join(''));
      let input: Buffer = Buffer.alloc(0);
      for (const id of ids) {
        let end: number;
        while ((end = input.indexOf('\n')) < 0) input = await this.more(input, input.length + 1);
        const [name, type = '', size = ''] = input.toString('latin1', 0, end).split(' ');
        if (name === id && type === 'missing') {
          input = input.subarray(end + 1);
          continue;
        }
        const length = Number(size);
        if (name !== id || !/^\d+$/.test(size) || length > maxBytes) {
          throw this.failed(
            `it answered "${visible(input.toString('latin1', 0, Math.min(end, 200)))}"`,
          );
        }
        const start = end + 1;
        // A line break ends each object.
        input = await this.more(input, start + length + 1);
        objects.set(id, { type, body: input.subarray(start, start + length) });
        input = input.subarray(start + length + 1);
      }
      return objects;
    } finally {
      clearTimeout(late);
    }
  }

  /** What was read and what follows, at least so many bytes of it. */
  private async more(input: Buffer, length: number): Promise<Buffer> {
    if (input.length >= length) return input;
    while (input.length + this.available < length) {
      if (this.hasEnded) throw this.failed(this.complaint || 'it ended before it had answered');
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    const joined = Buffer.concat([input, ...this.chunks]);
    this.chunks = [];
    this.available = 0;
    return joined;
  }

  private failed(why: string): Fault {
    this.child.kill('SIGKILL');
    return new Fault('facts_uncollectable', `git cat-file failed: ${visible(why, 300)}`);
  }
}
