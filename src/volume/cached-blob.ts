/**
 * Plugs the cache on disk into downloads. A block that was written is found here at once, from memory, and by everybody else
 * once it is committed.
 */
import type { Cache } from '../cache/cache.js';
import type { BlobHandle } from '../cache/handle.js';
import { type Interval, Intervals } from '../cache/intervals.js';
import type { BlobWriter } from '../cache/writer.js';
import { BLOCK, type Blob, type BlobStore, blockStart, type RemoteContent } from './blob.js';

/** Everything but the smallest files is kept block by block: nobody need fetch the whole to read a part. */
export const BLOCK_THRESHOLD = BLOCK;

export function storeIn(cache: Cache): BlobStore {
  return { open: content => new CachedBlob(cache, content) };
}

class CachedBlob implements Blob {
  readonly #cache: Cache;
  readonly #content: RemoteContent;
  #handle: BlobHandle | undefined;
  #writer: BlobWriter | undefined;
  /** Written and not committed: by their beginnings. */
  readonly #fresh = new Map<number, Buffer>();
  readonly #written = new Intervals();

  constructor(cache: Cache, content: RemoteContent) {
    this.#cache = cache;
    this.#content = content;
    this.#handle = cache.lookup(content.key, content.size);
  }

  missing(start: number, end: number): Interval[] {
    const gaps = this.#handle?.missing(start, end) ?? [{ start, end }];
    return gaps.flatMap(gap => this.#written.gaps(gap.start, gap.end));
  }

  read(target: Buffer, at: number, size: number, offset: number): number | undefined {
    const end = Math.min(offset + size, this.#content.size);
    for (let from = offset; from < end; ) {
      const block = blockStart(from);
      const to = Math.min(end, block + BLOCK);
      if (!this.#readBlock(target, at + from - offset, { start: from, end: to }, block)) return undefined;
      from = to;
    }
    return Math.max(end - offset, 0);
  }

  #readBlock(target: Buffer, at: number, { start, end }: Interval, block: number): boolean {
    const fresh = this.#fresh.get(block);
    if (fresh) fresh.copy(target, at, start - block, end - block);
    else return this.#handle?.read(target, at, end - start, start) === end - start;
    return true;
  }

  write(offset: number, bytes: Buffer): void {
    this.#writer ??= this.#cache.writer(this.#content.key, this.#content.size);
    this.#writer.write(offset, bytes);
    this.#fresh.set(offset, Buffer.from(bytes));
    this.#written.add(offset, offset + bytes.length);
  }

  commit(): void {
    if (!this.#writer || this.#fresh.size === 0) return;
    const { isWhole } = this.#writer.commit();
    if (isWhole) this.#complete(this.#writer);
    this.#handle ??= this.#cache.lookup(this.#content.key, this.#content.size);
    if (!this.#handle) return;
    for (const offset of this.#fresh.keys()) this.#written.remove(offset, offset + BLOCK);
    this.#fresh.clear();
  }

  #complete(writer: BlobWriter): void {
    this.#writer = undefined;
    const whole = writer.complete();
    this.#handle?.close();
    this.#handle = whole;
  }

  close(): void {
    this.#writer?.close();
    this.#handle?.close();
    this.#writer = undefined;
    this.#handle = undefined;
    this.#fresh.clear();
  }
}
