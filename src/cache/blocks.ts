/**
 * The blocks of a blob: 1 MiB each, the last one as long as what is left. A block is there or it is not; its checksum tells
 * whether its bytes are still those that were written. Ranges are of bytes or of block numbers, as each name says.
 */
import { readSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { systemErrorCode } from '../errors.js';
import type { Interval } from './intervals.js';

export const BLOCK_SIZE = 1 << 20;

/** What a disk gives out at once, nearly everywhere. */
const PAGE_SIZE = 4096;

/** Bytes of pages that lie in four places at most. */
const PAGES_IN_INODE = 4 * PAGE_SIZE;

/** How many blocks a blob of this size has. */
export function blockCount(size: number): number {
  return Math.ceil(size / BLOCK_SIZE);
}

/** The byte itself when a block begins there, otherwise the beginning of the block that it lies in. */
export function blockStart(offset: number): number {
  return offset - (offset % BLOCK_SIZE);
}

/** The end of the block that the byte before `offset` lies in, of a blob of this size. */
export function blockEnd(offset: number, size: number): number {
  return Math.min(blockCount(offset) * BLOCK_SIZE, size);
}

/** The blocks that these bytes lie in. */
export function blocksTouched(start: number, end: number): Interval {
  const first = Math.floor(start / BLOCK_SIZE);
  return { start: first, end: start < end ? blockCount(end) : first };
}

/** The bytes of these blocks. */
export function bytesOf(size: number, blocks: Interval): Interval {
  return { start: blocks.start * BLOCK_SIZE, end: Math.min(blocks.end * BLOCK_SIZE, size) };
}

/** The pages of these blocks, in bytes. */
export function pagesOf(size: number, blocks: Interval): number {
  const { start, end } = bytesOf(size, blocks);
  return Math.ceil(Math.max(end - start, 0) / PAGE_SIZE) * PAGE_SIZE;
}

/**
 * The most that these blocks take on a disk: their pages, and for each block one page more in which the file system notes
 * where they are. ext4 needs it when they lie in more than four places
 * (https://www.kernel.org/doc/html/latest/filesystems/ext4/ifork.html).
 */
export function roomOf(size: number, blocks: Interval): number {
  const last = pagesOf(size, { start: blocks.end - 1, end: blocks.end });
  const mapped = blocks.end - blocks.start - (last > PAGES_IN_INODE ? 0 : 1);
  return pagesOf(size, blocks) + Math.max(mapped, 0) * PAGE_SIZE;
}

let scratch: Buffer | undefined;

/** CRC-32 of a block as it is on the disk; undefined when it cannot be read in full. */
export function checksumOnDisk(fd: number, size: number, block: number): number | undefined {
  scratch ??= Buffer.allocUnsafeSlow(BLOCK_SIZE);
  const { start, end } = bytesOf(size, { start: block, end: block + 1 });
  return readFully(fd, scratch, 0, end - start, start) ? crc32(scratch.subarray(0, end - start)) : undefined;
}

/** Reads exactly `length` bytes; false when the file is shorter, or its disk cannot read them. */
export function readFully(
  fd: number,
  target: Uint8Array,
  at: number,
  length: number,
  offset: number,
): boolean {
  let done = 0;
  try {
    while (done < length) {
      const count = readSync(fd, target, at + done, length - done, offset + done);
      if (count === 0) return false;
      done += count;
    }
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'EIO') return false;
    throw error;
  }
}

/** Writes all of it: write(2) may take less, near the end of a disk. */
export function writeFully(fd: number, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.length; )
    done += writeSync(fd, bytes, done, bytes.length - done, offset + done);
}
