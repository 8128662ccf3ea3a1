/**
 * A file on its way from afar to its destination, filled in any order. Behind the contents it has a mark for each block that is
 * safe on the disk, written after the block was flushed: whoever goes on with it after a crash or a power cut takes these for
 * there, and nothing else. They have their room from the beginning, so that a disk that fills up takes nothing away that came.
 * `finish` cuts the marks off.
 */
import { ftruncateSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { BLOCK_SIZE, blockCount, blocksTouched, bytesOf, readFully } from '../cache/blocks.js';
import { type Interval, Intervals } from '../cache/intervals.js';
import type { Blob } from './blob.js';
import { writeAll } from './pieces.js';

/** Of one block; holes are zeros. */
const MARK = Buffer.from('here');

export class PartFile implements Blob {
  /** Of this file and no other, as keys of contents are of theirs. */
  readonly path: string;
  readonly size: number;
  readonly #handle: FileHandle;
  readonly #onBytes: (bytes: number) => void;
  readonly #present = new Intervals();
  readonly #failing = new AbortController();
  #written = 0;
  #isOfUse = false;

  /** The file stays the caller's. */
  static async open(
    handle: FileHandle,
    path: string,
    size: number,
    onBytes: (bytes: number) => void,
  ): Promise<PartFile> {
    const part = new PartFile(handle, path, size, onBytes);
    if (part.#isInBlocks) await part.#readMarks();
    else ftruncateSync(handle.fd);
    return part;
  }

  private constructor(handle: FileHandle, path: string, size: number, onBytes: (bytes: number) => void) {
    this.#handle = handle;
    this.path = path;
    this.size = size;
    this.#onBytes = onBytes;
  }

  /** Of the others there is all or nothing. */
  get #isInBlocks(): boolean {
    return this.size > BLOCK_SIZE;
  }

  async #readMarks(): Promise<void> {
    const marks = Buffer.alloc(blockCount(this.size) * MARK.length);
    await this.#handle.read(marks, 0, marks.length, this.size);
    await writeAll(this.#handle, marks, this.size);
    for (let block = 0; block < blockCount(this.size); block++) {
      const at = block * MARK.length;
      if (MARK.compare(marks, at, at + MARK.length) !== 0) continue;
      const { start, end } = bytesOf(this.size, { start: block, end: block + 1 });
      this.#present.add(start, end);
      this.#isOfUse = true;
    }
  }

  /** Bytes that were written since it was opened. */
  get written(): number {
    return this.#written;
  }

  /** Has it anything that would have to be downloaded again? */
  get isOfUse(): boolean {
    return this.#isOfUse;
  }

  /** Aborted, with the error, when the file cannot be written: nothing more need come. */
  get failing(): AbortSignal {
    return this.#failing.signal;
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
  }

  /** The same for a block that need not be downloaded again: no commit marks it. */
  async copy(offset: number, bytes: Buffer): Promise<void> {
    await writeAll(this.#handle, bytes, offset);
    this.#present.add(offset, offset + bytes.length);
    this.#written += bytes.length;
    this.#onBytes(bytes.length);
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
    const marks = Buffer.alloc((end - start) * MARK.length, MARK);
    await writeAll(this.#handle, marks, this.size + start * MARK.length);
  }

  async #try(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.#failing.abort(error);
      throw error;
    }
  }

  /** To be called when all is there. */
  finish(): void {
    if (this.missing(0, this.size).length > 0) throw new Error('a part was finished before it was whole');
    if (this.#isInBlocks) ftruncateSync(this.#handle.fd, this.size);
  }

  close(): void {}
}
