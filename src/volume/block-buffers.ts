/** The memory of blocks, and of the pieces of them that readers ask for. */
import { BLOCK_SIZE } from '../cache/blocks.js';
import { BufferPool } from '../config/buffer-pool.js';

/** What is smaller costs little, and comes in many sizes. */
const SMALLEST = 64 * 1024;
/** More than eight readers have at once: memory that comes and goes in between would leave holes. */
const MOST_FREE = 64;

/** By size: a block, and half of it, and so on. */
const pools = new Map<number, BufferPool>();
for (let size = BLOCK_SIZE; size >= SMALLEST; size /= 2) pools.set(size, new BufferPool(size, MOST_FREE));

/** A buffer of this size, with any contents. */
export function takeBlock(size: number): Buffer {
  return pools.get(size)?.take() ?? Buffer.allocUnsafeSlow(size);
}

/** The block is nobody's any more. */
export function giveBlock(block: Buffer): void {
  pools.get(block.length)?.give(block);
}
