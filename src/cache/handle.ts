/**
 * One blob, open for reading. While it is open, in whichever process, the blob stays. Reads answer with bytes that are known to
 * be right, or not at all: a block's checksum is looked at before this process serves from it for the first time.
 */
import { closeSync } from 'node:fs';
import type { Accessed, Accesses } from './accesses.js';
import type { BlobIndex, BlobRecord } from './blob-index.js';
import { isWhole } from './blob-index.js';
import type { BlockChecksum, BlockMap } from './block-map.js';
import { blockCount, blocksTouched, bytesOf, checksumOnDisk, readFully } from './blocks.js';
import type { CheckedBlocks } from './checked-blocks.js';
import type { IndexDatabase } from './database.js';
import { fileState } from './file-state.js';
import type { Interval, Intervals } from './intervals.js';

/** What the parts of one open cache share. */
export interface CacheParts {
  index: IndexDatabase;
  blobs: BlobIndex;
  blocks: BlockMap;
  accesses: Accesses;
  checked: CheckedBlocks;
}

export class BlobHandle {
  readonly size: number;
  readonly #blob: BlobRecord;
  readonly #accessed: Accessed;
  readonly #parts: CacheParts;
  /** Of the file when it was opened, of a whole blob. */
  readonly #state: string | undefined;
  readonly #checked: Intervals;
  #isNoted: boolean;
  #fd: number | undefined;

  /** Takes over `fd`, which has the shared lock of the blob's file. */
  constructor(blob: BlobRecord, fd: number, parts: CacheParts) {
    this.size = blob.size;
    this.#blob = blob;
    this.#accessed = { id: blob.id, accessedAt: blob.accessedAt };
    this.#fd = fd;
    this.#parts = parts;
    this.#state = isWhole(blob) ? fileState(fd) : undefined;
    this.#checked = parts.checked.of(blob.id, this.#state);
    this.#isNoted = blob.checkedState === this.#state;
    if (this.#isNoted) this.#checked.add(0, blockCount(blob.size));
    parts.accesses.touch(this.#accessed);
  }

  /** Which bytes to fetch so that those of `[start, end)` are there: whole blocks, in order. */
  missing(start: number, end: number): Interval[] {
    const touched = blocksTouched(start, Math.min(end, this.size));
    const gaps = this.#parts.blocks.present(this.#blob.id, touched).gaps(touched.start, touched.end);
    return gaps.map(gap => bytesOf(this.size, gap));
  }

  /**
   * Reads into `target` from `at` on, and returns how many bytes: less than `size` at the end of the contents only. Undefined
   * when one of them is not there, or has turned out to be damaged and is not there any more.
   */
  read(target: Uint8Array, at: number, size: number, offset: number): number | undefined {
    const end = Math.min(offset + size, this.size);
    if (offset >= end) return 0;
    const answered = this.check(offset, end) && readFully(this.#open(), target, at, end - offset, offset);
    this.#parts.accesses.read(this.#accessed, answered);
    return answered ? end - offset : undefined;
  }

  /** They are not what they are to be. */
  forget(): void {
    this.#parts.index.write(() => this.#parts.blobs.forget(this.#blob.id));
  }

  /** Are these bytes there, and as they were written? For those who read through `descriptor`. */
  check(start: number, end: number): boolean {
    const touched = blocksTouched(start, Math.min(end, this.size));
    if (this.#checked.covers(touched.start, touched.end)) return true;
    return this.#checked.gaps(touched.start, touched.end).every(gap => this.#checkBlocks(gap));
  }

  #checkBlocks(blocks: Interval): boolean {
    const present = this.#parts.blocks.checksums(this.#blob.id, blocks);
    return present.length === blocks.end - blocks.start && present.every(each => this.#checkBlock(each));
  }

  #checkBlock({ block, crc }: BlockChecksum): boolean {
    const isRight = checksumOnDisk(this.#open(), this.size, block) === crc;
    if (isRight) this.#checked.add(block, block + 1);
    else this.#parts.index.write(() => this.#parts.blocks.drop(this.#blob, { block, crc }));
    return isRight;
  }

  /**
   * The descriptor, for the kernel to read these bytes from by itself; it stays this handle's. Undefined as `read` says.
   */
  descriptorOf(start: number, end: number): number | undefined {
    const isRight = this.check(start, end);
    this.#parts.accesses.read(this.#accessed, isRight);
    return isRight ? this.#open() : undefined;
  }

  /**
   * The same for all bytes. Looks at none of them: undefined, too, when it is not known of all blocks, from this process or
   * another one, that they are as they were written. Those who read all of it, or `check` all of it, have seen to that.
   */
  descriptor(): number | undefined {
    if (!this.#isKnownRight()) return undefined;
    this.#parts.accesses.read(this.#accessed, true);
    return this.#open();
  }

  /** Of a file that is as it was when it was whole, whatever the index says by now. Lets other processes know as well. */
  #isKnownRight(): boolean {
    if (this.#state === undefined || fileState(this.#open()) !== this.#state) return false;
    if (!this.#isNoted && this.#checked.covers(0, blockCount(this.size))) this.#note(this.#state);
    return this.#isNoted;
  }

  /** Right now or never: whoever opens it next sees to it otherwise. */
  #note(state: string): void {
    this.#isNoted = true;
    this.#parts.index.tryWrite(() => this.#parts.blobs.setChecked(this.#blob.id, state));
  }

  #open(): number {
    if (this.#fd === undefined) throw new Error('the handle of a blob was used after it was closed');
    return this.#fd;
  }

  close(): void {
    if (this.#fd === undefined) return;
    if (!this.#isNoted) this.#isKnownRight();
    closeSync(this.#fd);
    this.#fd = undefined;
  }
}
