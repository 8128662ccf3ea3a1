/** How many requests for one file are under way at a time, and how large they are. */
import { BLOCK_SIZE } from '../cache/blocks.js';

export interface PartLimits {
  /** Requests under way at a time for one file. */
  parallel: number;
  /** Bytes of one request. */
  partSize: number;
}

const PARALLEL = 8;
const PART_SIZE = 8 * BLOCK_SIZE;

/** Far away, half of the time of a part is the way there and back: a file that has enough of them is asked for in larger ones. */
export function partLimits(
  size: number,
  { parallel = PARALLEL, partSize = PART_SIZE }: Partial<PartLimits>,
): PartLimits {
  return { parallel, partSize: size < 2 * parallel * partSize ? partSize : 2 * partSize };
}
