/** Runs at most `width` pieces of work at once, in the order in which they were given. */
export class Pool {
  private readonly width: number;
  private readonly waiting: (() => void)[] = [];
  private running = 0;

  constructor(width: number) {
    this.width = width;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.running >= this.width) {
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    } else {
      this.running += 1;
    }
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.running -= 1;
      else next();
    }
  }
}
