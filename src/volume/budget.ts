/**
 * How many bytes may be under way at a time, over all files: requested and not yet written, so the memory that downloads
 * take. What somebody waits for always finds room, because what nobody waits for may not take all of it.
 */
import { BLOCK_SIZE } from '../cache/blocks.js';

/** In the order in which they are served. */
export const priorities = [
  'read', //  somebody waits for just these bytes
  'bulk', //  somebody waits, for all of them: fetch, a copy
  'ahead', // somebody will probably read them next
  'warm', //  somebody may read them some day
] as const;

export type Priority = (typeof priorities)[number];

/** The part of the budget that all together may take when one of this priority asks for more. */
const shares: Readonly<Record<Priority, number>> = { read: 1, bulk: 7 / 8, ahead: 3 / 4, warm: 1 / 2 };

export function rank(priority: Priority): number {
  return priorities.indexOf(priority);
}

export class Budget {
  readonly #total: number;
  #taken = 0;

  /** Of `total` bytes; of two blocks at least, so that every priority can have one. */
  constructor(total: number) {
    this.#total = Math.max(total, 2 * BLOCK_SIZE);
  }

  get taken(): number {
    return this.#taken;
  }

  /**
   * How much of `wanted` bytes may be taken now: all of it or nothing, so that a budget used up to its last block does not
   * make every request a small one. For a reader that waits, a part is better than nothing.
   */
  offer(wanted: number, priority: Priority): number {
    const share = shares[priority] * this.#total;
    const room = wholeBlocks(share - this.#taken);
    if (wanted <= room) return wanted;
    const least = priority === 'read' ? BLOCK_SIZE : Math.min(wanted, wholeBlocks(share));
    return room >= least ? room : 0;
  }

  take(bytes: number): void {
    this.#taken += bytes;
  }

  give(bytes: number): void {
    this.#taken -= bytes;
  }
}

function wholeBlocks(bytes: number): number {
  return Math.max(0, Math.floor(bytes / BLOCK_SIZE) * BLOCK_SIZE);
}
