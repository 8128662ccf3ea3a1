/** The memory of blocks, used again: a system clears what it gives out anew, which costs as much as copying the bytes. */
import { BLOCK_SIZE } from '../cache/blocks.js';

/** Blocks that wait to be used again. */
const MOST_FREE = 16;

const free: Buffer[] = [];

/** A buffer of this size, with any contents. */
export function takeBlock(size: number): Buffer {
  return (size === BLOCK_SIZE ? free.pop() : undefined) ?? Buffer.allocUnsafeSlow(size);
}

/** The block is nobody's any more. */
export function giveBlock(block: Buffer): void {
  if (block.length === BLOCK_SIZE && free.length < MOST_FREE) free.push(block);
}
