/**
 * A file on its way from afar to its destination, filled in any order. Behind the contents it has a mark for each block that is
 * safe on the disk, its checksum, written after the block was flushed: whoever goes on with it after a crash or a power cut takes
 * these for there, as far as they are what they were, and nothing else. Marks have their room from the beginning, so that a disk
 * that fills up takes nothing away that came. `finish` cuts them off.
 */
import { ftruncateSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import {
  BLOCK_SIZE,
  blockCount,
  blocksTouched,
  bytesOf,
  checksumOnDisk,
  readFully,
  writeFully,
} from '../cache/blocks.js';
import { type Interval, Intervals } from '../cache/intervals.js';
import { systemErrorCode } from '../errors.js';
import type { Blob } from './blob.js';
import { writeAll } from './pieces.js';

/** A CRC-32, little-endian. Zero where nothing is; a block that has it for its checksum is only fetched once more. */
const MARK_BYTES = 4;

export class PartFile implements Blob {
  /** Of this file and no other, as keys of contents are of theirs. */
  readonly path: string;
  readonly size: number;
  readonly #handle: FileHandle;
  readonly #onBytes: (bytes: number) => void;
  readonly #present = new Intervals();
  /** Those of blocks that were written, whether they are on the disk or not. */
  readonly #marks: Buffer;
  readonly #givingUp = new AbortController();
  #onGrowth = () => {};
  #written = 0;
  #isOfUse = false;

  /** The file stays the caller's. Reads what is there of it; throws the signal's reason. */
  static async open(
    handle: FileHandle,
    path: string,
    size: number,
    onBytes: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<PartFile> {
    const part = new PartFile(handle, path, size, onBytes);
    if (part.#isInBlocks) await part.#readMarks(signal);
    else ftruncateSync(handle.fd);
    return part;
  }

  private constructor(handle: FileHandle, path: string, size: number, onBytes: (bytes: number) => void) {
    this.#handle = handle;
    this.path = path;
    this.size = size;
    this.#onBytes = onBytes;
    this.#marks = Buffer.alloc(this.#isInBlocks ? blockCount(size) * MARK_BYTES : 0);
  }

  /** Of the others there is all or nothing. */
  get #isInBlocks(): boolean {
    return this.size > BLOCK_SIZE;
  }

  async #readMarks(signal: AbortSignal): Promise<void> {
    const marks = this.#marks;
    const { bytesRead } = await this.#handle.read(marks, 0, marks.length, this.size);
    let isSound = bytesRead === marks.length;
    for (let block = 0; block < blockCount(this.size); block++) {
      const checksum = marks.readUInt32LE(block * MARK_BYTES);
      if (checksum === 0) continue;
      // Reading takes this thread a moment; others have their turn between two blocks.
      await setImmediate();
      signal.throwIfAborted();
      if (checksumOnDisk(this.#handle.fd, this.size, block) === checksum) this.#noteThere(block);
      else {
        marks.writeUInt32LE(0, block * MARK_BYTES);
        isSound = false;
      }
    }
    if (!isSound) await this.#writeMarks();
  }

  /** A disk without room for them tells so when there is something to write; what is there stays. */
  async #writeMarks(): Promise<void> {
    try {
      await writeAll(this.#handle, this.#marks, this.size);
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
    }
  }

  #noteThere(block: number): void {
    const { start, end } = bytesOf(this.size, { start: block, end: block + 1 });
    this.#present.add(start, end);
    this.#isOfUse = true;
    this.#onBytes(end - start);
  }

  /** Bytes that were written since it was opened. */
  get written(): number {
    return this.#written;
  }

  /** Has it anything that would have to be downloaded again? */
  get isOfUse(): boolean {
    return this.#isOfUse;
  }

  /** Aborted when nothing more need come: with the error when the file cannot be written, or with the reason of `giveUp`. */
  get givenUp(): AbortSignal {
    return this.#givingUp.signal;
  }

  giveUp(reason: unknown): void {
    this.#givingUp.abort(reason);
    this.#onGrowth();
  }

  /** The end of what is there from `start` on. */
  reach(start: number): number {
    return this.#present.gaps(start, this.size)[0]?.start ?? this.size;
  }

  /** Resolves when something has been written. For one at a time. Throws the reason when the part is given up. */
  async grown(): Promise<void> {
    this.#givingUp.signal.throwIfAborted();
    await new Promise<void>(resolve => {
      this.#onGrowth = resolve;
    });
    this.#givingUp.signal.throwIfAborted();
  }

  missing(start: number, end: number): Interval[] {
    return this.#present.gaps(start, end);
  }

  read(target: Buffer, at: number, size: number, offset: number): number | undefined {
    const isThere = this.#present.covers(offset, offset + size);
    return isThere && readFully(this.#handle.fd, target, at, size, offset) ? size : undefined;
  }

  reserve(): void {}

  async write(offset: number, bytes: Buffer): Promise<void> {
    await this.#try(() => this.copy(offset, bytes));
    if (this.#isInBlocks) this.#marks.writeUInt32LE(crc32(bytes), (offset / BLOCK_SIZE) * MARK_BYTES);
  }

  /** The same for a block that need not be downloaded again: no commit marks it. */
  async copy(offset: number, bytes: Buffer): Promise<void> {
    // What is small is written in less time than it takes to hand it to another thread.
    if (this.#isInBlocks) await writeAll(this.#handle, bytes, offset);
    else writeFully(this.#handle.fd, bytes, offset);
    this.#present.add(offset, offset + bytes.length);
    this.#written += bytes.length;
    this.#onBytes(bytes.length);
    this.#onGrowth();
  }

  async commit(written: readonly Interval[]): Promise<void> {
    if (!this.#isInBlocks) return;
    await this.#try(async () => {
      await this.#handle.datasync();
      for (const { start, end } of written) await this.#mark(blocksTouched(start, end));
    });
    this.#isOfUse = true;
  }

  async #mark({ start, end }: Interval): Promise<void> {
    const [first, last] = [start * MARK_BYTES, end * MARK_BYTES];
    await writeAll(this.#handle, this.#marks.subarray(first, last), this.size + first);
  }

  async #try(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.giveUp(error);
      throw error;
    }
  }

  /** To be called when all is there. */
  finish(): void {
    if (this.missing(0, this.size).length > 0) throw new Error('a part was finished before it was whole');
    if (this.#isInBlocks) ftruncateSync(this.#handle.fd, this.size);
    // Without its marks nobody can go on with it.
    this.#isOfUse = false;
  }

  close(): void {}
}
