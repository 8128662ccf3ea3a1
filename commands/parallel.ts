/** Works on several items at once, and takes the next one only when there is room: the items may be millions. */

/** Yields the results as they come. `work` is to catch its own failures; the first one that it does not ends everything. */
export async function* inParallel<Item, Result>(
  items: Iterable<Item>,
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const underWay = new UnderWay<Result>();
  try {
    for (const item of items) {
      underWay.add(work(item));
      if (underWay.count >= atOnce) yield await underWay.next();
    }
    while (underWay.count > 0) yield await underWay.next();
  } finally {
    // Nobody asks for the rest any more, but it must not go on behind the caller's back.
    await underWay.ended();
  }
}

/**
 * What is worked on, and what has ended and was not taken yet. Promise.race would do, but for one that takes hours: it keeps
 * everything that it ever lost to.
 */
class UnderWay<Result> {
  readonly #running = new Set<Promise<Result>>();
  readonly #settled: Promise<Result>[] = [];
  #wake = () => {};

  get count(): number {
    return this.#running.size + this.#settled.length;
  }

  add(work: Promise<Result>): void {
    const settle = () => {
      this.#running.delete(work);
      this.#settled.push(work);
      this.#wake();
    };
    this.#running.add(work);
    work.then(settle, settle);
  }

  /** The first that ends. */
  async next(): Promise<Result> {
    for (;;) {
      const first = this.#settled.shift();
      if (first) return first;
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
    }
  }

  async ended(): Promise<void> {
    await Promise.allSettled(this.#running);
  }
}
