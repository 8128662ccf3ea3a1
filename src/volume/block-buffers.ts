/**
 * The memory of blocks and of the pieces of them that readers ask for, used again: a system clears what it gives out anew, which
 * costs as much as copying the bytes, and V8 collects all garbage each time that some 30 MB were taken.
 */
import { BLOCK_SIZE } from '../cache/blocks.js';

/** What is smaller costs little, and comes in many sizes. */
const SMALLEST = 64 * 1024;
/** Of each size, buffers that wait to be used again. */
const MOST_FREE = 16;

/** By size: a block, and half of it, and so on. */
const free = new Map<number, Buffer[]>();
for (let size = BLOCK_SIZE; size >= SMALLEST; size /= 2) free.set(size, []);

/** A buffer of this size, with any contents. */
export function takeBlock(size: number): Buffer {
  return free.get(size)?.pop() ?? Buffer.allocUnsafeSlow(size);
}

/** The block is nobody's any more. */
export function giveBlock(block: Buffer): void {
  const same = free.get(block.length);
  if (same && same.length < MOST_FREE) same.push(block);
}
