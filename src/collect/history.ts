import { Fault } from '../core/fault.ts';
import { parseCommit, type Commit } from './commit-object.ts';
import { readPresent, type Objects } from './objects.ts';

/** The commits that are reachable from one and not from others, and whether that is all of them. */
export interface History {
  /** Newest first, by the clocks of the committers. */
  readonly commits: readonly (readonly [id: string, commit: Commit])[];
  /** Why there may be more, as the end of a sentence. */
  readonly gap?: string;
}

/** How many commits are looked at, and for how long. */
export interface HistoryLimits {
  readonly maxCommits: number;
  readonly maxMs: number;
}

interface Visit {
  readonly id: string;
  readonly commit: Commit;
  /** Reachable from one of those to leave out. */
  isOld: boolean;
}

/**
 * Walks from a commit back to what the last one held already, by the parents that the commits themselves name: each is hashed, so a
 * commit-graph, a graft or the shallow boundary of the checkout can hide none. Where clocks are wrong, the list may name
 * commits that are old; it never leaves out a new one.
 * @param options.last whose history is left out; where none is known, that of the first parent
 * @throws Fault facts_uncollectable where `from` is missing, or an object is not what its id says
 */
export async function newCommits(
  objects: Objects,
  options: {
    readonly from: string;
    readonly last: string | undefined;
    readonly limits: HistoryLimits;
  },
): Promise<History> {
  const { from, last } = options;
  const { maxCommits, maxMs } = options.limits;
  const walk = new Walk(objects);
  const start = await walk.visit(from, false);
  if (start === undefined) {
    throw new Fault('facts_uncollectable', `The commit ${from} is not in this checkout.`);
  }
  await walk.leaveOut(last === undefined ? start.commit.parents.slice(0, 1) : [last]);
  const deadline = performance.now() + maxMs;
  for (let visit = walk.next(); visit !== undefined; visit = walk.next()) {
    if (walk.seen >= maxCommits) {
      return { ...walk.result(), gap: `more than ${maxCommits} commits would have to be read` };
    }
    if (performance.now() > deadline) {
      return { ...walk.result(), gap: `reading them took longer than ${maxMs / 1000} s` };
    }
    await walk.follow(visit);
  }
  return walk.result();
}

class Walk {
  private readonly objects: Objects;
  private readonly without = new Set<string>();
  private readonly visits = new Map<string, Visit>();
  /** By time, the newest last. */
  private readonly queue: Visit[] = [];
  private readonly taken: Visit[] = [];
  private readonly missing = new Set<string>();
  private newInQueue = 0;

  constructor(objects: Objects) {
    this.objects = objects;
  }

  get seen(): number {
    return this.visits.size;
  }

  /** Takes the newest commit, while there are new ones. */
  next(): Visit | undefined {
    return this.newInQueue > 0 ? this.queue.pop() : undefined;
  }

  async leaveOut(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      this.without.add(id);
      await this.visit(id, true);
    }
  }

  async visit(id: string, isOld: boolean): Promise<Visit | undefined> {
    const known = this.visits.get(id);
    if (known !== undefined) {
      if (isOld && !known.isOld) this.mark(known);
      return known;
    }
    const object = (await readPresent(this.objects, [id])).get(id);
    if (object === undefined) {
      if (!this.without.has(id)) this.missing.add(id);
      return undefined;
    }
    const commit = parseCommit(object);
    if (commit === undefined) {
      throw new Fault(
        'facts_uncollectable',
        `The git object ${id} stands for a commit, and is none.`,
      );
    }
    const visit: Visit = { id, commit, isOld };
    this.visits.set(id, visit);
    this.enqueue(visit);
    return visit;
  }

  /** Looks at the parents of a commit that was taken. */
  async follow(visit: Visit): Promise<void> {
    if (!visit.isOld) {
      this.newInQueue -= 1;
      this.taken.push(visit);
    }
    for (const parent of visit.commit.parents) await this.visit(parent, visit.isOld);
  }

  result(): History {
    const commits = this.taken
      .filter(({ isOld }) => !isOld)
      .map(({ id, commit }) => [id, commit] as const);
    // What is not there may matter to a commit that turned out to be old: then it does not here.
    const lost = commits.some(([, { parents }]) => parents.some((id) => this.missing.has(id)));
    if (!lost) return { commits };
    return { commits, gap: 'the checkout does not hold the history that far back' };
  }

  /** Old after all: if its parents were looked at before, they must hear of it. */
  private mark(visit: Visit): void {
    visit.isOld = true;
    if (this.queue.includes(visit)) this.newInQueue -= 1;
    else this.enqueue(visit);
  }

  private enqueue(visit: Visit): void {
    const at = this.queue.findLastIndex(({ commit }) => commit.time <= visit.commit.time);
    this.queue.splice(at + 1, 0, visit);
    if (!visit.isOld) this.newInQueue += 1;
  }
}
