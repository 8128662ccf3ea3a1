/** Reads ahead for one open handle of a file. */

import { BLOCK_SIZE } from '../cache/blocks.js';
import type { Interval } from '../cache/intervals.js';
import { ReadAhead } from './read-ahead.js';
import type { Transfer } from './transfer.js';
import { Want } from './want.js';

/** What cannot be kept on the disk is read ahead only as far as memory will remember it. */
const AHEAD_UNCACHED = 4 * BLOCK_SIZE;

export class Follower {
  readonly #transfer: Transfer;
  readonly #onClose: () => void;
  readonly #ahead: ReadAhead;
  readonly #wants = new Map<number, Want>();
  #closed = false;

  constructor(transfer: Transfer, onClose: () => void) {
    this.#transfer = transfer;
    this.#onClose = onClose;
    this.#ahead = new ReadAhead(transfer.content.size);
  }

  /** To be told of every read that was answered with the help of a download, and once a MiB of those that were not. */
  onRead(offset: number, size: number): void {
    if (this.#closed) return;
    const before = [...this.#wants.values()];
    this.#wants.clear();
    for (const window of this.#ahead.onRead(offset, size)) this.#want(this.#bounded(window), before);
    // New wants before old ones are dropped: nothing that both want is given up.
    for (const want of before) if (this.#wants.get(want.start) !== want) this.#transfer.drop(want);
  }

  /** Gives up what is read ahead. The bytes that have come are kept. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const want of this.#wants.values()) this.#transfer.drop(want);
    this.#onClose();
  }

  #bounded({ start, end }: Interval): Interval {
    return { start, end: this.#transfer.blob.failure ? Math.min(end, start + AHEAD_UNCACHED) : end };
  }

  #want({ start, end }: Interval, before: readonly Want[]): void {
    const same = before.find(want => want.start === start && want.end === end);
    // An error of what was read ahead concerns nobody: whoever reads it asks anew.
    const want = same ?? new Want({ start, end, priority: 'ahead', onEnd: () => {} });
    this.#wants.set(start, want);
    if (!same) this.#transfer.add(want);
  }
}
