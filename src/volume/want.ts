/** A range of a file that somebody wants, and how much of it is there by now. */
import { type Interval, Intervals } from '../cache/intervals.js';
import type { Priority } from './budget.js';

export interface WantOptions {
  start: number;
  end: number;
  priority: Priority;
  /** Where the bytes go, from `start` on. Without it they only have to be in the cache. */
  target?: Buffer;
  /** Called once: when everything is there, or with the error because of which it will not be. Never when it was dropped. */
  onEnd: (error?: unknown) => void;
  /** Told the bytes that are there, and then those that come. */
  onBytes?: ((bytes: number) => void) | undefined;
}

export class Want {
  readonly start: number;
  readonly end: number;
  readonly priority: Priority;
  readonly target: Buffer | undefined;
  readonly onEnd: (error?: unknown) => void;
  readonly #onBytes: ((bytes: number) => void) | undefined;
  readonly #arrived = new Intervals();
  #left: number;

  constructor({ start, end, priority, target, onEnd, onBytes }: WantOptions) {
    this.start = start;
    this.end = end;
    this.priority = priority;
    this.target = target;
    this.onEnd = onEnd;
    this.#onBytes = onBytes;
    this.#left = end - start;
  }

  /** Bytes that are still to come. */
  get left(): number {
    return this.#left;
  }

  /** What is still to come of the part of the range that lies within `[start, end)`. */
  gaps(start = this.start, end = this.end): Interval[] {
    return this.#arrived.gaps(Math.max(start, this.start), Math.min(end, this.end));
  }

  /** Notes that `[start, end)` is there. */
  note(start: number, end: number): void {
    const before = this.#left;
    for (const gap of this.gaps(start, end)) this.#left -= gap.end - gap.start;
    if (this.#left < before) this.#onBytes?.(before - this.#left);
    const [from, to] = [Math.max(start, this.start), Math.min(end, this.end)];
    this.#arrived.add(from, to);
  }

  /** Copies what it wants of these bytes, which are the file's from `offset` on. */
  take(offset: number, bytes: Uint8Array): void {
    const [from, to] = [Math.max(offset, this.start), Math.min(offset + bytes.length, this.end)];
    if (from >= to) return;
    this.target?.set(bytes.subarray(from - offset, to - offset), from - this.start);
    this.note(from, to);
  }
}
