/**
 * A set of whole numbers, bytes of a file or its blocks, as sorted `[start, end)` intervals that neither overlap nor touch.
 * Finding is a binary search; adding merges. Pure.
 */

export interface Interval {
  readonly start: number;
  /** The first number behind the interval. */
  readonly end: number;
}

export class Intervals implements Iterable<Interval> {
  // Two arrays of numbers: a lookup touches no objects.
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  /** How many intervals there are. */
  get count(): number {
    return this.#starts.length;
  }

  add(start: number, end: number): void {
    if (start >= end) return;
    const from = firstNotBelow(this.#ends, start);
    const to = firstNotBelow(this.#starts, end + 1);
    const merges = from < to;
    const newStart = merges ? Math.min(start, this.#starts[from] ?? start) : start;
    const newEnd = merges ? Math.max(end, this.#ends[to - 1] ?? end) : end;
    this.#starts.splice(from, to - from, newStart);
    this.#ends.splice(from, to - from, newEnd);
  }

  remove(start: number, end: number): void {
    if (start >= end) return;
    const from = firstNotBelow(this.#ends, start + 1);
    const to = firstNotBelow(this.#starts, end);
    if (from >= to) return;
    const [first, last] = [this.#starts[from] ?? start, this.#ends[to - 1] ?? end];
    this.#starts.splice(from, to - from, ...(first < start ? [first] : []), ...(last > end ? [end] : []));
    this.#ends.splice(from, to - from, ...(first < start ? [start] : []), ...(last > end ? [last] : []));
  }

  /** Is every number of `[start, end)` in the set? */
  covers(start: number, end: number): boolean {
    if (start >= end) return true;
    const at = firstNotBelow(this.#ends, start + 1);
    return (this.#starts[at] ?? Number.POSITIVE_INFINITY) <= start && (this.#ends[at] ?? 0) >= end;
  }

  /** The parts of `[start, end)` that are not in the set. */
  gaps(start: number, end: number): Interval[] {
    const gaps: Interval[] = [];
    let reached = start;
    for (let at = firstNotBelow(this.#ends, start + 1); reached < end; at++) {
      const gapEnd = Math.min(this.#starts[at] ?? end, end);
      if (reached < gapEnd) gaps.push({ start: reached, end: gapEnd });
      reached = this.#ends[at] ?? end;
    }
    return gaps;
  }

  *[Symbol.iterator](): Iterator<Interval> {
    for (const [at, start] of this.#starts.entries()) yield { start, end: this.#ends[at] ?? start };
  }
}

/** The place of the first of these ascending numbers that is `value` or more; their count when all are less. */
function firstNotBelow(ascending: readonly number[], value: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] ?? value) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
