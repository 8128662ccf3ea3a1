/** The cache on disk, as downloads see it: what is there, and what they have written and not committed, as one. */
import { BLOCK_SIZE, blockStart } from '../cache/blocks.js';
import type { Cache } from '../cache/cache.js';
import type { BlobHandle } from '../cache/handle.js';
import { type Interval, Intervals } from '../cache/intervals.js';
import type { BlobWriter } from '../cache/writer.js';
import { FacetError } from '../errors.js';
import type { Blob, BlobStore, RemoteContent } from './blob.js';
import { compareKept } from './told-checksum.js';

export class CacheStore implements BlobStore {
  readonly #cache: () => Cache;
  readonly #signal: AbortSignal;

  /** `cache` throws where it cannot be used now. What is being compared when the signal comes is not kept as a whole. */
  constructor(cache: () => Cache, signal: AbortSignal) {
    this.#cache = cache;
    this.#signal = signal;
  }

  open(content: RemoteContent): Blob {
    return new CachedBlob(this.#cache(), content, this.#signal);
  }
}

class CachedBlob implements Blob {
  readonly #cache: Cache;
  readonly #content: RemoteContent;
  readonly #signal: AbortSignal;
  #handle: BlobHandle | undefined;
  /** Opened when there is something to write: most of what is read is there. */
  #writer: BlobWriter | undefined;
  /** Bytes that are not committed. */
  readonly #written = new Intervals();
  #isCommitting = false;
  #isClosed = false;

  constructor(cache: Cache, content: RemoteContent, signal: AbortSignal) {
    this.#cache = cache;
    this.#content = content;
    this.#signal = signal;
    const { key, size, sha256 } = content;
    this.#handle = cache.lookup(key, size) ?? (sha256 && cache.adopt(key, size, sha256));
  }

  missing(start: number, end: number): Interval[] {
    const gaps = this.#handle?.missing(start, end) ?? [{ start, end }];
    return gaps.flatMap(gap => this.#written.gaps(gap.start, gap.end));
  }

  read(target: Buffer, at: number, size: number, offset: number): number | undefined {
    const found = this.#handle?.read(target, at, size, offset);
    if (found !== undefined || this.#written.count === 0) return found;
    // Some of the blocks may be committed, and some not.
    for (let done = 0; done < size; ) {
      const length = Math.min(blockStart(offset + done) + BLOCK_SIZE - offset - done, size - done);
      if (this.#readWithin(target, at + done, length, offset + done) !== length) return undefined;
      done += length;
    }
    return size;
  }

  reserve(start: number, end: number): void {
    this.#writing().reserve(start, end);
  }

  async write(offset: number, bytes: Buffer): Promise<void> {
    await this.#writing().write(offset, bytes);
    this.#written.add(offset, offset + bytes.length);
  }

  async commit(written: readonly Interval[]): Promise<void> {
    this.#isCommitting = true;
    try {
      await this.#commit(written);
    } finally {
      this.#isCommitting = false;
      if (this.#isClosed) this.#end();
    }
  }

  async #commit(written: readonly Interval[]): Promise<void> {
    const writer = this.#writing();
    if (writer.isFull) await this.#compare();
    const isWhole = await writer.commit();
    // Blocks may have been written meanwhile: they are for the next commit, unless they were the last.
    if (isWhole) await this.#complete(writer);
    else this.#handle ??= this.#cache.lookup(this.#content.key, this.#content.size);
    // Contents that the cache keeps only as a whole can be read back until they are.
    if (this.#handle) for (const { start, end } of written) this.#written.remove(start, end);
  }

  /** What was committed before is not there any more, when all of it turns out to be damaged. */
  async #compare(): Promise<void> {
    // The writer compares them with a SHA-256 that is known.
    if (this.#content.sha256) return;
    try {
      await compareKept(this.#content, (...part) => this.#readWithin(...part), this.#signal);
    } catch (error) {
      if (error instanceof FacetError && error.code === 'integrity') this.#handle?.forget();
      throw error;
    }
  }

  /** A commit that is under way opens a handle yet: it is ended before. */
  close(): void {
    this.#isClosed = true;
    if (!this.#isCommitting) this.#end();
  }

  /** The writer last: it gives back room that was set aside only where nobody else has the blob open. */
  #end(): void {
    try {
      this.#handle?.close();
    } finally {
      this.#writer?.close();
    }
  }

  #writing(): BlobWriter {
    const { key, size, sha256 } = this.#content;
    this.#writer ??= this.#cache.writer(key, size, sha256);
    return this.#writer;
  }

  async #complete(writer: BlobWriter): Promise<void> {
    const handle = await writer.complete();
    this.#handle?.close();
    this.#handle = handle;
    writer.close();
    this.#writer = undefined;
  }

  #readWithin(target: Buffer, at: number, size: number, offset: number): number | undefined {
    return this.#writer?.read(target, at, size, offset) ?? this.#handle?.read(target, at, size, offset);
  }
}
