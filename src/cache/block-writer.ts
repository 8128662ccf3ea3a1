/**
 * Fills a large blob block by block, in a sparse file that everybody reads from and several may write to at once. The order is:
 * room is set aside, bytes are written, they are flushed to the disk, and only then the block map says so.
 */
import { closeSync, ftruncateSync, write } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import { FacetError } from '../errors.js';
import type { BlobRecord } from './blob-index.js';
import type { BlockChecksum } from './block-map.js';
import { blockCount, blocksTouched, bytesOf, checksumOnDisk, readFully, roomOf } from './blocks.js';
import { cacheError, translated } from './cache-error.js';
import { Digest } from './digest.js';
import { fileState } from './file-state.js';
import type { BlobHandle } from './handle.js';
import { type Interval, Intervals } from './intervals.js';
import { flock } from './libc.js';
import { openBlob, shareContents } from './twins.js';
import { flush, incomplete, type WriterParts } from './whole-writer.js';
import type { BlobWriter } from './writer.js';

export interface BlockWriterParts extends WriterParts {
  /** Gives back the room of blocks that are not there, of a blob that nobody else has open. */
  releasePending: (blob: BlobRecord, fd: number) => void;
}

/** A block whose bytes come in order: its checksum up to where they have come. */
interface Running {
  crc: number;
  reached: number;
}

export class BlockWriter implements BlobWriter {
  readonly #key: string;
  readonly #blob: BlobRecord;
  readonly #fd: number;
  readonly #expected: Buffer | undefined;
  readonly #parts: BlockWriterParts;
  /** Blocks that were there when this writer last looked: others can fill them, and drop them when they are damaged. */
  readonly #present: Intervals;
  /** Blocks that have room and are not there. */
  readonly #reserved = new Intervals();
  /** Bytes, of blocks that this writer found missing. */
  readonly #written = new Intervals();
  /** Blocks that have bytes of this writer and are not committed yet. */
  readonly #uncommitted = new Set<number>();
  readonly #running = new Map<number, Running>();
  /** What is under way with the file, in other threads too: it stays open until then. */
  #busy = 0;
  /** Blocks that this process has written, or compared with their checksums. */
  readonly #checked: Intervals;
  #isOpen = true;

  constructor(key: string, size: number, expected: Buffer | undefined, parts: BlockWriterParts) {
    this.#key = key;
    this.#expected = expected;
    this.#parts = parts;
    const { blob, fd } = translated(parts.index.directory, () => openOrMake(key, size, parts));
    this.#blob = blob;
    this.#fd = fd;
    this.#present = parts.blocks.present(blob.id, this.#all);
    this.#checked = parts.checked.of(blob.id, undefined);
  }

  get #all(): Interval {
    return { start: 0, end: blockCount(this.#blob.size) };
  }

  reserve(start: number, end: number): void {
    const touched = blocksTouched(start, end);
    for (const range of this.#reserved.gaps(touched.start, touched.end)) this.#reserveBlocks(range);
  }

  #reserveBlocks(range: Interval): void {
    const { blocks, space } = this.#parts;
    let without: Interval[] = [];
    let present = this.#present;
    space.reserve(
      () => {
        without = blocks.withoutRoom(this.#blob.id, range);
        return without.reduce((sum, each) => sum + roomOf(this.#blob.size, each), 0);
      },
      () => {
        blocks.setAside(this.#blob, without);
        present = blocks.present(this.#blob.id, range);
      },
    );
    this.#present.remove(range.start, range.end);
    for (const { start, end } of present) this.#present.add(start, end);
    for (const { start, end } of present.gaps(range.start, range.end)) this.#reserved.add(start, end);
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    for (const { from, piece } of this.#missingOf(offset, bytes)) {
      await this.#keepOpen(() => writeInThread(this.#fd, piece, from, this.#parts.index.directory));
      this.#noteWritten(from, piece);
    }
  }

  /** Throws `failed` when the writer was closed: its descriptor may be another file's by now. */
  async #keepOpen<T>(action: () => Promise<T>): Promise<T> {
    if (!this.#isOpen) throw new FacetError('failed', `${this.#key} is not written any more`);
    this.#busy++;
    try {
      return await action();
    } finally {
      this.#busy--;
      if (!this.#isOpen && this.#busy === 0) this.#end();
    }
  }

  /** What of these bytes is in blocks that are not there; room is set aside for it. */
  #missingOf(offset: number, bytes: Uint8Array): { from: number; piece: Uint8Array }[] {
    const end = offset + bytes.length;
    if (end > this.#blob.size) throw new Error('a blob was written beyond its end');
    this.reserve(offset, end);
    const touched = blocksTouched(offset, end);
    return this.#present.gaps(touched.start, touched.end).map(missing => {
      const range = bytesOf(this.#blob.size, missing);
      const from = Math.max(range.start, offset);
      return { from, piece: bytes.subarray(from - offset, Math.min(range.end, end) - offset) };
    });
  }

  #noteWritten(offset: number, bytes: Uint8Array): void {
    this.#written.add(offset, offset + bytes.length);
    const { start, end } = blocksTouched(offset, offset + bytes.length);
    for (let block = start; block < end; block++) {
      const range = bytesOf(this.#blob.size, { start: block, end: block + 1 });
      const from = Math.max(range.start, offset);
      this.#follow(block, range.start, from, bytes.subarray(from - offset, range.end - offset));
      this.#uncommitted.add(block);
    }
  }

  /** Keeps the checksum of a block up to date as long as its bytes come in order. */
  #follow(block: number, blockStart: number, offset: number, bytes: Uint8Array): void {
    const running = this.#running.get(block) ?? { crc: 0, reached: blockStart };
    if (running.reached !== offset) running.reached = Number.NaN;
    else running.crc = crc32(bytes, running.crc);
    running.reached += bytes.length;
    this.#running.set(block, running);
  }

  read(target: Uint8Array, at: number, size: number, offset: number): number | undefined {
    const isThere = this.#written.covers(offset, offset + size);
    return isThere && readFully(this.#fd, target, at, size, offset) ? size : undefined;
  }

  get isFull(): boolean {
    return this.#present.gaps(0, this.#all.end).every(gap => {
      const { start, end } = bytesOf(this.#blob.size, gap);
      return this.#written.covers(start, end);
    });
  }

  commit(): Promise<boolean> {
    return this.#keepOpen(() => this.#commit());
  }

  async #commit(): Promise<boolean> {
    const { index, blocks } = this.#parts;
    // What is written from here on may miss the flush: it is for the next commit.
    const checksums = this.#filled();
    if (checksums.length > 0) {
      await flush(this.#fd, index.directory);
      index.write(() => blocks.fill(this.#blob, checksums));
    }
    for (const { block } of checksums) this.#forget(block);
    return this.#present.covers(0, this.#all.end);
  }

  /** The blocks that are written in full and not committed. */
  #filled(): BlockChecksum[] {
    const filled = [...this.#uncommitted].filter(block => {
      const { start, end } = bytesOf(this.#blob.size, { start: block, end: block + 1 });
      return this.#written.covers(start, end);
    });
    return filled.sort((a, b) => a - b).map(block => ({ block, crc: this.#checksum(block) }));
  }

  /** The block is there: nothing is left to be done about it. */
  #forget(block: number): void {
    const { start, end } = bytesOf(this.#blob.size, { start: block, end: block + 1 });
    this.#present.add(block, block + 1);
    this.#checked.add(block, block + 1);
    this.#reserved.remove(block, block + 1);
    this.#written.remove(start, end);
    this.#uncommitted.delete(block);
    this.#running.delete(block);
  }

  #checksum(block: number): number {
    const running = this.#running.get(block);
    const { end } = bytesOf(this.#blob.size, { start: block, end: block + 1 });
    if (running?.reached === end) return running.crc;
    const crc = checksumOnDisk(this.#fd, this.#blob.size, block);
    if (crc === undefined) throw new Error('a block that was written cannot be read back');
    return crc;
  }

  complete(): Promise<BlobHandle> {
    return this.#keepOpen(() => this.#complete());
  }

  async #complete(): Promise<BlobHandle> {
    await this.#commit();
    const gaps = this.#parts.blocks.present(this.#blob.id, this.#all).gaps(0, this.#all.end);
    if (gaps.length > 0) throw incomplete(this.#key);
    const shared = this.#expected && this.#checkContents(await this.#digest(this.#expected));
    if (!shared && this.#checked.covers(0, this.#all.end)) this.#noteChecked();
    const handle = shared ?? openBlob(this.#parts.blobs.get(this.#blob.id), this.#parts);
    if (handle === undefined) throw incomplete(this.#key);
    return handle;
  }

  /** Reads all of it. */
  async #digest(expected: Buffer): Promise<Digest> {
    const digest = new Digest(expected);
    for (const _ of digest.readRest(this.#fd, this.#blob.size)) await setImmediate();
    return digest;
  }

  #noteChecked(): void {
    const { index, blobs } = this.#parts;
    const state = fileState(this.#fd);
    if (state !== undefined) index.tryWrite(() => blobs.setChecked(this.#blob.id, state));
  }

  /** Returns the blob that has the same contents already, if there is one. */
  #checkContents(digest: Digest): BlobHandle | undefined {
    const { index, blobs } = this.#parts;
    try {
      const { sha256 } = digest.finish();
      const shared = shareContents(this.#key, this.#blob.size, sha256, this.#parts, this.#blob.id);
      if (shared === undefined) index.write(() => blobs.setContents(this.#blob.id, sha256));
      return shared;
    } catch (error) {
      index.write(() => blobs.forget(this.#blob.id));
      throw error;
    }
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    if (this.#busy === 0) this.#end();
  }

  #end(): void {
    try {
      // What was set aside and not committed is of no use to anybody, unless another writer is at it.
      if (flock(this.#fd, 'exclusive') === true) this.#parts.releasePending(this.#blob, this.#fd);
    } catch (error) {
      // On a full disk the index cannot be written; whoever sweeps next does it.
      if (!(error instanceof FacetError)) throw error;
    } finally {
      closeSync(this.#fd);
    }
  }
}

/** pwrite(2) in another thread. */
async function writeInThread(
  fd: number,
  bytes: Uint8Array,
  offset: number,
  directory: string,
): Promise<void> {
  try {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await promisify(write)(fd, bytes, done, bytes.length - done, offset + done);
      done += bytesWritten;
    }
  } catch (error) {
    throw cacheError(error, directory);
  }
}

interface Opened {
  blob: BlobRecord;
  fd: number;
}

function openOrMake(key: string, size: number, parts: WriterParts): Opened {
  for (;;) {
    const opened = open(key, size, parts) ?? make(key, size, parts);
    if (opened !== undefined) return opened;
  }
}

/** Opens the blob that the key leads to; undefined when there is none of this size, or its file is gone. */
function open(key: string, size: number, { blobs, files }: WriterParts): Opened | undefined {
  const blob = blobs.find(key);
  if (blob === undefined || blob.size !== size) return undefined;
  const fd = files.open(blob.name, 'r+');
  return fd === undefined ? undefined : { blob, fd };
}

/**
 * Makes an empty blob, where there is room for its first block; undefined when another process was faster. Its row comes before
 * its file gets its place, so that whoever cleans up after a crash knows of it.
 */
function make(key: string, size: number, { index, blobs, files, space }: WriterParts): Opened | undefined {
  const before = blobs.find(key)?.id;
  const { name, fd } = files.make();
  let id = 0;
  let blob: BlobRecord | undefined;
  try {
    ftruncateSync(fd, size);
    space.reserve(
      () => roomOf(size, { start: 0, end: 1 }),
      () => {
        id = blobs.addWritten(name, size, 0);
      },
    );
    files.keep(name);
    blob = index.write(() => {
      if (blobs.find(key)?.id !== before) return undefined;
      blobs.keepWritten(id, 0, null);
      blobs.setKey(key, id);
      return blobs.get(id);
    });
    return blob === undefined ? undefined : { blob, fd };
  } finally {
    if (blob === undefined) discard();
  }

  function discard(): void {
    files.remove(name);
    closeSync(fd);
    // On a full disk the row cannot be deleted; whoever sweeps next does it.
    index.tryWrite(() => blobs.delete(id));
  }
}
